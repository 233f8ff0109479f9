"""Whether a file's own bytes say that more of them belong to it: boxes of MP4, chunks of WebP, the end mark of a JPEG.

A host that tells no length ends a file by closing the connection, and a connection that broke looks the same. No I/O
here.
"""

from __future__ import annotations

_JPEG, _JPEG_END = b"\xff\xd8\xff", b"\xff\xd9"
_TAIL_BYTES = 64  # some pictures have a few bytes behind their end
_FIRST_BOXES = frozenset((b"ftyp", b"styp", b"moof", b"moov", b"sidx"))
# What follows any other box is not looked at: it may be no box at all.
_BOXES = _FIRST_BOXES | {b"mdat", b"free", b"skip", b"wide", b"uuid", b"meta", b"udta", b"mfra", b"emsg", b"prft"}


class Extent:
    """A file as its bytes come, from the first one on: `size` of them so far."""

    def __init__(self) -> None:
        self.size = 0
        self._first = self._tail = b""
        self._next_box: int | None = 0  # where it begins; None where nobody can tell
        self._box = b""  # as many bytes of it as came

    @property
    def lacks_more(self) -> bool:
        """Whether the file is sure to go on behind what came; False also where its bytes say nothing of that."""
        if self._first.startswith(_JPEG):
            return _JPEG_END not in self._tail
        if self._first[:4] == b"RIFF" and self._first[8:] == b"WEBP":
            return int.from_bytes(self._first[4:8], "little") + 8 > self.size
        return self._next_box is not None and self._next_box > self.size

    def feed(self, piece: memoryview) -> None:
        """The next bytes."""
        start, self.size = self.size, self.size + len(piece)
        if len(self._first) < 12:
            self._first += piece[: 12 - len(self._first)]
        self._tail = (self._tail + piece[-_TAIL_BYTES:])[-_TAIL_BYTES:]
        while self._next_box is not None and self._next_box + len(self._box) < self.size:
            at = self._next_box + len(self._box) - start
            self._box += piece[at : at + 16 - len(self._box)]
            if not self._pass_box(self._next_box):
                return

    def _pass_box(self, at: int) -> bool:
        """Go to the end of the box that begins there; whether enough of it came for that."""
        size = int.from_bytes(self._box[:4], "big")
        if len(self._box) < (16 if size == 1 else 8):
            return False
        if size == 1:
            size = int.from_bytes(self._box[8:16], "big")
        is_box = self._box[4:8] in (_BOXES if at else _FIRST_BOXES)
        # The last box may be as long as the file, which it says by 0.
        self._next_box = at + size if is_box and size >= 8 else None
        self._box = b""
        return True
