"""What is said on a connection of HTTP/1.1: heads of requests, and answers as httptools parses them. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import httptools
import httpx

_CONTROL = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")  # which a parser that takes folded lines takes, too


def head_of(request: httpx.Request) -> bytes:
    """The head of a request as it goes over the wire; LocalProtocolError where a header would begin another one."""
    target = request.extensions.get("target", request.url.raw_path)
    return head(request.method.encode("ascii"), target, request.headers.raw)


def head(method: bytes, target: bytes, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
    """The same for who has no request of httpx."""
    lines = [b"%b %b HTTP/1.1" % (method, target)]
    lines += [b"%b: %b" % header for header in headers]
    text = b"\r\n".join([*lines, b"", b""])
    if text.count(b"\n") != len(lines) + 1 or text.count(b"\r") != len(lines) + 1:
        raise httpx.LocalProtocolError("a header may not hold the end of a line")
    return text


class Answer:
    """What a host says, as its bytes are fed to it: the head, and the body as far as it was fed.

    `is_headed` once the final head is there, `is_over` once the body ended. Who knows the `size` may read what is left
    of the body past it, straight from the connection: then `is_over` stays False.
    """

    def __init__(self) -> None:
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.size: int | None = None  # of the body, where the head tells it
        self.is_headed = self.is_over = False
        self.is_last = True  # of its connection
        self.body_bytes = 0  # that were fed
        self._body = bytearray()
        self._is_chunked = False
        self._parser: Any = httptools.HttpResponseParser(self)
        # Old hosts fold long lines of a head, and say so to every client; how long a body is stays as strict as it was.
        self._parser.set_dangerous_leniencies(lenient_headers=True)

    def feed(self, data: memoryview) -> None:
        """The next bytes of the connection."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as error:
            raise httpx.RemoteProtocolError("the host speaks another protocol") from error
        except httptools.HttpParserError as error:
            if not self.is_over:
                raise httpx.RemoteProtocolError(f"{type(error).__name__} {error}") from error
            self.is_last = True  # more came than was asked for

    def feed_end(self) -> None:
        """The host has closed the connection."""
        if not self.is_headed:
            raise httpx.RemoteProtocolError("the host closed without an answer")
        if self.size is not None or self._is_chunked:
            raise httpx.RemoteProtocolError("the end is missing")
        self.is_over = self.is_last = True

    def fed(self, room: memoryview) -> int:
        """Move what was fed of the body to `room`, as much as goes in."""
        count = min(len(self._body), len(room))
        room[:count] = self._body[:count]
        del self._body[:count]
        return count

    @property
    def has_body(self) -> bool:
        """Whether bytes of the body were fed and not moved on."""
        return bool(self._body)

    # The parser calls these. It goes on to another answer where the host says more than was asked for.

    def on_message_begin(self) -> None:
        """An answer begins."""
        self.is_last = self.is_over

    def on_header(self, name: bytes, value: bytes) -> None:
        """One of its headers."""
        if self.is_over:
            return
        if _CONTROL.search(value):
            raise httpx.RemoteProtocolError("a header holds control characters")
        self.headers.append((name, value))
        match name.lower():
            case b"content-length":
                self.size = int(value)
            case b"transfer-encoding":
                self._is_chunked = True

    def on_headers_complete(self) -> None:
        """Its head is there."""
        if self.is_over:
            return
        self.status = self._parser.get_status_code()
        if self.status >= 200:
            self.is_headed = True
            self.is_last = not self._parser.should_keep_alive()
            if self._is_chunked:
                self.size = None

    def on_body(self, body: bytes) -> None:
        """Bytes of its body."""
        if not self.is_over:
            self._body += body
            self.body_bytes += len(body)

    def on_message_complete(self) -> None:
        """It ends."""
        if self.is_headed:
            self.is_over = True
        else:
            self.headers, self.size, self._is_chunked = [], None, False  # "early hints" and their like
