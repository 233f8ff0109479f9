"""Courier: fetches a file from a media host in the thread of whoever asks, from the request to the last byte.

Nothing of it passes the event loop, or the layers of an httpx client: for a megabyte from a near host, they cost more
than to hash and write it. Whoever needs a part of a file, or an answer that is not plain, goes by `MediaSource.fetch`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from threading import Lock
from typing import Protocol

import httpx

from pipelines.errors import BadInput, Interrupted, Unfamiliar, Unreachable
from pipelines.extract.kept_alive import Connections, Origin, origin_of
from pipelines.extract.lines import Line
from pipelines.extract.media_heads import MediaHead, Saying, Told, by_name, facts_of, is_coded
from pipelines.extract.media_hosts import host_of
from pipelines.extract.messages import head
from pipelines.extract.wire import Taker

MAX_REDIRECTS = 5
_REDIRECTS = {301, 302, 303, 307, 308}


@dataclass(frozen=True, slots=True)
class Asked:
    """Who may be asked for files, and with which headers."""

    host: str
    origin: Origin
    headers: tuple[tuple[bytes, bytes], ...]


Question = tuple[Asked, bytes]
"""Who is asked for a file, and by which path and query."""


def question_of(address: httpx.URL, headers: Mapping[str, str]) -> Question:
    """How an address is asked with these headers and Host."""
    raw = ((b"Host", address.netloc), *((name.encode("ascii"), text.encode("ascii")) for name, text in headers.items()))
    return Asked(address.host, origin_of(address), raw), address.raw_path


def _idly() -> None:
    """What those do who have nothing to do meanwhile."""


class Receiver(Taker, Protocol):
    """Whoever takes a file; his methods are called in threads, one at a time, and what they raise ends the fetch."""

    def begin(self, head: MediaHead) -> None:
        """The file begins to come."""


class Courier:
    """Fetches files over `connections`, for any number of threads at a time, until it is `cut`.

    `question` says of an address how it is asked, or raises where it may not be. With an `origin`, that one stands in
    for every host.
    """

    def __init__(
        self,
        connections: Connections,
        question: Callable[[str], Question],
        timeouts: Mapping[str, float | None],
        now: Callable[[], datetime],
        origin: Origin | None = None,
    ) -> None:
        self._connections = connections
        self._question = question
        self._timeouts = timeouts
        self._now = now
        self._origin = origin
        self._lock = Lock()
        self._under_way: set[Line] = set()
        self._is_cut = False

    def fetch(
        self, url: str, receiver: Receiver, on_bytes: Callable[[int], None], meanwhile: Callable[[], None] = _idly
    ) -> None:
        """Give a whole file to `receiver`; nothing where the answer is packed. Errors as with `MediaSource.open`.

        `on_bytes` counts bytes as they come. `meanwhile` is called while the host finds the file, for each time it is
        asked; what it raises ends the fetch.
        """
        for _ in range(MAX_REDIRECTS + 1):
            whom, target = self._question(url)
            request = head(b"GET", target, whom.headers)
            origin = self._origin or whom.origin
            line = self._asked(request, origin, whom.host, meanwhile)
            try:
                told = Saying(line.answer.status, by_name(line.answer.headers))
                location = led_on(told)
                if location is None:
                    _give(line, told, MediaHead(*facts_of(told, whom.host, self._now)), receiver, on_bytes)
                    return
            finally:
                self._end(line, origin)
            url = joined(url, location)
        raise too_far(url)

    def cut(self) -> None:
        """Break off what is under way, and fetch nothing any more. For any thread."""
        with self._lock:
            self._is_cut = True
            for line in self._under_way:
                line.drop()

    def _asked(self, request: bytes, origin: Origin, host: str, meanwhile: Callable[[], None]) -> Line:
        """A connection on which the answer begins to come."""
        try:
            if line := self._connections.idle(origin):
                with suppress(httpx.NetworkError, httpx.ProtocolError):  # the host may have closed it meanwhile
                    return self._ask(line, request, host, meanwhile)
            return self._ask(self._connections.new(origin), request, host, meanwhile)
        except httpx.HTTPError as error:
            raise unanswered(error, host) from error

    def _ask(self, line: Line, request: bytes, host: str, meanwhile: Callable[[], None]) -> Line:
        with self._lock:
            if self._is_cut:
                line.drop()
                raise Interrupted(f"{host} was not asked any more.", host=host)
            self._under_way.add(line)
        try:
            line.send(request, self._timeouts)
            meanwhile()
            line.hear()
        except BaseException:
            self._forget(line)
            raise
        return line

    def _end(self, line: Line, origin: Origin) -> None:
        with self._lock:
            self._under_way.discard(line)
        self._connections.keep(line, origin)

    def _forget(self, line: Line) -> None:
        with self._lock:
            self._under_way.discard(line)
        line.drop()


def _give(line: Line, told: Told, head: MediaHead, receiver: Receiver, on_bytes: Callable[[int], None]) -> None:
    if is_coded(told):
        return
    receiver.begin(head)
    try:
        while not line.is_done:
            if piece := line.read():
                receiver.take(piece)
                on_bytes(len(piece))
    except httpx.HTTPError as error:
        raise broke_off(error, head.host) from error
    receiver.end()


def led_on(response: Told) -> str | None:
    """Where an answer leads to in place of a file; None where it does not."""
    location: str | None = response.headers.get("location")
    return location or None if response.status_code in _REDIRECTS else None


def joined(url: str, location: str) -> str:
    """The address that an answer from `url` leads to."""
    try:
        return str(httpx.URL(url).join(location))
    except httpx.InvalidURL as error:
        raise BadInput(f"{host_of(url)} leads to an address that cannot be read; it is skipped.") from error


def too_far(url: str) -> Unfamiliar:
    """What is wrong with an address that has no end."""
    return Unfamiliar(f"{host_of(url)} leads on more than {MAX_REDIRECTS} times; another address is tried.")


def unanswered(error: httpx.HTTPError, host: str) -> Unreachable:
    """What is wrong where no answer begins."""
    return Unreachable(f"{host} gives no answer ({type(error).__name__}).", host=host)


def broke_off(error: httpx.HTTPError, host: str) -> Interrupted:
    """What is wrong where an answer does not end."""
    return Interrupted(f"{host} broke off ({type(error).__name__}); the rest is asked for again.", host=host)
