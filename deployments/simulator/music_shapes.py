"""The `music` object of a post as a template: made with the post, or a song of the catalogue. No I/O here."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson

from deployments.simulator.author_shapes import avatar
from deployments.simulator.templates import Template, raw, text

_NOTHING: dict[str, Any] = dict.fromkeys(
    (
        "author_position",
        "artist_user_infos",
        "lyric_short_position",
        "music_chart_ranks",
        "musician_user_infos",
        "position",
        "tag_list",
        "unshelve_countries",
    )
)
_FALSE = dict.fromkeys(
    (
        "author_deleted",
        "dmv_auto_show",
        "is_audio_url_with_cookie",
        "is_commerce_music",
        "is_del_video",
        "is_matched_metadata",
        "is_original",
        "is_pgc",
        "is_restricted",
        "is_video_self_see",
        "mute_share",
        "prevent_download",
        "redirect",
    ),
    False,
)
_ZERO = dict.fromkeys(
    (
        "binded_challenge_id",
        "collect_stat",
        "end_time",
        "music_collect_count",
        "prevent_item_download_status",
        "preview_end_time",
        "reason_type",
        "start_time",
        "user_count",
    ),
    0,
)


def _common() -> dict[str, Any]:
    extra = {"has_edited": 0, "is_red": 0, "beats": {}, "music_tagging": {"Languages": ["non_vocal"], "Moods": None}}
    return {
        "id": raw("music_id"),
        "id_str": text("music_id"),
        "title": text("music_title"),
        "author": text("music_author"),
        "album": "",
        "cover_hd": avatar(1080),
        "cover_large": avatar(1080),
        "cover_medium": avatar(720),
        "cover_thumb": avatar(100),
        "play_url": raw("music_play"),
        "schema_url": "",
        "source_platform": 23,
        "duration": raw("seconds"),
        "extra": orjson.dumps(extra).decode(),
        "status": 1,
        "offline_desc": text("offline"),
        "mid": text("music_id"),
        "external_song_info": [],
        "preview_start_time": raw("preview_start"),
        "audition_duration": raw("seconds"),
        "shoot_duration": raw("seconds"),
        "video_duration": raw("seconds"),
        "artists": [],
        "can_background_play": True,
        "music_status": 1,
        "pgc_music_type": 2,
        "dsp_status": 10,
        "search_impr": {"entity_id": text("music_id")},
        "luna_info": {"is_luna_user": False},
        "music_cover_atmosphere_color_value": "",
    }


@cache
def music_template(which: str) -> Template:
    """A sound: `own` was made with the post, `song` is from the catalogue and belongs to no account."""
    document = _common() | _NOTHING | _FALSE | _ZERO
    if which == "song":
        song = {"album": "城市里的光", "owner_nickname": "", "owner_handle": "", "is_original_sound": False}
        matched = {"author": text("music_author"), "title": text("music_title"), "mixed_author": text("music_author")}
        document |= song | {"matched_pgc_sound": matched, "song": {"id": raw("music_id"), "artists": None}}
    else:
        own = {"owner_id": text("uid"), "owner_nickname": text("nickname"), "owner_handle": text("unique_id")}
        faces = {"avatar_thumb": avatar(100), "avatar_medium": avatar(720), "avatar_large": avatar(1080)}
        document |= own | faces | {"sec_uid": text("sec_uid"), "author_status": 1, "is_original_sound": True}
    return Template(document)
