"""AsyncUserDB and AsyncVideoDB of the spec: windows on the archive's own tables.

The name they are given is kept for compatibility; the archive in force is used. What was once kept is never deleted or
overwritten: an update is a newer observation, and the older value stays in `changes`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Self

from pipelines.errors import BadInput
from pipelines.house import finished, new_id, open_lake, utc_now
from pipelines.settings import Settings, load_settings

if TYPE_CHECKING:
    from pipelines.load.lake import Lake
    from schemas.pages import Page

USER_COLUMNS = {"bio": "signature", "age": "user_age"}
POST_COLUMNS = {
    "caption": "desc",
    "created_at": "create_time",
    "duration_ms": "duration",
    "is_deleted": "is_delete",
    "like_count": "digg_count",
}


class _Window:
    """A window on the archive in force, open while the `async with` block lasts.

    What is kept through it belongs to a run of its own, so that a job finishes what a crash left unfinished.
    """

    def __init__(self, db_name: str = "", *, settings: Settings | None = None, **_kept_for_compatibility: Any) -> None:
        self.db_name = db_name
        self._settings = settings
        self._lake: Lake | None = None
        self._run_id: str | None = None
        self._turn = asyncio.Lock()

    async def __aenter__(self) -> Self:
        from pipelines.renaming import mend

        lake = self._lake = await asyncio.to_thread(open_lake, self.settings)
        try:
            await asyncio.to_thread(mend, self.settings, lake)
        except BaseException:
            await self._close()
            raise
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *error: object) -> None:
        async with self._turn:  # what is being kept is finished before
            try:
                if self._run_id is not None:
                    await asyncio.to_thread(self._end, self._run_id, kind)
            finally:
                await self._close()

    def _end(self, run_id: str, kind: type[BaseException] | None) -> None:
        end = {"outcome": "failed" if kind else "complete", "error": kind.__name__ if kind else None}
        # A page whose rows failed to be made is left to the next job, whatever the caller made of the failure.
        ended_at = None if self.lake.pending(run_id) else utc_now()
        self.lake.end_run(run_id, **end, page_count=self._kept, ended_at=ended_at)

    async def _close(self) -> None:
        lake, self._lake, self._run_id = self._lake, None, None
        if lake is not None:
            await asyncio.to_thread(lake.close)

    _kept = 0

    @property
    def settings(self) -> Settings:
        """The settings of the archive in force."""
        if self._settings is None:
            self._settings = load_settings()
        return self._settings

    @property
    def lake(self) -> Lake:
        """The open archive; BadInput outside the block."""
        if self._lake is None:
            raise BadInput(f"Open it first: async with {type(self).__name__}(...) as db.")
        return self._lake

    async def keep(self, *pages: Page) -> None:
        """Keep answers, each in a commit, and the rows that they make, in another."""
        from pipelines.transform.frames import frames_of

        async with self._turn:
            lake, run_id = self.lake, self._run_id or new_id(utc_now())

            def work() -> None:
                if self._run_id is None:
                    lake.start_run(run_id=run_id, mode="interface", target=pages[0].target, started_at=utc_now())
                    self._run_id = run_id
                for page in pages:
                    lake.keep_page(page, run_id=run_id)
                    self._kept += 1
                lake.apply(frames_of(pages), [page.page_id for page in pages], run_id=run_id)

            await finished(work)  # also when it is cancelled: the archive is closed after that

    @staticmethod
    def _given(operation: str, target: str, fields: Mapping[str, Any]) -> Page:
        """A dict that a caller gives, as if it were an answer."""
        import orjson

        from schemas.pages import Page

        now = utc_now()
        try:
            body = orjson.dumps(dict(fields), default=str, option=orjson.OPT_NON_STR_KEYS)
        except (TypeError, ValueError) as error:
            raise BadInput(f"The dict of {target} cannot be written as JSON ({error}): mend it first.") from error
        return Page(new_id(now), operation, target, None, now, 200, body, item_count=1)

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
            "LEFT JOIN user_stats s USING (sec_user_id) "
            "WHERE u.sec_user_id = ? AND u.profile_seen_at IS NOT NULL "
            "ORDER BY s.observed_at DESC NULLS LAST LIMIT 1",
            sec_user_id,
        )
        return {USER_COLUMNS.get(name, name): value for name, value in row.items()}

    async def add_user_info(self, ignore_fields: Sequence[str] | None = None, **fields: Any) -> None:
        """Keep an account's dict (the keys of handler_user_profile)."""
        kept = _without(fields, ignore_fields)
        if not kept.get("sec_user_id"):
            raise BadInput("An account needs its sec_user_id.")
        await self.keep(self._given("given_user", str(kept["sec_user_id"]), kept))

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
        row = await self._row(
            "SELECT p.*, s.* EXCLUDE (aweme_id, observed_at, page_id) FROM posts p "
            "LEFT JOIN post_stats s USING (aweme_id) WHERE p.aweme_id = ? "
            "ORDER BY s.observed_at DESC NULLS LAST LIMIT 1",
            aweme_id,
        )
        return {POST_COLUMNS.get(name, name): value for name, value in row.items()}

    async def add_video_info(self, ignore_fields: Sequence[str] | None = None, **fields: Any) -> None:
        """Keep a post's dict (the keys of fetch_one_video or of a listing)."""
        await self.batch_insert_videos([fields], ignore_fields)

    async def batch_insert_videos(
        self, videos: Sequence[Mapping[str, Any]], ignore_fields: Sequence[str] | None = None
    ) -> None:
        """Keep many posts' dicts, whatever their keys; all or none. Raises TypeError for what is no list of dicts."""
        pages = []
        for video in videos:
            if not isinstance(video, Mapping):
                raise TypeError("videos must be a list of dicts")
            if not video.get("aweme_id"):
                raise BadInput("A post needs its aweme_id.")
            kept = {**_without(video, ignore_fields), "aweme_id": str(video["aweme_id"])}
            pages.append(self._given("given_post", kept["aweme_id"], kept))
        if pages:
            await self.keep(*pages)

    async def update_video_info(self, aweme_id: str, **fields: Any) -> None:
        """Keep newer values of a post that the archive knows; others are left alone."""
        if await self.get_video_info(aweme_id):
            await self.add_video_info(aweme_id=aweme_id, **fields)

    async def delete_video_info(self, aweme_id: str) -> None:
        """Refused: an archive forgets nothing."""
        raise BadInput(f"An archive forgets nothing: {aweme_id} stays.")


def _without(fields: Mapping[str, Any], ignore_fields: Sequence[str] | None) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name not in (ignore_fields or ())}
