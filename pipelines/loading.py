"""Files of a run: what is promised and not kept, got while the walk goes on."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from functools import partial
from typing import TYPE_CHECKING, Any

from pipelines.getting import Getter
from schemas.filters import Filter
from schemas.wording import counted

if TYPE_CHECKING:
    from pipelines.house import Step
    from pipelines.run import Run
    from schemas.files import Kept, Wanted

_AHEAD = 20_000  # files looked up at a time, by their ids: the search goes through all that an archive promises
_BATCH = 400  # files asked for at a time: a row each in memory, and a step each in the Prefect UI
_COMMIT_SECONDS = 2.0  # rows of finished files wait at most so long; a file that lost its row is adopted again
_PATIENCE = 2.0  # seconds that a walk may take to end before files are looked for beside it
_LATE = timedelta(minutes=10)  # clocks of several machines, which share a catalog on a server, may differ


@dataclass
class Loader:
    """Gets the wanted files of one run; `scope` says which: fields of `Lake.wanted`, `kinds` as the settings say.

    A search is the scope with the settings' own fields (`_search`), and an area where only part of it is looked at:
    `pages`, or `since` a moment. Ids are searched for, and described with their addresses a batch at a time. What was
    tried is known by its row in `files`, not in memory: a walk may promise any number of files.
    """

    run: Run
    step: Step
    scope: Callable[[], dict[str, Any]]
    _unsaved: list[Kept] = field(default_factory=list)
    _saved_at: float = field(default_factory=time.monotonic)
    _owners: dict[str, str] = field(default_factory=dict)  # accounts by their folders, of the batch under way

    async def follow(self, walk_ended: asyncio.Event) -> None:
        """Load files whenever rows are ready, until the walk has ended and nothing more is wanted.

        First what earlier runs left and the first pages promise, then what each further batch of pages does, at last
        what none of these shows. Notes until when the scope is settled, for the next run to begin there.
        """
        house = self.run.house
        lake = await house.lake()
        late = timedelta(0) if house.settings.catalog.startswith("sqlite:") else _LATE
        began = house.now() - late  # before any commit of this walk
        # Most walks end with their first page: then one look finds what is left of earlier runs and what is new.
        await self._news(walk_ended, within=_PATIENCE)
        is_over = walk_ended.is_set()
        ended = await house.on_lake(lake.moment) - late
        self.run.fresh_pages()
        await self._load(await self._unsettled())
        while not walk_ended.is_set():
            await self._news(walk_ended)
            if not walk_ended.is_set() and (pages := self.run.fresh_pages()):
                await self._load({"pages": pages})
        if not is_over and self.scope().get("aweme_ids") is not None:
            await self._load({})  # among them are some that the walk passed over, which are on none of its pages
        elif not is_over:
            # Other runs may have found posts of the same listing meanwhile. Those of this run are known by name: where
            # the clock was set back, their rows say that they are older than the walk.
            ended = await house.on_lake(lake.moment) - late
            if pages := sorted({*self.run.fresh_pages(), *await house.on_lake(lake.applied_since, began)}):
                await self._load({"pages": pages})
        if (scope := self._name()) is not None:
            self.run.settled[scope] = ended

    async def _news(self, walk_ended: asyncio.Event, within: float | None = None) -> None:
        """Wait until rows are ready or the walk has ended, or so many seconds."""
        waits = [asyncio.ensure_future(event.wait()) for event in (self.run.rows_ready, walk_ended)]
        try:
            await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()
        self.run.rows_ready.clear()

    async def load_all(self) -> None:
        """Load everything that is wanted now, a batch at a time."""
        await self._load({})

    async def _unsettled(self) -> dict[str, Any]:
        """Where to look first: at all that the listing promises, or at what came since a run went to its end."""
        scope = self._name()
        if scope is None or self.run.job.full:
            return {}
        lake = await self.run.house.lake()
        since = await self.run.house.on_lake(lake.settled_at, scope)
        return {"since": since} if since else {}

    def _name(self) -> str | None:
        """What tells this search from others; None where it names its posts one by one."""
        search = {**self._search(), "not_tried_since": None, "now": None, "max_attempts": None}
        if search.get("aweme_ids") is not None or search.get("listing") is None:
            return None
        return json.dumps({key: value for key, value in search.items() if value}, default=str, ensure_ascii=False)

    async def _load(self, area: dict[str, Any]) -> None:
        """Load what is wanted in an area; {} is all of the scope."""
        search = self._search()
        if not search["kinds"]:
            return
        house = self.run.house
        lake = await house.lake()
        for part in await house.on_lake(lake.wanted_parts, **search, **area):
            is_all = False
            while not is_all:
                found = await house.on_lake(lake.wanted_ids, **search, **area, part=part, limit=_AHEAD)
                is_all = len(found) < _AHEAD
                left = len(found) if is_all else await house.on_lake(lake.wanted_count, **search, **area, part=part)
                house.on_event("files_left", files=left)
                await self._get_all(found)

    async def _get_all(self, media_ids: list[str]) -> None:
        for start in range(0, len(media_ids), _BATCH):
            batch = await self._described(media_ids[start : start + _BATCH])
            self.run.house.on_event("wanted", files=len(batch))
            await self.step(f"load {counted(len(batch), 'files')}", partial(self._get, batch))

    async def _described(self, media_ids: list[str]) -> list[Wanted]:
        """These files with their addresses and folders, but for those that another run got meanwhile."""
        lake = await self.run.house.lake()
        search = {**self._search(), "listing": None, "owner_id": None, "aweme_ids": None, "posts": Filter()}
        found = await self.run.house.on_lake(lake.wanted, **{**search, "media_ids": media_ids})
        found = await self._with_folders(found)
        self._owners = {w.folder: w.sec_user_id for w in found if w.folder and w.sec_user_id}
        return found

    def _search(self) -> dict[str, Any]:
        settings = self.run.house.settings
        usual = {"kinds": settings.media, "max_attempts": settings.max_attempts}
        return {**usual, **self.run.untried(), **self.scope()}

    async def _with_folders(self, found: list[Wanted]) -> list[Wanted]:
        """Every account's files go to one folder, named when its first file comes and kept from then on."""
        from pipelines.load.accounts import own_folder_name

        scope = self.scope()
        if scope.get("listing") == "post":
            # A post that lost its author in the answer still stands in the account's own listing.
            owner = scope["owner_id"]
            found = [
                w if w.sec_user_id else replace(w, sec_user_id=owner, folder=await self._folder_of(owner))
                for w in found
            ]
        homeless = {w.sec_user_id: w.nickname or "" for w in found if w.sec_user_id and not w.folder}
        new: dict[str, str] = {}
        if homeless:
            lake = await self.run.house.lake()
            taken = set((await self.run.house.on_lake(lake.folders)).values())
            for sec_user_id, nickname in homeless.items():
                new[sec_user_id] = own_folder_name(nickname, sec_user_id, taken)
                taken.add(new[sec_user_id])
            await self.run.house.on_lake(lake.record_folders, new)
        return [replace(w, folder=new[w.sec_user_id]) if w.sec_user_id in new else w for w in found]

    async def _folder_of(self, sec_user_id: str) -> str | None:
        lake = await self.run.house.lake()
        folder: str | None = (await self.run.house.on_lake(lake.folders)).get(sec_user_id)
        return folder

    async def _get(self, batch: Iterable[Wanted]) -> None:
        house = self.run.house
        getter = Getter(house, self.run.summary.run_id, lambda page: self.run.apply_pages([page]), self.run.now)
        try:
            await getter.get(batch, on_done=self._done, on_bytes=lambda count: house.on_event("bytes", count=count))
        finally:
            await self._save()

    async def _done(self, kept: Kept) -> None:
        summary = self.run.summary
        size = (kept.size_bytes or 0) if kept.state == "stored" else 0
        if kept.state == "stored":
            summary.files += 1
            summary.bytes += size
        elif kept.state == "absent":
            summary.absent += 1
        else:
            summary.missing += 1
            self.run.refusals[kept.error or "nobody says why"] += 1
        self.run.house.on_event("file", state=kept.state, media_id=kept.media_id, size_bytes=size)
        self._unsaved.append(kept)
        if time.monotonic() - self._saved_at > _COMMIT_SECONDS or len(self._unsaved) >= _BATCH:
            await self._save()

    async def _save(self) -> None:
        rows, self._unsaved = self._unsaved, []
        self._saved_at = time.monotonic()
        if not rows:
            return
        house = self.run.house
        lake = await house.lake()
        named = {kept.path.split("/")[1] for kept in rows if kept.path}
        owners = {folder: owner for folder, owner in self._owners.items() if folder in named}
        renamed = await house.on_lake(lake.keep_files, rows, owners=owners)
        if renamed:
            # Another run renamed the account's folder: files that came since lie under its former name.
            from pipelines.load.moving import followed

            await house.on_lake(lake.keep_files, await followed(house.storage, rows, renamed))
