"""One run in the books: its row, its counts, the pages it keeps and the rows made of them."""

from __future__ import annotations

import asyncio
import json
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipelines.batches import HELD_BYTES, Batch, batches_of
from pipelines.errors import ArchiveError
from pipelines.house import House, finished, new_id, utc_now
from schemas.jobs import Summary
from schemas.wording import counted

if TYPE_CHECKING:
    from pipelines.load.lake import Lake
    from schemas.jobs import ArchiveJob
    from schemas.pages import Checkpoint, Page


@dataclass
class Run:
    """A run that is under way. Pages are kept at once; rows are made of several pages at a time.

    `rows_ready` is set whenever rows were committed, so that whoever loads files may look for new ones.
    """

    house: House
    job: ArchiveJob
    summary: Summary
    rows_ready: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: Batch = field(default_factory=Batch)
    expected: int | None = None  # items that the listing should hold, as the owner's profile counts them
    is_closed: bool = False  # whether the owner's profile says that the account is private
    hides_likes: bool = False  # whether it says that nobody else sees what the account likes
    started_at: datetime = field(default_factory=utc_now)
    _began: float = field(default_factory=time.monotonic)
    _applied_at: float = field(default_factory=time.monotonic)
    settled: dict[str, datetime] = field(default_factory=dict)  # searches for files that were carried to their end
    refusals: Counter[str] = field(default_factory=Counter)  # why files could not be had
    _fresh: list[str] = field(default_factory=list)
    _untidy: int = 0  # pages kept since small files were last looked for
    # Who walks and who loads files make rows of pages, each in a task of its own.
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    # Rows of one commit: enough pages to make the commit worth its time, few enough to stay small in memory. The first
    # rows are there to see soon; a long walk commits ever less often, since each commit adds a file to every table.
    batch_pages = 50
    batch_seconds = 5.0
    most_seconds = 60.0
    tidy_pages = 25

    @classmethod
    async def begin(cls, house: House, job: ArchiveJob, *, mode: str, target: str, flow_run_id: str | None) -> Run:
        """Write the run's row and return the run."""
        now = house.now()
        run = cls(house, job, Summary(run_id=new_id(now), mode=mode, target=target), started_at=now)
        lake = await house.lake()
        await house.on_lake(
            lake.start_run,
            run_id=run.summary.run_id,
            flow_run_id=flow_run_id,
            job=job.model_dump_json(exclude_none=True),
            mode=mode,
            target=target,
            started_at=now,
        )
        return run

    def now(self) -> datetime:
        """The present moment, never one before the run began: what it tried is known by that."""
        return max(self.house.now(), self.started_at)

    def untried(self) -> dict[str, datetime]:
        """Fields of `Lake.wanted` that pass over what this run tried already."""
        return {"not_tried_since": self.started_at, "now": self.now()}

    def is_set_back(self) -> bool:
        """Whether the clock was set back since the run began; no more than a tenth slower is one that is corrected."""
        passed = (time.monotonic() - self._began) * 0.9 - 1.0
        return (self.house.now() - self.started_at).total_seconds() < passed

    async def keep(self, page: Page, checkpoint: Checkpoint | None = None) -> None:
        """Keep an answer and its checkpoint in one commit, before anything reads further."""
        lake = await self.house.lake()

        def work() -> None:
            self._keep_failed(lake)
            lake.keep_page(page, run_id=self.summary.run_id, checkpoint=checkpoint)
            self.summary.pages += 1
            self._untidy += 1
            self.waiting.add(page)

        # In one go: nobody would make rows of a page that is kept when the run is stopped, and does not wait for them.
        async with self._turn:
            await self.house.on_lake(work)

    async def keep_failed(self, error: ArchiveError | None = None) -> None:
        """Keep the answer that an error was read from, where there was one, and those that failed before it."""
        page = error.facts.get("page") if error is not None else None
        if page is not None:
            self.house.failed.append(page)
        if self.house.failed:
            lake = await self.house.lake()
            async with self._turn:
                await self.house.on_lake(self._keep_failed, lake)

    def _keep_failed(self, lake: Lake) -> None:
        """Keep the failed answers that wait, also those that a later try made up for."""
        while self.house.failed:
            lake.keep_page(self.house.failed[0], run_id=self.summary.run_id)
            self.house.failed.popleft()

    @property
    def is_batch_due(self) -> bool:
        """Whether enough pages wait, or have waited long enough, to be worth a commit."""
        if len(self.waiting) >= self.batch_pages:
            return True
        pause = min(max(self.batch_seconds, (self._applied_at - self._began) / 4), self.most_seconds)
        return len(self.waiting) > 0 and time.monotonic() - self._applied_at > pause

    async def apply(self) -> None:
        """Make rows of the pages that wait, and commit them; pages whose commit failed wait on."""
        async with self._turn:
            await self._apply()

    async def apply_pages(self, pages: Sequence[Page]) -> None:
        """Make rows of these pages at once, and of those that wait.

        They were read before: after these they would come late, and a rebuild would give other counts and changes.
        """
        async with self._turn:
            for page in pages:
                await finished(self.waiting.add, page)
            await self._apply()

    async def _apply(self) -> None:
        if len(self.waiting):
            await self._commit(self.waiting)
            self.waiting = Batch()
        self._applied_at = time.monotonic()

    async def _commit(self, batch: Batch) -> None:
        lake = await self.house.lake()
        frames = await finished(batch.frames)
        applied = await self.house.on_lake(lake.apply, frames, batch.page_ids, run_id=self.summary.run_id)
        self.summary.new_posts += applied.new_posts
        self.summary.changed_posts += applied.changed_posts
        self.summary.rejects += applied.rejects
        self._fresh += batch.page_ids
        self.rows_ready.set()
        if self._untidy >= self.tidy_pages:
            await self._tidy()

    def fresh_pages(self) -> list[str]:
        """The pages of which rows were committed since this was last asked."""
        fresh, self._fresh = self._fresh, []
        return fresh

    async def _tidy(self) -> None:
        """Join small files, so that the next statements need not look through so many."""
        lake = await self.house.lake()
        try:
            await self.house.on_lake(lake.tidy)
        except ArchiveError as error:  # nothing depends on it, and another run will try again
            self.house.on_event("notice", text=f"Small files were not joined this time: {error}")
        self._untidy = 0

    async def finish_earlier(self) -> None:
        """Make rows of pages that a run which was cut off kept but did not finish."""
        lake = await self.house.lake()
        pending = await self.house.on_lake(lake.pending, but=self.summary.run_id)
        if not pending:
            return
        self.house.on_event("notice", text=f"Finishing {counted(len(pending), 'pages')} that an earlier run left.")
        batches = batches_of(lake.raw_pages(pending, max_bytes=HELD_BYTES))
        try:
            while (batch := await self.house.on_lake(next, batches, None)) is not None:
                await self._commit(batch)
        finally:
            await self.house.on_lake(batches.close)

    async def end(self, error: BaseException | None = None) -> Summary:
        """Write how the run ended into its row; one that leaves pages without rows stays open for the next."""
        summary = self.summary
        await self._settle()
        summary.requests = self.house.crawler.requests_sent
        summary.seconds = time.monotonic() - self._began
        if summary.rejects:
            summary.warnings.append(
                f"{counted(summary.rejects, 'items')} without a table: kept in `rejects` with the reason."
            )
        lake = await self.house.lake()
        # One that was stopped may have kept a page in the moment before its rows were to be made.
        is_open = len(self.waiting) or (error is not None and await self.house.on_lake(lake.pending, summary.run_id))
        ended_at = None if is_open else self.house.now()
        await self.house.on_lake(lake.end_run, summary.run_id, **self._row(error), ended_at=ended_at)
        if summary.pages:
            await self._tidy()
        return summary

    async def _settle(self) -> None:
        try:
            await self.keep_failed()
            await self.apply()
        except ArchiveError as error:
            self.summary.warnings.append(
                f"{counted(len(self.waiting), 'pages')} left for the next run to make rows of: {error}"
            )

    def _row(self, error: BaseException | None) -> dict[str, Any]:
        summary = self.summary
        # By a clock that was set back, rows that came later may look older than the end of a search.
        settled = {} if self.is_set_back() else self.settled
        return {
            "outcome": summary.outcome,
            "reason": summary.reason or None,
            "request_count": summary.requests,
            "page_count": summary.pages,
            "new_post_count": summary.new_posts,
            "changed_post_count": summary.changed_posts,
            "file_count": summary.files,
            "byte_count": summary.bytes,
            "missing_count": summary.missing + summary.absent,
            "reject_count": summary.rejects,
            "error": f"{type(error).__name__}: {error}" if error is not None else None,
            "settled": json.dumps(sorted(settled), ensure_ascii=False) if settled else None,
            "settled_at": min(settled.values(), default=None),
        }
