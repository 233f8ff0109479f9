"""Answers to the dicts of the developer interface: the key names of the spec, post by post. No I/O here.

Text is given as file names want it under its plain key (every character outside CJK, letters, digits and # becomes _),
and as the author wrote it under the same key with `_raw`. Missing values are None; times are UTC+8 text. Ids are text,
but for those that the spec has as numbers: comment_gid, music_id, stream_id, and room_id of profiles and share pages.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

_CHINA = timezone(timedelta(hours=8))
_OUTSIDE = re.compile(r"[^一-龥a-zA-Z0-9#]")

Answer = Mapping[str, Any]
Reader = Callable[[Answer], Any]


def cleaned(text: Any) -> str | None:
    """Text with every character outside CJK, ASCII letters, digits and # as _; None for what is no text."""
    return _OUTSIDE.sub("_", text) if isinstance(text, str) else None


def time_text(seconds: Any) -> str:
    """Unix seconds as `YYYY-MM-DD HH-MM-SS` in China's time; '' for what is no time, and for 0, which says none."""
    if not seconds:
        return ""
    try:
        moment = datetime.fromtimestamp(int(seconds), UTC).astimezone(_CHINA)
    except (TypeError, ValueError, OverflowError, OSError):
        return ""
    return f"{moment:%Y-%m-%d %H-%M-%S}"


def at(value: Any, path: str) -> Any:
    """The value at a dotted path; None as soon as a part is missing. A number picks from a list."""
    for part in path.split("."):
        if isinstance(value, Mapping):
            value = value.get(part)
        elif isinstance(value, Sequence) and not isinstance(value, (str, bytes)) and part.isdigit():
            value = value[int(part)] if int(part) < len(value) else None
        else:
            return None
    return value


def id_text(value: Any) -> Any:
    """An id as text, also where Douyin wrote it as a number; anything else as it is."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def text_at(value: Any, path: str) -> str:
    """The text or number at a dotted path, as text; '' for anything else."""
    found = at(value, path)
    return str(found) if isinstance(found, str | int) and not isinstance(found, bool) else ""


def count_at(value: Any, path: str) -> int | None:
    """The whole number at a dotted path, also where it is written as text; None for anything else."""
    text = text_at(value, path)
    return int(text) if text.isdecimal() and len(text) < 20 else None


def every(value: Any, path: str) -> list[Any] | None:
    """What stands at `inner` of each entry of the list at `outer`, for a path `outer[*].inner`; None without a list."""
    outer, _, inner = path.partition("[*].")
    entries = at(value, outer)
    if not isinstance(entries, Sequence) or isinstance(entries, (str, bytes)):
        return None
    return [at(entry, inner) for entry in entries]


def _value(path: str) -> Reader:
    return lambda answer: at(answer, path)


def _id(path: str) -> Reader:
    # Past 2^53, and a text in nearly every answer: one that came as a number would be another id to whoever compares.
    return lambda answer: id_text(at(answer, path))


def _clean(path: str) -> Reader:
    return lambda answer: cleaned(at(answer, path))


def _time(path: str) -> Reader:
    return lambda answer: time_text(at(answer, path))


def _each(path: str) -> Reader:
    return lambda answer: every(answer, path)


def _json(path: str) -> Reader:
    # What stands in a list of another kind, as mentions do among hashtags, has no such field.
    return lambda answer: json.dumps(
        [id_text(one) for one in every(answer, path) or () if one is not None], ensure_ascii=False
    )


def _nested(path: str) -> Reader:
    return lambda answer: [found] if (found := every(answer, path)) is not None else None


def _plain(*names: str, under: str = "") -> dict[str, Reader]:
    return {name: _value(f"{under}{name}") for name in names}


def _ids(*names: str, under: str = "") -> dict[str, Reader]:
    return {name: _id(f"{under}{name}") for name in names}


POST: dict[str, Reader] = {
    "animated_cover": _value("video.animated_cover.url_list.0"),
    "author_avatar_thumb": _value("author.avatar_thumb.url_list.0"),
    "author_deleted": _value("music.author_deleted"),
    "aweme_id": _id("aweme_id"),
    "aweme_type": _value("aweme_type"),
    "cover": _value("video.origin_cover.url_list.0"),
    "create_time": _time("create_time"),
    "desc": _clean("desc"),
    "desc_raw": _value("desc"),
    "images": _each("images[*].url_list.0"),
    "is_prohibited": _value("status.is_prohibited"),
    "music_play_url": _value("music.play_url.url_list.0"),
    "music_status": _value("music.status"),
    "music_title": _clean("music.title"),
    "music_title_raw": _value("music.title"),
    "nickname": _clean("author.nickname"),
    "nickname_raw": _value("author.nickname"),
    "part_see": _value("status.part_see"),
    "private_status": _value("status.private_status"),
    "sec_user_id": _value("author.sec_uid"),
    "uid": _id("author.uid"),
    "video_bit_rate": _each("video.bit_rate[*].bit_rate"),
    "video_duration": _value("video.duration"),
    "video_play_addr": _value("video.play_addr.url_list.0"),
}

DETAIL: dict[str, Reader] = {
    **_ids("aweme_id"),
    **_plain("aweme_type", "comment_gid", "duration", "is_ads", "is_story", "is_top", "media_type"),
    **_plain("position", "region"),
    "desc": _clean("desc"),
    "desc_raw": _value("desc"),
    "create_time": _time("create_time"),
    "nickname": _clean("author.nickname"),
    "nickname_raw": _value("author.nickname"),
    "sec_user_id": _value("author.sec_uid"),
    **_ids("short_id", "uid", "unique_id", under="author."),
    **_plain("can_comment", "can_forward", "can_share", "can_show_comment", under="aweme_control."),
    **_plain("part_see", "private_status", "is_delete", "is_prohibited", under="status."),
    **_ids("mix_id", under="mix_info."),
    **_plain("mix_type", "mix_pic_type", under="mix_info."),
    "mix_name": _clean("mix_info.mix_name"),
    "mix_name_raw": _value("mix_info.mix_name"),
    "mix_desc": lambda a: cleaned(_first(a, "mix_info.mix_desc", "mix_info.desc")),
    "mix_desc_raw": lambda a: _first(a, "mix_info.mix_desc", "mix_info.desc"),
    "mix_create_time": lambda a: time_text(_first(a, "mix_info.mix_create_time", "mix_info.create_time")),
    "mix_update_time": lambda a: time_text(_first(a, "mix_info.mix_update_time", "mix_info.update_time")),
    "mix_share_url": lambda a: _first(a, "mix_info.mix_share_url", "mix_info.share_info.share_url"),
    **_plain("is_commerce_music", "is_original", "is_original_sound", "is_pgc", under="music."),
    "music_status": _value("music.status"),
    "music_author": _clean("music.author"),
    "music_author_raw": _value("music.author"),
    "music_author_deleted": _value("music.author_deleted"),
    "music_duration": _value("music.duration"),
    "music_id": _value("music.id"),
    "music_mid": _id("music.mid"),
    **_plain("pgc_author", "pgc_author_title", "pgc_music_type", under="music.matched_pgc_sound."),
    "music_owner_handle": _value("music.owner_handle"),
    "music_owner_id": _id("music.owner_id"),
    "music_owner_nickname": _clean("music.owner_nickname"),
    "music_owner_nickname_raw": _value("music.owner_nickname"),
    "music_play_url": _value("music.play_url.url_list.0"),
    "seo_ocr_content": _value("seo_info.seo_ocr_content"),
    **_plain("allow_douplus", "download_setting", "allow_share", under="video_control."),
    **_plain("admire_count", "collect_count", "comment_count", "digg_count", "share_count", under="statistics."),
    "hashtag_ids": _json("text_extra[*].hashtag_id"),
    "hashtag_names": _json("text_extra[*].hashtag_name"),
    "animated_cover": _value("video.animated_cover.url_list.0"),
    "cover": _value("video.origin_cover.url_list.0"),
    "video_play_addr": _value("video.play_addr.url_list.0"),
    "video_bit_rate": _nested("video.bit_rate[*].bit_rate"),
    "images": _each("images[*].url_list.0"),
}

PROFILE: dict[str, Reader] = {
    "avatar_url": _value("user.avatar_larger.url_list.0"),
    **_plain("aweme_count", "favoriting_count", "follower_count", "following_count", "total_favorited", under="user."),
    **_plain("mix_count", "mplatform_followers_count", "city", "country", "ip_location", "school_name", under="user."),
    **_plain("gender", "is_ban", "is_block", "is_blocked", "is_star", "live_status", under="user."),
    **_plain("room_id", "user_age", under="user."),
    **_ids("short_id", "uid", "unique_id", under="user."),
    "sec_user_id": _value("user.sec_uid"),
    "nickname": _clean("user.nickname"),
    "nickname_raw": _value("user.nickname"),
    "signature": _clean("user.signature"),
    "signature_raw": _value("user.signature"),
}

_ROOM = "data.data.0."

LIVE: dict[str, Reader] = {
    "api_status_code": _value("status_code"),
    "room_id": _id(_ROOM + "id_str"),
    "live_status": _value(_ROOM + "status"),
    "live_title": _clean(_ROOM + "title"),
    "live_title_raw": _value(_ROOM + "title"),
    "cover": _value(_ROOM + "cover.url_list.0"),
    "user_count": _value(_ROOM + "stats.user_count_str"),
    "total_user_count": _value(_ROOM + "stats.total_user_str"),
    # The one in stats is 0 for rooms that have likes.
    "like_count": lambda a: _first(a, _ROOM + "stats.like_count_str", _ROOM + "like_count", _ROOM + "stats.like_count"),
    "flv_pull_url": _value(_ROOM + "stream_url.flv_pull_url"),
    "m3u8_pull_url": _value(_ROOM + "stream_url.hls_pull_url_map"),
    "user_id": lambda a: id_text(_first(a, _ROOM + "owner.id_str", "data.user.id_str")),
    "sec_user_id": lambda a: _first(a, _ROOM + "owner.sec_uid", "data.user.sec_uid"),
    "nickname": lambda a: cleaned(_first(a, _ROOM + "owner.nickname", "data.user.nickname")),
    "nickname_raw": lambda a: _first(a, _ROOM + "owner.nickname", "data.user.nickname"),
    "avatar_thumb": lambda a: _first(a, _ROOM + "owner.avatar_thumb.url_list.0", "data.user.avatar_thumb.url_list.0"),
    "follow_status": lambda a: _first(
        a, _ROOM + "owner.follow_info.follow_status", "data.user.follow_info.follow_status"
    ),
    "partition_id": lambda a: _partition(a, "partition.id_str"),
    "partition_title": lambda a: _partition(a, "partition.title"),
    "sub_partition_id": lambda a: _partition(a, "sub_partition.id_str", "sub_partition.partition.id_str"),
    "sub_partition_title": lambda a: _partition(a, "sub_partition.title", "sub_partition.partition.title"),
    "ChatAuth": _value(_ROOM + "room_auth.Chat"),
    "GiftAuth": _value(_ROOM + "room_auth.Gift"),
    "DiggAuth": _value(_ROOM + "room_auth.Digg"),
    "ShareAuth": _value(_ROOM + "room_auth.Share"),
}

LIVE_BY_ROOM: dict[str, Reader] = {
    "api_status_code": _value("status_code"),
    "room_id": _value("data.room.id"),
    "stream_id": _value("data.room.stream_id"),
    "user_count": _value("data.room.user_count"),
    "live_status": _value("data.room.status"),
    "live_title": _clean("data.room.title"),
    "live_title_raw": _value("data.room.title"),
    "create_time": _time("data.room.create_time"),
    "finish_time": _time("data.room.finish_time"),
    "cover": _value("data.room.cover.url_list.0"),
    **_plain("resolution_name", "flv_pull_url", under="data.room.stream_url."),
    "hls_pull_url": _value("data.room.stream_url.hls_pull_url_map"),
    **_ids("web_rid", under="data.room.owner."),
    **_plain("gender", "verified", "city", "sec_uid", under="data.room.owner."),
    "nickname": _clean("data.room.owner.nickname"),
    "nickname_raw": _value("data.room.owner.nickname"),
    "signature": _clean("data.room.owner.signature"),
    "signature_raw": _value("data.room.owner.signature"),
    "avatar_large": _value("data.room.owner.avatar_large.url_list.0"),
    **_plain("following_count", "follower_count", under="data.room.owner.follow_info."),
}


def _first(answer: Answer, *paths: str) -> Any:
    found = [value for path in paths if (value := at(answer, path)) is not None]
    # Douyin spells nothing as "" too, which would hide what stands at the next place.
    return next((value for value in found if value != ""), found[0] if found else None)


def _partition(answer: Answer, *paths: str) -> Any:
    # Seen at both places.
    return _first(answer, *(f"{place}partition_road_map.{path}" for place in (_ROOM, "data.") for path in paths))


def named(answer: Answer, keys: Mapping[str, Reader]) -> dict[str, Any]:
    """One dict of the interface, in alphabetical order of its keys."""
    return {key: keys[key](answer) for key in sorted(keys)}


def post_dict(aweme: Answer, *, has_more: Any, max_cursor: Any, min_cursor: Any = None) -> dict[str, Any]:
    """One post of a listing: the 24 keys of the spec's lists, with where the listing goes on."""
    place = {"has_more": bool(has_more), "max_cursor": max_cursor, "min_cursor": min_cursor}
    return {**place, **named(aweme, POST)}


def detail_dict(answer: Answer) -> dict[str, Any]:
    """A post's detail: the 67 keys of the spec."""
    aweme = answer.get("aweme_detail")
    found = named(aweme if isinstance(aweme, Mapping) else {}, DETAIL)
    return {"api_status_code": answer.get("status_code"), **found}
