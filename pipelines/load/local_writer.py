"""A file on its way to a local disk: it grows as a part beside its final name, and the next process can go on with it.

A local file grows under `.<key>.part` in the folder of its final name, with a small `.<key>.part.json` beside it that
says which version of the file it is (validator, total). A small file meets the disk in `finish` only. `settling.py`
says how it gets its final name. A process that dies leaves its part behind; the next one hashes what is there and goes
on. Two processes never write one part: it is locked while it is open, and the second one takes the next name.
"""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from pipelines.load.held_folder import HeldFolder
from pipelines.load.past_cache import BLOCK_BYTES, put_past_cache
from pipelines.load.settling import Settling
from pipelines.load.writers import HEAD_BYTES, PIECE_BYTES, InThread, Mapped, Writer

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be renamed by another process anyway
    fcntl = None  # type: ignore[assignment]

_READ_BYTES = 1 << 20


class LocalWriter(Writer):
    """A file on a local disk; `folder` is where it lies, `full` makes a path of a relative one."""

    def __init__(
        self,
        folder: Path,
        key: str,
        in_thread: InThread,
        mapped: Mapped,
        full: Callable[[str], str],
        settling: Settling | None = None,
    ) -> None:
        super().__init__(in_thread, mapped, full)
        self._settling = settling or Settling(in_thread)
        self.folder = folder
        self._key = key
        self._part = part_name(key)
        self._held: HeldFolder
        self._file: FileIO | None = None
        self._has_record = False
        self._is_last = self._is_named = False
        self._is_new = False  # made here, with nothing in it
        self._bytes = 0  # written here

    def find(self) -> None:
        """Take up the part that another process left, if there is one."""
        file = self._opened()
        text = self._held.read(_beside(self._part))
        self._has_record = text is not None
        record = _record_of(text)
        if record is None:
            file.truncate(0)
            self._forget()  # what a full disk took of it
            return
        self.validator, self.total = record
        while piece := file.read(_READ_BYTES):
            self.head = self.head or piece[:HEAD_BYTES]
            self._sha256.update(piece)
            self.offset += len(piece)

    def make_ready(self) -> None:
        """Make the part before there are bytes for it, which takes long while the disk writes names of others."""
        with self._careful():
            self._opened()

    def sync(self) -> None:
        """Wait until the disk has the bytes."""
        os.fsync(self._opened().fileno())

    def take_name(self) -> None:
        """Give the part its final name."""
        file = self._opened()
        if os.name == "nt":
            file.close()  # Windows does not rename open files
        self._held.rename(self._part, self._final.rpartition("/")[2])
        self._is_named = True

    def sync_folder(self) -> None:
        """Wait until the disk has the name."""
        self._held.sync()

    def let_go(self) -> None:
        """Close the file, which has its name."""
        self._forget()
        self._close()

    def _put(self, piece: bytes | memoryview) -> None:
        file = self._opened()
        self._bytes += len(piece)
        if self._bytes >= PIECE_BYTES and not self._is_last:
            self._record()  # a file that comes at once needs none
        rest = memoryview(piece)
        if self._is_new and (self._bytes - len(rest)) % BLOCK_BYTES == 0:
            rest = rest[put_past_cache(file, rest) :]
        while rest:
            rest = rest[file.write(rest) :]

    def _record(self) -> None:
        if self.validator and not self._has_record:
            record = json.dumps({"validator": self.validator, "total": self.total})
            self._has_record = True  # a part of it, too, where the disk is full
            self._held.write(_beside(self._part), record.encode())

    def _opened(self) -> FileIO:
        if self._file is not None:
            return self._file
        self._held = HeldFolder(self.folder)
        try:
            for number in range(2, 100):
                file, is_ours = self._made()
                if _locked(file) and (is_ours or _is_at(file, self._held.stat(self._part))):
                    if not is_ours:
                        file.seek(0)
                    self._file, self._is_new = file, is_ours
                    return file
                file.close()
                if self._held.stat(self._part):
                    self._part = f".{self._key}.{number}.part"
            where = self.folder / self._part
            raise OSError(f"{where} stays locked: is another run archiving to this root? Wait for it to end.")
        finally:
            if self._file is None:
                self._held.close()

    def _made(self) -> tuple[FileIO, bool]:
        """The part, opened, and whether it was made here and now."""
        try:
            return self._held.open(self._part, "x+"), True
        except FileExistsError:
            return self._held.open(self._part, "a+"), False

    def _finish(self) -> None:
        self._is_last = True
        if self._buffer or self._file is None:
            self._flush()
        _begin_sync(self._opened())

    async def _settle(self) -> None:
        await self._settling.settle(self)

    def _leave(self) -> None:
        if self._is_named:
            self.let_go()
            return
        if not self.validator:
            self._discard()  # nobody could tell which version of the file it is part of
            return
        try:
            if self._buffer and not self.is_broken:
                self._flush()
            if self._file is not None:
                self._record()
        finally:  # where the disk is full, too: in a server, its lock and handles would stay
            self._close()

    def _discard(self) -> None:
        is_named, self._is_named, self._is_last = self._is_named, False, False
        self._buffer, self._buffered, self._bytes = [], 0, 0
        if self._file is None:
            return
        if os.name == "nt":
            self._file.close()
        if not is_named:
            self._held.remove(self._part)
        self._forget()
        self._close()

    def _forget(self) -> None:
        if self._has_record:
            self._held.remove(_beside(self._part))
            self._has_record = False

    def _close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
            self._held.close()


def part_name(key: str) -> str:
    """What a file is called while it is on its way; `key` is a legal name."""
    return f".{key}.part"


def _beside(part: str) -> str:
    return part + ".json"


def _record_of(text: bytes | None) -> tuple[str | None, int | None] | None:
    try:
        record = json.loads(text or b"")
        return record["validator"], record["total"]
    except (ValueError, KeyError, TypeError):
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


def _is_at(file: FileIO, found: os.stat_result | None) -> bool:
    # The other process may have given the file its final name between our open and our lock.
    return found is not None and os.path.samestat(os.fstat(file.fileno()), found)


def _begin_sync(file: FileIO) -> None:
    """Let the disk begin with the bytes, so that waiting for it later is short."""
    if hasattr(os, "posix_fadvise"):
        with contextlib.suppress(OSError):  # advice only
            os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
