"""Page: one answer of Douyin and where it leads; Checkpoint: how far a listing was read. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime

AS_ASKED = "as asked: "

GONE = ("Deleted", "Private", "NotFound", "Absent")
"""Outcomes of answers which say that what was asked for is not there."""


@dataclass(frozen=True, slots=True)
class Page:
    """One answer as it came, with what a walk must know of it.

    `items` are not parsed here: `item_ids` and `unpinned_ids` are all that paging needs. Times are UTC.
    `outcome` is "ok" or the name of the error leaf that the answer was read as; `error` is its message.
    """

    page_id: str
    operation: str
    target: str
    cursor: str | None
    fetched_at: datetime
    http_status: int
    body: bytes
    outcome: str = "ok"
    error: str = ""
    next_cursor: str | None = None
    has_more: bool | None = None
    item_count: int = 0
    item_ids: tuple[str, ...] = ()
    unpinned_ids: tuple[str, ...] = ()
    login_wall: bool = False  # Douyin showed its "log in to see more" beside the items


@dataclass(frozen=True, slots=True)
class Stretch:
    """A covered part of a listing with time cursors: every item between the two was read, and `low` leads on from it.

    Times are in the listing's own cursor unit. `is_end`: the stretch reaches the oldest item.
    `items`: about how many were read in it.
    """

    high: int
    low: int
    is_end: bool = False
    items: int = 0


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """How far one listing was read; the row of `checkpoints` for (listing, owner_id)."""

    listing: str
    owner_id: str
    cursor: str | None = None
    is_full: bool = False
    newest_aweme_id: str | None = None
    item_count: int = 0
    page_count: int = 0
    started_at: datetime | None = None
    finished_at: datetime | None = None
    full_walk_at: datetime | None = None
    stretches: tuple[Stretch, ...] = field(default=())
    verdict: str | None = None
    reason: str | None = None

    @property
    def is_as_asked(self) -> bool:
        """Whether the walk ended early because it was told to (a limit, an interval), not because something failed."""
        return bool(self.finished_at and self.reason and self.reason.startswith(AS_ASKED))
