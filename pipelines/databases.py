"""AsyncUserDB and AsyncVideoDB of the spec: windows on the archive's own tables.

The name they are given is kept for compatibility; the archive in force is used. What was once kept is never deleted or
overwritten: an update is a newer observation, and the older value stays in `changes`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from pipelines.errors import BadInput
from pipelines.house import new_id, open_lake, utc_now
from pipelines.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipelines.load.lake import Lake
    from schemas.pages import Page

USER_COLUMNS = {"bio": "signature", "age": "user_age"}
POST_COLUMNS = {"caption": "desc", "created_at": "create_time", "duration_ms": "duration", "is_deleted": "is_delete"}


class _Window:
    """A window on the archive in force, open while the `async with` block lasts."""

    def __init__(self, db_name: str = "", *, settings: Settings | None = None, **_kept_for_compatibility: Any) -> None:
        self.db_name = db_name
        self._settings = settings
        self._lake: Lake | None = None

    async def __aenter__(self) -> Self:
        self._lake = await asyncio.to_thread(open_lake, self._settings or load_settings())
        return self

    async def __aexit__(self, *error: object) -> None:
        lake, self._lake = self._lake, None
        if lake is not None:
            await asyncio.to_thread(lake.close)

    @property
    def lake(self) -> Lake:
        """The open archive; BadInput outside the block."""
        if self._lake is None:
            raise BadInput(f"Open it first: async with {type(self).__name__}(...) as db.")
        return self._lake

    async def keep(self, page: Page) -> None:
        """Keep an answer and the rows that it makes."""
        from pipelines.transform.frames import frames_of

        run_id = new_id(utc_now())

        def work() -> None:
            self.lake.keep_page(page, run_id=run_id)
            self.lake.apply(frames_of([page]), [page.page_id], run_id=run_id)

        await asyncio.to_thread(work)

    async def _given(self, operation: str, target: str, fields: Mapping[str, Any]) -> None:
        """Keep a dict that a caller gives as if it were an answer: raw, with its rows."""
        import orjson

        from schemas.pages import Page

        now = utc_now()
        body = orjson.dumps(dict(fields), default=str)
        await self.keep(Page(new_id(now), operation, target, None, now, 200, body, item_count=1))

    async def _row(self, sql: str, key: str) -> dict[str, Any]:
        frame = await asyncio.to_thread(self.lake.query, sql, [key])
        rows: list[dict[str, Any]] = frame.to_dicts()
        return rows[0] if rows else {}


class AsyncUserDB(_Window):
    """Accounts: rows of `users` with their newest counts, under the names of the spec."""

    async def get_user_info(self, sec_user_id: str) -> dict[str, Any]:
        """The account as last seen; {} where its profile was never kept."""
        row = await self._row(
            "SELECT u.*, s.* EXCLUDE (sec_user_id, observed_at, page_id) FROM users u "
            "LEFT JOIN user_stats s ON s.sec_user_id = u.sec_user_id "
            "WHERE u.sec_user_id = ? AND u.profile_seen_at IS NOT NULL "
            "QUALIFY row_number() OVER (ORDER BY s.observed_at DESC NULLS LAST) = 1",
            sec_user_id,
        )
        return {USER_COLUMNS.get(name, name): value for name, value in row.items()}

    async def add_user_info(self, ignore_fields: Sequence[str] | None = None, **fields: Any) -> None:
        """Keep an account's dict (the keys of handler_user_profile)."""
        kept = {name: value for name, value in fields.items() if name not in (ignore_fields or ())}
        if not kept.get("sec_user_id"):
            raise BadInput("An account needs its sec_user_id.")
        await self._given("given_user", str(kept["sec_user_id"]), kept)

    async def update_user_info(self, sec_user_id: str, **fields: Any) -> None:
        """Keep newer values of an account that the archive knows; others are left alone."""
        if await self.get_user_info(sec_user_id):
            await self.add_user_info(sec_user_id=sec_user_id, **fields)

    async def delete_user_info(self, sec_user_id: str) -> None:
        """Refused: an archive forgets nothing."""
        raise BadInput(f"An archive forgets nothing: {sec_user_id} stays.")


class AsyncVideoDB(_Window):
    """Posts: rows of `posts` with their newest counts, under the names of the spec."""

    async def get_video_info(self, aweme_id: str) -> dict[str, Any]:
        """The post as last seen; {} where the archive does not know it."""
        row = await self._row("SELECT * FROM posts WHERE aweme_id = ?", aweme_id)
        return {POST_COLUMNS.get(name, name): value for name, value in row.items()}

    async def add_video_info(self, ignore_fields: Sequence[str] | None = None, **fields: Any) -> None:
        """Keep a post's dict (the keys of fetch_one_video or of a listing)."""
        kept = {name: value for name, value in fields.items() if name not in (ignore_fields or ())}
        if not kept.get("aweme_id"):
            raise BadInput("A post needs its aweme_id.")
        await self._given("given_post", str(kept["aweme_id"]), kept)

    async def batch_insert_videos(
        self, videos: Sequence[Mapping[str, Any]], ignore_fields: Sequence[str] | None = None
    ) -> None:
        """Keep many posts' dicts."""
        for video in videos:
            await self.add_video_info(ignore_fields, **video)

    async def update_video_info(self, aweme_id: str, **fields: Any) -> None:
        """Keep newer values of a post that the archive knows; others are left alone."""
        if await self.get_video_info(aweme_id):
            await self.add_video_info(aweme_id=aweme_id, **fields)

    async def delete_video_info(self, aweme_id: str) -> None:
        """Refused: an archive forgets nothing."""
        raise BadInput(f"An archive forgets nothing: {aweme_id} stays.")
