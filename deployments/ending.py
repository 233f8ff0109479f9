"""How a command is told to end from outside: by a service manager, a container that stops, a terminal that closes."""

from __future__ import annotations

import signal
import time
from types import FrameType

# Who ends a service or closes a terminal may say so twice at once; a word that comes later means: now.
_AT_ONCE_S = 2.0


def end_as_by_ctrl_c() -> list[int]:
    """Let signals that mean the end do what Ctrl-C does; the list gets the number of one that came.

    By themselves they would leave a run without a word of how it ended, and a recording without its name. As the first
    process of a container a command would not even hear them.
    """
    told = list[int]()
    heard_at = 0.0

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
        else:  # a shell makes what it puts in the background deaf to Ctrl-C
            raise KeyboardInterrupt

    for number in ends():
        if signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, end)
    return told


def ends() -> list[signal.Signals]:
    """The signals that mean the end: the machine's, and a closing terminal's; not those that nohup silenced."""
    known = [getattr(signal, name) for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    return [number for number in known if signal.getsignal(number) is not signal.SIG_IGN]
