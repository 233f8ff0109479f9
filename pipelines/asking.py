"""One question of a run about one thing: asked, kept, and what it says of things that are gone made into rows."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pipelines.errors import Absent, ArchiveError

if TYPE_CHECKING:
    from pipelines.run import Run
    from schemas.pages import Page


async def read_one(run: Run, operation: str, target: str, **params: Any) -> Page:
    """Ask for one thing and keep the answer; one that says it is gone becomes rows too, before it is raised."""
    try:
        page = await run.house.ask(operation, target, **params)
    except Absent as gone:
        kept: Page | None = gone.facts.get("page")
        if kept is not None:
            await run.keep(kept)
            await run.apply()
        raise
    except ArchiveError as error:
        await run.keep_failed(error)
        raise
    await run.keep(page)
    return page
