"""What a full walk no longer showed: entries are marked as gone, and posts once their own detail says so.

A post that is missing from its account's listing may only be hidden from the list; so each is asked for by itself, a
few hundred in one run and at the usual pace. What is not asked in this run is asked by the next.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.asking import read_one
from pipelines.errors import Absent, Unfamiliar
from pipelines.walking import LASTING

if TYPE_CHECKING:
    from datetime import datetime

    from pipelines.house import Step
    from pipelines.run import Run
    from pipelines.walking import Walk

CONFIRMED_AT_MOST = 200
_COMMIT_PAGES = 25


async def note_gone(run: Run, walk: Walk, step: Step) -> None:
    """Mark what a walk that showed everything did not show, and ask after posts that vanished from their account."""
    listing = walk.listing.listing
    if listing not in LASTING:
        return
    since = walk.whole_since
    if since is not None:
        await step(f"mark what {listing} no longer shows", lambda: _mark(run, walk, since))
    if listing == "post":
        await step("ask after posts that vanished", lambda: _confirm(run, walk.owner_id))


async def _mark(run: Run, walk: Walk, since: datetime) -> None:
    await run.apply()
    lake = await run.house.lake()
    gone = await run.house.on_lake(
        lake.mark_gone, walk.listing.listing, walk.owner_id, not_seen_since=since, gone_at=run.house.now()
    )
    run.summary.gone_entries += len(gone)


async def _confirm(run: Run, owner_id: str) -> None:
    lake = await run.house.lake()
    missing = await run.house.on_lake(lake.unconfirmed, owner_id, CONFIRMED_AT_MOST + 1)
    if len(missing) > CONFIRMED_AT_MOST:
        run.summary.warnings.append("More posts vanished than one run asks after; the next run asks after the others.")
    for aweme_id in missing[:CONFIRMED_AT_MOST]:
        try:
            await read_one(run, "post_detail", aweme_id)
        except Absent:
            run.summary.gone_posts += 1
        except Unfamiliar as odd:
            run.summary.warnings.append(f"The post {aweme_id} answers in a form that is not known: {odd}")
        if len(run.waiting) >= _COMMIT_PAGES:
            await run.apply()
    await run.apply()
