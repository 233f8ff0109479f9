"""What an address of a file says about itself: when it expires, what it leads to. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Iterable

STABLE = "://www.douyin.com/aweme/v1/play/"

_IN_QUERY = re.compile(r"[?&]x-expires=(\d{9,11})(?!\d)")
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


def expiry_of(urls: Iterable[str] | None) -> int | None:
    """When the first address stops working, in unix seconds; None where it does not say."""
    url = next(iter(urls), None) if urls else None
    if url is None:
        return None
    in_query = _IN_QUERY.search(url)
    in_path = None if in_query else _IN_PATH.match(url)
    moment = int(in_query[1]) if in_query else int(in_path[1], 16) if in_path else 0
    return moment if _EARLIEST <= moment <= _LATEST else None


def format_of(urls: Iterable[str] | None) -> str | None:
    """The kind of file that the first address names by its suffix; None where it names none."""
    url = next(iter(urls), None) if urls else None
    if url is None:
        return None
    return _FORMATS.get(url.partition("?")[0].rpartition(".")[2].lower())


def usable(urls: list[str] | None) -> list[str]:
    """Addresses in their order, each once, without empty ones."""
    if not urls:
        return []
    return [url for url in dict.fromkeys(urls) if url]


def stable_last(urls: list[str]) -> list[str]:
    """The same addresses with those at the end that never expire but cost a redirect."""
    return [url for url in urls if STABLE not in url] + [url for url in urls if STABLE in url]
