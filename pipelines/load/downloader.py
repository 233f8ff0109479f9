"""DouyinDownloader: gets the files that the tables promise, and says what became of each."""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from pipelines.errors import Absent, ArchiveError, BadInput, Blocked, Interrupted, Private
from pipelines.load.hosts import Hosts, Sleep
from pipelines.load.naming import DEFAULT_TEMPLATE, check_template, file_path
from pipelines.load.plans import is_on
from pipelines.load.shelf import Shelf
from pipelines.load.sniff import TEXT, sniff_as, suffixes_of
from pipelines.load.storage import Storage
from pipelines.load.tasks import Company, Refresh, Tasks
from pipelines.load.transfer import Arrived, Refused, Source, Transfer
from pipelines.load.writers import Writer
from schemas.files import Kept, Wanted

_SETTLING = 16  # files that have come and wait for their final names, at most
_IN_VAIN = 16  # files in a row that storage failed at: it takes none, and hosts would be asked for all others in vain

OnDone = Callable[[Kept], Awaitable[None] | None]


def _unseen(_value: Any) -> None:
    """The listener of those who do not listen."""


class DouyinDownloader(Tasks):
    """Downloads wanted files into storage: concurrently, resumably, verified, under names from a template.

    `kwargs` may bring the template as `naming` and `folderize`, as the spec's configuration does; `now` is the clock.
    `source`, `storage` and `now` must be given: this stage knows neither the network nor the settings. `company` is
    what the methods that the spec names may use beside them. With `folder`, files lie there and not under media/.
    """

    def __init__(
        self,
        kwargs: Mapping[str, Any] | None = None,
        *,
        source: Source | None = None,
        storage: Storage | None = None,
        now: Callable[[], datetime] | None = None,
        naming: str | None = None,
        folderize: bool | None = None,
        sleep: Sleep = asyncio.sleep,
        max_tries: int = 5,
        pause_s: float = 0.5,
        company: Company | None = None,
        folder: str | None = None,
    ) -> None:
        if source is None or storage is None or now is None:
            raise BadInput(
                "This downloader needs source, storage and now; pipelines.handler.DouyinDownloader brings its own."
            )
        given = kwargs or {}
        self.kwargs = dict(given)
        self.naming = check_template(naming or given.get("naming") or DEFAULT_TEMPLATE)
        self.folderize = is_on(given, "folderize") if folderize is None else folderize
        self.source = source
        self.storage = storage
        self.now = now
        self.sleep = sleep
        self.max_tries = max_tries
        self.pause_s = pause_s
        self.company = company or Company()
        self.folder = folder

    async def download(
        self,
        wanted: Iterable[Wanted],
        *,
        on_done: OnDone = _unseen,
        on_bytes: Callable[[int], None] = _unseen,
        refresh: Refresh | None = None,
        concurrency: int = 8,
        per_host: int = 4,
        adopt: bool = True,
    ) -> None:
        """Get every wanted file, and tell `on_done` what became of each as soon as it is settled.

        `on_bytes` counts bytes as they come. `refresh` gives the same file with fresh addresses, None where there are
        none. `adopt` takes a file that lies under its final name already, after reading and measuring it; a repair
        must not. A `Blocked` of storage ends the work at once, and so does a storage that fails at file after file; a
        `Blocked` of `refresh` does once the other files are settled.
        A cancelled download leaves parts that the next one goes on with.
        """
        hosts = Hosts(per_host, concurrency, self.sleep)
        work = _Work(self, hosts, on_done, on_bytes, refresh, adopt, Shelf(self.storage))
        queue = iter(wanted)
        # On a disk more than may get something at a time: the others wait for it. Objects of a bucket wait for nothing.
        count = max(concurrency, 1) + (_SETTLING if self.storage.is_local else 0)
        workers = [asyncio.create_task(work.through(queue)) for _ in range(count)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            work.hosts.release()
        if work.blocked is not None:
            raise work.blocked

    def path_of(self, wanted: Wanted, suffix: str) -> str:
        """Where a wanted file is kept, relative to the root."""
        path = file_path(wanted, self.naming, self.folderize, suffix)
        return path if self.folder is None else "/".join([self.folder, *path.split("/")[2:]])


@dataclass
class _Work:
    """One call of `download`."""

    house: DouyinDownloader
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

    async def through(self, queue: Iterator[Wanted]) -> None:
        for wanted in queue:
            if wanted.media_id in self.busy:
                continue  # named twice in one call
            self.busy.add(wanted.media_id)
            kept = await self._settled(wanted)
            if kept.state == "stored":
                self.in_vain = 0
            told = self.on_done(kept)
            if inspect.isawaitable(told):
                await told
            if self.failing is not None:
                raise self.failing

    async def _settled(self, wanted: Wanted) -> Kept:
        tried_at = self.house.now()
        kept = Kept(wanted.media_id, "failed", wanted.attempts + 1, tried_at)
        try:
            stem = self.house.path_of(wanted, "")
            return await self._adopted(wanted, stem, kept) or await self._fetched(wanted, stem, kept)
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

    async def _fetched(self, wanted: Wanted, stem: str, kept: Kept) -> Kept:
        folder = stem.rpartition("/")[0]
        is_new = not await self.shelf.has_part(folder, wanted.media_id)
        writer = await self.house.storage.write(folder, wanted.media_id, is_new=is_new)
        try:
            if wanted.kind == "caption":
                await writer.begin(stem + TEXT.suffix)
                await writer.write((wanted.caption or "").encode(errors="replace"))
                arrived = Arrived(await writer.commit(), TEXT, "")
            else:
                arrived = await self._transferred(wanted, self._transfer(wanted, stem, writer))
                await writer.settle()
        except (Refused, Absent):
            await writer.abort()
            raise
        finally:
            await writer.pause()
        now = self.house.now()
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

    def _transfer(self, wanted: Wanted, stem: str, writer: Writer) -> Transfer:
        house = self.house
        return Transfer(
            wanted,
            writer,
            house.source,
            self.hosts,
            stem,
            self.on_bytes,
            house.sleep,
            house.max_tries,
            house.pause_s,
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
