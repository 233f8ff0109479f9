"""Which segments of a live stream were taken: each once and in order, and what is missing. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

from pipelines.extract.playlists import Segment, Window


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that is missing from a recording. Numbers are the stream's own, both included; None where unknown."""

    reason: str
    noted_at: datetime
    first: int | None = None
    last: int | None = None

    def as_json(self) -> dict[str, str | int | None]:
        """The same as plain values."""
        return {"reason": self.reason, "first": self.first, "last": self.last, "noted_at": self.noted_at.isoformat()}


_SURE = 3  # windows further and further on, all of them far behind


@dataclass
class Ledger:
    """The books of one recording. `next_number` is the segment to take next; None before the first.

    A window far behind what was taken is either an old copy from some cache, or a stream that counts anew: an old copy
    stands still or catches up within three windows, a new count goes on and on.
    """

    tries: int = 3
    next_number: int | None = None
    gaps: list[Gap] = field(default_factory=list)
    _failed: dict[int, int] = field(default_factory=dict)
    _behind: list[int] = field(default_factory=list)
    _size: int = 0

    @property
    def newest(self) -> int | None:
        """The number of the segment taken last, or passed over; None before the first."""
        return None if self.next_number is None else self.next_number - 1

    def due(self, window: Window, now: datetime) -> list[Segment]:
        """The segments of a window that were not taken yet, in order; what slid out before is noted as a gap."""
        if not window.segments:
            return []
        if self._counts_anew(window):
            self.gaps.append(Gap("the stream counts its segments anew; some may be missing", now))
            self.next_number = None
            self._failed.clear()
        if self.next_number is None:
            self.next_number = window.segments[0].number
        found = [segment for segment in window.segments if segment.number >= self.next_number]
        if found and found[0].number > self.next_number:
            self._miss(self.next_number, found[0].number - 1, "slid out of the window before it was taken", now)
            self.next_number = found[0].number
        return found

    def taken(self, number: int) -> None:
        """The segment was taken; it will never be due again."""
        self.next_number = number + 1
        self._failed.pop(number, None)

    def failed(self, number: int, reason: str, now: datetime) -> bool:
        """The segment could not be had. True where it was given up: it is a gap, and the next one is due."""
        self._failed[number] = self._failed.get(number, 0) + 1
        if self._failed[number] < self.tries:
            return False
        self.give_up(number, reason, now)
        return True

    def give_up(self, number: int, reason: str, now: datetime) -> None:
        """The segment will not be asked for again."""
        self._miss(number, number, reason, now)
        self.taken(number)

    def _miss(self, first: int, last: int, reason: str, now: datetime) -> None:
        before = self.gaps[-1] if self.gaps else None
        if before is not None and before.reason == reason and before.last == first - 1:
            self.gaps[-1] = Gap(reason, before.noted_at, before.first, last)
        else:
            self.gaps.append(Gap(reason, now, first, last))

    def _counts_anew(self, window: Window) -> bool:
        newest = window.segments[-1].number
        self._size = max(self._size, len(window.segments))
        if self.next_number is None or newest >= self.next_number - 3 * self._size:
            self._behind.clear()
        elif not self._behind or newest > self._behind[-1]:
            self._behind.append(newest)
        if len(self._behind) < _SURE:
            return False
        self._behind.clear()
        return True
