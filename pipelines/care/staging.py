"""A folder that is filled whole or not at all: everything is written into a folder within it, and moved out at the end.

So what a killed or failed export leaves cannot be taken for a finished one, and the same command begins anew.
"""

from __future__ import annotations

import errno
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from pipelines.errors import NO_ROOM, BadInput, Blocked

UNFINISHED = "unfinished-export"
_LOCK = ".lock"
_MOVES = ".moves.json"  # what is put in place: name by name, how many files there are below it


@contextmanager
def filled_at_once(folder: Path) -> Iterator[Path]:
    """A place to write what is to lie in `folder`; it lies there once the block has ended well.

    BadInput where the folder holds something, or where another process fills it just now; what a dead one left is
    cleared away, in UNFINISHED and, where it died while it put all in place, beside it. After an error the folder is
    as empty as it was.
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
        _check(folder)  # another may have filled it since
        try:
            _take_back(folder)
            _clear(place)
            yield place
            _put_in_place(folder)
            is_filled = True
        except OSError as error:
            if error.errno not in NO_ROOM | {errno.EFBIG}:
                raise
            raise Blocked(
                f"{folder} takes no more bytes ({error.strerror}): make room there, or name another folder. "
                "Nothing that was written there stays."
            ) from error
        finally:
            if not is_filled:
                _take_back(folder)
            # Before the lock is let go: who waits for it would take what is in place for a dead export's.
            shutil.rmtree(place, ignore_errors=True)
            lock.close()
            shutil.rmtree(place, ignore_errors=True)  # Windows removes no file that is open
            if is_new and not is_filled and not any(folder.iterdir()):
                folder.rmdir()


def _check(folder: Path) -> None:
    if not folder.exists():
        return
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else {folder.name}
    if UNFINISHED not in names and names:
        raise BadInput(f"{folder} holds something already: name an empty or a new folder, so that nothing is mixed up.")
    moves = _moves(folder / UNFINISHED)
    others = names - {UNFINISHED}
    if any(name not in moves or not _is_moved(folder, name, moves[name]) for name in others):
        raise BadInput(
            f"{folder} holds an export that broke off while it was put in place ({UNFINISHED} is still there), or "
            "something else beside it: remove the folder, or name another."
        )


def _is_moved(folder: Path, name: str, files: int) -> bool:
    """Whether it was put in place by an export, and nothing was added to it since."""
    return not (folder / UNFINISHED / name).exists() and _files(folder / name) <= files


def _files(path: Path) -> int:
    return sum(not below.is_dir() for below in path.rglob("*")) if path.is_dir() else 1


def _moves(place: Path) -> dict[str, int]:
    try:
        moves: dict[str, int] = json.loads((place / _MOVES).read_bytes())
    except (FileNotFoundError, ValueError):
        return {}  # none was put in place yet
    return moves


def _put_in_place(folder: Path) -> None:
    place = folder / UNFINISHED
    paths = [path for path in sorted(place.iterdir()) if not path.name.startswith(_LOCK)]
    (place / _MOVES).write_text(json.dumps({path.name: _files(path) for path in paths}), "utf-8")
    for path in paths:
        path.rename(folder / path.name)


def _take_back(folder: Path) -> None:
    """Remove what was put in place by an export that did not end well; `_check` says that it is its own."""
    for name in _moves(folder / UNFINISHED):
        if not (folder / UNFINISHED / name).exists():
            _remove(folder / name)
    (folder / UNFINISHED / _MOVES).unlink(missing_ok=True)


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
    if not (folder / UNFINISHED / _LOCK).exists():
        raise BadInput(f"Another export into {folder} has ended this very moment: see what came of it.")


def _clear(place: Path) -> None:
    for path in place.iterdir():
        if not path.name.startswith(_LOCK):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
