"""The forms of Douyin's addresses: host, path and query of one address -> what it names. No I/O here."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import SplitResult, parse_qs, urlsplit

from pipelines.errors import BadInput

Kind = Literal["user", "post", "mix", "live", "room"]

SHORT_HOST = "v.douyin.com"
_LIVE_HOST = "live.douyin.com"
_REFLOW_HOST = "webcast.amemv.com"
_SITE_HOSTS = frozenset(("douyin.com", "www.douyin.com", "m.douyin.com", "iesdouyin.com", "www.iesdouyin.com"))
HOSTS = _SITE_HOSTS | {SHORT_HOST, _LIVE_HOST, _REFLOW_HOST}
"""The only hosts that are ever read or asked: a share text must not send requests anywhere else."""

SEC_USER_ID = re.compile(r"MS4wLjABAAAA[A-Za-z0-9_-]{16,128}")
_NUMBER = re.compile(r"[1-9][0-9]{14,19}")
_ROOM = re.compile(r"[67][0-9]{18}")
_WEBCAST_ID = re.compile(r"[A-Za-z0-9_-]{2,32}")
_SHORT_CODE = re.compile(r"[A-Za-z0-9_-]{4,32}")
_VALID = {"user": SEC_USER_ID, "post": _NUMBER, "mix": _NUMBER, "room": _NUMBER, "live": _WEBCAST_ID}
_GLUED = re.compile(r"[!$&'()*+,;:@\[\]%]|[^\x00-\x7f]")
_LIVE_PAGES = frozenset(("aweme", "category", "categorynew", "download", "hot_live", "search", "webcast"))
_REFUSED = {
    "series": "a short drama",
    "lvdetail": "a long video",
    "music": "a piece of music",
    "hashtag": "a hashtag",
    "challenge": "a hashtag",
    "hot": "a hot topic",
}


@dataclass(frozen=True, slots=True)
class Name:
    """One thing that an address names, and by which form of address."""

    kind: Kind
    id: str
    form: str


def split_address(url: str) -> SplitResult:
    """The parts of an address, scheme and host in lower case, no fragment; BadInput unless Douyin serves its host."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise BadInput("The link is no address; copy it again from Douyin.") from error
    if parts.scheme.lower() not in ("http", "https") or "@" in parts.netloc or port not in (None, 80, 443):
        raise BadInput("The link is no address of a Douyin page; copy it again from Douyin.")
    if host not in HOSTS:
        raise BadInput(f"{host[:80] or 'An empty host'} is no host of Douyin; give a link of douyin.com.")
    return SplitResult(parts.scheme.lower(), host, parts.path, parts.query, "")


def short_code(parts: SplitResult) -> str | None:
    """The code of a short link; None for other addresses, BadInput for a short link without one."""
    if parts.netloc != SHORT_HOST:
        return None
    code = _without_tail(parts.path.strip("/").partition("/")[0])
    if not _SHORT_CODE.fullmatch(code):
        raise BadInput("The short link has no code; copy the whole share text again.")
    return code


def is_home(parts: SplitResult) -> bool:
    """Whether it is the home page, which is where dead short links lead."""
    return parts.netloc in _SITE_HOSTS and parts.path.strip("/") in ("", "home", "404")


def names_in(parts: SplitResult) -> list[Name]:
    """What an address names, what it shows on top first; BadInput, saying why, where that is nothing."""
    segments = [segment for segment in parts.path.split("/") if segment]
    if parts.netloc == _LIVE_HOST:
        named = _of_live_page(segments)
    elif parts.netloc == _REFLOW_HOST:
        named = _of_share_page(segments)
    else:
        named = _of_site_page(segments)
    # An address copied from a page's source has its ampersands written out.
    query = {key: values[0].strip() for key, values in parse_qs(parts.query.replace("&amp;", "&")).items()}
    first: dict[Kind, Name] = {}
    for name in (*_of_overlays(query), *named, *_of_extras(query, segments)):
        whole = _as_room(replace(name, id=_without_tail(name.id)))
        if _is_valid(whole):
            first.setdefault(whole.kind, whole)
    if not first:
        raise BadInput(_why_nothing(segments))
    return list(first.values())


def _without_tail(word: str) -> str:
    """An id without what a text has glued to it: punctuation may stand in an address, but never in an id."""
    return _GLUED.split(word, maxsplit=1)[0]


def _as_room(name: Name) -> Name:
    """A live room's page by the number of one broadcast: Douyin takes it in the place of the lasting one nowhere."""
    return replace(name, kind="room") if name.kind == "live" and _ROOM.fullmatch(name.id) else name


def _is_valid(name: Name) -> bool:
    return name.id != "self" and _VALID[name.kind].fullmatch(name.id) is not None


def _of_live_page(segments: list[str]) -> list[Name]:
    match segments:
        case [page] if page not in _LIVE_PAGES:
            return [Name("live", page, "page")]
    return []


def _of_share_page(segments: list[str]) -> list[Name]:
    match segments:
        case ["douyin", "webcast", "reflow", room] | ["webcast", "reflow", room]:
            return [Name("room", room, "share")]
    return []


def _of_site_page(segments: list[str]) -> list[Name]:
    form = "page"
    if segments[:1] == ["share"]:
        segments, form = segments[1:], "share"
    match segments:
        case ["user", user, *_]:
            return [Name("user", user, form)]
        case ["video" | "note" | "slides" as page, post, *_]:
            return [Name("post", post, page)]
        case ["collection", mix, *_] | ["mix", "detail", mix, *_]:
            return [Name("mix", mix, form)]
        case ["follow" | "root", "live", webcast] | ["live", webcast]:
            return [Name("live", webcast, "overlay")]
    return []


def _of_overlays(query: dict[str, str]) -> list[Name]:
    names = []
    if "modal_id" in query:
        names.append(Name("post", query["modal_id"], "modal"))
    if "webRid" in query:
        names.append(Name("live", query["webRid"], "overlay"))
    return names


def _of_extras(query: dict[str, str], segments: list[str]) -> list[Name]:
    """What a query names beside the page itself: weaker evidence, taken last."""
    names = []
    # Old share links have a number in the path and the lasting id here.
    if "sec_uid" in query and "user" in segments:
        names.append(Name("user", query["sec_uid"], "share"))
    # The room of that moment; the room number in the path stays.
    names += [Name("room", query[name], "page") for name in ("room_id", "roomId") if name in query]
    if "vid" in query:
        names.append(Name("post", query["vid"], "vid"))
    return names


def _why_nothing(segments: list[str]) -> str:
    page = segments[1] if segments[:1] == ["share"] and len(segments) > 1 else next(iter(segments), "")
    if page in _REFUSED:
        return f"The link leads to {_REFUSED[page]}, which is not archived; give the link of a post, user, mix or room."
    if segments[:2] == ["user", "self"]:
        return (
            "user/self is your own page, not an address of it; open your profile by its name, or give your sec_user_id."
        )
    return "The link names no user, post, mix or live room; open it in a browser and copy the address that it ends at."
