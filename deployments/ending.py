"""How a command ends: told from outside, by a service manager or a terminal that closes, and when its work is done."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import time
from types import FrameType
from typing import NoReturn

# Who ends a service or closes a terminal may say so twice at once; a word that comes later means: now.
_AT_ONCE_S = 2.0


def end_as_by_ctrl_c() -> list[int]:
    """Let signals that mean the end do what Ctrl-C does; the list gets the number of one that came.

    By themselves they would leave a run without a word of how it ended, and a recording without its name. As the first
    process of a container a command would not even hear them.
    """
    told = list[int]()
    heard_at = 0.0
    _stay_deaf_by_mask()

    def end(number: int, frame: FrameType | None) -> None:
        nonlocal heard_at
        now = time.monotonic()
        if told and now - heard_at < _AT_ONCE_S:
            return
        told.append(number)
        heard_at = now
        as_by_ctrl_c = signal.getsignal(signal.SIGINT)  # asyncio and others put their own there
        if callable(as_by_ctrl_c):
            as_by_ctrl_c(signal.SIGINT, frame)
        else:  # this process is deaf to Ctrl-C, and no mask is known here
            raise KeyboardInterrupt

    for number in ends():
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, end)
    return told


def _stay_deaf_by_mask() -> None:
    """Let a process that its shell made deaf to Ctrl-C, as what it puts in the background, stay so by its mask.

    asyncio stops its work between two steps, and takes care of Ctrl-C only where Python does by default. Without it the
    end would be raised in the middle of asyncio's own work, which goes on with a fault then. Threads and processes that
    begin later have the same mask.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN and hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, signal.default_int_handler)


def ends() -> list[signal.Signals]:
    """The signals that mean the end: the machine's, and a closing terminal's; not those that nohup silenced."""
    known = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    return [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]


def end_process(code: int) -> NoReturn:
    """End with this code as Python would, but leave it to the system to take apart what was loaded.

    Threads are waited for, what was registered for the end is done, and standard streams are flushed. What Python does
    besides, object by object, takes it up to a quarter of a second.
    """
    if "prefect" in sys.modules:  # it has services and threads of its own, and its own order in which they end
        sys.exit(code)
    threading._shutdown()  # type: ignore[attr-defined]  # noqa: SLF001 - what Python itself begins its end with
    atexit._run_exitfuncs()  # noqa: SLF001 - and goes on with
    try:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
    except (OSError, ValueError):  # broken, full or closed: Python has an exit code for that
        sys.exit(code)
    os._exit(code)
