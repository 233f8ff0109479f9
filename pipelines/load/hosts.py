"""How many files come from one host at a time, and hosts that asked for a pause. No I/O here."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

Sleep = Callable[[float], Coroutine[Any, Any, None]]


class Hosts:
    """Turns at hosts: at most `per_host` at a time each, `in_all` together, and none while a host is on hold."""

    def __init__(self, per_host: int, in_all: int, sleep: Sleep = asyncio.sleep) -> None:
        self._per_host = max(per_host, 1)
        self._in_all = asyncio.Semaphore(max(in_all, 1))
        self._sleep = sleep
        self._turns: dict[str, asyncio.Semaphore] = {}
        self._held: dict[str, set[asyncio.Task[None]]] = {}

    @asynccontextmanager
    async def turn(self, host: str) -> AsyncIterator[None]:
        """Wait for a turn at the host, and have it."""
        async with self._turns.setdefault(host, asyncio.Semaphore(self._per_host)):
            while True:
                while held := self._holds_of(host):
                    await asyncio.wait(held)
                async with self._in_all:
                    if not self._holds_of(host):  # it may have asked for a pause meanwhile
                        yield
                        return

    def hold(self, host: str, seconds: float) -> None:
        """Ask the host for nothing more for so many seconds."""
        self._held.setdefault(host, set()).add(asyncio.create_task(self._sleep(seconds)))

    def _holds_of(self, host: str) -> set[asyncio.Task[None]]:
        return {task for task in self._held.get(host, ()) if not task.done()}

    def release(self) -> None:
        """End every hold."""
        for task in (task for tasks in self._held.values() for task in tasks):
            task.cancel()
        self._held.clear()
