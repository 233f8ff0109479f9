"""Live rooms given as dicts of the developer interface -> recorded files."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from contextlib import aclosing
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import Absent, ArchiveError, BadInput, Blocked, Interrupted, NotFound
from pipelines.house import make_crawler, open_lake, utc_now

if TYPE_CHECKING:
    from datetime import datetime

    from pipelines.extract.media import MediaSource
    from pipelines.extract.rooms import Room
    from pipelines.extract.watching import Piece, Watch
    from pipelines.load.storage import Storage
    from pipelines.load.writers import Writer
    from pipelines.settings import Settings
    from schemas.files import Kept
    from schemas.jobs import ArchiveJob

_LIVE = 2
_REFLOW = "https://webcast.amemv.com/douyin/webcast/reflow/"


@dataclass(frozen=True)
class RoomRecorder:
    """Records rooms. Within the archive's root, it is the archive that records: rows, facts and its own folder.

    Elsewhere the files lie in the folder that is named, as `<naming>_live.ts`, and no rows speak of them.
    """

    settings: Settings
    source: MediaSource

    async def record(self, kwargs: Mapping[str, Any], webcast_data: Mapping[str, Any], user_path: Path) -> list[Kept]:
        """Record a room until it ends, or for kwargs["max_duration_s"] seconds; a file for each part of its stream.

        kwargs may say `stream` (hls or flv) and `quality`. Raises NotFound where the room is not live.
        """
        room_id = str(webcast_data.get("room_id") or "")
        if not room_id:
            raise BadInput("webcast_data_dict needs the room_id that fetch_user_live_videos gives.")
        if webcast_data.get("live_status") != _LIVE:
            raise NotFound(f"The room {room_id} is not live; there is nothing to record.")
        job = _job(kwargs, room_id)
        if not self.settings.is_s3 and user_path.is_relative_to(self._root()):
            return await self._into_archive(job, room_id)
        return await _Elsewhere(self, kwargs, webcast_data, job, user_path).to_end()

    def _root(self) -> Path:
        return Path(self.settings.root).resolve()

    async def _into_archive(self, job: ArchiveJob, room_id: str) -> list[Kept]:
        from pipelines.jobs import run_job

        began = utc_now()
        summary = await run_job(self.settings, job)
        if summary.outcome == "blocked":
            raise Blocked(summary.reason)
        kept = await asyncio.to_thread(self._rows, room_id, began)
        if kept:
            return kept
        if summary.outcome == "partial":
            raise Interrupted(summary.reason)
        raise NotFound(summary.reason or f"Nothing came of the room {room_id}.")

    def _rows(self, room_id: str, since: datetime) -> list[Kept]:
        from schemas.files import Kept

        columns = ", ".join(column.name for column in fields(Kept))
        sql = f"SELECT {columns} FROM files WHERE starts_with(media_id, ?) AND tried_at >= ? ORDER BY media_id"
        with open_lake(self.settings, read_only=True) as lake:
            return [Kept(**row) for row in lake.query(sql, [f"{room_id}:stream:", since]).to_dicts()]


@dataclass
class _Elsewhere:
    """One recording into a folder outside the archive."""

    recorder: RoomRecorder
    kwargs: Mapping[str, Any]
    data: Mapping[str, Any]
    job: ArchiveJob
    folder: Path
    kept: list[Kept] = field(default_factory=list)
    _writer: Writer | None = None
    _part: int = 0

    async def to_end(self) -> list[Kept]:
        """Write piece after piece; what came is a finished file, however the recording ends."""
        from pipelines.extract.streams import record_flv, record_hls

        async with make_crawler(self.recorder.settings) as crawler:

            async def reenter() -> str | None:
                from pipelines.extract.questions import question

                room_id = str(self.data["room_id"])
                try:
                    page = await crawler.ask("live_room_id", question("live_room_id", room_id), target=room_id)
                except Absent:
                    return None
                return self._address_of(page.body)

            async def parting() -> str | None:
                from pipelines.extract.questions import question

                room_id = str(self.data["room_id"])
                try:
                    page = await crawler.ask("live_room_id", question("live_room_id", room_id), target=room_id)
                except ArchiveError:
                    return None  # what was recorded so far is no worse for it
                return self._address_of(page.body, is_over=True)

            address = self._given_address() or await reenter()
            if address is None:
                raise NotFound(f"The room {self.data['room_id']} shows no address of a stream; is it still live?")
            watch = self._watch(reenter, parting)
            is_hls = self.job.stream == "hls"
            pieces = record_hls(watch, address, quality=self.job.quality) if is_hls else record_flv(watch, address)
            try:
                async with aclosing(pieces):
                    async for piece in pieces:
                        await self._add(piece)
            finally:
                await self._finish()
        if not self.kept:
            raise Interrupted("Nothing of the stream came; ask for the room again.")
        return self.kept

    def _watch(self, reenter: Any, parting: Any) -> Watch:
        from pipelines.extract.watching import Watch

        limit = self.job.max_duration_s
        return Watch(self.recorder.source, reenter, asyncio.sleep, time.monotonic, utc_now, limit, parting=parting)

    def _given_address(self) -> str | None:
        from pipelines.extract.rooms import pick_address

        names = ("m3u8_pull_url", "hls_pull_url") if self.job.stream == "hls" else ("flv_pull_url",)
        given: Mapping[str, Any] = next(
            (self.data[name] for name in names if isinstance(self.data.get(name), Mapping)), {}
        )
        picked = pick_address({k: v for k, v in given.items() if isinstance(v, str)}, self.job.quality)
        return picked[1] if picked else None

    def _address_of(self, body: bytes, *, is_over: bool = False) -> str | None:
        from pipelines.extract.rooms import pick_address, read_room

        room: Room | None = read_room(body)
        if room is None or not (room.is_live or is_over) or room.room_id != str(self.data["room_id"]):
            return None
        picked = pick_address(room.hls if self.job.stream == "hls" else room.flv, self.job.quality)
        return picked[1] if picked else None

    async def _add(self, piece: Piece) -> None:
        if piece.part != self._part:
            await self._finish()
            self._part = piece.part
            self._writer = await self._begun(piece.suffix)
        if self._writer is not None:
            await self._writer.write(piece.data)

    async def _begun(self, suffix: str) -> Writer:
        storage = self._storage()
        name = self._name()
        path, number = f"{self.folder.name}/{name}_live{suffix}", 1
        while await storage.exists(path):
            number += 1
            path = f"{self.folder.name}/{name}_live_{number}{suffix}"
        writer = await storage.write(self.folder.name, path)
        if writer.offset:
            await writer.restart()
        await writer.begin(path)
        return writer

    def _storage(self) -> Storage:
        from pipelines.load.storage import Storage

        return Storage.open(str(self.folder.parent))

    def _name(self) -> str:
        from pipelines.load.naming import check_template, post_name
        from schemas.files import Wanted

        data = self.data
        wanted = Wanted(
            media_id="",
            kind="stream",
            position=0,
            urls=(),
            aweme_id=str(data["room_id"]),
            nickname=data.get("nickname_raw") or data.get("nickname"),
            uid=str(data.get("user_id") or ""),
            caption=data.get("live_title_raw") or data.get("live_title"),
            created_at=utc_now(),
        )
        return post_name(wanted, check_template(self.kwargs.get("naming") or self.recorder.settings.naming))

    async def _finish(self) -> None:
        from pipelines.recorded import stored

        writer, self._writer = self._writer, None
        if writer is None:
            return
        written = await writer.commit()
        media_id = f"{self.data['room_id']}:stream:{len(self.kept) + 1}"
        kept: Kept = stored(media_id, written, _mime(written.path), utc_now())
        self.kept.append(kept)


def _job(kwargs: Mapping[str, Any], room_id: str) -> ArchiveJob:
    from pydantic import ValidationError

    from schemas.jobs import ArchiveJob, Mode

    said = {name: kwargs[name] for name in ("stream", "quality", "max_duration_s") if kwargs.get(name)}
    try:
        return ArchiveJob(target=_REFLOW + room_id, mode=Mode.LIVE, **said)
    except ValidationError as error:
        raise BadInput("; ".join(str(found["msg"]) for found in error.errors())) from error


def _mime(path: str) -> str:
    return {"ts": "video/mp2t", "flv": "video/x-flv", "mp4": "video/mp4"}.get(path.rpartition(".")[2], "audio/aac")
