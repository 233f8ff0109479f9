"""One file on its way into storage: hashed as it comes, whole or not at all; see `local_writer` and `bucket_writer`.

Bytes are handed on in pieces of a megabyte, in threads: hashing and writing let the event loop run. Whoever reads in
a thread hashes and writes there too, by `take`, which spares the trip through the event loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from pipelines.errors import ArchiveError, Blocked, NotFound

PIECE_BYTES = 1 << 20
HEAD_BYTES = 4096

Result = TypeVar("Result")
InThread = Callable[..., Awaitable[Any]]
Mapped = Callable[[Exception], ArchiveError]


@dataclass(frozen=True, slots=True)
class Written:
    """A file as it lies in storage: path relative to the root, bytes, hash in lower-case hex, and its first bytes."""

    path: str
    size_bytes: int
    sha256: str
    head: bytes = b""


class Writer(ABC):
    """A file that is being written. `offset` bytes are there already; `validator` and `total` tell of which version.

    Where storage fails, the writer `is_broken`: only `restart`, `pause` and `abort` are of use then, or a `commit` of
    what storage has, which has to be measured.
    """

    def __init__(self, in_thread: InThread, mapped: Mapped, full: Callable[[str], str]) -> None:
        self.offset = 0
        self.validator: str | None = None
        self.total: int | None = None
        self.head = b""
        self.is_broken = False
        self._in_thread = in_thread
        self._mapped = mapped
        self._full = full
        self._sha256 = hashlib.sha256()
        self._buffer: list[bytes] = []
        self._buffered = 0
        self._final = ""
        self._is_settled = False

    @property
    def final(self) -> str:
        """The final path, relative to the root; "" before `begin`."""
        return self._final

    async def begin(self, final: str, *, validator: str | None = None, total: int | None = None) -> None:
        """Say where the file will lie and which version of it comes; before the first `write`."""
        self.name(final, validator, total)

    async def write(self, chunk: bytes) -> None:
        """Add bytes; returns at once until a piece is full."""
        if len(self.head) < HEAD_BYTES:
            self.head += chunk[: HEAD_BYTES - len(self.head)]
        self._buffer.append(chunk)
        self._buffered += len(chunk)
        self.offset += len(chunk)
        if self._buffered >= PIECE_BYTES:
            await self._in_thread(self._flushed)

    def name(self, final: str, validator: str | None, total: int | None) -> None:
        """What `begin` does. It, `take`, `forget` and `finish` are for callers in a thread, one at a time."""
        self._full(final)  # raises where the path leads out of the root
        self._final, self.validator, self.total = final, validator, total

    def take(self, piece: memoryview) -> None:
        """What `write` does, at once; the room of `piece` may be used again."""
        with self._careful():
            if self._buffer:
                self._flush()
            if len(self.head) < HEAD_BYTES:
                self.head += piece[: HEAD_BYTES - len(self.head)]
            self._sha256.update(piece)
            self._put(piece)
            self.offset += len(piece)

    def forget(self) -> None:
        """What `restart` does."""
        self._buffer, self._buffered, self.offset, self.head = [], 0, 0, b""
        self.validator = self.total = None
        self._sha256 = hashlib.sha256()
        with self._careful():
            self._discard()
        self.is_broken = self._is_settled = False

    def finish(self) -> Written:
        """That was all of it; `settle` is what remains to do."""
        with self._careful():
            self._finish()
        return Written(self._final, self.offset, self._sha256.hexdigest(), self.head)

    async def restart(self) -> None:
        """Forget every byte so far."""
        await self._in_thread(self.forget)

    async def commit(self) -> Written:
        """Give the file its final name, for good."""
        written: Written = await self._in_thread(self.finish)
        await self.settle()
        return written

    async def settle(self) -> None:
        """Give a finished file its final name, for good; nothing where it has it."""
        if not self._is_settled:
            with self._careful():
                await self._settle()
            self._is_settled = True

    def note_settled(self, problem: Exception | None) -> None:
        """What came of it where others settled it; raises what `settle` would."""
        with self._careful():
            if problem is not None:
                raise problem
        self._is_settled = True

    def leave(self) -> None:
        """What `pause` does, for callers in a thread."""
        if not self._is_settled:
            with self._careful():
                self._leave()

    async def pause(self) -> None:
        """Stop here; what can be kept for another process is kept. Nothing after a `commit`."""
        if not self._is_settled:
            await self._in_thread(self._leave)

    async def abort(self) -> None:
        """Stop here and keep nothing."""
        self._buffer, self._buffered = [], 0
        await self._in_thread(self._discard)

    @contextlib.contextmanager
    def _careful(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            self.is_broken = True  # what is stored and what was hashed may differ now
            known = self._mapped(error)
            if isinstance(known, NotFound):
                raise Blocked(f"{known} Make sure that the root is there, and run again.") from error
            if known is error:
                raise
            raise known from error

    def _flushed(self) -> None:
        with self._careful():
            self._flush()

    def _flush(self) -> None:
        # One hash and one write of the whole piece: each lets go of the interpreter once.
        piece = self._buffer[0] if len(self._buffer) == 1 else b"".join(self._buffer)
        self._buffer, self._buffered = [], 0
        self._sha256.update(piece)
        self._put(piece)

    @abstractmethod
    def _put(self, piece: bytes | memoryview) -> None: ...

    @abstractmethod
    def _finish(self) -> None: ...

    @abstractmethod
    async def _settle(self) -> None: ...

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
