"""Memory of a command: how the C library keeps what was let go, and when Python looks for garbage."""

from __future__ import annotations

import gc
import os
import platform
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

# Numbers of glibc's <malloc.h>, each with the value that it gets.
_TRIM_THRESHOLD = (-1, 1_000_000)  # free memory at the end of the heap goes back to the system
_MMAP_THRESHOLD = (-3, 128 * 1024)  # a page's body goes back as soon as it is let go, wherever it lay
_ARENA_MAX = (-8, 1)  # threads share one heap: of several, each would keep its own peak

# Polars has an allocator of its own, jemalloc, which reads this when polars is loaded: frames go back soon, too.
_OF_POLARS = ("_RJEM_MALLOC_CONF", "dirty_decay_ms:100,muzzy_decay_ms:0")


def keep_little() -> None:
    """Give freed memory back to the system early; nothing is done where the C library is not glibc.

    To be called before polars is loaded. Bodies of pages come and go by the thousand. By its own measure glibc keeps
    room for them in the heap of every thread that ever held one, and a long walk then takes memory without end.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    os.environ.setdefault(*_OF_POLARS)
    import ctypes

    libc = ctypes.CDLL(None)
    for option, value in (_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX):
        libc.mallopt(option, value)


@contextmanager
def starting(listen: Callable[..., Any]) -> Iterator[Callable[..., Any]]:
    """Look for no garbage until the listener, which is to take the given one's place, hears that the archive is open.

    What is imported until then stays; to look it through again and again is a tenth of what a run without news takes.
    Only the first job of a process sets it apart: with the next, what the one before left would be kept, too.
    """

    def begin() -> None:
        if not gc.isenabled():
            if not gc.get_freeze_count():
                gc.freeze()
            gc.enable()

    def heard(kind: str, **facts: Any) -> None:
        if kind not in ("notice", "request", "waiting"):
            begin()
        listen(kind, **facts)

    gc.disable()
    try:
        yield heard
    finally:
        begin()
