"""Fields of raw answers that were not there before: how Douyin's service drifts, told from a bounded sample."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipelines.transform.shapes import paths_of

if TYPE_CHECKING:
    from pipelines.load.lake import Lake
    from schemas.pages import Page

_SAMPLE = 60  # pages of an operation, on each side of the moment
_BYTES = 8 * 1024 * 1024


@dataclass
class NewField:
    """A field first seen lately: in which operation, on which page first, and on how many pages of the sample."""

    operation: str
    path: str
    first_page: str
    first_seen_at: datetime
    pages: int

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)


def new_fields(lake: Lake, since: datetime) -> list[NewField]:
    """Fields of answers read since that moment that no sampled answer of the same operation had before.

    Operations of which nothing older is kept are left out: there is nothing to compare with.
    """
    found: list[NewField] = []
    names = lake.query("SELECT DISTINCT operation FROM raw_pages WHERE outcome = 'ok' ORDER BY 1")[
        "operation"
    ].to_list()
    for operation in names:
        older = _sample(lake, operation, since, is_older=True)
        newer = _sample(lake, operation, since, is_older=False)
        if not older or not newer:
            continue
        known: set[str] = set()
        for page in _pages(lake, older):
            known |= paths_of(page.body)
        found += _fresh(operation, _pages(lake, newer), known)
    return found


def _sample(lake: Lake, operation: str, since: datetime, *, is_older: bool) -> list[str]:
    sign = "<" if is_older else ">="
    sql = f"""SELECT page_id FROM raw_pages WHERE operation = ? AND outcome = 'ok' AND fetched_at {sign} ?
    ORDER BY hash(page_id) LIMIT {_SAMPLE}"""
    ids: list[str] = lake.query(sql, [operation, since])["page_id"].to_list()
    return ids


def _pages(lake: Lake, page_ids: list[str]) -> Iterator[Page]:
    return (page for batch in lake.raw_pages(page_ids, max_bytes=_BYTES) for page in batch)


def _fresh(operation: str, pages: Iterator[Page], known: set[str]) -> list[NewField]:
    found: dict[str, NewField] = {}
    for page in pages:
        for path in paths_of(page.body) - known:
            field = found.setdefault(path, NewField(operation, path, page.page_id, page.fetched_at, 0))
            field.pages += 1
    return sorted(found.values(), key=lambda field: field.path)
