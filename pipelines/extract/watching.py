"""What every recording of a live stream shares: its pieces, its end, and when to ask the room again."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from pipelines.errors import Absent, ArchiveError, Interrupted, Transient, Unfamiliar
from pipelines.extract.media import MediaAnswer
from pipelines.extract.sequences import Gap

MAX_BYTES = 64 << 20  # a segment of a minute at 8 Mbit/s; playlists are a few kilobytes
_APART_S = 3.0  # between two questions to the room, even where each brought something
_EXPIRY = re.compile(r"[?&]expires?=(\d{10})(?:&|$)")
PASSING = (Transient, Absent, Unfamiliar)
"""Errors of a stream's host that the room has the last word on: it may know a fresh address."""


class ByteSource(Protocol):
    """Whoever gives bytes for an address: `media.MediaSource`."""

    def open(
        self, url: str, *, offset: int = 0, validator: str | None = None
    ) -> AbstractAsyncContextManager[MediaAnswer]:
        """Ask for a file."""


async def _no_address() -> str | None:
    """The parting of those who know none."""
    return None


class End(StrEnum):
    """Why a recording is over."""

    ENDED = "ended"  # the room says that it is not live any more
    FULL = "as long as asked"
    STALLED = "stalled"  # the room says live, but nothing came for a long time


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes of a stream, in order. A new `part` begins a new file, for its bytes do not follow on those before.

    `seconds` is the time that they play; `number` is an HLS segment's. `is_discontinuity`: the encoder began anew here.
    """

    data: bytes
    part: int
    suffix: str
    seconds: float
    number: int | None = None
    is_discontinuity: bool = False


@dataclass
class Watch:
    """One recording under way.

    `reenter` asks the room again: a fresh address, or None where it is not live any more. `clock` gives seconds that
    never jump. The recording is full after `max_seconds` of pictures, or of waiting for them; it stalls after
    `patience_s` seconds without any. `parting` asks once more when all is over: an address by which the end can still
    be seen, or None. `gaps` is what is missing, `end` why it is over (None while it is not).
    """

    source: ByteSource
    reenter: Callable[[], Awaitable[str | None]]
    sleep: Callable[[float], Awaitable[None]]
    clock: Callable[[], float]
    now: Callable[[], datetime]
    max_seconds: float | None = None
    patience_s: float = 120.0
    parting: Callable[[], Awaitable[str | None]] = _no_address
    gaps: list[Gap] = field(default_factory=list)
    end: End | None = None
    seconds: float = 0.0
    reentries: int = 0
    _began: float | None = None
    _came: float | None = None
    _asked: float | None = None
    _barren: int = 0
    _undated: str | None = None  # the address that was over when it was given

    def begin(self, address: str) -> None:
        """Start the watch at this address."""
        self._began = self._came = self.clock()
        self.given(address)

    def given(self, address: str) -> None:
        """An address is fresh: one that is over already tells of two clocks that differ, and of no end."""
        if self.is_late(address):
            self._undated = address

    def came(self, seconds: float) -> None:
        """Something came that plays so long."""
        self.seconds += seconds
        self._came, self._barren = self.clock(), 0

    def is_full(self) -> bool:
        """Whether there is as much as was asked for; then the watch is at its end."""
        if self.max_seconds is None or self._began is None:
            return False
        if max(self.seconds, self.clock() - self._began) < self.max_seconds:
            return False
        self.end = End.FULL
        return True

    async def again(self) -> str | None:
        """Ask the room for a fresh address, after a pause where the last one gave nothing; None at the end."""
        await self.sleep(self._pause())
        if self._barren and self.clock() - (self._came or 0.0) > self.patience_s:
            self.end = End.STALLED
            return None
        if self.is_full():
            return None
        self._barren += 1
        self.reentries += 1
        self._asked = self.clock()
        address = await self.reenter()
        if address is None:
            self.end = End.ENDED
        else:
            self.given(address)
        return address

    def may_ask(self) -> bool:
        """Whether the room can be asked at once, with no pause before."""
        return self._pause() == 0.0

    def is_late(self, address: str, ahead_s: float = 0.0) -> bool:
        """Whether an address says of itself that it expires within so many seconds."""
        expiry = _EXPIRY.search(address) if address != self._undated else None
        return expiry is not None and self.now().timestamp() + ahead_s >= int(expiry[1])

    def _pause(self) -> float:
        if self._asked is None:
            return 0.0
        # Even pauses at first: most outages are shorter than the window, so that nothing is lost.
        least = min(_APART_S * 2.0 ** max(0, self._barren - 4), 30.0)
        return max(0.0, self._asked + least - self.clock())

    async def fetch(self, url: str) -> bytes:
        """A whole small file: Interrupted where it is shorter than promised, the error of the source otherwise."""
        body = bytearray()
        async with self.source.open(url) as answer:
            async for chunk in answer.chunks:
                body += chunk
                if len(body) > MAX_BYTES:
                    raise Unfamiliar(f"{answer.host} sends no end of bytes for one segment; it is skipped.")
        if answer.total_size is not None and len(body) != answer.total_size:
            raise Interrupted(f"{answer.host} broke off after {len(body)} of {answer.total_size} bytes.")
        return bytes(body)


def reason_of(error: ArchiveError) -> str:
    """What stood in the way, in a few words."""
    status = error.facts.get("http_status")
    return f"{type(error).__name__} ({status})" if status else type(error).__name__
