"""FLV as it comes over HTTP: a header, then tags that are whole or not kept. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass, field

from pipelines.errors import Unfamiliar

_HEADER_BYTES = 9
_TAG_HEAD = 11
_JUMP_MS = 10_000
_KINDS = frozenset({8, 9, 18})  # sound, pictures, what the stream says of itself


@dataclass
class FlvReader:
    """Cuts a stream of bytes at the ends of tags, so that what is kept is playable wherever it stops.

    `milliseconds` is how far the stream has come since its first picture or sound.
    """

    milliseconds: int = 0
    _last: int | None = None
    _has_header: bool = False
    _rest: bytearray = field(default_factory=bytearray)

    def feed(self, chunk: bytes) -> bytes:
        """The whole tags (the header among them) that these bytes complete; Unfamiliar where they are no FLV."""
        self._rest += chunk
        end = 0 if self._has_header else self._after_header()
        if not self._has_header:
            return b""
        while (size := self._tag_size(end)) is not None:
            end += size
        whole = bytes(self._rest[:end])
        del self._rest[:end]
        return whole

    def _after_header(self) -> int:
        if not b"FLV\x01".startswith(bytes(self._rest[:4])):
            raise Unfamiliar("A stream's address gives no FLV; the room is asked again, or try --stream hls.")
        if len(self._rest) < _HEADER_BYTES:
            return 0
        size = int.from_bytes(self._rest[5:9], "big") + 4
        if not _HEADER_BYTES + 4 <= size <= 1024:
            raise Unfamiliar("A stream's FLV header is damaged; the room is asked again.")
        if len(self._rest) < size:
            return 0
        self._has_header = True
        return size

    def _tag_size(self, start: int) -> int | None:
        head = self._rest[start : start + _TAG_HEAD]
        if len(head) < _TAG_HEAD:
            return None
        kind = head[0] & 0x1F
        if kind not in _KINDS:
            raise Unfamiliar("A stream's FLV is out of step; it is begun again.")
        size = _TAG_HEAD + int.from_bytes(head[1:4], "big") + 4
        if len(self._rest) < start + size:
            return None
        if kind != 18 and not _is_header(kind, self._rest[start + _TAG_HEAD : start + _TAG_HEAD + 2]):
            self._advance(head[7] << 24 | int.from_bytes(head[4:7], "big"))
        return size

    def _advance(self, stamp: int) -> None:
        # Nodes count from anywhere, and begin anew when the encoder does: only steps are time that passed.
        if self._last is None or abs(stamp - self._last) > _JUMP_MS:
            self._last = stamp
        elif stamp > self._last:
            self.milliseconds += stamp - self._last
            self._last = stamp


def _is_header(kind: int, data: bytes | bytearray) -> bool:
    """Whether a tag holds the decoder's set-up, which comes with time 0 before pictures of any time."""
    if len(data) < 2 or data[1] != 0:
        return False
    return data[0] & 0x0F in (7, 12) if kind == 9 else data[0] >> 4 == 10
