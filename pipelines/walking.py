"""A walk of one run through one listing, in steps of many pages."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipelines.errors import ArchiveError
from pipelines.extract.endpoints import Order, endpoint_of
from pipelines.extract.questions import question
from pipelines.settings import media_kinds
from schemas.filters import Filter
from schemas.jobs import things_of

if TYPE_CHECKING:
    from pipelines.house import Step
    from pipelines.modes import Listing
    from pipelines.run import Run
    from schemas.pages import Checkpoint, Page

_VERDICTS = ("", "complete", "as asked", "unknown", "partial")

LASTING = ("post", "like", "collect", "mix", "collects")
"""Listings that show the same posts again; what a feed or a search leaves out means nothing."""

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
    _took_up: bool = False
    _looks_again: bool = False
    _whole_since: datetime | None = None
    _earliest: datetime | None = None
    _is_counted: bool = False  # whether what the archive holds of the listing is to be counted, for the display
    _foretelling: asyncio.Future[None] | None = None

    @property
    def limit(self) -> int | None:
        """The most items to read."""
        return self.run.job.limit or self.listing.default_limit

    @property
    def _things(self) -> str:
        return things_of(self.run.summary.mode)

    @property
    def _is_dated(self) -> bool:
        return endpoint_of(self.listing.operation).order is Order.TIME

    @property
    def _is_through(self) -> bool:
        """Whether nothing that was asked for is left below; of a list in order of time that may be an interval."""
        last = self.last
        return last is not None and (last.verdict == "complete" or (self._is_dated and last.is_as_asked))

    async def to_end(self, step: Step) -> None:
        """Walk until the listing, or what was asked of it, is at its end; raise what stopped it before that."""
        await self._on(step)
        if self._took_up and self._is_through:
            # What was published since the walk was cut off stands above the place where it went on. In a list without
            # an order of time it may stand anywhere, and what moved up was passed over: all of it is read once more.
            if self._is_dated:
                self._whole_since, self._looks_again = self.whole_since, True
            self._ended, self._pages = False, None
            await self._on(step)
        if self.last is None:
            return
        await self._take_known()
        summary, verdict = self.run.summary, verdict_of(self.last)
        summary.verdict = max(summary.verdict, verdict, key=_VERDICTS.index)
        if verdict == "partial":
            summary.outcome = "partial"
            summary.reason = self.last.reason or "the listing could not be read to its end"

    async def _on(self, step: Step) -> None:
        try:
            while not self._ended:
                await step(f"read pages of {self.listing.listing} from {self.run.summary.pages + 1}", self._some)
        finally:
            if self._foretelling is not None:
                await asyncio.wait([self._foretelling])

    def scope(self) -> dict[str, Any]:
        """Which files the job asked for, of what was read so far: fields of `Lake.wanted`."""
        found: dict[str, Any] = {
            "listing": self.listing.listing,
            "owner_id": self.owner_id,
            "posts": self.run.job.filter,
        }
        if self.run.job.media is not None:
            found["kinds"] = media_kinds(self.run.job.media)
        return found if self.limit is None else {**found, "aweme_ids": sorted(self.taken)}

    @property
    def whole_since(self) -> datetime | None:
        """When the walk began, where it has shown all that its listing holds; else None.

        Where the clock went back meanwhile, the earliest moment of its pages: what they showed is not gone.
        """
        last, since = self.last, self._whole_since
        if not self._looks_again:
            is_whole = last is not None and last.verdict == "complete" and not last.reason and last.is_full
            since = last.started_at if last is not None and is_whole else None
        return min(since, self._earliest or since) if since is not None else None

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
        self._earliest = min(self._earliest or page.fetched_at, page.fetched_at)
        if checkpoint.started_at is not None and self._earliest < checkpoint.started_at:
            # The clock was set back. Whoever takes the walk up must not take what it showed for what was shown before.
            checkpoint = replace(checkpoint, started_at=self._earliest)
        await self.run.keep(page, checkpoint)
        self.last = checkpoint
        if self.limit is not None:
            new = dict.fromkeys(item for item in page.item_ids if item not in self.taken)
            self.taken.update(list(new)[: self.limit - len(self.taken)])
        summary = self.run.summary
        summary.posts_seen += page.item_count
        self.run.house.on_event("pages", pages=summary.pages, posts=summary.posts_seen, things=self._things)
        if self.run.is_batch_due:
            await self.run.apply()

    async def _begin(self) -> AsyncIterator[tuple[Page, Checkpoint]]:
        from pipelines.extract.listings import walk
        from pipelines.extract.progress import takes_up

        run, job = self.run, self.run.job
        lake = await run.house.lake()
        endpoint = endpoint_of(self.listing.operation)
        name = endpoint.listing or endpoint.name
        checkpoint = await run.house.on_lake(lake.checkpoint, name, self.owner_id)
        began = run.house.now()
        self._foretell(checkpoint)
        asked = job.filter if self.listing.is_dated else Filter()
        start = self._start()
        # A listing without an order of time is read to its end each time.
        is_full = (job.full and not self._looks_again) or endpoint.order is Order.PLACE
        goes_on = takes_up(endpoint, checkpoint, is_full=is_full, max_items=self.limit, start_cursor=start)
        self._took_up = self._took_up or (goes_on and (self._is_dated or self.listing.listing in LASTING))
        fresh_from = began - timedelta(days=job.refresh_days) if job.refresh_days else None

        async def known(ids: Sequence[str]) -> set[str]:
            # A walk that goes on where it was cut off must not take for old what it brought itself.
            before = checkpoint.started_at if checkpoint and goes_on and checkpoint.started_at else began
            found: set[str] = await run.house.on_lake(lake.known_ids, name, self.owner_id, ids, before=before)
            return found

        return walk(
            self._ask,
            operation=self.listing.operation,
            owner_id=self.owner_id,
            checkpoint=checkpoint,
            is_full=is_full,
            max_items=self.limit,
            page_size=job.page_counts,
            start_cursor=start,
            since=asked.since,
            fresh_from=fresh_from,
            expected=run.expected,
            is_closed=run.is_closed,
            known=known,
            now=run.house.now,
        )

    def _start(self) -> str | None:
        """The cursor at which the job asks to begin; None for the top."""
        job = self.run.job
        if job.max_cursor:
            return str(job.max_cursor)
        until = job.filter.until if self.listing.is_dated else None
        return str(int(until.timestamp() * 1000)) if until else None

    async def _take_known(self) -> None:
        """Count in what was read before and passed over, in the listing's order: its files may be wanting still."""
        if self.limit is None or self.last is None or not self.listing.has_media:
            return
        endpoint, start = endpoint_of(self.listing.operation), self._start()
        if endpoint.order is Order.FEED:
            return
        await self.run.apply()
        lake = await self.run.house.lake()
        place: dict[str, Any] = {"seen_since": self.last.started_at}
        if endpoint.order is Order.TIME:
            place = {"units_per_second": endpoint.units_per_second, "below": int(start) if start else None}
        known = await self.run.house.on_lake(
            lake.entry_ids, self.listing.listing, self.owner_id, limit=self.limit, **place
        )
        self.taken = set(list(dict.fromkeys([*known, *self.taken]))[: self.limit])

    def _foretell(self, checkpoint: Checkpoint | None) -> None:
        """Say how many items there will be to read, where the owner's profile counts them."""
        job, total = self.run.job, self.run.expected
        if total is None or job.interval:
            return
        is_known = checkpoint is not None and any(one.is_end for one in checkpoint.stretches)
        self._is_counted = is_known and not job.full and not job.refresh_days
        if not self._is_counted:
            self.run.house.on_event("total", posts=min(total, self.limit or total), things=self._things)

    async def _foretell_rest(self, total: int) -> None:
        lake = await self.run.house.lake()
        known = await self.run.house.on_lake(lake.entry_count, self.listing.listing, self.owner_id)
        total = max(total - known, 0) + self.run.job.page_counts  # the page that shows nothing new is read too
        self.run.house.on_event("total", posts=min(total, self.limit or total), things=self._things)

    async def _ask(self, cursor: str | None, count: int) -> Page:
        if self._is_counted and self.last is not None and self._foretelling is None and self.run.expected is not None:
            # Most walks end with their first page. Nothing waits for this; only the display does.
            self._foretelling = asyncio.ensure_future(self._foretell_rest(self.run.expected))
        operation = self.listing.operation
        asked = question(operation, self.owner_id, cursor=cursor, count=count, **self.params)
        crawler = self.run.house.crawler
        # To anybody but their owner, Douyin answers for hidden likes with no bytes: no pause would change that.
        is_hidden = self.listing.listing == "like" and self.run.hides_likes and not crawler.has_login
        return await crawler.ask(operation, asked, target=self.owner_id, cursor=cursor, takes_silence=is_hidden)


def verdict_of(checkpoint: Checkpoint) -> str:
    """A walk's verdict; "as asked" where it ended early because it was told to."""
    return "as asked" if checkpoint.is_as_asked else checkpoint.verdict or ""
