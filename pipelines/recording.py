"""Records a live room: enter it, keep what it says, write its stream into storage, and tell the end from a pause."""

from __future__ import annotations

import asyncio
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from pipelines.errors import Absent, ArchiveError, BadInput, Unfamiliar
from pipelines.extract.questions import question
from pipelines.recorded import RecordedFile, rescue
from schemas.wording import counted

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Awaitable

    from pipelines.extract.links import Link
    from pipelines.extract.rooms import Room
    from pipelines.extract.sequences import Gap
    from pipelines.extract.watching import Piece, Watch
    from pipelines.house import Step
    from pipelines.run import Run
    from schemas.pages import Page

_LATE_S = 5.0  # a stream that takes so long to begin is none that broke off


async def record_room(run: Run, link: Link, step: Step) -> None:
    """Record a live room as the job asks; a room that is not live lands as rows, and the summary says so."""
    await step("finish recordings that were cut off", lambda: rescue(run))
    entrance = Entrance(run, link)
    room = await step("enter the room", entrance.enter)
    if room is None or not room.is_live:
        run.summary.reason = "not live: the room is kept as rows, and there is nothing to record"
        return
    if not run.house.settings.media:
        run.summary.reason = "rows only, as asked: the room is live and not recorded"
        return
    await step("record the stream", lambda: Recording(run, entrance, room).to_end())


@dataclass
class Entrance:
    """Asks for one room again and again. Its answers are kept; while a stream runs, that is done beside it."""

    run: Run
    link: Link
    webcast_id: str | None = None
    _beside: list[asyncio.Task[None]] = field(default_factory=list)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def enter(self) -> Room | None:
        """The room as it is now, with its rows committed; None where there is none. A link may name a broadcast."""
        try:
            if self.link.kind == "live":
                self.webcast_id = self.link.id
                room = await self._ask("live", self.link.id)
            else:
                room = await self._by_room_id()
        finally:
            await self.settle()
        if room is not None and room.nickname:
            self.run.summary.name = room.nickname
        return room

    async def again(self, room: Room) -> Room | None:
        """The same broadcast with fresh addresses; None where it is over, or the room shows another one."""
        if self.webcast_id:
            found = await self._ask("live", self.webcast_id)
        else:
            found = await self._ask("live_room_id", room.room_id)
        return found if found is not None and found.is_live and found.room_id == room.room_id else None

    async def parting(self, room: Room) -> Room | None:
        """The broadcast that is over, as the reflow page tells it, which may still show addresses; None where not."""
        try:
            found = await self._ask("live_room_id", room.room_id)
        except ArchiveError:
            return None  # it is a last attempt: what was recorded so far is no worse for it
        return found if found is not None and found.room_id == room.room_id else None

    async def settle(self) -> None:
        """Wait for all that is done beside the stream; raise what failed of it."""
        beside, self._beside = self._beside, []
        results = await asyncio.gather(*beside, return_exceptions=True)
        for result in results:
            if isinstance(result, BaseException):
                raise result

    def later(self, work: Awaitable[None]) -> asyncio.Task[None]:
        """Do work on the lake beside the stream, one after the other: a busy catalog must not cost a segment."""

        async def in_turn() -> None:
            async with self._turn:
                await work

        task = asyncio.create_task(in_turn())
        self._beside.append(task)
        return task

    async def _by_room_id(self) -> Room | None:
        """The reflow page knows the room's lasting number; entering by that gives addresses of its own."""
        told = await self._ask("live_room_id", self.link.id)
        if told is None or not told.is_live or not told.webcast_id:
            return told
        try:
            entered = await self._ask("live", told.webcast_id)
        except (Absent, BadInput, Unfamiliar):
            return told
        if entered is None or entered.room_id != told.room_id:
            return told
        self.webcast_id = told.webcast_id
        return entered

    async def _ask(self, operation: str, target: str) -> Room | None:
        from pipelines.extract.rooms import read_room

        try:
            page = await self.run.house.crawler.ask(operation, question(operation, target), target=target)
        except Absent as over:
            if over.facts.get("page") is not None:
                self.later(self._keep(over.facts["page"]))
            return None
        except ArchiveError as error:
            self.later(self.run.keep_failed(error))
            raise
        self.later(self._keep(page))
        return read_room(page.body)

    async def _keep(self, page: Page) -> None:
        await self.run.keep(page)
        await self.run.apply()


@dataclass
class Recording:
    """The recording of one broadcast: one file, or several where what comes does not follow on what came."""

    run: Run
    entrance: Entrance
    room: Room
    quality: str = ""
    folder: str | None = None

    async def to_end(self) -> None:
        """Record until the broadcast is over, long enough, or stopped; whatever came is a finished file then."""
        from pipelines.extract.streams import record_flv, record_hls

        job = self.run.job
        form = job.stream
        address = self._address(self.room, form)
        watch = self._watch(form)
        pieces = record_hls(watch, address, quality=job.quality) if form == "hls" else record_flv(watch, address)
        self.folder = await self._folder()
        first = self._new_file(form, ".ts" if form == "hls" else ".flv")
        await first.promise()
        try:
            await self._write(pieces, watch, first, form)
        finally:
            await self.entrance.settle()
        self._judge(watch)

    def _address(self, room: Room, form: str) -> str:
        from pipelines.extract.rooms import pick_address

        asked = self.run.job.quality
        picked = pick_address(room.hls if form == "hls" else room.flv, asked)
        if picked is None:
            other = "flv" if form == "hls" else "hls"
            raise Unfamiliar(
                f"The room is live but shows no {form} address"
                + (" (it is a paid room)" if room.is_paid else "")
                + f"; try --stream {other}, or a cookie that may watch it (`aweme login`)."
            )
        self.quality, address = picked
        if asked and self.quality != asked.upper():
            self.run.house.on_event("notice", text=f"The room has no quality {asked}; recording {self.quality}.")
        return address

    def _watch(self, form: str) -> Watch:
        from pipelines.extract.watching import Watch

        async def reenter() -> str | None:
            room = await self.entrance.again(self.room)
            return self._address(room, form) if room is not None else None

        async def parting() -> str | None:
            room = await self.entrance.parting(self.room)
            return room.hls.get(self.quality) if room is not None else None

        house = self.run.house
        limit = self.run.job.max_duration_s
        return Watch(house.source, reenter, asyncio.sleep, time.monotonic, house.now, limit, parting=parting)

    def _new_file(self, form: str, suffix: str) -> RecordedFile:
        house = self.run.house
        house.on_event("wanted", files=1)
        return RecordedFile(self.run, self.room, form, self.quality, suffix, self.folder, house.now())

    async def _folder(self) -> str | None:
        from pipelines.load.naming import folder_name

        owner = self.room.sec_user_id
        if owner is None:
            return None
        lake = await self.run.house.lake()
        known: dict[str, str] = await self.run.house.on_lake(lake.folders)
        if owner not in known:
            known[owner] = folder_name(self.room.nickname or "", owner)
            await self.run.house.on_lake(lake.record_folders, {owner: known[owner]})
        return known[owner]

    async def _write(self, pieces: AsyncGenerator[Piece, None], watch: Watch, file: RecordedFile, form: str) -> None:
        """Write piece after piece; each new part begins a file, and the one before is finished beside it."""
        part, noted, stopped = 1, 0, "stopped"
        try:
            async with aclosing(pieces):
                async for piece in pieces:
                    if piece.part != part:
                        part = piece.part
                        self.entrance.later(_finished(file, list(watch.gaps[noted:]), "broken off"))
                        noted = len(watch.gaps)
                        before, file = file, self._new_file(form, piece.suffix)
                        file.number_by(self.entrance.later(file.promise()), before)
                    await file.add(piece)
            stopped = str(watch.end)
        except ArchiveError as error:
            stopped = type(error).__name__
            raise
        finally:
            # Ctrl-C too comes by here: what was written gets its name before the run ends.
            if not await file.finish(watch.gaps[noted:], stopped):
                self.run.summary.absent += 1

    def _judge(self, watch: Watch) -> None:
        from pipelines.extract.watching import End

        summary = self.run.summary
        said = {
            End.ENDED: "the broadcast is over",
            End.FULL: "recorded as long as asked",
            End.STALLED: "the room says live, but nothing more came of its stream",
        }
        summary.reason = said[watch.end] if watch.end else ""
        if watch.gaps:
            summary.reason += f"; {counted(len(watch.gaps), 'gaps')}, told in the .json beside the file"
        missing = _missing(watch)
        summary.reason += f"; {missing}" if missing else ""
        if watch.gaps or missing or watch.end is End.STALLED:
            summary.outcome = "partial"


def _missing(watch: Watch) -> str:
    """What a recording lacks that no gap between segments tells; '' where nothing is."""
    if not watch.seconds:
        return "nothing of the stream came; try the other --stream, or another --quality"
    # Time runs on while nothing comes: so long as was asked is not how much there is. The first pictures come at once.
    if watch.max_seconds and watch.seconds + max(_LATE_S, watch.max_seconds / 5) < watch.max_seconds:
        return f"only {watch.seconds:.0f} of {watch.max_seconds:.0f} s came of the stream"
    return ""


async def _finished(file: RecordedFile, gaps: list[Gap], end: str) -> None:
    await file.finish(gaps, end)
