"""The developer interface of the spec: data as dicts, for callers without Prefect."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from pipelines.databases import AsyncUserDB, AsyncVideoDB
from pipelines.downloads import DouyinDownloader
from pipelines.errors import BadInput
from pipelines.house import make_crawler
from pipelines.options import settings_from

if TYPE_CHECKING:
    from pipelines.extract.crawler import DouyinCrawler
    from pipelines.settings import Settings

__all__ = [
    "AsyncUserDB",
    "AsyncVideoDB",
    "DouyinDownloader",
    "DouyinHandler",
    "UserProfile",
    "fetch_one_video",
    "fetch_user_collect_videos",
    "fetch_user_feed_videos",
    "fetch_user_like_videos",
    "fetch_user_live_videos",
    "fetch_user_live_videos_by_room_id",
    "fetch_user_mix_videos",
    "fetch_user_post_videos",
    "get_or_add_user_data",
    "get_or_add_video_data",
    "get_user_nickname",
    "handle_sso_login",
    "handler_user_profile",
]


class DouyinHandler:
    """The interface as methods that share one crawler; made from the kwargs dict of the spec, or from Settings.

    As an async context manager it keeps one connection open; without, each call opens and closes its own.
    """

    def __init__(self, kwargs: Mapping[str, Any] | None = None, *, settings: Settings | None = None) -> None:
        self.settings = settings or settings_from(kwargs)
        self.kwargs = dict(kwargs or {})
        self._open: DouyinCrawler | None = None
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        self._open = await self._stack.enter_async_context(make_crawler(self.settings))
        return self

    async def __aexit__(self, *error: object) -> None:
        self._open = None
        await self._stack.aclose()

    @asynccontextmanager
    async def _crawler(self) -> AsyncIterator[DouyinCrawler]:
        if self._open is not None:
            yield self._open
        else:
            async with make_crawler(self.settings) as crawler:
                yield crawler

    async def _answer(self, operation: str, target: str) -> dict[str, Any]:
        from pipelines.extract.questions import question
        from schemas.bodies import load_json

        target = _as_text(target)
        async with self._crawler() as crawler:
            page = await crawler.ask(operation, question(operation, target), target=target)
        answer: dict[str, Any] = load_json(page.body)
        return answer

    async def fetch_one_video(self, aweme_id: str) -> dict[str, Any]:
        """One post (单个作品) with the 67 keys of the spec.

        Raises Deleted, Private or NotFound where it is not to be had, with Douyin's own reason.
        """
        from pipelines.transform.interface import detail_dict

        return detail_dict(await self._answer("post_detail", aweme_id))

    async def handler_user_profile(self, sec_user_id: str) -> UserProfile:
        """An account's profile (用户信息): a dict of the spec's 26 keys that also answers `_to_dict()`."""
        from pipelines.transform.interface import PROFILE, named

        return UserProfile(named(await self._answer("user_profile", sec_user_id), PROFILE))

    def fetch_user_post_videos(
        self, sec_user_id: str, max_cursor: int = 0, page_counts: int = 20, max_counts: int | None = None
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """The posts of an account (用户发布作品), newest first; a list for each page that has any."""
        return self._pages("user_post", sec_user_id, max_cursor, page_counts, max_counts)

    def fetch_user_like_videos(
        self, sec_user_id: str, max_cursor: int = 0, page_counts: int = 20, max_counts: int | None = None
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """The posts that an account likes (用户喜欢作品), where its list is open to see."""
        return self._pages("user_like", sec_user_id, max_cursor, page_counts, max_counts)

    def fetch_user_collect_videos(
        self, max_cursor: int = 0, page_counts: int = 20, max_counts: int | None = None
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """The posts that the cookie's owner collected (用户收藏作品)."""
        return self._pages("user_collect", "self", max_cursor, page_counts, max_counts)

    def fetch_user_mix_videos(
        self, mix_id: str, max_cursor: int = 0, page_counts: int = 20, max_counts: int | None = None
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """The posts of a mix (用户合辑作品), by episode."""
        return self._pages("user_mix", mix_id, max_cursor, page_counts, max_counts)

    def fetch_user_feed_videos(
        self,
        sec_user_id: str = "self",  # noqa: ARG002 - the spec gives it; the feed is the cookie's, not an account's
        max_cursor: int = 0,
        page_counts: int = 20,
        max_counts: int | None = None,
    ) -> AsyncIterator[list[dict[str, Any]]]:
        """The recommended feed (首页推荐作品). It never ends: give max_counts, or stop reading."""
        return self._pages("post_feed", "self", max_cursor, page_counts, max_counts)

    async def _pages(
        self, operation: str, owner_id: str, max_cursor: int, page_counts: int, max_counts: int | None
    ) -> AsyncIterator[list[dict[str, Any]]]:
        from pipelines.reading import begin

        async with self._crawler() as crawler:
            reading = begin(crawler, operation, _as_text(owner_id), max_cursor, page_counts, max_counts)
            if reading is None:
                return
            async with aclosing(reading.posts()) as pages:
                async for posts in pages:
                    yield posts

    async def fetch_user_live_videos(self, webcast_id: str) -> dict[str, Any]:
        """A live room by its lasting number (用户直播流), with the 23 keys of the spec."""
        from pipelines.transform.interface import LIVE, named

        return named(await self._answer("live", webcast_id), LIVE)

    async def fetch_user_live_videos_by_room_id(self, room_id: str) -> dict[str, Any]:
        """A live room by the id of one broadcast (用户直播流2), with the 22 keys of the spec.

        Raises Deleted where the broadcast has ended.
        """
        from pipelines.transform.interface import LIVE_BY_ROOM, named

        return named(await self._answer("live_room_id", room_id), LIVE_BY_ROOM)

    async def get_user_nickname(self, sec_user_id: str, db: AsyncUserDB) -> str | None:
        """The account's nickname from the archive, else from Douyin, and then the archive keeps its profile."""
        sec_user_id = _as_text(sec_user_id)
        found = await db.get_user_info(sec_user_id)
        if not found.get("nickname"):
            await self._keep_profile(sec_user_id, db)
            found = await db.get_user_info(sec_user_id)
        return found.get("nickname")

    async def get_or_add_user_data(self, kwargs: Mapping[str, Any], sec_user_id: str, db: AsyncUserDB) -> Path:
        """The account's folder by its present nickname, made or renamed; the archive keeps the account's profile.

        With `path` in kwargs it is `<path>/douyin/<mode>/<nickname>`. Without, or where `path` is the archive's root,
        it is the archive's own folder of the account, and the rows of its files follow a rename.
        """
        from pipelines.user_folders import user_folder

        if not isinstance(kwargs, Mapping):
            raise TypeError("kwargs must be a dict")
        sec_user_id = _as_text(sec_user_id)
        before = await db.get_user_info(sec_user_id)
        await self._keep_profile(sec_user_id, db)
        return await user_folder(kwargs, sec_user_id, before.get("nickname"), db)

    async def _keep_profile(self, sec_user_id: str, db: AsyncUserDB) -> None:
        from pipelines.extract.questions import question

        async with self._crawler() as crawler:
            asked = question("user_profile", sec_user_id)
            await db.keep(await crawler.ask("user_profile", asked, target=sec_user_id))

    @classmethod
    async def get_or_add_video_data(
        cls, aweme_data: Mapping[str, Any], db: AsyncVideoDB, ignore_fields: Sequence[str] | None = None
    ) -> None:
        """Keep a post's dict, of fetch_one_video or of a listing, if the archive does not know the post.

        `ignore_fields` are left out. Raises TypeError for what is no dict, BadInput for a dict without aweme_id.
        """
        if not isinstance(aweme_data, Mapping):
            raise TypeError("aweme_data must be a dict")
        if not await db.get_video_info(str(aweme_data.get("aweme_id") or "")):
            await db.batch_insert_videos([aweme_data], ignore_fields)

    async def handle_sso_login(self) -> tuple[bool, str]:
        """Log in by QR code (SSO登录): whether it worked, and the cookie."""
        from pipelines.extract.login import sso_login

        async with self._crawler() as crawler:
            return await sso_login(crawler)


def _as_text(an_id: Any) -> str:
    """An id as text, also where a caller has it as a number; BadInput for what is none, a link above all."""
    text = str(an_id).strip() if isinstance(an_id, str | int) and not isinstance(an_id, bool) else ""
    if not text:
        raise BadInput(f"An id cannot be {an_id!r}: give it as a text.")
    # Douyin answers an account that it does not know with no posts at all, as if there were none.
    if "/" in text:
        raise BadInput(f"{text[:100]} is a link: read the id out of it with SecUserIdFetcher, AwemeIdFetcher, ...")
    return text


class UserProfile(dict[str, Any]):
    """A profile's dict; `_to_dict()` and `_to_list()` give it as the spec page says."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(name) from None

    def _to_dict(self) -> dict[str, Any]:
        return dict(self)

    def _to_list(self) -> list[dict[str, Any]]:
        return [dict(self)]


async def fetch_one_video(aweme_id: str) -> dict[str, Any]:
    """One post (单个作品数据); see DouyinHandler.fetch_one_video."""
    return await DouyinHandler().fetch_one_video(aweme_id)


def fetch_user_post_videos(
    sec_user_id: str, max_cursor: int = 0, page_counts: int = 20, max_counts: int | None = None
) -> AsyncIterator[list[dict[str, Any]]]:
    """The posts of an account (用户发布作品数据); see DouyinHandler.fetch_user_post_videos."""
    return DouyinHandler().fetch_user_post_videos(sec_user_id, max_cursor, page_counts, max_counts)


def fetch_user_like_videos(
    sec_user_id: str, max_cursor: int = 0, page_counts: int = 20, max_counts: int | None = None
) -> AsyncIterator[list[dict[str, Any]]]:
    """The posts that an account likes (用户喜欢作品数据); see DouyinHandler.fetch_user_like_videos."""
    return DouyinHandler().fetch_user_like_videos(sec_user_id, max_cursor, page_counts, max_counts)


def fetch_user_collect_videos(
    max_cursor: int = 0, page_counts: int = 20, max_counts: int | None = None
) -> AsyncIterator[list[dict[str, Any]]]:
    """The posts that the cookie's owner collected (用户收藏作品数据); see DouyinHandler.fetch_user_collect_videos."""
    return DouyinHandler().fetch_user_collect_videos(max_cursor, page_counts, max_counts)


def fetch_user_mix_videos(
    mix_id: str, max_cursor: int = 0, page_counts: int = 20, max_counts: int | None = None
) -> AsyncIterator[list[dict[str, Any]]]:
    """The posts of a mix (用户合辑作品数据); see DouyinHandler.fetch_user_mix_videos."""
    return DouyinHandler().fetch_user_mix_videos(mix_id, max_cursor, page_counts, max_counts)


def fetch_user_feed_videos(
    sec_user_id: str = "self", max_cursor: int = 0, page_counts: int = 20, max_counts: int | None = None
) -> AsyncIterator[list[dict[str, Any]]]:
    """The recommended feed (用户首页推荐作品数据); see DouyinHandler.fetch_user_feed_videos."""
    return DouyinHandler().fetch_user_feed_videos(sec_user_id, max_cursor, page_counts, max_counts)


async def fetch_user_live_videos(webcast_id: str) -> dict[str, Any]:
    """A live room by its lasting number (用户直播流数据); see DouyinHandler.fetch_user_live_videos."""
    return await DouyinHandler().fetch_user_live_videos(webcast_id)


async def fetch_user_live_videos_by_room_id(room_id: str) -> dict[str, Any]:
    """A live room by the id of one broadcast (用户直播流数据2); see the method of DouyinHandler."""
    return await DouyinHandler().fetch_user_live_videos_by_room_id(room_id)


async def handler_user_profile(sec_user_id: str) -> UserProfile:
    """An account's profile (用户信息); see DouyinHandler.handler_user_profile."""
    return await DouyinHandler().handler_user_profile(sec_user_id)


async def get_user_nickname(sec_user_id: str, db: AsyncUserDB) -> str | None:
    """An account's nickname (获取指定用户名); see DouyinHandler.get_user_nickname."""
    return await DouyinHandler().get_user_nickname(sec_user_id, db)


async def get_or_add_user_data(kwargs: Mapping[str, Any], sec_user_id: str, db: AsyncUserDB) -> Path:
    """An account's record and folder (创建用户记录与目录); see DouyinHandler.get_or_add_user_data."""
    return await DouyinHandler(kwargs).get_or_add_user_data(kwargs, sec_user_id, db)


async def get_or_add_video_data(
    aweme_data: Mapping[str, Any], db: AsyncVideoDB, ignore_fields: Sequence[str] | None = None
) -> None:
    """A post's record (创建作品下载记录); see DouyinHandler.get_or_add_video_data."""
    await DouyinHandler.get_or_add_video_data(aweme_data, db, ignore_fields)


async def handle_sso_login() -> tuple[bool, str]:
    """Log in by QR code (SSO登录); see DouyinHandler.handle_sso_login."""
    return await DouyinHandler().handle_sso_login()
