"""The `author` object of a post as a template, per pack; the packs differ widely in what they tell. No I/O here.

Fat authors of 2023 have some 130 keys, those of 2026 some 50, and authors in lists of likes 17: handles, bios and
counters come and go, so nobody may rely on them.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from deployments.simulator.templates import Template, raw, text


def _all(value: Any, names: str) -> dict[str, Any]:
    return dict.fromkeys(names.split(), value)


def avatar(side: int) -> dict[str, Any]:
    """A URL holder of an account's picture; its token fills `avatar`."""
    uri = f"{side}x{side}/aweme-avatar/{text('avatar')}"
    url = f"https://p3-pc.douyinpic.com/aweme/{uri}.jpeg?from=327834062"
    return {"uri": uri, "url_list": [url], "width": 720, "height": 720}


def _control() -> dict[str, bool]:
    return {"can_forward": True, "can_share": True, "can_comment": True, "can_show_comment": True}


def _share_info() -> dict[str, Any]:
    code = {"uri": "made-up-code", "url_list": [], "width": 720, "height": 720}
    words = _all("", "share_url share_weibo_desc share_desc share_title share_title_myself share_title_other")
    return words | {"share_qrcode_url": code, "share_desc_info": ""}


_STABLE = {
    "uid": text("uid"),
    "sec_uid": text("sec_uid"),
    "nickname": text("nickname"),
    "avatar_thumb": avatar(100),
    "follow_status": 0,
    "follower_status": 0,
    "custom_verify": "",
    "enterprise_verify_reason": "",
    "prevent_download": False,
    "risk_notice_text": "",
}
_NULLS = (
    "can_set_geofencing card_entries card_entries_not_display card_sort_priority cf_list contrail_list display_info "
    "data_label_list endorsement_info_list familiar_visitor_user follower_list_secondary_information_struct "
    "homepage_bottom_toast im_role_ids interest_tags link_item_list need_points not_seen_item_id_list "
    "not_seen_item_id_list_v2 offline_info_list personal_tag_list signature_extra special_people_labels text_extra "
    "user_permissions user_tags white_cover_url"
)
_FALSES = (
    "accept_private_policy has_email has_facebook_token has_insights has_orders has_twitter_token has_youtube_token "
    "hide_search is_binded_weibo is_blocked_v2 is_blocking_v2 is_not_show is_phone_binded live_commerce "
    "show_image_bubble show_nearby_active story_open user_canceled with_dou_entry with_shop_entry"
)
_ZEROS = (
    "apple_account close_friend_type constellation create_time download_prompt_ts fb_expire_time "
    "follower_request_status is_cf ky_only_predict live_agreement live_agreement_time live_high_value live_verify "
    "max_follower_count need_recommend neiguang_shield react_setting reflow_page_gid reflow_page_uid "
    "shield_comment_notice shield_digg_notice shield_follow_notice special_follow_status tw_expire_time user_mode "
    "user_not_see user_period youtube_expire_time"
)
_EMPTY_WORDS = (
    "account_region cv_level google_account ins_id twitter_id twitter_name weibo_name weibo_schema weibo_url "
    "weibo_verify youtube_channel_id youtube_channel_title"
)
_COUNTS = {
    "follower_count": raw("follower_count"),
    "following_count": raw("following_count"),
    "aweme_count": raw("aweme_count"),
    "favoriting_count": raw("favoriting_count"),
    "total_favorited": raw("total_favorited"),
}
_HANDLES = {
    "short_id": text("short_id"),
    "unique_id": text("unique_id"),
    "signature": text("bio"),
    "secret": 0,
    "verification_type": 0,
}


def _fat() -> dict[str, Any]:
    nothing = _all(None, _NULLS) | _all(False, _FALSES) | _all(0, _ZEROS) | _all("", _EMPTY_WORDS)
    cover = {"uri": text("avatar"), "url_list": avatar(720)["url_list"], "width": 720, "height": 720}
    return (
        _STABLE
        | nothing
        | _COUNTS
        | {
            "avatar_uri": f"aweme-avatar/{text('avatar')}",
            "aweme_control": _control(),
            "aweme_hotsoon_auth": 1,
            "ban_user_functions": [],
            "contacts_status": 2,
            "cover_url": [cover, cover],
            "enable_nearby_visible": True,
            "search_impr": {"entity_id": text("uid")},
            "share_info": _share_info(),
            "share_qrcode_uri": "made-up-code",
            "special_lock": 1,
            "status": 1,
            "unique_id_modify_time": raw("now"),
            "user_not_show": 1,
            "user_rate": 1,
            "with_fusion_shop_entry": False,
        }
    )


def _pack_2023() -> dict[str, Any]:
    more = _all(None, "cha_list item_list new_story_cover platform_sync_info type_label")
    words = {"bind_phone": "", "school_id": "", "school_category": 0, "signature_display_lines": 0, "geofencing": []}
    return _fat() | _HANDLES | more | words | {"user_age": -1}


def _pack_2024() -> dict[str, Any]:
    more = {"avatar_schema_list": None, "awemehts_greet_info": "", "is_ad_fake": False, "is_ban": False}
    return (
        _fat()
        | more
        | _all(None, "profile_mob_params verification_permission_ids")
        | {"disable_image_comment_saved": 0}
    )


def _pack_2026() -> dict[str, Any]:
    dropped = {*_COUNTS, "max_follower_count", "status", "user_canceled", "create_time", *_EMPTY_WORDS.split()}
    dropped |= {name for at, name in enumerate([*_FALSES.split(), *_ZEROS.split()]) if at % 2}
    kept = {name: value for name, value in _fat().items() if name not in dropped}
    return kept | {"ban_user_functions": None, "avatar_larger": avatar(1080), "account_cert_info": "{}"}


def _pack_favorite() -> dict[str, Any]:
    return (
        _STABLE | _HANDLES | {"is_ad_fake": False, "share_info": {"share_url": "", "share_desc": "", "share_title": ""}}
    )


def _pack_detail() -> dict[str, Any]:
    names = " ".join(_NULLS.split()[4:24])
    counts = _COUNTS | {"max_follower_count": 0}
    return (
        _pack_favorite() | _all(None, names) | counts | {"status": 1, "create_time": 0, "user_age": -1, "is_ban": False}
    )


_PACKS = {
    "2023": _pack_2023,
    "2024": _pack_2024,
    "2026": _pack_2026,
    "favorite": _pack_favorite,
    "detail": _pack_detail,
}


@cache
def author_template(pack: str) -> Template:
    """The author of a post in that pack: 2023, 2024, 2026, favorite or detail."""
    return Template(_PACKS[pack]())
