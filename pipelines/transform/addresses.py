"""What an address of a file says about itself: when it expires, what it leads to. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import TypeAlias

STABLE = "://www.douyin.com/aweme/v1/play/"

Urls: TypeAlias = tuple[str, ...]

_SOUNDS = ("mp3", "m4a")
_HOST_OF_SOUNDS = ".douyinstatic.com/obj/"  # films and pictures are elsewhere; some sounds there have no suffix

_MARK = "x-expires="
_DIGITS = re.compile(r"\d{9,11}(?!\d)")
# The captures' film addresses carry a time one to two hours after they were fetched: the end, not the beginning.
_IN_PATH = re.compile(r"https?://[^/]+/[0-9a-f]{16,64}/([0-9a-f]{8})/")
_EARLIEST, _LATEST = 1_400_000_000, 4_102_444_800

_FORMATS = {
    "webp": "webp",
    "jpeg": "jpeg",
    "jpg": "jpeg",
    "png": "png",
    "heic": "heic",
    "avif": "avif",
    "gif": "gif",
    "mp3": "mp3",
    "m4a": "m4a",
    "mp4": "mp4",
}


def expiry_of(urls: Urls) -> int | None:
    """When the first address stops working, in unix seconds; None where it does not say."""
    if not urls:
        return None
    url = urls[0]
    mark = url.find(_MARK)
    if mark > 0 and url[mark - 1] in "?&":
        found = _DIGITS.match(url, mark + len(_MARK))
        moment = int(found[0]) if found else 0
    else:
        found = _IN_PATH.match(url)
        moment = int(found[1], 16) if found else 0
    return moment if _EARLIEST <= moment <= _LATEST else None


def format_of(urls: Urls) -> str | None:
    """The kind of file that the first address names by its suffix; None where it names none."""
    if not urls:
        return None
    url = urls[0]
    end = url.find("?")
    end = len(url) if end < 0 else end
    return _FORMATS.get(url[max(url.rfind(".", 0, end) + 1, end - 5) : end].lower())


def is_sound(urls: Urls) -> bool:
    """Whether the first address leads to a sound, by its suffix or by where it is."""
    kind = format_of(urls)
    return kind in _SOUNDS or (kind is None and bool(urls) and _HOST_OF_SOUNDS in urls[0])


def usable(urls: Urls | None) -> Urls:
    """Addresses in their order, without empty ones."""
    if not urls:
        return ()
    return urls if all(urls) else tuple(url for url in urls if url)


def stable_last(urls: Iterable[str]) -> Urls:
    """The same addresses, each once; at the end those that never expire but cost a redirect."""
    signed: dict[str, None] = {}
    stable: dict[str, None] = {}
    for url in urls:
        (stable if STABLE in url else signed)[url] = None
    return (*signed, *stable)
