"""Writing past the system's cache: from our memory to the disk, with no copy made on the way for those who read soon.

A media file is synced as soon as it is whole, and seldom read before others have come: a copy of it in the cache costs
a quick download a quarter of its time and more, and pushes out what is read often. See O_DIRECT in open(2).
"""

from __future__ import annotations

import errno
import os
from io import FileIO

try:
    import fcntl
except ImportError:
    fcntl = None  # type: ignore[assignment]

BLOCK_BYTES = 4096  # what disks write at once, or a multiple of it
_WORTH_BYTES = 1 << 19  # less than that comes from slow hosts, whom the cache lets go on while the disk is busy
_UNFIT = {errno.EINVAL, errno.ENOTSUP}


def put_past_cache(file: FileIO, piece: memoryview) -> int:
    """Write the whole blocks at the beginning of `piece`; how many bytes, 0 where they have to go the usual way.

    The file stands at the beginning of a block and appends nothing. Where `piece` does not lie at one, too, and where
    the disk or the system knows no such writing, nothing is written.
    """
    size = len(piece) // BLOCK_BYTES * BLOCK_BYTES
    if size < _WORTH_BYTES or fcntl is None or not hasattr(os, "O_DIRECT"):
        return 0
    handle = file.fileno()
    try:
        fcntl.fcntl(handle, fcntl.F_SETFL, os.O_DIRECT)
        try:
            return os.write(handle, piece[:size])
        finally:
            fcntl.fcntl(handle, fcntl.F_SETFL, 0)
    except OSError as error:
        if error.errno not in _UNFIT:
            raise
        return 0
