"""DouyinDownloader: gets the files that the tables promise, and says what became of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from pipelines.errors import BadInput
from pipelines.load.hosts import Hosts, Sleep
from pipelines.load.naming import DEFAULT_TEMPLATE, check_template, file_path
from pipelines.load.plans import is_on
from pipelines.load.round import SETTLING, OnDone, Round
from pipelines.load.shelf import Shelf
from pipelines.load.storage import Storage
from pipelines.load.tasks import Company, Refresh, Tasks
from pipelines.load.transfer import Source
from schemas.files import Wanted


def _unseen(_value: Any) -> None:
    """The listener of those who do not listen."""


class DouyinDownloader(Tasks):
    """Downloads wanted files into storage: concurrently, resumably, verified, under names from a template.

    `kwargs` may bring the template as `naming` and `folderize`, as the spec's configuration does; `now` is the clock.
    `source`, `storage` and `now` must be given: this stage knows neither the network nor the settings. `company` is
    what the methods that the spec names may use beside them. With `folder`, files lie there and not under media/.
    """

    def __init__(
        self,
        kwargs: Mapping[str, Any] | None = None,
        *,
        source: Source | None = None,
        storage: Storage | None = None,
        now: Callable[[], datetime] | None = None,
        naming: str | None = None,
        folderize: bool | None = None,
        sleep: Sleep = asyncio.sleep,
        max_tries: int = 5,
        pause_s: float = 0.5,
        company: Company | None = None,
        folder: str | None = None,
    ) -> None:
        if source is None or storage is None or now is None:
            raise BadInput(
                "This downloader needs source, storage and now; pipelines.handler.DouyinDownloader brings its own."
            )
        given = kwargs or {}
        self.kwargs = dict(given)
        self.naming = check_template(naming or given.get("naming") or DEFAULT_TEMPLATE)
        self.folderize = is_on(given, "folderize") if folderize is None else folderize
        self.source = source
        self.storage = storage
        self.now = now
        self.sleep = sleep
        self.max_tries = max_tries
        self.pause_s = pause_s
        self.company = company or Company()
        self.folder = folder

    async def download(
        self,
        wanted: Iterable[Wanted],
        *,
        on_done: OnDone = _unseen,
        on_bytes: Callable[[int], None] = _unseen,
        refresh: Refresh | None = None,
        concurrency: int = 8,
        per_host: int = 4,
        adopt: bool = True,
    ) -> None:
        """Get every wanted file, and tell `on_done` what became of each as soon as it is settled.

        `on_bytes` counts bytes as they come. `refresh` gives the same file with fresh addresses, None where there are
        none. `adopt` takes a file that lies under its final name already, after reading and measuring it; a repair
        must not. A `Blocked` of storage ends the work at once, and so does a storage that fails at file after file; a
        `Blocked` of `refresh` does once the other files are settled.
        A cancelled download leaves parts that the next one goes on with.
        """
        hosts = Hosts(per_host, concurrency, self.sleep)
        work = Round(self, hosts, on_done, on_bytes, refresh, adopt, Shelf(self.storage))
        tries = work.once_each(wanted)
        if self.storage.is_local and (courier := self.source.courier()):
            tries = await work.first(tries, courier, concurrency, per_host)
        # On a disk more than may get something at a time: the others wait for it. Objects of a bucket wait for nothing.
        count = max(concurrency, 1) + (SETTLING if self.storage.is_local else 0)
        workers = [asyncio.create_task(work.through(tries)) for _ in range(count)]
        try:
            await asyncio.gather(*workers)
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            work.hosts.release()
        if work.blocked is not None:
            raise work.blocked

    def path_of(self, wanted: Wanted, suffix: str) -> str:
        """Where a wanted file is kept, relative to the root."""
        path = file_path(wanted, self.naming, self.folderize, suffix)
        return path if self.folder is None else "/".join([self.folder, *path.split("/")[2:]])
