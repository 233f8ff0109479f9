"""A flow that this process runs itself ends as the process was to end, and not as Prefect would end one of a worker's.

While a flow runs, Prefect hears SIGTERM and raises an exception of its own wherever the program is, twice for two
signals: the run would have no time to note that it was stopped.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from prefect.exceptions import TerminationSignal

_heard: ContextVar[Any] = ContextVar("heard", default=None)


@contextmanager
def own_end() -> Iterator[None]:
    """Flows that begin within hear SIGTERM as this process does now, from `hear_as_before` on."""
    if threading.current_thread() is not threading.main_thread():
        yield  # signals are heard in the main one only
        return
    before = _heard.set(signal.getsignal(signal.SIGTERM))
    try:
        yield
    except TerminationSignal as told:  # it came while Prefect began or ended the flow
        signal.raise_signal(told.signal)
        raise
    finally:
        _heard.reset(before)


def hear_as_before() -> None:
    """In a flow: hear SIGTERM as `own_end` found it; Prefect puts that back at the flow's end anyway."""
    if (heard := _heard.get()) is not None:
        signal.signal(signal.SIGTERM, heard)
