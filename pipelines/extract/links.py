"""Links, share texts and bare ids -> what they lead to. No I/O here: short links are asked through a given `hop`.

An id that stands in the address is read from it without a request. Only short links need the network, and only their
own host is asked; where they lead is read from the Location header, never followed blindly.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from urllib.parse import urljoin

from pipelines.errors import (
    ArchiveError,
    BadInput,
    NotFound,
    RateLimited,
    Unfamiliar,
    Unreachable,
    VerificationAsked,
)
from pipelines.extract.link_forms import SEC_USER_ID, SHORT_HOST, Kind, is_home, names_in, short_code, split_address

Hop = Callable[[str], Awaitable[tuple[int, str | None]]]
"""Asks an address once, following nothing: its HTTP status and its Location header, if it has one."""

MAX_HOPS = 8

# What may stand in an address; anything else ends it, above all Chinese text and punctuation glued to it.
_PATH = r"A-Za-z0-9\-._~:/@!$&'()*+,;=%\[\]"
_LINK = re.compile(
    # Two links glued together are two links, but a link inside another one's query is part of that one.
    rf"(?:https?://|(?<![A-Za-z0-9.@/:_=%-])(?://)?(?=(?:(?:www|v|m|live)\.)?douyin\.com|(?:www\.)?iesdouyin\.com|webcast\.amemv\.com))"
    # Browsers show and copy what was searched for as it was typed.
    rf"(?:(?!https?://)[{_PATH}])+(?:(?<=/search/)(?:(?!https?://)[^\s/?#])+)?(?:[?#][{_PATH}?#]*)?",
    re.IGNORECASE,
)
_WORD = re.compile(rf"[{_PATH}?#]+")
_LABELS = re.compile(r"[^A-Za-z0-9_.-]")
_TRAILING = ".,;:!?)]'\""
_BARE_NUMBER = re.compile(r"[67][0-9]{18}")
_BARE_WEBCAST_ID = re.compile(r"[0-9]{4,18}")


@dataclass(frozen=True, slots=True)
class Link:
    """What a link leads to: kind and id, the form it was found in, and what else it names as (kind, id)."""

    kind: Kind
    id: str
    form: str
    also: tuple[tuple[Kind, str], ...] = ()


@dataclass(frozen=True, slots=True)
class ShortLink:
    """A short link, in its full form; where it leads, only Douyin knows."""

    url: str


def parse(text: str, prefer: str | None = None) -> Link | ShortLink:
    """What a share text, address or bare id leads to, as far as can be told without asking anybody.

    Where it names several things, `prefer` (a kind) chooses; else what its page shows on top. The answer may be of
    another kind than preferred. A bare number of 19 digits is a post unless `prefer` says mix, live or room. BadInput
    where it names nothing, saying why.
    """
    links = [match.rstrip(_TRAILING) for match in _LINK.findall(text)]
    if links:
        return _first_of(links, prefer)
    for word in _WORD.findall(text):
        found = _bare(word.strip(_TRAILING + "(["), prefer)
        if found:
            return found
        # An id may be labelled (aweme_id=...), but in an address it may be another service's.
        for piece in _LABELS.split(word) if "/" not in word else ():
            found = _bare(piece, prefer)
            if found:
                return found
    if re.fullmatch(r"\s*[0-9]+\s*", text, re.ASCII):
        raise BadInput(
            "A bare number may be a room, a post or an account; give the link, or say which --mode is meant."
        )
    raise BadInput("There is no link in the text; paste a share text, an address of douyin.com, or an id.")


async def resolve(text: str, hop: Hop, prefer: str | None = None) -> Link:
    """What a share text, address or bare id leads to; `hop` is used for short links only.

    Raises what `parse` raises; NotFound for a dead short link, RateLimited, Unreachable or VerificationAsked where
    Douyin does not say, Unfamiliar where it answers as it never did.
    """
    found = parse(text, prefer)
    for _ in range(MAX_HOPS):
        if isinstance(found, Link):
            return found
        status, location = await hop(found.url)
        if status not in (301, 302, 303, 307, 308) or not location:
            raise _no_way_on(status)
        found = _led_to(found.url, location, prefer)
    if isinstance(found, Link):
        return found
    raise BadInput(f"The short link leads from one to the next more than {MAX_HOPS} times; copy a fresh one.")


def read_address(url: str, prefer: str | None = None) -> Link | ShortLink:
    """What one address leads to; a scheme may be missing. BadInput where it is none of Douyin's or names nothing."""
    parts = split_address(url if re.match(r"https?://", url, re.IGNORECASE) else f"https://{url.removeprefix('//')}")
    code = short_code(parts)
    if code:
        return ShortLink(f"https://{SHORT_HOST}/{code}/")
    names = names_in(parts)
    main = next((name for name in names if name.kind == prefer), names[0])
    return Link(main.kind, main.id, main.form, tuple((name.kind, name.id) for name in names if name is not main))


def _first_of(links: list[str], prefer: str | None) -> Link | ShortLink:
    """The first link that leads where it shall, else the first that leads anywhere."""
    second_best: Link | None = None
    failure: BadInput | None = None
    for link in links:
        try:
            found = read_address(link, prefer)
        except BadInput as error:
            failure = failure or error
            continue
        if isinstance(found, ShortLink) or prefer in (None, found.kind):
            return found
        second_best = second_best or found
    if second_best:
        return second_best
    raise failure or BadInput("There is no link in the text.")


def _bare(word: str, prefer: str | None) -> Link | None:
    if SEC_USER_ID.fullmatch(word):
        return Link("user", word, "bare")
    if _BARE_NUMBER.fullmatch(word):
        kinds: dict[str | None, Kind] = {"mix": "mix", "live": "room", "room": "room"}
        return Link(kinds.get(prefer, "post"), word, "bare")
    if prefer == "live" and _BARE_WEBCAST_ID.fullmatch(word):
        return Link("live", word, "bare")
    return None


def _led_to(url: str, location: str, prefer: str | None) -> Link | ShortLink:
    """Where a short link led; a home page without an id is how Douyin says that the link is dead."""
    try:
        place = urljoin(url, location)
    except ValueError as error:
        raise BadInput("The short link leads to something that is no address; copy a fresh one.") from error
    try:
        return read_address(place, prefer)
    except BadInput as error:
        if is_home(split_address(place)):
            raise NotFound("The short link no longer leads anywhere; copy a fresh one from Douyin.") from error
        raise


def _no_way_on(status: int) -> ArchiveError:
    if status in (404, 410):
        return NotFound(f"The short link is dead (HTTP {status}); copy a fresh one from Douyin.", http_status=status)
    if status in (429, 444):
        return RateLimited(
            f"Douyin opens no short links just now (HTTP {status}); wait some minutes, or give the full address.",
            http_status=status,
        )
    if status in (401, 403):
        return VerificationAsked(
            f"Douyin refuses to open the short link (HTTP {status}); open it in a browser and give the full address.",
            http_status=status,
        )
    if status >= 500:
        return Unreachable(f"Douyin's short links are down (HTTP {status}); try again later.", http_status=status)
    return Unfamiliar(
        f"The short link does not say where it leads (HTTP {status}); open it in a browser and give the full address.",
        http_status=status,
    )
