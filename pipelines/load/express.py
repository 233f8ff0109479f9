"""Files that come at the first try: each in one thread, from its address to its last byte, past the event loop.

What asks for a second look goes to the downloader's own way afterwards: a file that is there already or in part, one
whose address has expired, and what did not come, with the reason. So no address is asked twice for one answer, unless
that comes packed.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from datetime import datetime
from threading import Condition, Thread
from types import TracebackType
from typing import Protocol, Self

from pipelines.errors import ArchiveError, RateLimited
from pipelines.load.extent import Extent
from pipelines.load.local_writer import LocalWriter, part_name
from pipelines.load.reception import Arrived, Reception
from pipelines.load.sniff import TEXT, suffixes_of
from pipelines.load.storage import Storage, part_key
from pipelines.load.transfer import Attempt, Courier, host_of
from pipelines.load.tries import Came, Lost, Try
from pipelines.load.writers import finished
from schemas.files import Wanted

_PASSED = 64  # files that wait for a host with enough to do, while those of other hosts are looked for
_TICK_S = 0.25  # how often bytes are told where no file ends


class House(Protocol):
    """The downloader."""

    storage: Storage
    now: Callable[[], datetime]

    def path_of(self, wanted: Wanted, suffix: str) -> str:
        """Where a wanted file is kept."""
        ...


class Express:
    """Gets files of `queue` in `count` threads, at most `per_host` at a time from each host.

    To be used as `async with`; its end waits for what is being written, and leaves a part of it. At most `ahead` files
    more have come and wait to be `settled`.
    """

    def __init__(
        self,
        house: House,
        courier: Courier,
        queue: Iterator[Wanted],
        *,
        count: int,
        per_host: int,
        ahead: int,
        is_at_hand: Callable[[Wanted], bool],
        on_bytes: Callable[[int], None],
    ) -> None:
        self._house, self._courier, self._queue = house, courier, queue
        self._count, self._per_host, self._most = max(count, 1), max(per_host, 1), max(count, 1) + ahead
        self._is_at_hand = is_at_hand
        self._on_bytes = on_bytes
        self._loop = asyncio.get_running_loop()
        self._news = asyncio.Event()
        # What follows changes under this lock only.
        self._changed = Condition()
        self._threads: list[Thread] = []
        self._running = 0
        self._at: Counter[str] = Counter()  # files under way from each host
        self._held: set[str] = set()  # hosts that asked for a pause: here they are asked for nothing more
        self._passed: deque[tuple[Wanted, str]] = deque()
        self._receptions: set[Reception] = set()
        self._unsettled: list[LocalWriter] = []
        self._done: list[Came | Lost | Try] = []
        self._under_way = 0
        self._bytes = 0
        self._is_told = self._is_drained = self._is_stopped = False
        self._failure: BaseException | None = None
        self._names: dict[str, frozenset[str]] = {}

    async def __aenter__(self) -> Self:
        with self._changed:  # for which they wait: beside others at work, to begin one takes long
            self._hire()
            with suppress(RuntimeError):  # the system has no more of them: fewer will do
                while len(self._threads) < self._count:
                    self._hire()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._is_stopped = True
            self._changed.notify_all()
            is_over = not self._running
        if not is_over:
            self._courier.cut()
        if not is_over or self._unsettled:
            await finished(self._loop.run_in_executor(None, self._clear))

    async def some(self) -> list[Came | Lost | Try]:
        """What was done since the last time, as soon as there is something; nothing once all is done."""
        while True:
            with self._changed:
                self._news.clear()
                these, self._done = self._done, []
                count, self._bytes = self._bytes, 0
                self._is_told = False
                is_over = not self._running
            if count:
                self._on_bytes(count)
            if self._failure is not None:
                raise self._failure
            if these or is_over:
                return these
            tick = self._loop.call_later(_TICK_S, self._news.set)
            await self._news.wait()
            tick.cancel()

    def settled(self, these: Iterable[Came]) -> None:
        """These need nothing more: others may come."""
        with self._changed:
            done = {id(one.writer) for one in these}
            self._unsettled = [writer for writer in self._unsettled if id(writer) not in done]
            self._changed.notify_all()

    def _hire(self) -> None:
        # Nobody waits for one that looks a name up or connects.
        thread = Thread(target=self._serve, name=f"express_{len(self._threads)}", daemon=True)
        thread.start()
        self._threads.append(thread)
        self._running += 1

    def _clear(self) -> None:
        with self._changed:
            # Of connections that are cut no more bytes come: what has not begun writes nothing.
            self._changed.wait_for(lambda: not any(one.is_begun for one in self._receptions))
            unsettled = list(self._unsettled)
        for writer in unsettled:
            with suppress(ArchiveError):  # what counts is why they were left
                writer.leave()

    def _serve(self) -> None:
        try:
            while turn := self._next():
                self._do(*turn)
        except BaseException as error:  # noqa: BLE001 - it is raised where the threads are waited for
            self._failure = self._failure or error
        finally:
            with self._changed:
                self._is_stopped = self._is_stopped or self._failure is not None
                self._running -= 1
                self._changed.notify_all()
            self._tell()

    def _do(self, wanted: Wanted, host: str) -> None:
        done: Came | Lost | Try = Try(wanted)
        try:
            done = self._got(wanted)
        finally:
            with self._changed:
                self._at[host] -= 1
                self._under_way -= 1
                self._done.append(done)
                if isinstance(done, Try) and done.begun and isinstance(done.begun.problem, RateLimited):
                    self._held.add(host)
                self._changed.notify()
        self._tell()

    def _tell(self) -> None:
        with self._changed:
            was_told, self._is_told = self._is_told, True
        if not was_told:
            with suppress(RuntimeError):  # nobody waits any more, and the loop was closed
                self._loop.call_soon_threadsafe(self._news.set)

    def _next(self) -> tuple[Wanted, str] | None:
        """The next file and its host; None where there is nothing more to do for this thread."""
        with self._changed:
            while not self._is_stopped:
                if len(self._unsettled) + self._under_way < self._most and (turn := self._fitting()):
                    self._at[turn[1]] += 1
                    self._under_way += 1
                    return turn
                if self._is_drained and not self._passed:
                    break
                self._changed.wait()
        return None

    def _fitting(self) -> tuple[Wanted, str] | None:
        """A file whose host has a turn left."""
        for number, (_, host) in enumerate(self._passed):
            if self._at[host] < self._per_host:
                turn = self._passed[number]
                del self._passed[number]
                return turn if self._is_open(*turn) else self._fitting()
        while len(self._passed) < _PASSED and not self._is_drained:
            wanted = next(self._queue, None)
            if wanted is None:
                self._is_drained = True
                break
            host = host_of(wanted.urls[0]) if wanted.urls else ""
            if self._is_open(wanted, host):
                if self._at[host] < self._per_host:
                    return wanted, host
                self._passed.append((wanted, host))
        return None

    def _is_open(self, wanted: Wanted, host: str) -> bool:
        """Whether it is asked for here; it is passed on where not."""
        is_open = host not in self._held and self._is_at_hand(wanted)
        if not is_open:
            self._done.append(Try(wanted))
        return is_open

    def _got(self, wanted: Wanted) -> Came | Lost | Try:
        storage = self._house.storage
        try:
            stem = self._house.path_of(wanted, "")
            folder, _, name = stem.rpartition("/")
            if self._is_there(folder, name, wanted):
                return Try(wanted)
            writer = storage.new_local(folder, wanted.media_id)
        except ArchiveError:
            return Try(wanted)  # whoever asks for it the usual way is told of that
        reception = Reception(wanted.kind, stem, writer, None, Extent(), set())
        reception.is_begun = wanted.kind == "caption"  # which waits for no host before it is written
        with self._changed:
            if self._is_stopped:
                return Try(wanted)  # whoever waits for what is being written may have done so
            self._receptions.add(reception)
        done: Came | Lost | Try | None = None
        try:
            done = self._brought(wanted, stem, writer, reception)
        finally:
            if done is None:
                with suppress(Exception):
                    writer.leave()
            with self._changed:
                self._receptions.remove(reception)
                if isinstance(done, Came):
                    self._unsettled.append(writer)
                self._changed.notify_all()
        return done

    def _brought(self, wanted: Wanted, stem: str, writer: LocalWriter, reception: Reception) -> Came | Lost | Try:
        tried_at = self._house.now()

        def meanwhile() -> None:
            reception.is_begun = True  # first: whoever stops this waits for those that have begun
            if not self._is_stopped:
                writer.make_ready()

        try:
            if wanted.kind == "caption":
                return Came(wanted, tried_at, writer, _written(wanted, stem, writer))
            self._courier.fetch(wanted.urls[0], reception, self._count_bytes, meanwhile)
        except ArchiveError as error:
            problem = _left(writer)
            if writer.is_broken:
                return Lost(wanted, tried_at, problem or error)
            return Try(wanted, Attempt(error, reception.extent, reception.ends))
        if reception.arrived is None:
            _left(writer)
            return Try(wanted)
        return Came(wanted, tried_at, writer, reception.arrived)

    def _is_there(self, folder: str, name: str, wanted: Wanted) -> bool:
        names = self._names.get(folder)
        if names is None:
            names = self._names[folder] = self._house.storage.names_now(folder)
        part = part_name(part_key(wanted.media_id))
        return part in names or any(name + suffix in names for suffix in suffixes_of(wanted.kind))

    def _count_bytes(self, count: int) -> None:
        with self._changed:
            self._bytes += count


def _left(writer: LocalWriter) -> ArchiveError | None:
    """Leave a part of what did not come whole; why storage would not have it."""
    is_broken = writer.is_broken
    try:
        writer.leave()
    except ArchiveError as error:
        return None if is_broken else error
    return None


def _written(wanted: Wanted, stem: str, writer: LocalWriter) -> Arrived:
    writer.name(stem + TEXT.suffix, None, None)
    writer.take(memoryview((wanted.caption or "").encode(errors="replace")))
    return Arrived(writer.finish(), TEXT, "")
