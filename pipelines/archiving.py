"""The steps that archive a listing or a single post: ask, keep, make rows, load files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.errors import Absent, ArchiveError, Blocked, LakeBusy
from pipelines.extract.questions import question
from pipelines.house import Step
from pipelines.loading import Loader
from schemas.jobs import parse_interval

if TYPE_CHECKING:
    from pipelines.extract.links import Link
    from pipelines.modes import Listing
    from pipelines.run import Run
    from schemas.files import Wanted
    from schemas.pages import Checkpoint, Page

# One step reads so many pages or so many seconds, whichever comes first: steps are coarse, and a retry costs little.
_STEP_PAGES = 25
_STEP_SECONDS = 60.0


async def archive_one(run: Run, aweme_id: str, step: Step) -> None:
    """Archive one post by its detail; a post that is gone is noted with Douyin's reason."""

    async def read() -> None:
        try:
            page = await run.house.crawler.ask("post_detail", question("post_detail", aweme_id), target=aweme_id)
        except Absent as gone:
            await _note_gone(run, gone)
            raise
        except ArchiveError as error:
            await run.keep_failed(error)
            raise
        await run.keep(page)
        run.summary.posts_seen += 1
        run.house.on_event("pages", pages=1, posts=1)
        await run.apply()

    await step("read the post", read)
    await Loader(run, step, {"kinds": run.house.settings.media, "aweme_ids": [aweme_id]}).load_all()


async def _note_gone(run: Run, gone: Absent) -> None:
    page = gone.facts.get("page")
    if page is not None:
        await run.keep(page)
        await run.apply()


async def archive_listing(run: Run, listing: Listing, link: Link, step: Step) -> None:
    """Archive a listing: walk it page by page, and load files while the walk goes on."""
    owner_id = link.id if listing.kind else "self"
    if listing.has_profile:
        await step("read the profile", lambda: read_profile(run, owner_id))
    walk = Walk(run, listing, owner_id)
    scope: dict[str, Any] = {"kinds": run.house.settings.media, "listing": listing.listing, "owner_id": owner_id}
    loader = Loader(run, step, scope, accept=walk.accepts)
    walk_ended = asyncio.Event()
    loading = asyncio.create_task(loader.follow(walk_ended))
    try:
        await walk.to_end(step)
    except (Blocked, LakeBusy):
        raise  # a challenge stops the run, files too; what is wanted is still known next time
    except ArchiveError:
        walk_ended.set()
        await loading
        raise
    else:
        walk_ended.set()
        await loading
    finally:
        loading.cancel()
        await asyncio.wait([loading])


async def read_profile(run: Run, sec_user_id: str) -> None:
    """Read an account's profile: who it is, and how many posts to expect."""
    from pipelines.transform.interface import at, load_json

    try:
        page = await run.house.crawler.ask("user_profile", question("user_profile", sec_user_id), target=sec_user_id)
    except ArchiveError as error:
        await run.keep_failed(error)
        raise
    await run.keep(page)
    answer = load_json(page.body)
    run.summary.name = at(answer, "user.nickname") or ""
    post_count = at(answer, "user.aweme_count")
    if isinstance(post_count, int):
        run.house.on_event("total", posts=min(post_count, run.job.limit or post_count))


@dataclass
class Walk:
    """A walk of one run through one listing, in steps of many pages."""

    run: Run
    listing: Listing
    owner_id: str
    posts: int = 0
    taken: set[str] = field(default_factory=set)
    last: Checkpoint | None = None
    _pages: AsyncIterator[tuple[Page, Checkpoint]] | None = None
    _ended: bool = False

    async def to_end(self, step: Step) -> None:
        """Walk until the listing, or what was asked of it, is at its end; raise what stopped it before that."""
        while not self._ended:
            await step(f"read pages from {self.run.summary.pages + 1}", self._some)
        if self.last is not None:
            self.run.summary.verdict = self.last.verdict or ""
            if self.last.verdict == "partial":
                self.run.summary.outcome = "partial"
                self.run.summary.reason = self.last.reason or "the listing could not be read to its end"

    def accepts(self, wanted: Wanted) -> bool:
        """Whether a file belongs to what the job asked for: its first posts, or its days."""
        if self.run.job.limit is not None and wanted.aweme_id not in self.taken:
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
        limit = self.run.job.limit
        if limit is not None:
            self.taken.update(
                list(dict.fromkeys(i for i in page.item_ids if i not in self.taken))[: limit - len(self.taken)]
            )
        self.posts += page.item_count
        self.run.summary.posts_seen = self.posts
        self.run.house.on_event("pages", pages=self.run.summary.pages, posts=self.posts)
        if self.run.is_batch_due:
            await self.run.apply()

    async def _begin(self) -> AsyncIterator[tuple[Page, Checkpoint]]:
        from pipelines.extract.listings import walk

        run, job = self.run, self.run.job
        lake = await run.house.lake()
        began = run.house.now()
        checkpoint = await run.house.on_lake(lake.checkpoint, self.listing.listing, self.owner_id)
        since, until = parse_interval(job.interval) if self.listing.is_dated else (None, None)
        start = str(job.max_cursor) if job.max_cursor else str(int(until.timestamp() * 1000)) if until else None

        async def known(ids: Any) -> set[str]:
            before = checkpoint.started_at if checkpoint and checkpoint.cursor and checkpoint.started_at else began
            found: set[str] = await run.house.on_lake(
                lake.known_ids, self.listing.listing, self.owner_id, ids, before=before
            )
            return found

        return walk(
            self._ask,
            operation=self.listing.operation,
            owner_id=self.owner_id,
            checkpoint=checkpoint,
            is_full=job.full,
            max_items=job.limit,
            page_size=job.page_counts,
            start_cursor=start,
            since=since,
            known=known,
            now=run.house.now,
        )

    async def _ask(self, cursor: str | None, count: int) -> Page:
        asked = question(self.listing.operation, self.owner_id, cursor=cursor, count=count)
        return await self.run.house.crawler.ask(self.listing.operation, asked, target=self.owner_id, cursor=cursor)
