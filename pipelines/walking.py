"""A walk of one run through one listing, in steps of many pages."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.errors import ArchiveError
from pipelines.extract.endpoints import endpoint_of
from pipelines.extract.questions import question
from schemas.jobs import parse_interval

if TYPE_CHECKING:
    from pipelines.house import Step
    from pipelines.modes import Listing
    from pipelines.run import Run
    from schemas.files import Wanted
    from schemas.pages import Checkpoint, Page

# One step reads so many pages or so many seconds, whichever comes first: steps are coarse, and a retry costs little.
_STEP_PAGES = 25
_STEP_SECONDS = 60.0


@dataclass
class Walk:
    """A walk through the listing of one owner; `params` are further fields of its requests."""

    run: Run
    listing: Listing
    owner_id: str
    params: Mapping[str, Any] = field(default_factory=dict)
    taken: set[str] = field(default_factory=set)
    last: Checkpoint | None = None
    _pages: AsyncIterator[tuple[Page, Checkpoint]] | None = None
    _ended: bool = False

    @property
    def limit(self) -> int | None:
        """The most items to read."""
        return self.run.job.limit or self.listing.default_limit

    async def to_end(self, step: Step) -> None:
        """Walk until the listing, or what was asked of it, is at its end; raise what stopped it before that."""
        while not self._ended:
            await step(f"read pages of {self.listing.listing} from {self.run.summary.pages + 1}", self._some)
        if self.last is None:
            return
        summary = self.run.summary
        summary.verdict = summary.verdict if summary.verdict == "partial" else self.last.verdict or ""
        if self.last.verdict == "partial" and not self.last.is_as_asked:
            summary.outcome = "partial"
            summary.reason = self.last.reason or "the listing could not be read to its end"

    def accepts(self, wanted: Wanted) -> bool:
        """Whether a file belongs to what the job asked for: its first posts, or its days."""
        if self.limit is not None and wanted.aweme_id not in self.taken:
            return False
        since, until = parse_interval(self.run.job.interval)
        if wanted.created_at is None:
            return True
        return (since is None or wanted.created_at >= since) and (until is None or wanted.created_at < until)

    async def _some(self) -> None:
        """Read pages until the step is long enough; a failed try is begun again at the checkpoint."""
        began, read = time.monotonic(), 0
        try:
            if self._pages is None:
                self._pages = await self._begin()
            async for page, checkpoint in self._pages:
                await self._take(page, checkpoint)
                read += 1
                if read >= _STEP_PAGES or time.monotonic() - began > _STEP_SECONDS:
                    break
            else:
                self._ended = True
        except ArchiveError as error:
            self._pages = None
            await self.run.keep_failed(error)
            await self.run.apply()
            raise
        if self._ended or self.run.is_batch_due:
            await self.run.apply()

    async def _take(self, page: Page, checkpoint: Checkpoint) -> None:
        await self.run.keep(page, checkpoint)
        self.last = checkpoint
        if self.limit is not None:
            new = dict.fromkeys(item for item in page.item_ids if item not in self.taken)
            self.taken.update(list(new)[: self.limit - len(self.taken)])
        summary = self.run.summary
        summary.posts_seen += page.item_count
        self.run.house.on_event("pages", pages=summary.pages, posts=summary.posts_seen)
        if self.run.is_batch_due:
            await self.run.apply()

    async def _begin(self) -> AsyncIterator[tuple[Page, Checkpoint]]:
        from pipelines.extract.listings import walk

        run, job = self.run, self.run.job
        lake = await run.house.lake()
        name = endpoint_of(self.listing.operation).listing or self.listing.operation
        checkpoint = await run.house.on_lake(lake.checkpoint, name, self.owner_id)
        began = run.house.now()
        since, until = parse_interval(job.interval) if self.listing.is_dated else (None, None)
        start = str(job.max_cursor) if job.max_cursor else str(int(until.timestamp() * 1000)) if until else None

        async def known(ids: Sequence[str]) -> set[str]:
            # A walk that goes on where it was cut off must not take for old what it brought itself.
            is_cut = checkpoint and checkpoint.cursor and checkpoint.started_at
            before = checkpoint.started_at if checkpoint and is_cut else began
            found: set[str] = await run.house.on_lake(lake.known_ids, name, self.owner_id, ids, before=before)
            return found

        return walk(
            self._ask,
            operation=self.listing.operation,
            owner_id=self.owner_id,
            checkpoint=checkpoint,
            is_full=job.full,
            max_items=self.limit,
            page_size=job.page_counts,
            start_cursor=start,
            since=since,
            known=known,
            now=run.house.now,
        )

    async def _ask(self, cursor: str | None, count: int) -> Page:
        operation = self.listing.operation
        asked = question(operation, self.owner_id, cursor=cursor, count=count, **self.params)
        return await self.run.house.crawler.ask(operation, asked, target=self.owner_id, cursor=cursor)
