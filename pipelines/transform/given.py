"""Dicts of the developer interface, given back to be kept -> answers of Douyin's own shape. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from typing import Any

import orjson

from schemas.pages import Page

_CHINA = timezone(timedelta(hours=8))

# key of the interface -> where it stands in Douyin's answer; a later key wins where both are given
_POST: dict[str, str] = {
    **{name: name for name in ("aweme_id", "aweme_type", "media_type", "is_top", "region", "duration")},
    "video_duration": "duration",
    "desc": "desc",
    "desc_raw": "desc",
    "nickname_raw": "author.nickname",
    "sec_user_id": "author.sec_uid",
    **{name: f"author.{name}" for name in ("uid", "short_id", "unique_id")},
    **{name: f"status.{name}" for name in ("part_see", "private_status", "is_delete", "is_prohibited")},
    **{
        name: f"statistics.{name}"
        for name in ("admire_count", "collect_count", "comment_count", "digg_count", "share_count")
    },
    "mix_id": "mix_info.mix_id",
    "mix_name": "mix_info.mix_name",
    "mix_name_raw": "mix_info.mix_name",
    "music_mid": "music.mid",
    "music_title": "music.title",
    "music_title_raw": "music.title",
    "music_author": "music.author",
    "music_author_raw": "music.author",
    "music_status": "music.status",
    "music_duration": "music.duration",
}

_USER: dict[str, str] = {"sec_user_id": "sec_uid", "signature_raw": "signature", "nickname_raw": "nickname"}


def as_answer(page: Page) -> Page:
    """The page of a given dict as the page that Douyin would have answered; the operation says which."""
    given = orjson.loads(page.body)
    if page.operation == "given_user":
        return replace(page, operation="user_profile", body=orjson.dumps({"user": _user(given), "status_code": 0}))
    return replace(page, operation="post_detail", body=orjson.dumps({"aweme_detail": _post(given), "status_code": 0}))


def _user(given: Mapping[str, Any]) -> dict[str, Any]:
    user = {name: value for name, value in given.items() if name not in _USER}
    user |= {_USER[name]: given[name] for name in _USER if given.get(name) is not None}
    if given.get("avatar_url"):
        user["avatar_larger"] = {"url_list": [given["avatar_url"]]}
    return user


def _post(given: Mapping[str, Any]) -> dict[str, Any]:
    post: dict[str, Any] = {}
    for name, path in _POST.items():
        if given.get(name) is not None:
            _put(post, path, given[name])
    nickname = given.get("nickname")
    # A cleaned name must not take the place of the true one that the archive may know of the author.
    if nickname and "nickname_raw" not in given and "_" not in str(nickname):
        _put(post, "author.nickname", nickname)
    created = _seconds(given.get("create_time"))
    if created is not None:
        post["create_time"] = created
    for name, path in (
        ("video_play_addr", "play_addr"),
        ("cover", "origin_cover"),
        ("animated_cover", "dynamic_cover"),  # the name under which Douyin promises the moving one
    ):
        if given.get(name):
            _put(post, f"video.{path}.url_list", [given[name]])
    if given.get("music_play_url"):
        _put(post, "music.play_url.url_list", [given["music_play_url"]])
    if isinstance(given.get("images"), list):
        # One without an address keeps its place: what stands behind it is named by its own.
        post["images"] = [{"url_list": [url] if url else []} for url in given["images"]]
    return post


def _put(into: dict[str, Any], path: str, value: Any) -> None:
    *way, last = path.split(".")
    for part in way:
        into = into.setdefault(part, {})
    into[last] = value


def _seconds(text: Any) -> int | None:
    if isinstance(text, int):
        return text
    try:
        return int(datetime.strptime(str(text), "%Y-%m-%d %H-%M-%S").replace(tzinfo=_CHINA).timestamp())
    except ValueError:
        return None
