"""The archive in force as the books of a downloader: posts, files and the newest post of accounts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import fields
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pipelines.databases import AsyncVideoDB
from pipelines.load.passing import LISTED, listed
from schemas.files import Kept

if TYPE_CHECKING:
    from pipelines.settings import Settings

_COLUMNS = ", ".join(field.name for field in fields(Kept))


class ArchiveBooks:
    """Opens the archive when it is entered, closes it when it is left; may be entered again."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._db: AsyncVideoDB | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._turn.acquire()
        try:
            self._db = await AsyncVideoDB(settings=self._settings).__aenter__()
        except BaseException:
            self._turn.release()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        db, self._db = self.db, None
        try:
            await db.__aexit__(kind, error, trace)
        finally:
            self._turn.release()

    @property
    def db(self) -> AsyncVideoDB:
        """The open window on the archive."""
        if self._db is None:
            raise RuntimeError("the books are closed")
        return self._db

    async def know(self, posts: Iterable[Mapping[str, Any]]) -> None:
        """Keep the posts that the archive does not know."""
        by_id = {str(post["aweme_id"]): post for post in posts}
        sql = f"SELECT aweme_id FROM posts WHERE aweme_id IN {LISTED}"
        known = await asyncio.to_thread(self.db.lake.query, sql, [listed(by_id)])
        there = set(known["aweme_id"].to_list())
        await self.db.batch_insert_videos([post for aweme_id, post in by_id.items() if aweme_id not in there])

    async def kept(self, media_ids: list[str]) -> dict[str, Kept]:
        """What became of these files so far."""
        sql = f"SELECT {_COLUMNS} FROM files WHERE media_id IN {LISTED}"
        frame = await asyncio.to_thread(self.db.lake.query, sql, [listed(media_ids)])
        return {row["media_id"]: Kept(**row) for row in frame.to_dicts()}

    async def keep(self, rows: list[Kept]) -> None:
        """Write what became of files."""
        await asyncio.to_thread(self.db.lake.keep_files, rows)

    async def newest(self, posts: Mapping[str, str]) -> None:
        """Note the newest post of accounts that the archive knows; an older one than the noted is no news."""
        sql = f"SELECT sec_user_id, last_aweme_id FROM users WHERE sec_user_id IN {LISTED}"
        frame = await asyncio.to_thread(self.db.lake.query, sql, [listed(posts)])
        news = [
            {"aweme_id": posts[sec_user_id], "sec_user_id": sec_user_id}
            for sec_user_id, known in frame.rows()
            if known is None or (len(known), known) < (len(posts[sec_user_id]), posts[sec_user_id])
        ]
        await self.db.batch_insert_videos(news)
