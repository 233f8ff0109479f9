"""Waits until the disk has the Parquet files of a commit, before the catalog names them.

SQLite and PostgreSQL sync what they commit; DuckDB does not sync the files that it writes. After a power cut the
catalog would name files that are cut off or empty, of raw pages too, which nothing can bring again.
"""

from __future__ import annotations

import os
from pathlib import Path


class NewFiles:
    """The files below a local folder that came since they were last looked at. A folder of None has none."""

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._known: dict[str, set[str]] | None = None

    def look(self) -> None:
        """Take all that is there for known, if nobody has looked before: who committed it has synced it."""
        if self._known is None:
            self._known = self._found()

    def sync(self) -> None:
        """Wait until the disk has what came since, and its names. Raises OSError where it cannot."""
        known, found = self._known or {}, self._found()
        for folder, names in found.items():
            new = names - known.get(folder, set())
            for name in new:
                _sync(Path(folder, name))
            if new:
                _sync(Path(folder))
            if folder not in known:
                _sync(Path(folder).parent)
        self._known = found

    def _found(self) -> dict[str, set[str]]:
        """The names in each folder, the lowest first: a folder is synced after what lies in it."""
        if self._folder is None:
            return {}
        return {path: {*files, *folders} for path, folders, files in os.walk(self._folder, topdown=False)}


def _sync(path: Path) -> None:
    is_nt = os.name == "nt"
    try:
        handle = os.open(path, os.O_RDWR if is_nt else os.O_RDONLY)
    except FileNotFoundError:
        return  # of a commit that failed
    except PermissionError:
        if is_nt:
            return  # there, a folder cannot be opened
        raise
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
