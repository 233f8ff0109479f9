"""DouyinDownloader for callers: the load stage's, with source, storage and archive as settings or kwargs say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pipelines.books import ArchiveBooks
from pipelines.errors import Absent
from pipelines.house import make_crawler, make_source, open_storage, utc_now
from pipelines.load.downloader import DouyinDownloader as Machinery
from pipelines.load.tasks import Company
from pipelines.options import settings_from
from pipelines.stream_tasks import RoomRecorder

if TYPE_CHECKING:
    from pipelines.settings import Settings
    from schemas.files import Wanted


class DouyinDownloader(Machinery):
    """The downloader of the spec, made from the kwargs dict or from Settings; nothing is opened before it is needed.

    As an async context manager, or by `close`, it lets its connections go.
    """

    def __init__(self, kwargs: Mapping[str, Any] | None = None, *, settings: Settings | None = None) -> None:
        self.settings = settings or settings_from(kwargs)
        source = make_source(self.settings)
        super().__init__(
            kwargs,
            source=source,
            storage=open_storage(self.settings),
            now=utc_now,
            naming=self.settings.naming,
            folderize=self.settings.folderize,
            max_tries=self.settings.max_tries,
            company=Company(ArchiveBooks(self.settings), self._refreshed, RoomRecorder(self.settings, source)),
        )
        self._media = source

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the connections go."""
        await self._media.close()

    async def _refreshed(self, wanted: Wanted) -> Wanted | None:
        """The same file with addresses from its post's detail; None where there is none any more."""
        from pipelines.extract.questions import question
        from pipelines.load.plans import plan
        from pipelines.transform.interface import detail_dict
        from schemas.bodies import load_json

        aweme_id = wanted.aweme_id or ""
        try:
            async with make_crawler(self.settings) as crawler:
                page = await crawler.ask("post_detail", question("post_detail", aweme_id), target=aweme_id)
        except Absent:
            return None
        everything = {"music": True, "cover": True, "desc": True}
        fresh = {file.media_id: file for file in plan(everything, detail_dict(load_json(page.body)))}
        found = fresh.get(wanted.media_id)
        return replace(wanted, urls=found.urls) if found else None
