"""A folder for work that is thrown away, and that the next such work throws away where its process was killed."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path

_LOCK = ".in-use"


@contextmanager
def scratch_folder(prefix: str, parent: Path | None = None) -> Iterator[Path]:
    """A new folder below `parent` (default: the system's temporary folder); those of dead processes are removed."""
    _remove_dead(prefix, Path(parent or tempfile.gettempdir()))
    with ExitStack() as stack:
        folder = _made(stack, prefix, parent)
        while not folder.exists():  # whoever looked between its lock's making and taking took it for a dead one's
            folder = _made(stack, prefix, parent)
        yield folder


def _made(stack: ExitStack, prefix: str, parent: Path | None) -> Path:
    made = tempfile.TemporaryDirectory(prefix=prefix, dir=parent, ignore_cleanup_errors=True)
    folder = Path(stack.enter_context(made))
    # SQLite's lock ends with its process, however that ends, on every system. Where none can be had, nobody who looks
    # gets one either.
    with suppress(sqlite3.Error):
        stack.enter_context(_locked(folder / _LOCK, wait_s=5))
    return folder


def _remove_dead(prefix: str, parent: Path) -> None:
    for lock in parent.glob(f"{prefix}*/{_LOCK}"):
        with suppress(sqlite3.Error):  # in use, or another user's
            with _locked(lock, wait_s=0):
                shutil.rmtree(lock.parent, ignore_errors=True)
            shutil.rmtree(lock.parent, ignore_errors=True)  # Windows removes no file that is open


@contextmanager
def _locked(path: Path, *, wait_s: float) -> Iterator[None]:
    # A lake may be closed in another thread than it was opened in.
    with closing(sqlite3.connect(path, timeout=wait_s, isolation_level=None, check_same_thread=False)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield
