"""How the C library keeps memory that was let go: told once, when a command begins."""

from __future__ import annotations

import platform

# Numbers of glibc's <malloc.h>, each with the value that it gets.
_TRIM_THRESHOLD = (-1, 1_000_000)  # free memory at the end of the heap goes back to the system
_MMAP_THRESHOLD = (-3, 128 * 1024)  # a page's body goes back as soon as it is let go, wherever it lay
_ARENA_MAX = (-8, 1)  # threads share one heap: of several, each would keep its own peak


def keep_little() -> None:
    """Give freed memory back to the system early; nothing is done where the C library is not glibc.

    Bodies of pages come and go by the thousand. By its own measure glibc keeps room for them in the heap of every
    thread that ever held one, and a long walk then takes memory without end.
    """
    if platform.libc_ver()[0] != "glibc":
        return
    import ctypes

    libc = ctypes.CDLL(None)
    for option, value in (_TRIM_THRESHOLD, _MMAP_THRESHOLD, _ARENA_MAX):
        libc.mallopt(option, value)
