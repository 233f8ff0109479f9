"""Pages that wait for a commit: read into rows early, so that their bodies need not be held. No I/O here."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from schemas.pages import Page

# Bodies held at once: more would not make reading faster, and memory that was once taken is seldom given back.
HELD_BYTES = 6_000_000


@dataclass
class Batch:
    """The pages of one commit, as frames; its length is the number of pages."""

    page_ids: list[str] = field(default_factory=list)
    parts: list[Mapping[str, pl.DataFrame]] = field(default_factory=list)
    _unread: list[Page] = field(default_factory=list)
    _held: int = 0

    def __len__(self) -> int:
        return len(self.page_ids)

    def add(self, page: Page) -> None:
        """Take a page; call `read` once `is_heavy`."""
        self.page_ids.append(page.page_id)
        self._unread.append(page)
        self._held += len(page.body)

    @property
    def is_heavy(self) -> bool:
        """Whether the bodies that are held should be read and let go."""
        return self._held >= HELD_BYTES

    def read(self) -> None:
        """Make frames of the pages that were not read yet, and let their bodies go."""
        from pipelines.transform.frames import frames_of

        if self._unread:
            self.parts.append(frames_of(self._unread))
            self._unread, self._held = [], 0

    def frames(self) -> dict[str, pl.DataFrame]:
        """One frame per table, of all pages."""
        from pipelines.transform.frames import joined

        self.read()
        return joined(self.parts)
