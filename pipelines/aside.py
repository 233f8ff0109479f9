"""Work in a thread that nobody has to wait for."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from threading import Thread
from typing import TypeVar

T = TypeVar("T")


def aside(work: Callable[..., T], *args: object) -> Future[T]:
    """Do work in a thread of its own; who breaks off leaves it behind.

    Not in one of a pool, for whose end Python waits: what waits for a bucket cannot be broken off, and Ctrl-C within an
    import may leave the lock of all imports taken.
    """
    done: Future[T] = Future()

    def do() -> None:
        try:
            done.set_result(work(*args))
        except BaseException as error:  # noqa: BLE001 - who waits for it raises it
            done.set_exception(error)

    Thread(target=do, name="aside", daemon=True).start()
    return done
