"""One recorded file of a live room: its bytes on the way into storage, its rows, and the facts beside it."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipelines.house import new_id

if TYPE_CHECKING:
    from pipelines.extract.rooms import Room
    from pipelines.extract.sequences import Gap
    from pipelines.extract.watching import Piece
    from pipelines.load.writers import Writer, Written
    from pipelines.run import Run
    from schemas.files import Kept
    from schemas.pages import Page

OPERATION = "live_recording"
_HELD_BYTES = 32 * 1024 * 1024  # half a minute of the best quality
_MIME = {".ts": "video/mp2t", ".flv": "video/x-flv", ".mp4": "video/mp4", ".aac": "audio/aac"}


@dataclass
class RecordedFile:
    """A file under `number` of its room; facts go to a raw page of the archive's own, and to a JSON file beside it."""

    run: Run
    room: Room
    form: str
    quality: str
    suffix: str
    folder: str | None
    started_at: datetime
    number: int = 0  # none yet
    seconds: float = 0.0
    first_segment: int | None = None
    last_segment: int | None = None
    segment_count: int = 0
    discontinuities: list[dict[str, Any]] = field(default_factory=list)
    _numbering: asyncio.Task[None] | None = None
    _before: RecordedFile | None = None
    _held: list[Piece] = field(default_factory=list)
    _held_bytes: int = 0
    _writer: Writer | None = None

    @property
    def media_id(self) -> str:
        """`<room_id>:stream:<number>`."""
        return f"{self.room.room_id}:stream:{self.number}"

    @property
    def path(self) -> str:
        """Where it is kept, relative to the root."""
        from pipelines.load.naming import file_path
        from schemas.files import Wanted

        wanted = Wanted(
            media_id=self.media_id,
            kind="stream",
            position=self.number,
            urls=(),
            sec_user_id=self.room.sec_user_id,
            uid=self.room.uid,
            nickname=self.room.nickname,
            folder=self.folder,
        )
        return file_path(wanted, suffix=self.suffix)

    def number_by(self, numbering: asyncio.Task[None], before: RecordedFile) -> None:
        """Let a task that promises the file number it; where that fails, it follows on the one before."""
        self._numbering, self._before = numbering, before

    async def add(self, piece: Piece) -> None:
        """Put the next bytes behind those before; what comes before the file has its number is held until then."""
        self._held.append(piece)
        self._held_bytes += len(piece.data)
        if self.number or self._numbering is None or self._numbering.done() or self._held_bytes > _HELD_BYTES:
            await self._put_held()

    async def _put_held(self) -> None:
        if not self.number and self._numbering is not None:
            await asyncio.wait([self._numbering])  # whoever made the task hears what it raises
        if not self.number:
            self.number = self._before.number + 1 if self._before is not None else 1
        held, self._held, self._held_bytes = self._held, [], 0
        for piece in held:
            await self._put(piece)

    async def _put(self, piece: Piece) -> None:
        if self._writer is None:
            self.suffix = piece.suffix
            self._writer = await self._begun()
        if piece.is_discontinuity:
            at = {"segment": piece.number, "offset_bytes": self._writer.offset, "at_ms": round(self.seconds * 1000)}
            self.discontinuities.append(at)
        await self._writer.write(piece.data)
        self.seconds += piece.seconds
        self.segment_count += piece.number is not None
        self.first_segment = piece.number if self.first_segment is None else self.first_segment
        self.last_segment = piece.number if piece.number is not None else self.last_segment
        self.run.house.on_event("bytes", count=len(piece.data))

    async def _begun(self) -> Writer:
        storage = self.run.house.storage
        writer = await storage.write(self.path.rpartition("/")[0], self.media_id)
        if writer.offset:
            await writer.restart()
        # Without a version, nobody would take up the part that a killed run leaves: see `rescue`.
        await writer.begin(self.path, validator=self.media_id)
        return writer

    async def promise(self) -> None:
        """Number it and write its row before there is anything of it, so that a run which is killed leaves a trace.

        The commit that looks for the next free number takes it: another run may record the same room.
        """
        run, room_id, now = self.run, self.room.room_id, self.run.house.now()

        def numbered(number: int) -> Page:
            self.number = number
            return page_of(room_id, self._facts(), now)

        lake = await run.house.lake()
        page = await run.house.on_lake(lake.keep_recording, numbered, room_id=room_id, run_id=run.summary.run_id)
        await run.apply_pages([page])

    async def finish(self, gaps: list[Gap], end: str) -> bool:
        """Give the file its final name and write everything down; False where nothing came."""
        from schemas.files import Kept

        await self._put_held()
        now = self.run.house.now()
        lake = await self.run.house.lake()
        written = await self._written()
        if written is None:
            nothing = Kept(self.media_id, "absent", 1, now, error=f"Nothing of the stream came ({end}).")
            await self.run.house.on_lake(lake.keep_files, [nothing])
            return False
        kept = await self._followed(stored(self.media_id, written, _MIME[self.suffix], now))
        facts = self._facts() | self._outcome(written, gaps, end, now)
        await write_beside(self.run, facts)
        await write_down(self.run, self.room.room_id, facts)
        await self.run.house.on_lake(lake.keep_files, [await self._followed(kept)])
        self._tell(kept)
        return True

    async def _written(self) -> Written | None:
        """What came, under its final name; None where nothing did. Where storage failed, that is what it really has."""
        if self._writer is None:
            return None
        was_broken = self._writer.is_broken
        written = await self._writer.commit()
        if not was_broken:
            return written
        storage = self.run.house.storage
        written = await storage.measure(written.path)
        if not written.size_bytes:
            await storage.remove(written.path)
        return written if written.size_bytes else None

    async def _followed(self, kept: Kept) -> Kept:
        """The row with the path under the name that the account's folder has by now: a recording takes hours."""
        from pipelines.load.moving import followed

        folder = await folder_now(self.run, self.room.sec_user_id)
        if folder is None or self.folder in (None, folder):
            return kept
        [kept] = await followed(self.run.house.storage, [kept], {str(self.folder): folder})
        self.folder = folder
        return kept

    def _facts(self) -> dict[str, Any]:
        room = self.room
        return {
            "media_id": self.media_id,
            "room_id": room.room_id,
            "part": self.number,
            "webcast_id": room.webcast_id,
            "sec_user_id": room.sec_user_id,
            "nickname": room.nickname,
            "title": room.title,
            "room_started_at": room.started_at.isoformat() if room.started_at else None,
            "stream": self.form,
            "quality": self.quality,
            "format": self.suffix.removeprefix("."),
            "path": self.path,
            "started_at": self.started_at.isoformat(),
        }

    def _outcome(self, written: Written, gaps: list[Gap], end: str, now: datetime) -> dict[str, Any]:
        return {
            "ended_at": now.isoformat(),
            "end": end,
            "duration_ms": round(self.seconds * 1000),
            "size_bytes": written.size_bytes,
            "sha256": written.sha256,
            "segment_count": self.segment_count or None,
            "first_segment": self.first_segment,
            "last_segment": self.last_segment,
            "gaps": [gap.as_json() for gap in gaps],
            "discontinuities": self.discontinuities,
        }

    def _tell(self, kept: Kept) -> None:
        run, size = self.run, kept.size_bytes or 0
        run.summary.files += 1
        run.summary.bytes += size
        run.house.on_event("file", state="stored", media_id=self.media_id, size_bytes=size)
        minutes, seconds = divmod(round(self.seconds), 60)
        run.house.on_event("notice", text=f"Recorded {minutes}:{seconds:02d} min into {kept.path}")


async def write_down(run: Run, room_id: str, facts: dict[str, Any]) -> None:
    """Keep facts of a recording as a raw page of the archive's own, with its rows: tables are built from such pages."""
    page = page_of(room_id, facts, run.house.now())
    lake = await run.house.lake()
    await run.house.on_lake(lake.keep_page, page, run_id=run.summary.run_id)
    await run.apply_pages([page])


async def write_beside(run: Run, facts: dict[str, Any]) -> None:
    """Put the facts of a recording into a JSON file beside it."""
    import orjson

    path = facts["path"].removesuffix(f".{facts['format']}") + ".json"
    writer = await run.house.storage.write(path.rpartition("/")[0], f"{facts['media_id']}:facts")
    if writer.offset:
        await writer.restart()
    await writer.begin(path)
    await writer.write(orjson.dumps(facts, option=orjson.OPT_INDENT_2) + b"\n")
    await writer.commit()


def page_of(room_id: str, facts: dict[str, Any], now: datetime) -> Page:
    """Facts of a recording as a raw page."""
    import orjson

    from schemas.pages import Page

    return Page(new_id(now), OPERATION, room_id, None, now, 0, orjson.dumps(facts), item_count=1)


def stored(media_id: str, written: Written, mime: str, now: datetime) -> Kept:
    """The row of a file that is kept."""
    from schemas.files import Kept

    return Kept(
        media_id,
        "stored",
        1,
        now,
        path=written.path,
        size_bytes=written.size_bytes,
        sha256=written.sha256,
        mime_type=mime,
        stored_at=now,
        verified_at=now,
    )


async def rescue(run: Run) -> None:
    """Finish recordings of runs that were killed: what they left on the disk becomes their file, and is said to be cut.

    A recording that another process is still writing is left alone, for its part is locked.
    """
    import orjson

    lake = await run.house.lake()
    sql = (
        "SELECT m.media_id, r.body FROM media m JOIN raw_pages r USING (page_id) ANTI JOIN files f USING (media_id) "
        f"WHERE m.kind = 'stream' AND r.operation = '{OPERATION}' ORDER BY m.media_id"
    )
    rows = await run.house.on_lake(lambda: lake.query(sql).rows())
    for media_id, body in rows:
        await _rescue_one(run, media_id, orjson.loads(body))


async def _rescue_one(run: Run, media_id: str, facts: dict[str, Any]) -> None:
    path, folder = facts["path"], await folder_now(run, facts["sec_user_id"])
    moved = f"media/{folder}/{path.rpartition('/')[2]}" if folder else path
    for place in dict.fromkeys([moved, path]):  # the account's folder may have got another name since
        written = await _left(run, media_id, place)
        if written is not None:
            break
    else:
        return
    now = run.house.now()
    cut: dict[str, Any] = {"path": written.path, "ended_at": now.isoformat(), "end": "killed"}
    cut |= {"size_bytes": written.size_bytes, "sha256": written.sha256}
    await write_beside(run, facts | cut)
    await write_down(run, facts["room_id"], facts | cut)
    lake = await run.house.lake()
    kept = stored(media_id, written, _MIME.get("." + facts["format"], "application/octet-stream"), now)
    await run.house.on_lake(lake.keep_files, [kept])
    run.house.on_event("notice", text=f"Finished a recording that was cut off: {written.path}")


async def _left(run: Run, media_id: str, path: str) -> Written | None:
    """What a killed run left of a recording, under its final name; None where there is nothing."""
    storage = run.house.storage
    writer = await storage.write(path.rpartition("/")[0], media_id)
    if writer.offset:
        await writer.begin(path, validator=media_id)
        return await writer.commit()
    await writer.abort()
    if not await storage.exists(path):
        return None
    return await storage.measure(path)  # it got its name, and the run died before its row


async def folder_now(run: Run, sec_user_id: str | None) -> str | None:
    """The folder of an account as it is called by now; None where it has none."""
    lake = await run.house.lake()
    folders: dict[str, str] = await run.house.on_lake(lake.folders)
    return folders.get(sec_user_id or "")
