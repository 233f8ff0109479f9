"""One file on its way into storage: hashed as it comes, whole or not at all; see `local_writer` and `bucket_writer`.

Bytes are handed on in pieces of a megabyte, in threads: hashing and writing let the event loop run.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from pipelines.errors import ArchiveError, Blocked, NotFound

PIECE_BYTES = 1 << 20
HEAD_BYTES = 4096

Result = TypeVar("Result")
InThread = Callable[..., Awaitable[Any]]


@dataclass(frozen=True, slots=True)
class Written:
    """A file as it lies in storage: path relative to the root, bytes, hash in lower-case hex, and its first bytes."""

    path: str
    size_bytes: int
    sha256: str
    head: bytes = b""


class Writer(ABC):
    """A file that is being written. `offset` bytes are there already; `validator` and `total` tell of which version.

    Where storage fails, the writer `is_broken`: only `restart`, `pause` and `abort` are of use then.
    """

    def __init__(self, in_thread: InThread, full: Callable[[str], str]) -> None:
        self.offset = 0
        self.validator: str | None = None
        self.total: int | None = None
        self.head = b""
        self.is_broken = False
        self._in_thread = in_thread
        self._full = full
        self._sha256 = hashlib.sha256()
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._final = ""

    @property
    def final(self) -> str:
        """The final path, relative to the root; "" before `begin`."""
        return self._final

    async def begin(self, final: str, *, validator: str | None = None, total: int | None = None) -> None:
        """Say where the file will lie and which version of it comes; before the first `write`."""
        self._full(final)  # raises where the path leads out of the root
        self._final, self.validator, self.total = final, validator, total

    async def write(self, chunk: bytes) -> None:
        """Add bytes; returns at once until a piece is full."""
        if len(self.head) < HEAD_BYTES:
            self.head += chunk[: HEAD_BYTES - len(self.head)]
        self._buffer.append(chunk)
        self._buffered += len(chunk)
        self.offset += len(chunk)
        if self._buffered >= PIECE_BYTES:
            await self._step(self._flush)

    async def restart(self) -> None:
        """Forget every byte so far."""
        self._buffer, self._buffered, self.offset, self.head = [], 0, 0, b""
        self.validator = self.total = None
        self._sha256 = hashlib.sha256()
        await self._in_thread(self._discard)
        self.is_broken = False

    async def commit(self) -> Written:
        """Give the file its final name, for good."""
        await self._step(self._finish)
        return Written(self._final, self.offset, self._sha256.hexdigest(), self.head)

    async def pause(self) -> None:
        """Stop here; what can be kept for another process is kept. Nothing after a `commit`."""
        await self._in_thread(self._leave)

    async def abort(self) -> None:
        """Stop here and keep nothing."""
        self._buffer, self._buffered = [], 0
        await self._in_thread(self._discard)

    async def _step(self, work: Callable[[], None]) -> None:
        try:
            await self._in_thread(work)
        except ArchiveError as error:
            self.is_broken = True  # what is stored and what was hashed may differ now
            if isinstance(error, NotFound):
                raise Blocked(f"{error} Make sure that the root is there, and run again.") from error
            raise

    def _flush(self) -> None:
        # One hash and one write of the whole piece: each lets go of the interpreter once.
        piece = b"".join(self._buffer)
        self._buffer, self._buffered = [], 0
        self._sha256.update(piece)
        self._put(piece)

    @abstractmethod
    def _put(self, piece: bytes) -> None: ...

    @abstractmethod
    def _finish(self) -> None: ...

    @abstractmethod
    def _leave(self) -> None: ...

    @abstractmethod
    def _discard(self) -> None: ...


async def finished(work: Awaitable[Result]) -> Result:
    """Await work that must not be left half done: a cancellation waits for its end."""
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        while not task.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([task])
        if not task.cancelled():
            task.exception()  # seen; the cancellation is what counts
        raise
