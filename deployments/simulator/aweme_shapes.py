"""The post itself (aweme) as a template, per era and per kind of answer that it stands in. No I/O here.

"Nothing" is spelled differently per era and answer: absent, null, [], {} or "". Packs: `post` (lists of an account and
of mixes), `detail`, `favorite` (likes and collections, slimmer), `feed` (every optional key is there, with null).
"""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson

from deployments.simulator.numbers import opaque
from deployments.simulator.templates import Template, pair, raw, text

_NULLS = (
    "anchors",
    "challenge_position",
    "chapter_list",
    "comment_list",
    "commerce_config_data",
    "cover_labels",
    "geofencing_regions",
    "hybrid_label",
    "image_infos",
    "image_list",
    "interaction_stickers",
    "label_top_text",
    "long_video",
    "nickname_position",
    "origin_comment_ids",
    "original_images",
    "packed_clips",
    "position",
    "social_tag_list",
    "uniqid_position",
)
_MORE_NULLS = (
    "create_scale_type",
    "dislike_dimension_list",
    "dislike_dimension_list_v2",
    "img_bitrate",
    "jump_tab_info_list",
    "ref_tts_id_list",
    "ref_voice_modify_id_list",
    "relation_labels",
    "reply_smart_emojis",
    "slides_music_beats",
    "standard_bar_info_list",
    "tts_id_list",
    "voice_modify_id_list",
    "yumme_recreason",
)
_CONTROL = {"can_forward": True, "can_share": True, "can_comment": True, "can_show_comment": True}


def _statistics(*, is_slim: bool, with_id: bool) -> dict[str, Any]:
    counts: dict[str, Any] = {
        "comment_count": raw("comments"),
        "digg_count": raw("likes"),
        "collect_count": raw("collects"),
        "play_count": 0,
        "share_count": raw("shares"),
    }
    first = {} if is_slim else {"admire_count": raw("admires")}
    return ({"aweme_id": text("aweme_id")} if with_id else {}) | first | counts


def _status(*, with_id: bool) -> dict[str, Any]:
    status: dict[str, Any] = {
        "listen_video_status": 0,
        "is_delete": raw("is_delete"),
        "allow_share": True,
        "is_prohibited": raw("is_prohibited"),
        "in_reviewing": False,
        "part_see": raw("part_see"),
        "private_status": raw("private_status"),
        "review_result": {"review_status": 0},
    }
    return ({"aweme_id": text("aweme_id")} if with_id else {}) | status


def _share() -> dict[str, Any]:
    url = (
        f"https://www.iesdouyin.com/share/{text('form')}/{text('aweme_id')}/?region=CN&mid={text('music_id')}"
        f"&u_code=made-up&did={opaque(76, 'did')}&iid={opaque(76, 'iid')}&with_sec_did=1&titleType=title"
        f"&share_sign={opaque(43, 'share')}-&share_version=170400&ts=1790000000&from_aid=6383&from_ssr=1"
    )
    said = f"7.66 05/21 :7pm n@Q.kj {text('desc')}  %s 复制此链接，打开Dou音搜索，直接观看视频！"
    return {"share_url": url, "share_info": {"share_url": url, "share_link_desc": said}}


def _core() -> dict[str, Any]:
    return {
        "aweme_id": text("aweme_id"),
        **pair("desc_pair"),
        "create_time": raw("created_at"),
        "author": raw("author"),
        **pair("music_pair"),
        "video": raw("video"),
        "user_digged": 0,
        "duration": raw("duration"),
        "aweme_type": raw("aweme_type"),
        "author_user_id": raw("uid"),
        "is_top": raw("is_top"),
        "text_extra": raw("text_extra"),
        "images": raw("images"),
        "group_id": text("group_id"),
        "comment_gid": raw("aweme_id"),
        "collect_stat": 0,
        "region": "CN",
        "prevent_download": False,
        **pair("mix_pair"),
        **pair("slides_pair"),
    }


def _furniture() -> dict[str, Any]:
    return dict.fromkeys(_NULLS) | {
        "authentication_token": opaque(80, "a") + opaque(80, "b") + opaque(80, "c") + opaque(80, "d"),
        "author_mask_tag": 0,
        "aweme_control": _CONTROL,
        "comment_permission_info": {
            "comment_permission_status": 0,
            "can_comment": True,
            "item_detail_entry": False,
            "press_entry": False,
            "toast_guide": False,
        },
        "component_info_v2": '{"desc_lines_limit":0,"hide_marquee":false}',
        "disable_relation_bar": 0,
        "distribute_circle": {"distribute_type": 0, "campus_block_interaction": False, "is_campus": False},
        "duet_aggregate_in_music_tab": False,
        "geofencing": [],
        "image_album_music_info": {"begin_time": -1, "end_time": -1, "volume": -1},
        "image_comment": {},
        "impression_data": {"group_id_list_a": [], "group_id_list_b": [], "similar_id_list_a": None},
        "is_collects_selected": 0,
        "is_duet_sing": False,
        "is_image_beat": False,
        "is_life_item": False,
        "is_story": 0,
        "item_warn_notification": {"type": 0, "show": False, "content": ""},
        "photo_search_entrance": {"ecom_type": 0},
        "promotions": [],
        "series_paid_info": {"series_paid_status": 0, "item_price": 0},
        "show_follow_button": {},
        "user_recommend_status": 0,
        "video_game_data_channel_config": {},
        "video_labels": None,
        "video_tag": [{"tag_id": 2000 + level, "tag_name": name, "level": level} for level, name in _TAGS],
        "video_text": None,
    }


_TAGS = ((1, "生活家居"), (2, "手工"), (3, "木作"))


def _full_furniture() -> dict[str, Any]:
    words = [
        {"word": f"怎么做第{at}步", "word_id": str(6_800_000_000_000_000_000 + at), "info": "{}"} for at in range(5)
    ]
    scenes = ("detail_inbox_rex", "comment_top_rec", "feed_bottom_rec", "recom_search_sug", "long_press_rec")
    suggested = [
        {"words": words, "scene": scene, "icon_url": "", "hint_text": "", "extra_info": "{}"} for scene in scenes
    ]
    return _furniture() | dict.fromkeys(_MORE_NULLS) | {
        "collection_corner_mark": 0,
        "guide_btn_type": 0,
        "guide_scene_info": {"guide_scene_type": 0, "feed_origin_gid_info_str": "", "diamond_expose_info_str": ""},
        "is_share_post": False,
        "origin_text_extra": [],
        "preview_title": text("desc"),
        "preview_video_status": 1,
        "report_action": False,
        "search_impr": {"entity_id": text("aweme_id"), "entity_type": "GENERAL"},
        "should_open_ad_report": False,
        "suggest_words": {"suggest_words": suggested},
        "common_bar_info": "[]",
        "seo_info": {},
        "video_labels": [],
        "video_text": [],
    }  # fmt: skip


def _controls() -> dict[str, Any]:
    allowed = ("allow_download", "allow_duet", "allow_react", "allow_dynamic_wallpaper", "allow_music", "allow_stitch")
    more = ("allow_douplus", "allow_share", "download_ignore_visibility", "duet_ignore_visibility", "allow_record")
    switches: dict[str, Any] = dict.fromkeys((*allowed, *more), True)
    numbers = {
        "share_type": 1,
        "show_progress_bar": 0,
        "draft_progress_bar": 0,
        "timer_status": 1,
        "download_setting": 0,
    }
    return switches | numbers | {"download_info": {"level": 0}, "duet_info": {"level": 0}, "disable_record_reason": ""}


def _later() -> dict[str, Any]:
    return {
        "activity_video_type": 0,
        "boost_status": 0,
        "caption": raw("caption"),
        "entertainment_product_info": {"sub_title": None, "market_info": {"limit_free": {"in_free": False}}, "biz": 0},
        "item_title": raw("item_title"),
        "media_type": raw("media_type"),
        "original": 0,
        "risk_infos": {"vote": False, "warn": False, "risk_sink": False, "type": 0, "content": ""},
        "video_control": _controls(),
        "visual_search_info": {"is_show_entrance": False, "extra": "", "visual_search_longpress": 1},
        "xigua_base_info": {"status": 0, "star_altar_order_id": 0, "star_altar_type": 0},
    }


def _slim_2026() -> dict[str, Any]:
    gone = ("search_impr", "preview_title", "should_open_ad_report", "report_action", "seo_info")
    furniture = {name: value for name, value in _full_furniture().items() if name not in gone}
    return furniture | _later() | {
        "aweme_type_tags": "",
        "can_cache_to_local": True,
        "component_control": {"data_source_url": ""},
        "ent_log_extra": {"log_extra": "null"},
        "feed_comment_config": _comment_config(),
        "is_24_story": 0,
        "is_25_story": 0,
        "is_ads": raw("is_ad"),
        "is_aigc_media": False,
        "play_progress": {"play_progress": 0, "last_modified_time": 0},
        "sec_item_id": opaque(60, "sec_item"),
        "shoot_way": "",
        "video_labels": None,
        "video_text": None,
    }  # fmt: skip


def _comment_config() -> dict[str, Any]:
    flags = orjson.dumps({f"made_up_flag_{at}": at % 2 for at in range(12)}).decode()
    return {"input_config_text": "善语结善缘，恶言伤人心", "author_audit_status": 0, "common_flags": flags}


def _document(era: int, pack: str) -> dict[str, Any]:
    with_id = pack != "post" or era == 2023
    shared = _core() | {"statistics": _statistics(is_slim=pack == "favorite", with_id=with_id)}
    shared |= {"status": _status(with_id=with_id)} | _share()
    if pack == "favorite":
        return shared | _furniture() | {"is_ads": False}
    if pack == "feed":
        nulls = dict.fromkeys(("mix_info", "series_info", "music_info", "chime_video_list", "filter_infos"))
        feed = nulls | shared | _furniture() | _later() | {"is_ads": raw("is_ad")}
        return {name: value for name, value in feed.items() if name not in ("comment_gid", "anchors", "comment_list")}
    body = {2023: _full_furniture, 2024: lambda: _full_furniture() | _later(), 2026: _slim_2026}[era]()
    return shared | body | ({"is_ads": raw("is_ad"), "is_multi_content": 0, "rate": 12} if pack == "detail" else {})


@cache
def aweme_template(era: int, pack: str) -> Template:
    """A post of an era (2023, 2024, 2026) in a pack: post, detail, favorite or feed."""
    return Template(_document(era, pack))


@cache
def mix_template() -> Template:
    """The `mix_info` of a post; `current_episode` belongs to the post, not to the mix."""
    cover = {
        "uri": "made-up",
        "url_list": [f"https://p3-pc.douyinpic.com/aweme/720x720/aweme-avatar/{text('avatar')}.jpeg"],
    }
    return Template(
        {
            "mix_id": text("mix_id"),
            "mix_name": text("mix_name"),
            "desc": text("mix_desc"),
            "cover_url": cover | {"width": 720, "height": 720},
            "status": {"status": 2, "is_collected": 0},
            "statis": {
                "play_vv": 0,
                "collect_vv": raw("mix_collects"),
                "current_episode": raw("episode"),
                "updated_to_episode": raw("episodes"),
            },
            "mix_type": 0,
            "is_serial_mix": 0,
            "mix_pic_type": 0,
            "create_time": raw("mix_created"),
            "update_time": raw("mix_updated"),
            "ids": None,
            "share_info": {"share_url": f"https://www.iesdouyin.com/share/mix/detail/{text('mix_id')}/"},
            "watched_item": "",
            "extra": "{}",
        }
    )
