"""Opens the four doors with the settings in force, and closes them again."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.aside import aside
from pipelines.errors import BadInput, Blocked

if TYPE_CHECKING:
    from pipelines.extract.crawler import DouyinCrawler
    from pipelines.extract.media import MediaSource
    from pipelines.load.lake import Lake
    from pipelines.load.storage import Storage
    from pipelines.settings import Settings
    from schemas.pages import Page

OnEvent = Callable[..., None]
_TO_SEND = 0.1  # seconds


def utc_now() -> datetime:
    """The present moment in UTC."""
    return datetime.now(UTC)


def new_id(now: datetime) -> str:
    """An id that sorts by time: 16 digits of microseconds and 8 random hex digits."""
    return f"{int(now.timestamp() * 1_000_000):016d}-{secrets.token_hex(4)}"


def silent(_name: str, **_facts: Any) -> None:
    """The listener of those who do not listen."""


async def finished(work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """Do blocking work in a thread, and wait for its end even when this task is cancelled: none goes on unseen."""
    task = asyncio.ensure_future(asyncio.to_thread(work, *args, **kwargs))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait([task])
        task.exception()  # or asyncio tells of a failure on the screen; the next run makes up for it
        raise


@dataclass
class House:
    """The open doors: the crawler at once, the lake as soon as it is needed.

    The lake takes longer to open than Douyin to answer, and a new one must be made first; so it opens in a thread while
    the first request is under way, and what it needs is not imported before. `failed` are answers after which the
    crawler asked once more, to be kept by a run.
    """

    settings: Settings
    crawler: DouyinCrawler
    source: MediaSource
    storage: Storage
    on_event: OnEvent = silent
    now: Callable[[], datetime] = utc_now
    rng: random.Random = field(default_factory=random.Random)
    failed: deque[Page] = field(default_factory=deque)
    _has_media: bool = False
    _lake: asyncio.Future[Lake] | None = None
    _early: dict[tuple[str, str], asyncio.Task[Page]] = field(default_factory=dict)

    async def lake(self) -> Lake:
        """The open lake; opened on the first call."""
        return await asyncio.shield(self.warm_up())

    def warm_up(self) -> asyncio.Future[Lake]:
        """Begin to open the lake without waiting for it."""
        if self._lake is None:
            self._lake = _opening(self.settings)
        return self._lake

    async def ask_early(self, operation: str, target: str) -> None:
        """Begin to ask what a step will ask first, without waiting for the lake.

        It is given the time to be sent: the lake's imports would share the interpreter with it.
        """
        self._early[operation, target] = asyncio.create_task(self._ask(operation, target))
        await asyncio.wait(self._early.values(), timeout=_TO_SEND)

    async def ask(self, operation: str, target: str, **params: Any) -> Page:
        """Douyin's answer about one thing, or the answer that was asked for early; it is not kept yet."""
        early = self._early.pop((operation, target), None)
        return await (early if early is not None else self._ask(operation, target, **params))

    async def _ask(self, operation: str, target: str, **params: Any) -> Page:
        from pipelines.extract.questions import question

        return await self.crawler.ask(operation, question(operation, target, **params), target=target)

    async def need_media(self) -> None:
        """Blocked where the tables name files that are kept, and the folder where they should lie is there and empty.

        It is the mount point of a disk that is away: what is put there is hidden once the disk is back. Without such a
        folder, they were removed.
        """
        if self._has_media or not self.storage.is_local:
            return
        lake = await self.lake()
        if await self.storage.is_empty("media"):
            kept = await self.on_lake(lambda: lake.query("SELECT count(*) FROM files WHERE state = 'stored'").item())
            if kept:
                raise Blocked(
                    f"{self.storage.full('media')} is empty, and {kept} files should lie there: mount its disk, then "
                    "run it again. Where they are lost, or were moved away on purpose, remove the empty folder, and it "
                    "goes on; aweme verify --repair fetches them again."
                )
        self._has_media = True

    async def on_lake(self, work: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
        """Do blocking work of the lake's in a thread, and wait for it even when this task is cancelled.

        A commit that was begun is finished: it is short, and what it keeps need not be asked for again.
        """
        return await finished(work, *args, **kwargs)

    async def close(self) -> None:
        """Close every door that was opened."""
        for early in self._early.values():
            early.cancel()
        await asyncio.gather(*self._early.values(), return_exceptions=True)
        if self._lake is not None:
            await _closed(self._lake)
        await self.source.close()
        self.storage.close()


def _opening(settings: Settings) -> asyncio.Future[Lake]:
    """A lake that is being opened in a thread, from now on and not only when the next task waits."""
    return asyncio.get_running_loop().run_in_executor(None, open_lake, settings)


async def _closed(opening: asyncio.Future[Lake]) -> None:
    [lake] = await asyncio.gather(opening, return_exceptions=True)
    if not isinstance(lake, BaseException):
        await asyncio.to_thread(lake.close)


def need_archive(settings: Settings) -> None:
    """BadInput that says what to do where there is no archive yet: whoever opens it for writing would make one."""
    need_catalog(settings)
    if not settings.catalog.startswith("sqlite:"):
        open_lake(settings, read_only=True).close()


def need_catalog(settings: Settings) -> None:
    """The same for a catalog on SQLite, which is quick to look for; others are asked when they are opened."""
    if settings.catalog.startswith("sqlite:"):
        path = Path(settings.catalog.removeprefix("sqlite:"))
        if not path.exists():
            raise BadInput(
                f"There is no archive at {settings.root} (no catalog {path}). "
                "Name another with --root, or make one: aweme demo, or aweme archive LINK."
            )


def open_lake(settings: Settings, *, read_only: bool = False, at: datetime | None = None) -> Lake:
    """The lake that the settings name, as it is or as it was at a moment; makes the folder of a local one."""
    from pipelines.load.opening import attached

    if not read_only and at is None:
        if not settings.is_s3:
            _make_folder(Path(settings.data_path).parent)
        if settings.catalog.startswith("sqlite:"):
            _make_folder(Path(settings.catalog.removeprefix("sqlite:")).parent)
    loading = aside(import_module, "pipelines.load.lake")  # a third of a second, most of it polars
    catalog = attached(
        catalog=settings.catalog,
        data_path=settings.data_path,
        read_only=read_only,
        at=at,
        s3=settings.s3 if settings.is_s3 else None,
        memory_limit=settings.memory_limit,
    )
    lake: type[Lake] = loading.result().Lake
    return lake.of(catalog, now=utc_now)


def open_all_columns(settings: Settings) -> Lake:
    """The lake for reading whatever columns this program knows: an older archive gets those that it lacks before."""
    lake = open_lake(settings, read_only=True)
    if lake.is_whole():
        return lake
    lake.close()
    try:
        open_lake(settings).close()
    except (BadInput, Blocked) as error:
        raise type(error)(
            f"This archive was written by an older version of aweme-archive, and cannot be brought up to date: {error}"
        ) from error
    return open_lake(settings, read_only=True)


def _make_folder(path: Path) -> None:
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(
            f"The folder {path} cannot be made ({error.strerror}): name another with --root, or see to its rights."
        ) from error


def open_storage(settings: Settings) -> Storage:
    """The storage that the settings name."""
    from pipelines.load.storage import Storage

    return Storage.open(settings.root, s3=settings.s3 if settings.is_s3 else None)


def make_crawler(
    settings: Settings, *, on_event: OnEvent = silent, on_failed: Callable[[Page], None] | None = None
) -> DouyinCrawler:
    """A crawler as the settings say; nothing is sent yet."""
    from pipelines.extract.crawler import DouyinCrawler
    from pipelines.extract.pacing import Pace
    from pipelines.extract.signing import signer_from

    return DouyinCrawler(
        cookie=settings.cookie,
        user_agent=settings.user_agent,
        signer=signer_from(settings.signer),
        upstream=settings.upstream,
        proxy=settings.proxy,
        timeout=settings.timeout,
        pace=Pace(
            random.Random(),  # noqa: S311 - pauses, no secrets
            min_interval_s=settings.min_interval,
            max_tries=settings.max_tries,
        ),
        on_event=on_event,
        on_failed=on_failed,
    )


def make_source(settings: Settings) -> MediaSource:
    """A source of media bytes as the settings say; it never sees the cookie."""
    from pipelines.extract.media import MediaSource

    return MediaSource(
        upstream=settings.upstream, proxy=settings.proxy, user_agent=settings.user_agent, timeout=settings.timeout
    )


@asynccontextmanager
async def open_house(settings: Settings, *, on_event: OnEvent = silent) -> AsyncIterator[House]:
    """The house with its doors open."""
    failed = deque["Page"]()
    crawler = make_crawler(settings, on_event=on_event, on_failed=failed.append)
    source, storage = make_source(settings), open_storage(settings)
    async with crawler:
        house = House(settings, crawler, source, storage, on_event, failed=failed)
        try:
            yield house
        finally:
            await house.close()


Step = Callable[[str, Callable[[], Awaitable[Any]]], Awaitable[Any]]


async def straight(_name: str, work: Callable[[], Awaitable[Any]]) -> Any:
    """A step that is done right here and now; `flows.steps` has the one that Prefect tracks."""
    return await work()
