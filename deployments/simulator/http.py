"""Requests and answers of the made-up Douyin, and what a handler is given. No I/O here.

A module that answers for some addresses exposes `ROUTES: dict[tuple[str, str], Handler]`, keyed by host and path. The
app has read the body, checked signature, ttwid and login (`gates.py` says what each operation needs) and played the
faults before a handler is called, and writes the log after it: a handler only answers.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl

import orjson

if TYPE_CHECKING:
    from deployments.simulator.world import World

Body = bytes | AsyncIterator[bytes]
_NUMBER = re.compile(r"-?[0-9]{1,19}")


class BadNumberError(Exception):
    """A parameter that should be a number is none; its name. The app answers for the handler."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it came: `query` and `body` are the bytes on the wire, header names are lower case."""

    method: str
    host: str
    path: str
    query: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    params: dict[str, str] = field(default_factory=dict)

    @property
    def cookies(self) -> dict[str, str]:
        """The Cookie header, taken apart."""
        pairs = (part.strip().partition("=") for part in self.headers.get("cookie", "").split(";"))
        return {name: value for name, _, value in pairs if name}

    def number(self, name: str, default: int = 0) -> int:
        """A parameter as an int; `default` where it is absent or empty, BadNumberError where it is no 64-bit number."""
        text = self.params.get(name, "")
        if not text:
            return default
        if _NUMBER.fullmatch(text) is None or not -(2**63) <= int(text) < 2**63:
            raise BadNumberError(name)
        return int(text)


@dataclass(frozen=True, slots=True)
class Response:
    """One answer; a body of chunks is sent as it comes, a body of bytes gets its Content-Length."""

    status: int = 200
    headers: tuple[tuple[str, str], ...] = ()
    body: Body = b""


class App(Protocol):
    """What a handler may use of the app that calls it."""

    world: World
    clock: Callable[[], float]
    state: dict[str, Any]
    """Anything that a handler must remember between requests, by a key of its own."""


Handler = Callable[[Request, App], Awaitable[Response]]


def params_of(query: bytes) -> dict[str, str]:
    """A query, taken apart; the last of equal names wins."""
    return dict(parse_qsl(query.decode("latin-1"), keep_blank_values=True))


def json_response(value: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    """An answer of JSON; `value` may be bytes that are JSON already."""
    body = value if isinstance(value, bytes) else orjson.dumps(value)
    return Response(status, (("content-type", "application/json; charset=utf-8"), *headers), body)


def redirect(location: str, headers: tuple[tuple[str, str], ...] = (), status: int = 302) -> Response:
    """An answer that leads to another address."""
    return Response(status, (("location", location), *headers))


def text_response(text: str, status: int = 200, kind: str = "text/html; charset=utf-8") -> Response:
    """An answer of text."""
    return Response(status, (("content-type", kind),), text.encode())


def empty() -> Response:
    """What Douyin gives instead of a refusal: 200 and nothing."""
    return Response(200, (("content-type", "application/json; charset=utf-8"),))
