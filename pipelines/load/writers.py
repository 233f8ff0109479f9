"""One file on its way into storage: hashed as it comes, on disk or in a bucket, whole or not at all.

A local file grows under `.<key>.part` in the folder of its final name, with a small `.<key>.part.json` beside it that
says which version of the file it is (validator, total). Bytes are flushed in pieces of a megabyte, in threads: hashing
and writing let the event loop run. `commit` syncs the bytes, gives the final name, and syncs the folder, in this order;
so a final name never stands for half a file, not even after a power cut. A small file meets the disk in `commit` only.
A process that dies leaves its part behind; the next one hashes what is there and goes on. Two processes never write one
part: it is locked while it is open, and the second one takes the next name.

A bucket has no rename, so there the object is begun under its final key and appears when it is complete: one PUT for a
small file, a multipart upload for others. A part cannot outlive its process there.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import json
import os
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from io import FileIO
from pathlib import Path
from typing import Any, TypeVar

from pipelines.errors import ArchiveError, Blocked, NotFound

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be renamed by another process anyway
    fcntl = None  # type: ignore[assignment]

PIECE_BYTES = 1 << 20
UPLOAD_BYTES = 6 << 20  # S3 wants parts of 5 MiB or more, and allows 10,000: files of up to 60 GB
HEAD_BYTES = 4096
_READ_BYTES = 1 << 20

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


class LocalWriter(Writer):
    """A file on a local disk; `folder` is where the part lies, `full` makes a path of a relative one."""

    def __init__(self, folder: Path, key: str, in_thread: InThread, full: Callable[[str], str]) -> None:
        super().__init__(in_thread, full)
        self._folder = folder
        self._key = key
        self._part = folder / part_name(key)
        self._file: FileIO | None = None
        self._has_record = False
        self._is_last = False

    def find(self) -> None:
        """Take up the part that another process left, if there is one."""
        file = self._opened()
        record = _record_of(_beside(self._part))
        if record is None:
            file.truncate(0)
            return
        self.validator, self.total = record
        self._has_record = True
        while piece := file.read(_READ_BYTES):
            self.head = self.head or piece[:HEAD_BYTES]
            self._sha256.update(piece)
            self.offset += len(piece)

    def _put(self, piece: bytes) -> None:
        file = self._opened()
        if self.validator and not self._has_record and not self._is_last:
            _beside(self._part).write_text(json.dumps({"validator": self.validator, "total": self.total}), "utf-8")
            self._has_record = True
        rest = memoryview(piece)
        while rest:
            rest = rest[file.write(rest) :]

    def _opened(self) -> FileIO:
        if self._file is not None:
            return self._file
        for number in range(2, 100):
            file, is_ours = self._made()
            if _locked(file) and (is_ours or _is_at(file, self._part)):
                file.seek(0)
                self._file = file
                return file
            file.close()
            if self._part.exists():
                self._part = self._folder / f".{self._key}.{number}.part"
        raise OSError(f"{self._part} stays locked: is another run archiving to this root? Wait for it to end.")

    def _made(self) -> tuple[FileIO, bool]:
        """The part, opened, and whether it was made here and now."""
        try:
            return FileIO(self._part, "x+"), True
        except FileExistsError:
            return FileIO(self._part, "a+"), False
        except FileNotFoundError:
            self._folder.mkdir(parents=True, exist_ok=True)
            return FileIO(self._part, "a+"), False

    def _finish(self) -> None:
        self._is_last = True  # a file that is whole at once needs no record of its part
        if self._buffer or self._file is None:
            self._flush()
        file = self._opened()
        os.fsync(file.fileno())
        final = Path(self._full(self._final))
        if os.name == "nt":
            file.close()  # Windows does not rename open files
        self._part.replace(final)
        file.close()
        self._file = None
        self._forget()
        _sync_folder(final.parent)

    def _leave(self) -> None:
        if not self.validator:
            self._discard()  # nobody could tell which version of the file it is part of
            return
        if self._buffer and not self.is_broken:
            self._flush()
        if self._file is not None:
            self._file.close()
            self._file = None

    def _discard(self) -> None:
        self._buffer, self._buffered = [], 0
        if self._file is None:
            return
        if os.name == "nt":
            self._file.close()
        self._part.unlink(missing_ok=True)
        self._file.close()
        self._file = None
        self._forget()

    def _forget(self) -> None:
        if self._has_record:
            _beside(self._part).unlink(missing_ok=True)
            self._has_record = False


class BucketWriter(Writer):
    """An object in a bucket; `call` is s3fs's `call_s3`, `full` makes `<bucket>/<key>` of a path."""

    def __init__(self, call: Callable[..., Any], in_thread: InThread, full: Callable[[str], str]) -> None:
        super().__init__(in_thread, full)
        self._call = call
        self._upload: dict[str, str] | None = None
        self._waiting = bytearray()
        self._parts: list[dict[str, Any]] = []

    def _put(self, piece: bytes) -> None:
        self._waiting += piece
        if len(self._waiting) >= UPLOAD_BYTES:
            self._send_part()

    def _place(self) -> dict[str, str]:
        bucket, _, key = self._full(self._final).partition("/")
        return {"Bucket": bucket, "Key": key}

    def _send_part(self) -> None:
        if self._upload is None:
            place = self._place()
            begun = self._call("create_multipart_upload", **place)
            self._upload = {**place, "UploadId": begun["UploadId"]}
        number = len(self._parts) + 1
        body, self._waiting = bytes(self._waiting), bytearray()
        sent = self._call("upload_part", **self._upload, PartNumber=number, Body=body)
        self._parts.append({"PartNumber": number, "ETag": sent["ETag"]})

    def _finish(self) -> None:
        self._flush()
        if self._upload is None:
            self._call("put_object", **self._place(), Body=bytes(self._waiting))
        else:
            if self._waiting:
                self._send_part()
            self._call("complete_multipart_upload", **self._upload, MultipartUpload={"Parts": self._parts})
        self._upload, self._parts, self._waiting = None, [], bytearray()

    def _leave(self) -> None:
        self._discard()

    def _discard(self) -> None:
        upload, self._upload = self._upload, None
        self._parts, self._waiting = [], bytearray()
        if upload is not None:
            with contextlib.suppress(FileNotFoundError):
                self._call("abort_multipart_upload", **upload)


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


def part_name(key: str) -> str:
    """What a file is called while it is on its way; `key` is a legal name."""
    return f".{key}.part"


def _beside(part: Path) -> Path:
    return part.with_name(part.name + ".json")


def _record_of(path: Path) -> tuple[str | None, int | None] | None:
    try:
        record = json.loads(path.read_text("utf-8"))
        return record["validator"], record["total"]
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _locked(file: FileIO) -> bool:
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True  # a network disk without locks
    return True


def _is_at(file: FileIO, path: Path) -> bool:
    # The other process may have given the file its final name between our open and our lock.
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _sync_folder(folder: Path) -> None:
    if os.name == "nt":
        return  # no such call there
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
