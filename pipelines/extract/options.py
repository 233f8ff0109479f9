"""The kwargs dict of the spec -> the crawler's own options. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pipelines.errors import BadInput

_SUCH_AS = {
    "headers": '{"User-Agent": "...", "Referer": "..."}',
    "proxies": '{"http": None, "https": "http://host:port"}',
}
# What the request and the connection decide: copied from a browser's list, these would tell of another request.
_NOT_THEIRS = frozenset(
    (
        "accept-encoding",
        "connection",
        "content-length",
        "content-type",
        "expect",
        "host",
        "if-modified-since",
        "if-none-match",
        "keep-alive",
        "range",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    )
)
_NAME = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+")


@dataclass(frozen=True, slots=True)
class Options:
    """What a kwargs dict says; None where it says nothing."""

    cookie: str | None = None
    user_agent: str | None = None
    referer: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    proxy: str | None = None
    timeout: float | None = None
    max_retries: int | None = None
    max_connections: int | None = None
    max_tasks: int | None = None


def options_of(kwargs: Mapping[str, Any] | None) -> Options:
    """The options in a kwargs dict: cookie, headers, proxies, timeout, max_retries, max_connections, max_tasks.

    Other keys belong to other rooms and are passed over. Raises BadInput where a value cannot be one, TypeError where
    kwargs is no mapping.
    """
    if kwargs is None:
        return Options()
    if not isinstance(kwargs, Mapping):
        raise TypeError("kwargs must be a dict")
    headers = _headers(_mapping(kwargs, "headers"))
    cookie = kwargs.get("cookie")
    if not isinstance(cookie, str | None):  # what it is never enters a message
        raise BadInput('cookie must be one line of text, such as "ttwid=...; sessionid=..."')
    return Options(
        cookie=cookie or headers.pop("cookie", None),
        user_agent=headers.pop("user-agent", None),
        referer=headers.pop("referer", None),
        headers=tuple(headers.items()),
        proxy=proxy_of(_mapping(kwargs, "proxies")),
        timeout=_number(kwargs, "timeout"),
        max_retries=_count(kwargs, "max_retries", 0),
        max_connections=_count(kwargs, "max_connections", 1),
        max_tasks=_count(kwargs, "max_tasks", 1),
    )


def _mapping(kwargs: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = kwargs.get(name) or {}
    if not isinstance(value, Mapping):
        raise BadInput(f"{name} must be a dict such as {_SUCH_AS[name]}")
    return value


def _headers(given: Mapping[str, Any]) -> dict[str, str]:
    """The headers that are a caller's to choose, with lower-case names; BadInput where one cannot be sent."""
    headers: dict[str, str] = {}
    for key, value in given.items():
        name, text = str(key).strip().lower(), str(value).strip()
        if value is None or name in _NOT_THEIRS or name.startswith(":"):
            continue
        if not (_NAME.fullmatch(name) and text.isascii() and text.isprintable()):
            raise BadInput(f"the header {name!r} of headers cannot be sent; write it as one line of plain ASCII")
        headers[name] = text
    return headers


def proxy_of(proxies: Mapping[str, Any]) -> str | None:
    """The one proxy that serves all requests, of those that the dict names by scheme."""
    for name in ("https", "https://", "http", "http://", "all", "all://"):
        if proxies.get(name):
            return str(proxies[name])
    return None


def _number(kwargs: Mapping[str, Any], name: str) -> float | None:
    value = kwargs.get(name)
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        raise BadInput(f"{name} must be a number, not {value!r}") from None
    if not 0 < number < float("inf") and name == "timeout":
        raise BadInput(f"{name} must be more than 0 seconds, not {value!r}")
    return number


def _count(kwargs: Mapping[str, Any], name: str, least: int) -> int | None:
    number = _number(kwargs, name)
    if number is None:
        return None
    if number % 1 or number < least:  # neither nan nor infinity has a rest of 0
        raise BadInput(f"{name} must be a whole number from {least}, not {kwargs[name]!r}")
    return int(number)
