"""DouyinDownloader for callers: the load stage's, with source, storage and archive as settings or kwargs say."""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from pipelines.books import ArchiveBooks
from pipelines.fresh import FreshAddresses
from pipelines.house import make_source, open_storage, utc_now
from pipelines.load.downloader import DouyinDownloader as Machinery
from pipelines.load.tasks import Company
from pipelines.options import settings_from
from pipelines.stream_tasks import RoomRecorder

if TYPE_CHECKING:
    from pipelines.settings import Settings


class DouyinDownloader(Machinery):
    """The downloader of the spec, made from the kwargs dict or from Settings; nothing is opened before it is needed.

    As an async context manager, or by `close`, it lets its connections go.
    """

    def __init__(self, kwargs: Mapping[str, Any] | None = None, *, settings: Settings | None = None) -> None:
        self.settings = settings or settings_from(kwargs)
        source, fresh = make_source(self.settings), FreshAddresses(self.settings)
        super().__init__(
            kwargs,
            source=source,
            storage=open_storage(self.settings),
            now=utc_now,
            naming=self.settings.naming,
            folderize=self.settings.folderize,
            max_tries=self.settings.max_tries,
            company=Company(ArchiveBooks(self.settings), fresh.of, RoomRecorder(self.settings, source)),
        )
        self._media, self._fresh = source, fresh

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Let the connections go."""
        await self._fresh.close()
        await self._media.close()
