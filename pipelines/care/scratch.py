"""A folder for work that is thrown away, and that the next such work throws away where its process was killed."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

_LOCK = ".in-use"


@contextmanager
def scratch_folder(prefix: str, parent: Path | None) -> Iterator[Path]:
    """A new folder below `parent` (default: the system's temporary folder); those of dead processes are removed."""
    _remove_dead(prefix, Path(parent or tempfile.gettempdir()))
    with (
        tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True) as folder,
        # SQLite's lock ends with its process, however that ends, on every system.
        closing(sqlite3.connect(Path(folder) / _LOCK, isolation_level=None)) as lock,
    ):
        lock.execute("BEGIN EXCLUSIVE")
        yield Path(folder)


def _remove_dead(prefix: str, parent: Path) -> None:
    for lock in parent.glob(f"{prefix}*/{_LOCK}"):
        try:
            with closing(sqlite3.connect(lock, timeout=0, isolation_level=None)) as other:
                other.execute("BEGIN EXCLUSIVE")
        except sqlite3.Error:
            continue  # in use, or another user's
        shutil.rmtree(lock.parent, ignore_errors=True)
