"""Broken and missing files fetched again; the broken one is kept aside, so that nothing is overwritten."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.care.verifying import Problem, Verified, mended
from pipelines.errors import NotFound
from pipelines.getting import Getter
from pipelines.house import House, new_id, open_house
from pipelines.load.auditing import FOUND
from pipelines.load.contents import ASIDE
from pipelines.transform.frames import frames_of
from schemas.files import Kept
from schemas.kinds import MEDIA_KINDS

if TYPE_CHECKING:
    from pipelines.load.lake import Lake
    from pipelines.settings import Settings
    from schemas.pages import Page

_BATCH = 200
_NO_SECOND_TIME = "a live recording cannot be fetched again; it stays as it is"


def repair(settings: Settings, found: Verified, *, now: Callable[[], datetime]) -> None:
    """Fetch again what is missing or broken; writes what became of each problem into `found`.

    Raises Blocked where Douyin or storage asks for a person; what was mended until then stays mended.
    """
    asyncio.run(_repair(settings, found, now))


async def _repair(settings: Settings, found: Verified, now: Callable[[], datetime]) -> None:
    broken = {problem.media_id: problem for problem in found.problems if problem.media_id}
    if not broken:
        return
    async with open_house(settings) as house:
        await house.need_media()
        lake = await house.lake()
        work = _Repair(house, lake, new_id(now()), now)
        await house.on_lake(lake.start_run, run_id=work.run_id, mode="repair", target="media", started_at=now())
        outcome = "failed"
        try:
            ids = [str(media_id) for media_id in broken]
            for start in range(0, len(ids), _BATCH):
                await work.mend([broken[media_id] for media_id in ids[start : start + _BATCH]])
            outcome = "complete" if all(map(work.is_mended, ids)) else "partial"
        finally:
            await house.on_lake(lake.end_run, work.run_id, outcome=outcome, ended_at=now())
            found.problems = [work.told(problem) for problem in found.problems]


class _Repair:
    def __init__(self, house: House, lake: Lake, run_id: str, now: Callable[[], datetime]) -> None:
        self.house, self.lake, self.run_id, self.now = house, lake, run_id, now
        self.done: dict[str, Kept] = {}
        self.aside: dict[str, str] = {}
        self._getter = Getter(house, run_id, self._apply, now)
        self._stamp = now().strftime("%Y%m%dT%H%M%SZ")

    async def mend(self, problems: list[Problem]) -> None:
        """Move the broken ones aside, note that they are not kept, and get them again."""
        problems = [problem for problem in problems if ":stream:" not in str(problem.media_id)]
        for problem in problems:
            if problem.what != "missing":
                # Moved before the row says so: after a crash between the two it is missing, and mended next time.
                aside = f"{ASIDE}/{self._stamp}/{problem.path}"
                with suppress(NotFound):  # a verification takes hours, and somebody has removed it since
                    await self.house.storage.rename(problem.path, aside)
                    self.aside[str(problem.media_id)] = aside
        rows = [Kept(str(p.media_id), "failed", 0, self.now(), error=self._why(p)) for p in problems]
        await self.house.on_lake(self.lake.keep_files, rows)
        ids = [str(problem.media_id) for problem in problems]
        wanted = await self.house.on_lake(self.lake.wanted, kinds=MEDIA_KINDS, media_ids=ids)
        new: list[Kept] = []
        try:
            await self._getter.get(wanted, on_done=new.append, adopt=False)
        finally:
            await self.house.on_lake(self.lake.keep_files, new)
            self.done.update({kept.media_id: kept for kept in new})

    def told(self, problem: Problem) -> Problem:
        """The problem with what became of it."""
        if problem.media_id is None:
            return problem
        if ":stream:" in problem.media_id:
            return replace(problem, detail=_NO_SECOND_TIME)
        kept = self.done.get(problem.media_id)
        detail = kept.error if kept is not None else "nothing promises this file any more"
        is_mended = self.is_mended(problem.media_id)
        return mended(problem, aside=self.aside.get(problem.media_id), is_mended=is_mended, detail=detail)

    def is_mended(self, media_id: str) -> bool:
        """Whether the file was got again."""
        return media_id in self.done and self.done[media_id].state == "stored"

    def _why(self, problem: Problem) -> str:
        if problem.detail:  # noted by a repair that was cut off
            return problem.detail
        aside = self.aside.get(str(problem.media_id))
        return f"{FOUND} {problem.what}" + (f"; the broken file lies at {aside}" if aside else "")

    async def _apply(self, page: Page) -> None:
        await self.house.on_lake(self.lake.apply, frames_of([page]), [page.page_id], run_id=self.run_id)
