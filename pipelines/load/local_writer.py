"""A file on its way to a local disk: it grows as a part beside its final name, and the next process can go on with it.

A local file grows under `.<key>.part` in the folder of its final name, with a small `.<key>.part.json` beside it that
says which version of the file it is (validator, total). `commit` syncs the bytes, gives the final name, and syncs the
folder, in this order; so a final name never stands for half a file, not even after a power cut. A small file meets the
disk in `commit` only. A process that dies leaves its part behind; the next one hashes what is there and goes on. Two
processes never write one part: it is locked while it is open, and the second one takes the next name.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from io import FileIO
from pathlib import Path

from pipelines.load.writers import HEAD_BYTES, PIECE_BYTES, InThread, Mapped, Writer

try:
    import fcntl
except ImportError:  # Windows, where an open file cannot be renamed by another process anyway
    fcntl = None  # type: ignore[assignment]

_READ_BYTES = 1 << 20


class LocalWriter(Writer):
    """A file on a local disk; `folder` is where the part lies, `full` makes a path of a relative one."""

    def __init__(self, folder: Path, key: str, in_thread: InThread, mapped: Mapped, full: Callable[[str], str]) -> None:
        super().__init__(in_thread, mapped, full)
        self._folder = folder
        self._key = key
        self._part = folder / part_name(key)
        self._file: FileIO | None = None
        self._has_record = False
        self._is_last = False
        self._bytes = 0

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

    def _put(self, piece: bytes | memoryview) -> None:
        file = self._opened()
        self._bytes += len(piece)
        if self._bytes >= PIECE_BYTES and not self._is_last:
            self._record()  # a file that comes at once needs none
        rest = memoryview(piece)
        while rest:
            rest = rest[file.write(rest) :]

    def _record(self) -> None:
        if self.validator and not self._has_record:
            _beside(self._part).write_text(json.dumps({"validator": self.validator, "total": self.total}), "utf-8")
            self._has_record = True

    def _opened(self) -> FileIO:
        if self._file is not None:
            return self._file
        for number in range(2, 100):
            file, is_ours = self._made()
            if _locked(file) and (is_ours or _is_at(file, self._part)):
                if not is_ours:
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
        self._is_last = True
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
            self._record()
            self._file.close()
            self._file = None

    def _discard(self) -> None:
        self._buffer, self._buffered, self._bytes = [], 0, 0
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
