"""Pages on their way to a commit: read into rows at once, so that their bodies need not be held. No I/O here."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from datetime import datetime

    import polars as pl

    from pipelines.transform.frames import Reading
    from schemas.pages import Page

# Bodies read at once: fewer are slower to find.
HELD_BYTES = 8_000_000
# Rows of one commit: it costs a third of a second whatever it holds, and rows take memory until then.
ROW_BYTES = 12_000_000


@dataclass
class Batch:
    """The pages of one commit, as rows; its length is the number of pages."""

    page_ids: list[str] = field(default_factory=list)
    first_at: datetime | None = None
    _reading: Reading | None = None

    def __len__(self) -> int:
        return len(self.page_ids)

    def add(self, page: Page) -> None:
        """Read a page into rows; its body is not held."""
        from pipelines.transform.frames import Reading

        self.page_ids.append(page.page_id)
        self.first_at = self.first_at or page.fetched_at
        self._reading = self._reading or Reading()
        self._reading.add(page)

    @property
    def is_full(self) -> bool:
        """Whether the rows are worth a commit of their own."""
        return self._reading is not None and self._reading.row_bytes >= ROW_BYTES

    def frames(self) -> dict[str, pl.DataFrame]:
        """One frame per table, of all pages."""
        return self._reading.frames() if self._reading is not None else {}


def batches_of(lists: Iterable[Sequence[Page]], cuts: Sequence[datetime] = ()) -> Generator[Batch, None, None]:
    """Kept pages, in order of fetched_at, as full batches; none holds pages from both sides of a cut."""
    batch, side = Batch(), 0
    for pages in lists:
        for page in pages:
            place = bisect_right(cuts, page.fetched_at)
            if len(batch) and (batch.is_full or place != side):
                yield batch
                batch = Batch()
            side = place
            batch.add(page)
    if len(batch):
        yield batch
