"""A folder that is filled whole or not at all: everything is written into a folder within it, and moved out at the end.

So what a killed or failed export leaves cannot be taken for a finished one, and the same command begins anew.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pipelines.errors import BadInput

UNFINISHED = "unfinished-export"
_LOCK = ".lock"


@contextmanager
def filled_at_once(folder: Path) -> Iterator[Path]:
    """A place to write what is to lie in `folder`; it lies there once the block has ended well.

    BadInput where the folder holds something, or where another process fills it just now; what a dead one left in
    UNFINISHED is cleared away. After an error the folder is as empty as it was.
    """
    _check(folder)
    is_new, place, is_filled = not folder.exists(), folder / UNFINISHED, False
    try:
        place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"The folder {folder} cannot be made ({error.strerror}): name another, or see to its rights."
        ) from error
    with closing(sqlite3.connect(place / _LOCK, timeout=0, isolation_level=None)) as lock:
        _take(lock, folder)
        try:
            _clear(place)
            yield place
            for path in sorted(place.iterdir()):
                if not path.name.startswith(_LOCK):
                    path.rename(folder / path.name)
            is_filled = True
        finally:
            lock.close()
            shutil.rmtree(place, ignore_errors=True)
            if is_new and not is_filled and not any(folder.iterdir()):
                folder.rmdir()


def _check(folder: Path) -> None:
    if not folder.exists():
        return
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else {folder.name}
    if UNFINISHED in names and names != {UNFINISHED}:
        raise BadInput(
            f"{folder} holds an export that broke off while it was put in place ({UNFINISHED} is still there), or "
            "something else beside it: remove the folder, or name another."
        )
    if names - {UNFINISHED}:
        raise BadInput(f"{folder} holds something already: name an empty or a new folder, so that nothing is mixed up.")


def _take(lock: sqlite3.Connection, folder: Path) -> None:
    """The lock ends with its process, however that ends, on every system."""
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_BUSY:
            raise BadInput(f"{folder} takes no files ({error}): make room there, or name another.") from error
        raise BadInput(
            f"Another export is being written into {folder}: wait for it, or name another folder."
        ) from error


def _clear(place: Path) -> None:
    for path in place.iterdir():
        if path.is_dir():
            shutil.rmtree(path)
        elif not path.name.startswith(_LOCK):
            path.unlink()
