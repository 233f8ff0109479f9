"""Live streams: HLS segments by number, each once and in order, or an FLV cut at whole tags.

A playlist that is refused, that says ENDLIST or that stands still may mean three things: the address has expired, the
encoder began anew, or the broadcast is over. Only the room knows, so it is asked again each time, and before an address
expires; while it says live, its fresh address is followed, and the numbers of the segments tell where to go on. Once it
says that all is over, the playlist is looked at a last time, by an address that is still good. A segment that cannot be
had is tried again at the next refresh, where it has a fresh address, and is noted as a gap after three tries.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing

from pipelines.errors import Absent, ArchiveError, NotFound, Unfamiliar
from pipelines.extract.flv import FlvReader
from pipelines.extract.playlists import Master, Segment, Unrecordable, Window, choose, read_playlist
from pipelines.extract.sequences import Gap, Ledger
from pipelines.extract.watching import PASSING, End, Piece, Watch, reason_of

_TS_PACKET = 188
_STALLED_TARGETS = 3.0
_FAILED_LOADS = 4


async def record_hls(watch: Watch, address: str, *, quality: str | None = None) -> AsyncGenerator[Piece, None]:
    """The segments of a live playlist from the oldest that is there, until the end that `watch.end` names.

    Raises what `watch.reenter` raises, Blocked or BadInput of the source, and Unrecordable where the stream begins so.
    """
    recorder = _HlsRecorder(watch, quality)
    watch.begin(address)
    following: str | None = address
    while following is not None:
        async with aclosing(recorder.follow(following)) as pieces:
            async for piece in pieces:
                yield piece
        recorder.check_form()
        following = None if watch.end else await watch.again()
    if watch.end is not End.FULL:
        async with aclosing(recorder.rest()) as pieces:
            async for piece in pieces:
                yield piece


class _HlsRecorder:
    """Follows one address after another; the books of what was taken outlive each of them."""

    def __init__(self, watch: Watch, quality: str | None) -> None:
        self._watch = watch
        self._quality = quality
        self._ledger = Ledger(gaps=watch.gaps)
        self._left: list[Segment] = []
        self._part, self._suffix, self._init = 0, "", ""
        self._media_url: str | None = None
        self._good: str | None = None  # the address that may show more than was seen
        self._has_seen_end = self._has_expired = False
        self._why_not = ""

    async def follow(self, address: str) -> AsyncGenerator[Piece, None]:
        """New segments of a playlist until it leads no further: refused, ended, standing still, or enough."""
        watch, self._media_url = self._watch, None
        self._good, self._has_seen_end, self._has_expired = address, False, False
        newest, moved_at, failures = self._ledger.newest, watch.clock(), 0
        while not watch.is_full():
            began = watch.clock()
            try:
                window = await self._load(address)
            except PASSING as error:
                failures += 1
                if isinstance(error, Absent | Unfamiliar) or failures >= _FAILED_LOADS:
                    self._good, self._has_expired = None, watch.is_late(address)
                    # Their own addresses may outlive the playlist's; if not, a fresh one may have them yet.
                    async for piece in self._take(self._left):
                        yield piece
                    return
                await watch.sleep(min(2.0**failures / 2, 4.0))
                continue
            failures = 0
            async for piece in self._take(self._ledger.due(window, watch.now())):
                yield piece
                if watch.is_full():
                    return
            if window.is_ended and not self._left:
                self._has_seen_end = True
                return
            has_moved, newest = window.newest != newest, window.newest
            moved_at = began if has_moved else moved_at
            if watch.clock() - moved_at > _STALLED_TARGETS * window.target_s:
                self._has_seen_end = not self._left
                return
            if watch.may_ask() and watch.is_late(address, _STALLED_TARGETS * window.target_s):
                return
            # RFC 8216 6.3.4: a whole target duration after a playlist that changed, half of it after one that did not.
            is_slow = has_moved and not self._left
            await watch.sleep(max(0.0, began + window.target_s * (1.0 if is_slow else 0.5) - watch.clock()))

    def check_form(self) -> None:
        """Unrecordable where nothing came, and nothing will: the form of a stream is no matter of its address."""
        if self._why_not and not self._watch.seconds:
            raise Unrecordable(self._why_not)

    async def rest(self) -> AsyncGenerator[Piece, None]:
        """What is there yet of a broadcast that is over; what is known to be missing is noted as a gap."""
        watch = self._watch
        if not self._has_seen_end:
            async for piece in self._last_look():
                yield piece
        async for piece in self._take(self._left, is_last_chance=True):
            yield piece
        if self._why_not and not self._has_seen_end:
            watch.gaps.append(Gap(self._why_not, watch.now(), self._ledger.next_number))
        if self._has_expired and not self._has_seen_end:
            reason = "the address expired before the broadcast was over, and none shows its end"
            watch.gaps.append(Gap(reason, watch.now(), self._ledger.next_number))

    async def _last_look(self) -> AsyncGenerator[Piece, None]:
        for find in (self._still_good, self._watch.parting):
            self._media_url, address = None, await find()
            if address is None:
                continue
            if address != self._good:
                self._watch.given(address)
            try:
                due = self._ledger.due(await self._load(address), self._watch.now())
            except PASSING:
                self._has_expired = self._has_expired or self._watch.is_late(address)
                continue
            self._has_seen_end = True
            async for piece in self._take(due):
                yield piece
            return

    async def _still_good(self) -> str | None:
        return self._good

    async def _load(self, address: str) -> Window:
        url = self._media_url or address
        body = await self._watch.fetch(url)
        try:
            playlist = read_playlist(body, url)
        except Unrecordable as error:
            self._why_not = str(error)
            raise
        self._why_not = ""
        if isinstance(playlist, Master):
            if self._media_url is not None:
                raise Unfamiliar("A playlist leads to other playlists without end; the room is asked again.")
            self._media_url = choose(playlist, self._quality).url
            return await self._load(address)
        return playlist

    async def _take(self, due: Sequence[Segment], *, is_last_chance: bool = False) -> AsyncGenerator[Piece, None]:
        """Each segment in its turn, as far as they are to be had now; the others are left for the next refresh."""
        self._left = list(due)
        while self._left:
            segment = self._left[0]
            try:
                piece = await self._piece(segment)
            except PASSING as error:
                if not self._passes_over(segment, error, is_last_chance=is_last_chance):
                    return
                self._left.pop(0)
                continue
            # Books first: whoever stops between the two has the bytes once, never twice.
            self._ledger.taken(segment.number)
            self._watch.came(segment.seconds)
            self._left.pop(0)
            yield piece

    def _passes_over(self, segment: Segment, error: ArchiveError, *, is_last_chance: bool) -> bool:
        """Note a segment that could not be had; whether it is given up."""
        reason, now = f"not to be had: {reason_of(error)}", self._watch.now()
        if segment.is_missing:
            reason = "missing by the playlist's own word"
        if segment.is_missing or is_last_chance:
            self._ledger.give_up(segment.number, reason, now)
            return True
        return self._ledger.failed(segment.number, reason, now)

    async def _piece(self, segment: Segment) -> Piece:
        if segment.is_missing:
            raise NotFound("The playlist says that a segment is missing.")
        data = await self._watch.fetch(segment.url)
        suffix = ".mp4" if segment.init_url else _suffix_of(data)
        if segment.init_url and segment.init_url.partition("?")[0] != self._init:
            data = await self._watch.fetch(segment.init_url) + data
            self._init = segment.init_url.partition("?")[0]
            self._suffix = ""  # another header cannot stand in the middle of a file
        if suffix != self._suffix:
            self._part, self._suffix = self._part + 1, suffix
        return Piece(data, self._part, suffix, segment.seconds, segment.number, segment.is_discontinuity)


def _suffix_of(data: bytes) -> str:
    """The suffix that fits a segment's bytes; Unfamiliar for bytes that are no segment, or half a one."""
    if data[:1] == b"\x47" and len(data) % _TS_PACKET == 0 and data[:: 100 * _TS_PACKET].strip(b"\x47") == b"":
        return ".ts"
    if data[:3] == b"ID3" or (data[:1] == b"\xff" and data[1:2] in b"\xf0\xf1\xf8\xf9" and len(data) > 2):
        return ".aac"
    raise Unfamiliar("A segment is neither MPEG-TS nor AAC, or half of one.")


async def record_flv(watch: Watch, address: str) -> AsyncGenerator[Piece, None]:
    """An FLV stream in whole tags, until the end that `watch.end` names; each connection is a part of its own.

    Raises what `watch.reenter` raises, and Blocked or BadInput of the source.
    """
    watch.begin(address)
    part = 1
    following: str | None = address
    while following is not None:
        has_come, why = False, "it ended"
        try:
            async with aclosing(_tags(watch, following, part)) as pieces:
                async for piece in pieces:
                    has_come = True
                    yield piece
        except PASSING as error:
            why = reason_of(error)
        if watch.end:
            return
        following = await watch.again()
        if has_come and following is not None:
            part += 1
            watch.gaps.append(Gap(f"the stream broke off ({why}) and was taken up again in a new file", watch.now()))


async def _tags(watch: Watch, address: str, part: int) -> AsyncGenerator[Piece, None]:
    reader = FlvReader()
    async with watch.source.open(address) as answer:
        async for chunk in answer.chunks:
            before = reader.milliseconds
            if whole := reader.feed(chunk):
                seconds = (reader.milliseconds - before) / 1000
                if seconds:  # a header alone is no sign of life
                    watch.came(seconds)
                yield Piece(whole, part, ".flv", seconds)
            if watch.is_full():
                return
