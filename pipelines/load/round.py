"""One round of downloads: what comes at the first try comes by `express`, all else is tried as often as it takes."""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Protocol

from pipelines.errors import Absent, ArchiveError, Blocked, Interrupted, Private
from pipelines.load import express as by_express
from pipelines.load.express import Express
from pipelines.load.hosts import Hosts, Sleep
from pipelines.load.reception import Arrived, Refused
from pipelines.load.shelf import Shelf
from pipelines.load.sniff import TEXT, sniff_as, suffixes_of
from pipelines.load.tasks import Refresh
from pipelines.load.transfer import Courier, Source, Transfer
from pipelines.load.tries import Came, Lost, Try
from pipelines.load.writers import Writer
from schemas.files import Kept, Wanted

SETTLING = 48
"""Files that have come and wait for their final names, at most; each holds two open files."""

_IN_VAIN = 16  # files in a row that storage failed at: it takes none, and hosts would be asked for all others in vain

OnDone = Callable[[Kept], Awaitable[None] | None]


class House(by_express.House, Protocol):
    """The downloader, as far as a round knows it."""

    source: Source
    sleep: Sleep
    max_tries: int
    pause_s: float


@dataclass
class Round:
    """One call of `DouyinDownloader.download`, which says what its fields are."""

    house: House
    hosts: Hosts
    on_done: OnDone
    on_bytes: Callable[[int], None]
    refresh: Refresh | None
    adopt: bool
    shelf: Shelf
    blocked: Blocked | None = None
    failing: ArchiveError | None = None
    in_vain: int = 0
    busy: set[str] = field(default_factory=set)

    def once_each(self, queue: Iterable[Wanted]) -> Iterator[Try]:
        """The files, but for those named twice in one call."""
        for wanted in queue:
            if wanted.media_id not in self.busy:
                self.busy.add(wanted.media_id)
                yield Try(wanted)

    async def through(self, queue: Iterator[Try]) -> None:
        """Get one file after another, as often as it takes. For any number of tasks at a time."""
        for one in queue:
            await self._tell(await self._settled(one))

    async def first(self, queue: Iterator[Try], courier: Courier, count: int, per_host: int) -> Iterator[Try]:
        """Get what comes at the first try; what remains to be done."""
        left: list[Try] = []
        wanted = (one.wanted for one in queue)
        async with Express(
            self.house,
            courier,
            wanted,
            count=count,
            per_host=per_host,
            ahead=SETTLING,
            is_at_hand=self._is_at_hand,
            on_bytes=self.on_bytes,
        ) as express:
            while these := await express.some():
                left += [one for one in these if isinstance(one, Try)]
                lost = [self._unkept(one, one.problem) for one in these if isinstance(one, Lost)]
                came = [one for one in these if isinstance(one, Came)]
                await self._tell(*lost, *await self._named(came))
                express.settled(came)
        return iter(left)

    def _is_at_hand(self, wanted: Wanted) -> bool:
        """Whether a file may come at once, and needs no fresh address first."""
        if wanted.kind == "caption":
            return True
        is_over = wanted.expires_at is not None and wanted.expires_at <= self.house.now()
        return bool(wanted.urls) and (not is_over or self.refresh is None)

    async def _named(self, these: list[Came]) -> list[Kept | None]:
        """Give files that came their final names."""
        if not these:
            return []
        problems = await self.house.storage.settle([one.writer for one in these])
        now = self.house.now()
        found: list[Kept | None] = []
        for one, problem in zip(these, problems, strict=True):
            if problem is None:
                found.append(_stored(_failed(one.wanted, one.tried_at), one.arrived, now))
            else:
                await one.writer.pause()
                found.append(self._unkept(one, problem))
        return found

    def _unkept(self, one: Came | Lost, problem: ArchiveError) -> Kept | None:
        """What is told of a file that storage would not take; nothing where that ends the work."""
        if isinstance(problem, Blocked):
            self.failing = self.failing or problem
            return None
        return self._failed_by(_failed(one.wanted, one.tried_at), problem)

    async def _tell(self, *those: Kept | None) -> None:
        for kept in those:
            if kept is None:
                continue
            if kept.state == "stored":
                self.in_vain = 0
            told = self.on_done(kept)
            if inspect.isawaitable(told):
                await told
        if self.failing is not None:
            raise self.failing

    async def _settled(self, one: Try) -> Kept:
        wanted = one.wanted
        kept = _failed(wanted, self.house.now())
        try:
            stem = self.house.path_of(wanted, "")
            return await self._adopted(wanted, stem, kept) or await self._fetched(one, stem, kept)
        except Refused as error:
            return replace(kept, state="refused", error=str(error), source_host=error.facts.get("host"))
        except Absent as error:
            # An expired address says nothing about the file itself.
            state = "failed" if error.facts.get("is_expired") else "absent"
            return replace(kept, state=state, error=str(error), source_host=error.facts.get("host"))
        except Blocked as error:
            if error is not self.blocked:
                raise
            return replace(kept, error=str(error), attempts=wanted.attempts)
        except ArchiveError as error:
            return self._failed_by(kept, error)

    def _failed_by(self, kept: Kept, error: ArchiveError) -> Kept:
        if error.facts.get("is_of_storage"):
            self._count(error)
        return replace(kept, error=f"{type(error).__name__}: {error}", source_host=error.facts.get("host"))

    def _count(self, error: ArchiveError) -> None:
        self.in_vain += 1
        if error.facts.get("is_silent"):  # each file more would wait as long
            self.failing = self.failing or error
        elif self.in_vain >= _IN_VAIN:
            told = f"{error} So it was with the last {self.in_vain} files: no more were asked for."
            self.failing = self.failing or type(error)(told, **error.facts)

    async def _adopted(self, wanted: Wanted, stem: str, kept: Kept) -> Kept | None:
        """The file that a run which was cut off left under its final name; it was whole when it got the name."""
        if not self.adopt or wanted.kind == "caption":
            return None
        path = await self.shelf.find(stem, suffixes_of(wanted.kind))
        if path is None:
            return None
        found = await self.house.storage.measure(path)
        kind = sniff_as(wanted.kind, found.head)
        if kind is None or not path.endswith(kind.suffix):
            return None
        if wanted.size_bytes is not None and wanted.size_bytes != found.size_bytes:
            return None
        now = self.house.now()
        return replace(
            kept,
            state="stored",
            path=path,
            size_bytes=found.size_bytes,
            sha256=found.sha256,
            mime_type=kind.mime,
            stored_at=now,
            verified_at=now,
        )

    async def _fetched(self, one: Try, stem: str, kept: Kept) -> Kept:
        wanted, folder = one.wanted, stem.rpartition("/")[0]
        is_new = one.begun is None and not await self.shelf.has_part(folder, wanted.media_id)
        writer = await self.house.storage.write(folder, wanted.media_id, is_new=is_new)
        try:
            if wanted.kind == "caption":
                await writer.begin(stem + TEXT.suffix)
                await writer.write((wanted.caption or "").encode(errors="replace"))
                arrived = Arrived(await writer.commit(), TEXT, "")
            else:
                arrived = await self._transferred(wanted, self._transfer(one, stem, writer))
                await writer.settle()
        except (Refused, Absent):
            await writer.abort()
            raise
        finally:
            await writer.pause()
        return _stored(kept, arrived, self.house.now())

    def _transfer(self, one: Try, stem: str, writer: Writer) -> Transfer:
        house = self.house
        return Transfer(
            one.wanted,
            writer,
            house.source,
            self.hosts,
            stem,
            self.on_bytes,
            house.sleep,
            house.max_tries,
            house.pause_s,
            one.begun,
        )

    async def _transferred(self, wanted: Wanted, transfer: Transfer) -> Arrived:
        if wanted.expires_at is None or wanted.expires_at > self.house.now() or self.refresh is None:
            try:
                return await transfer.run(wanted.urls)
            except Private as error:
                if self.refresh is None or not error.facts.get("is_expired"):
                    raise
            return await transfer.run((await self._refreshed(wanted, self.refresh)).urls)
        try:
            urls = (await self._refreshed(wanted, self.refresh)).urls
        except ArchiveError as no_fresh:
            # Some addresses of the list never expire, and a file may outlive its post.
            try:
                return await transfer.run(wanted.urls)
            except ArchiveError as error:
                raise no_fresh from error
        transfer.begun = None  # of an address that is over
        return await transfer.run(urls)

    async def _refreshed(self, wanted: Wanted, refresh: Refresh) -> Wanted:
        if self.blocked is not None:
            raise self.blocked
        try:
            fresh = await refresh(wanted)
        except Blocked as error:
            self.blocked = error
            raise
        if fresh is None:
            raise Interrupted("Its address has expired and no fresh one was found; it is asked for on the next run.")
        return fresh


def _failed(wanted: Wanted, tried_at: datetime) -> Kept:
    return Kept(wanted.media_id, "failed", wanted.attempts + 1, tried_at)


def _stored(kept: Kept, arrived: Arrived, now: datetime) -> Kept:
    return replace(
        kept,
        state="stored",
        path=arrived.written.path,
        size_bytes=arrived.written.size_bytes,
        sha256=arrived.written.sha256,
        mime_type=arrived.type.mime,
        stored_at=now,
        verified_at=now,
        source_host=arrived.host or None,
    )
