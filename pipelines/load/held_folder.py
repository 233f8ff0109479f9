"""A folder of a local disk, held: it stays the same one when another run gives it another name meanwhile."""

from __future__ import annotations

import os
from io import FileIO
from pathlib import Path

_BY_HANDLE = os.open in os.supports_dir_fd  # Windows has no such calls, and renames no folder with open files


class HeldFolder:
    """Files of one folder by their names; the folder is made where it is missing. To be closed."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._handle: int | None = None
        if _BY_HANDLE:
            try:
                self._handle = os.open(path, os.O_RDONLY)
            except FileNotFoundError:
                _make(path)
                self._handle = os.open(path, os.O_RDONLY)
        else:
            path.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        """Let it go."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def open(self, name: str, mode: str) -> FileIO:
        """A file in it, as FileIO opens one."""
        if self._handle is None:
            return FileIO(self.path / name, mode)
        return FileIO(name, mode, opener=lambda path, flags: os.open(path, flags, 0o666, dir_fd=self._handle))

    def read(self, name: str) -> bytes | None:
        """All of a file; None where there is none."""
        try:
            with self.open(name, "r") as file:
                return file.readall()
        except FileNotFoundError:
            return None

    def write(self, name: str, body: bytes) -> None:
        """A small file, in place of another one of that name."""
        with self.open(name, "w") as file:
            file.write(body)

    def stat(self, name: str) -> os.stat_result | None:
        """What the disk says of a file; None where there is none."""
        try:
            return os.stat(name, dir_fd=self._handle) if self._handle is not None else (self.path / name).stat()
        except FileNotFoundError:
            return None

    def rename(self, old: str, new: str) -> None:
        """Give a file another name, also where that one is taken."""
        if self._handle is None:
            (self.path / old).replace(self.path / new)
        else:
            os.replace(old, new, src_dir_fd=self._handle, dst_dir_fd=self._handle)

    def remove(self, name: str) -> None:
        """Remove a file; it is no error when it is gone already."""
        try:
            if self._handle is None:
                (self.path / name).unlink()
            else:
                os.unlink(name, dir_fd=self._handle)
        except FileNotFoundError:
            pass

    def sync(self) -> None:
        """Wait until the disk has its names; nothing where the system has no such call."""
        if self._handle is not None:
            os.fsync(self._handle)


def _make(path: Path) -> None:
    """Make a folder and those above it, and wait until the disk has their names: `sync` is about what lies within."""
    lacking = []
    for folder in (path, *path.parents):
        if folder.exists():
            break
        lacking.append(folder)
    path.mkdir(parents=True, exist_ok=True)
    for folder in lacking:
        handle = os.open(folder.parent, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
