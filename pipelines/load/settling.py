"""Gives finished files their final names, as many at a time as wait for it: one by one, a disk takes longer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from pipelines.errors import ArchiveError
from pipelines.load.writers import InThread, finished


class Complete(Protocol):
    """A file that has all its bytes, under another name than its own, in a folder that is held."""

    folder: Path

    def sync(self) -> None:
        """Wait until the disk has its bytes."""

    def take_name(self) -> None:
        """Give it its final name."""

    def sync_folder(self) -> None:
        """Wait until the disk has its name."""

    def let_go(self) -> None:
        """Nothing more is done with it."""


class Settling:
    """Settles files in rounds: sync every file that waits, give the final names, sync the folders; in this order.

    So no final name ever stands for half a file, not even after a power cut, and nobody waits who has more to get.
    """

    def __init__(self, in_thread: InThread) -> None:
        self._in_thread = in_thread
        self._waiting: list[tuple[Complete, asyncio.Future[None]]] = []
        self._rounds: asyncio.Task[None] | None = None

    async def settle(self, file: Complete) -> None:
        """Wait until the file has its name for good; a cancellation waits, too. Raises what went wrong with it."""
        told = asyncio.get_running_loop().create_future()
        self._waiting.append((file, told))
        if self._rounds is None or self._rounds.done():
            self._rounds = asyncio.create_task(self._all())
        await finished(told)

    async def _all(self) -> None:
        while self._waiting:
            these, self._waiting = self._waiting, []
            try:
                problems = await self._in_thread(settle_all, [file for file, _ in these])
            except ArchiveError as error:
                problems = [error] * len(these)
            except BaseException:
                for _, told in (*these, *self._waiting):
                    told.cancel()  # or they wait for ever
                raise
            for (_, told), problem in zip(these, problems, strict=True):
                if problem is None:
                    told.set_result(None)
                else:
                    told.set_exception(problem)


def settle_all(files: Sequence[Complete]) -> list[Exception | None]:
    """Settle files; what went wrong with each, None where nothing did. Blocks."""
    problems: list[Exception | None] = [None] * len(files)

    def of_each(step: Callable[[Complete], None]) -> None:
        for number, file in enumerate(files):
            if problems[number] is None:
                try:
                    step(file)
                except (OSError, ArchiveError) as error:
                    problems[number] = error

    synced: set[Path] = set()

    def sync_folder(file: Complete) -> None:
        if file.folder not in synced:
            file.sync_folder()
            synced.add(file.folder)

    of_each(lambda file: file.sync())
    of_each(lambda file: file.take_name())
    of_each(sync_folder)
    of_each(lambda file: file.let_go())
    return problems
