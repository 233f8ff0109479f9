"""Which files a post's dict of the developer interface promises, by the kwargs of the spec. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from pipelines.errors import BadInput
from schemas.files import Wanted
from schemas.jobs import parse_interval
from schemas.settings import truth_of

_CHINA = timezone(timedelta(hours=8))
_GALLERIES = (2, 68, 150)  # their play address leads to the sound


def plan(kwargs: Mapping[str, Any], aweme_data: Mapping[str, Any]) -> list[Wanted]:
    """The files of one post: music, cover and text where kwargs ask for them, and the film or the pictures.

    A prohibited post has none. Whom else a post is shown to is no reason to leave it out: what came was shown.
    Raises BadInput for a dict without aweme_id.
    """
    aweme_id = str(aweme_data.get("aweme_id") or "")
    if not aweme_id:
        raise BadInput("A post's dict needs its aweme_id: give those of fetch_one_video or of a listing.")
    if aweme_data.get("is_prohibited"):
        return []
    images = _addresses(aweme_data.get("images"))
    files: list[tuple[str, int, Sequence[str]]] = [*_sides(kwargs, aweme_data)]
    files += [("image", position, [url]) for position, url in images]
    if not images and aweme_data.get("aweme_type") not in _GALLERIES:
        files += [("video", 0, [url]) for _, url in _addresses(aweme_data.get("video_play_addr"))[:1]]
    shared = _shared(aweme_data, len(images))
    return [
        Wanted(f"{aweme_id}:{kind}:{position}", kind, position, tuple(urls), **shared) for kind, position, urls in files
    ]


def chosen(kwargs: Mapping[str, Any], aweme_datas: Any) -> list[Mapping[str, Any]]:
    """The posts of a dict or list of dicts that are of the days of kwargs["interval"]; no interval means all.

    A post without a time is let through. Raises BadInput for what is neither, and for an interval that cannot be read.
    """
    posts = [aweme_datas] if isinstance(aweme_datas, Mapping) else list(aweme_datas or ())
    if not all(isinstance(post, Mapping) for post in posts):
        raise BadInput("aweme_datas must be a dict of a post, or a list of such dicts.")
    interval = kwargs.get("interval")
    if not isinstance(interval, str | None):
        raise BadInput(f"interval cannot be {interval!r}: write two days as 2024-01-01|2024-06-30, or 'all'.")
    try:
        since, until = parse_interval(interval)
    except ValueError as error:
        raise BadInput(f"{error}; or leave it at 'all'.") from error

    def is_within(moment: datetime | None) -> bool:
        return moment is None or ((since is None or moment >= since) and (until is None or moment < until))

    return [post for post in posts if is_within(moment_of(post.get("create_time")))]


def is_on(kwargs: Mapping[str, Any], name: str) -> bool:
    """Whether a switch of kwargs is on; BadInput for what says neither yes nor no."""
    try:
        return kwargs.get(name) is not None and truth_of(kwargs[name])
    except ValueError as error:
        raise BadInput(f"{name} cannot be {kwargs[name]!r}: give True or False.") from error


def newest_by_author(posts: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """The newest post of each author among these, by Douyin's ids, which grow with time: sec_user_id to aweme_id."""
    newest: dict[str, str] = {}
    for post in posts:
        author, aweme_id = _text(post.get("sec_user_id")), str(post.get("aweme_id") or "")
        if author and aweme_id and _rank(aweme_id) > _rank(newest.get(author, "")):
            newest[author] = aweme_id
    return newest


def moment_of(value: Any) -> datetime | None:
    """A create_time of the interface, text in China's time or Unix seconds, in UTC; None for what is no time."""
    try:
        if isinstance(value, int):
            return datetime.fromtimestamp(value, UTC)
        return datetime.strptime(str(value), "%Y-%m-%d %H-%M-%S").replace(tzinfo=_CHINA).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _sides(kwargs: Mapping[str, Any], data: Mapping[str, Any]) -> list[tuple[str, int, Sequence[str]]]:
    sides: list[tuple[str, int, Sequence[str]]] = []
    if is_on(kwargs, "music") and data.get("music_status") == 1:
        sides += [("music", 0, [url]) for _, url in _addresses(data.get("music_play_url"))[:1]]
    if is_on(kwargs, "cover"):
        moving, still = _addresses(data.get("animated_cover")), _addresses(data.get("cover"))
        kind, found = ("dynamic_cover", moving) if moving else ("cover", still)
        sides += [(kind, 0, [url]) for _, url in found[:1]]
    if is_on(kwargs, "desc") and _caption(data):
        sides.append(("caption", 0, ()))
    return sides


def _shared(data: Mapping[str, Any], image_count: int) -> dict[str, Any]:
    return {
        "aweme_id": str(data["aweme_id"]),
        "sec_user_id": _text(data.get("sec_user_id")),
        "uid": _text(data.get("uid")),
        "nickname": _text(data.get("nickname_raw")) or _text(data.get("nickname")),
        "caption": _caption(data),
        "created_at": moment_of(data.get("create_time")),
        "image_count": image_count or None,
    }


def _caption(data: Mapping[str, Any]) -> str | None:
    found = data.get("desc_raw", data.get("desc"))
    return str(found) if found else None


def _text(value: Any) -> str | None:
    return str(value) if value and isinstance(value, str | int) and not isinstance(value, bool) else None


def _addresses(value: Any) -> list[tuple[int, str]]:
    """The addresses of a value that may be one, a list of them or nothing, each with its place from 1."""
    values = [value] if isinstance(value, str) else value if isinstance(value, (list, tuple)) else []
    return [(place, url) for place, url in enumerate(values, 1) if isinstance(url, str) and url]


def _rank(aweme_id: str) -> tuple[int, str]:
    return len(aweme_id), aweme_id
