"""Bytes of an answer that came packed, unpacked and seen to be whole. No I/O here but the answer's own.

httpx takes packed bytes that break off, or go on in a second part, for the whole: a film cut in the middle by a proxy
would be kept as if it had ended there.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from typing import Any

import httpx

_PIECE_BYTES = 1 << 20  # at most, whatever few bytes it is packed in
_MAGIC = b"\x1f\x8b"  # of gzip
_NAMES = {"gzip": True, "x-gzip": True, "deflate": False}  # is it gzip?

CODINGS = "gzip, deflate"
"""What answers may come packed in. httpx would ask for br and zstd besides where their packages are installed."""


async def unpacked(answer: httpx.Response) -> AsyncGenerator[bytes, None]:
    """The bytes of an answer that begins to come; DecodingError where they are damaged or their end is missing.

    What is in a coding that nobody asked for comes as it is.
    """
    if answer.is_stream_consumed:
        yield answer.content  # by whoever made it
        return
    packs = _packs_of(answer.headers.get("content-encoding", ""))
    async for piece in answer.aiter_raw():
        for part in _through(packs, piece):
            yield part
    for pack in packs:
        pack.end()


def _packs_of(codings: str) -> list[_Pack]:
    """What takes the codings off, the last one first."""
    names = [name.strip().lower() for name in codings.split(",")]
    return [_Pack(is_gzip=_NAMES[name]) for name in reversed(names) if name in _NAMES]


def _through(packs: Sequence[_Pack], piece: bytes) -> Iterator[bytes]:
    if not packs:
        yield piece
        return
    for part in packs[0].feed(piece):
        yield from _through(packs[1:], part)


class _Pack:
    """Packed bytes, as they are fed: gzip, in one part or several, or what HTTP calls deflate."""

    def __init__(self, *, is_gzip: bool) -> None:
        self._is_gzip = is_gzip
        self._inflater: Any = None
        self._first = b""  # bytes that are too few to tell how they are packed
        self._parts = 0  # that came whole
        self._is_over = False

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What the next bytes hold."""
        data, self._first = self._first + data, b""
        while data and not self._is_over:
            if self._inflater is None:
                if len(data) < len(_MAGIC):
                    self._first = data
                    return
                self._begin(data)
            else:
                yield from self._inflated(data)
                data = self._rest()

    def end(self) -> None:
        """DecodingError where the end is missing; nothing at all is an answer without a body."""
        if self._inflater is not None or (self._first and not self._parts):
            raise httpx.DecodingError("the end of what is packed is missing")

    def _begin(self, data: bytes) -> None:
        if self._parts and not (self._is_gzip and data.startswith(_MAGIC)):
            self._is_over = True  # what follows was never part of it
        elif self._is_gzip:
            self._inflater = zlib.decompressobj(zlib.MAX_WBITS | 16)
        else:
            # Some leave out the frame that belongs around it.
            is_framed = data[0] & 15 == zlib.DEFLATED and int.from_bytes(data[:2], "big") % 31 == 0
            self._inflater = zlib.decompressobj(zlib.MAX_WBITS if is_framed else -zlib.MAX_WBITS)

    def _inflated(self, data: bytes) -> Iterator[bytes]:
        while True:
            try:
                piece = self._inflater.decompress(data, _PIECE_BYTES)
            except zlib.error as error:
                raise httpx.DecodingError(str(error)) from error
            if piece:
                yield piece
            data = self._inflater.unconsumed_tail
            if not data and len(piece) < _PIECE_BYTES:
                return

    def _rest(self) -> bytes:
        """What followed the part that was fed last, where that is over."""
        if not self._inflater.eof:
            return b""
        rest: bytes = self._inflater.unused_data
        self._inflater, self._parts = None, self._parts + 1
        return rest
