"""Walk a listing page by page: what was read before is passed over, and what was missed is known and read."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import datetime

from pipelines.errors import BadInput
from pipelines.extract.endpoints import Order, endpoint_of
from pipelines.extract.progress import begin
from schemas.pages import Checkpoint, Page

Ask = Callable[[str | None, int], Awaitable[Page]]
Known = Callable[[Sequence[str]], Awaitable[set[str]]]


async def walk(
    ask: Ask,
    *,
    operation: str,
    owner_id: str,
    known: Known,
    now: Callable[[], datetime],
    checkpoint: Checkpoint | None = None,
    is_full: bool = False,
    max_items: int | None = None,
    page_size: int = 18,
    start_cursor: str | None = None,
    since: datetime | None = None,
    fresh_from: datetime | None = None,
    expected: int | None = None,
    is_closed: bool = False,
) -> AsyncIterator[tuple[Page, Checkpoint]]:
    """Pages of a listing, each with the checkpoint to commit together with it.

    `ask(cursor, count)` gives a page; its errors pass through, and the last checkpoint yielded is where to go on.
    `known(ids)` says which posts this listing had shown before the walk began (`Checkpoint.started_at`).
    Listings in order of time keep covered stretches: a walk that is not full ends after the first page of known posts
    that leads into a stretch read to its end, and jumps over a stretch that was not. A full walk goes to the end.
    `max_items` stops the asking, not the rows of the last page; `since` stops at posts older than it (TIME only).
    `fresh_from` (TIME only) reads what is not older than it again, known or not, before a walk may end or jump.
    `expected` is how many items the listing should hold by its owner's profile: one that shows none is partial then.
    `is_closed`: the owner's account is private, so that one which shows none further down is partial, too.
    The last checkpoint has finished_at, a verdict (complete, partial, unknown) and, unless complete, a reason.
    """
    endpoint = endpoint_of(operation)
    if not endpoint.is_listing:
        raise BadInput(f"{operation} is no listing; ask for it once")
    if endpoint.order is Order.FEED and not max_items:
        raise BadInput("the feed has no end; say how many posts to read (--max-counts)")
    if max_items is not None and max_items <= 0:
        raise BadInput("the most posts to read must be 1 or more; leave it out to read all")
    progress = begin(
        endpoint,
        owner_id,
        checkpoint,
        is_full=is_full,
        max_items=max_items,
        start_cursor=start_cursor,
        since=since,
        fresh_from=fresh_from,
        expected=expected,
        is_closed=is_closed,
        now=now(),
    )
    looks_back = endpoint.order is Order.TIME and not progress.is_full
    while not progress.is_done:
        count = page_size if progress.left is None else min(page_size, progress.left)
        page = await ask(progress.cursor, count)
        before = await known(page.unpinned_ids) if looks_back and page.unpinned_ids else set()
        yield page, progress.take(page, before, now())
