"""Work some steps ahead: the next items are made in a thread while one is in use. No I/O of its own."""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")


def ahead(items: Iterator[T], steps: int = 1) -> Generator[T, None, None]:
    """The same items, made in a thread of their own, up to so many before they are taken; close it to end early."""
    thread = ThreadPoolExecutor(1, thread_name_prefix="ahead")
    try:
        coming = deque(thread.submit(next, items, None) for _ in range(steps))
        while (item := coming.popleft().result()) is not None:
            coming.append(thread.submit(next, items, None))
            yield item
    finally:
        thread.shutdown(cancel_futures=True)
