"""Gets wanted files into an archive, with fresh addresses from their posts' details: for a run, and for a repair."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.errors import Absent, ArchiveError

if TYPE_CHECKING:
    from pipelines.house import House
    from schemas.files import Kept, Wanted
    from schemas.pages import Page


@dataclass
class Getter:
    """Downloads as the settings say. Details that it reads are kept under `run_id`; `apply` makes rows of them."""

    house: House
    run_id: str
    apply: Callable[[Page], Awaitable[None]]
    now: Callable[[], datetime]
    _details: dict[str, asyncio.Task[None]] = field(default_factory=dict)

    async def get(
        self,
        wanted: Iterable[Wanted],
        *,
        on_done: Callable[[Kept], Awaitable[None] | None],
        on_bytes: Callable[[int], None] = lambda _count: None,
        adopt: bool = True,
    ) -> None:
        """Get every file as `DouyinDownloader.download` does; each post's detail is read once at most."""
        from pipelines.load.downloader import DouyinDownloader

        await self.house.need_media()
        self._details.clear()
        settings = self.house.settings
        downloader = DouyinDownloader(
            source=self.house.source,
            storage=self.house.storage,
            naming=settings.naming,
            folderize=settings.folderize,
            now=self.now,
        )
        try:
            await downloader.download(
                wanted,
                on_done=on_done,
                on_bytes=on_bytes,
                refresh=self._refresh,
                concurrency=settings.download_concurrency,
                per_host=settings.per_host,
                adopt=adopt,
            )
        finally:
            # Files that nobody gets any more ask for nothing, and keep nothing once their run is at its end.
            for detail in self._details.values():
                detail.cancel()
            await asyncio.gather(*self._details.values(), return_exceptions=True)

    async def _refresh(self, wanted: Wanted) -> Wanted | None:
        """The same file with addresses from its post's detail; None where it is gone."""
        if wanted.aweme_id is None:
            return None
        if wanted.aweme_id not in self._details:
            self._details[wanted.aweme_id] = asyncio.create_task(self._read_detail(wanted.aweme_id))
        await asyncio.shield(self._details[wanted.aweme_id])
        lake = await self.house.lake()
        fresh = await self.house.on_lake(lake.media_urls, wanted.media_id)
        return replace(wanted, urls=fresh.urls, expires_at=fresh.expires_at) if fresh else None

    async def _read_detail(self, aweme_id: str) -> None:
        from pipelines.extract.questions import question

        lake = await self.house.lake()
        try:
            page = await self.house.crawler.ask("post_detail", question("post_detail", aweme_id), target=aweme_id)
        except ArchiveError as error:
            # An answer that says that the post is gone becomes rows too; any other is kept as it is, and raised.
            told: Page | None = error.facts.get("page")
            if told is not None:
                await self.house.on_lake(lake.keep_page, told, run_id=self.run_id)
            if not isinstance(error, Absent):
                raise
            if told is not None:
                await self.apply(told)
            return
        await self.house.on_lake(lake.keep_page, page, run_id=self.run_id)
        await self.apply(page)
