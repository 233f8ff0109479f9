"""Pages on their way to a commit: read into rows early, so that their bodies need not be held. No I/O here."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from schemas.pages import Page

T = TypeVar("T")

# Bodies held at once: fewer pages are slower to read, since every table's columns are made once for each lot.
HELD_BYTES = 16_000_000
_HELD_LIVE = 6_000_000  # while a walk goes on there is time, and little memory beside it
# Rows of one commit: it costs a third of a second whatever it holds, and rows take memory until then.
ROW_BYTES = 40_000_000


@dataclass
class Batch:
    """The pages of one commit, as frames; its length is the number of pages."""

    page_ids: list[str] = field(default_factory=list)
    parts: list[Mapping[str, pl.DataFrame]] = field(default_factory=list)
    first_at: datetime | None = None
    _unread: list[Page] = field(default_factory=list)
    _held: int = 0
    _row_bytes: int = 0

    def __len__(self) -> int:
        return len(self.page_ids)

    def add(self, page: Page) -> None:
        """Take a page; call `read` once `is_heavy`."""
        self.page_ids.append(page.page_id)
        self.first_at = self.first_at or page.fetched_at
        self._unread.append(page)
        self._held += len(page.body)

    @property
    def is_heavy(self) -> bool:
        """Whether the bodies that are held should be read and let go."""
        return self._held >= _HELD_LIVE

    @property
    def is_full(self) -> bool:
        """Whether the rows are worth a commit of their own."""
        return self._row_bytes >= ROW_BYTES

    def read(self) -> None:
        """Make frames of the pages that were not read yet, and let their bodies go."""
        from pipelines.transform.frames import frames_of

        if self._unread:
            part = frames_of(self._unread)
            self.parts.append(part)
            self._row_bytes += sum(int(frame.estimated_size()) for frame in part.values())
            self._unread, self._held = [], 0

    def frames(self) -> dict[str, pl.DataFrame]:
        """One frame per table, of all pages."""
        from pipelines.transform.frames import joined

        self.read()
        return joined(self.parts)


def batches_of(lists: Iterable[Sequence[Page]], cuts: Sequence[datetime] = ()) -> Generator[Batch, None, None]:
    """Kept pages, in order of fetched_at, as full batches; none holds pages from both sides of a cut."""
    batch, side = Batch(), 0
    for pages in lists:
        for place, group in groupby(pages, key=lambda page: bisect_right(cuts, page.fetched_at)):
            if len(batch) and (batch.is_full or place != side):
                yield batch
                batch = Batch()
            side = place
            for page in group:
                batch.add(page)
            batch.read()
    if len(batch):
        yield batch


def ahead(items: Iterator[T]) -> Generator[T, None, None]:
    """The same items, each made in a thread of its own while the one before is in use."""
    with ThreadPoolExecutor(1, thread_name_prefix="ahead") as thread:
        coming = thread.submit(next, items, None)
        while (item := coming.result()) is not None:
            coming = thread.submit(next, items, None)
            yield item
