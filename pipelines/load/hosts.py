"""How many files come from one host at a time, and hosts that asked for a pause. No I/O here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

Sleep = Callable[[float], Coroutine[Any, Any, None]]


class Hosts:
    """Turns at hosts: at most `per_host` at a time each, and none while a host is on hold. Times in seconds."""

    def __init__(self, per_host: int, sleep: Sleep = asyncio.sleep) -> None:
        self._per_host = max(per_host, 1)
        self._sleep = sleep
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._held: dict[str, set[asyncio.Task[None]]] = {}

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait for a turn at the host, and have it."""
        async with self._turns.setdefault(host, asyncio.Semaphore(self._per_host)):
            while held := {task for task in self._held.get(host, ()) if not task.done()}:
                await asyncio.wait(held)
            yield

    def hold(self, host: str, seconds: float) -> None:
        """Ask the host for nothing more for so many seconds."""
        self._held.setdefault(host, set()).add(asyncio.create_task(self._sleep(seconds)))

    def release(self) -> None:
        """End every hold."""
        for task in (task for tasks in self._held.values() for task in tasks):
            task.cancel()
        self._held.clear()
