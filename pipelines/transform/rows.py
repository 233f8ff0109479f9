"""Rows of a batch on their way into frames: tuples first, columns at the end. No I/O here.

A row is a tuple of what its layout names, and last the number of its page within the batch. What a row owes to its
page (page_id, when it was read) is filled in for whole columns at once, from that number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from itertools import chain
from typing import Any

import polars as pl
import pyarrow as pa

from schemas.catalog import BY_NAME
from schemas.pages import Page
from schemas.table import TEXTS, TIME

Row = tuple[Any, ...]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PAGE = "page"


class Layout:
    """Which columns of a table some rows fill: their own, what all of them share, and times taken from their page.

    Times in rows are unix seconds. Columns that are not named stay NULL.
    """

    def __init__(
        self,
        table: str,
        columns: Iterable[str],
        *,
        seen: Iterable[str] = ("first_seen_at", "last_seen_at"),
        shared: dict[str, Any] | None = None,
    ) -> None:
        self.table = table
        self.columns = tuple(columns)
        self.seen = (*seen, "observed_at")
        self.shared = shared or {}


class Batch(defaultdict[Layout, list[Row]]):
    """The rows found so far, by layout, and the pages that they came from."""

    def __init__(self) -> None:
        super().__init__(list)
        self.page_ids: list[str] = []
        self.fetched_at: list[int] = []

    def begin(self, page: Page) -> int:
        """The number of a page; the rows that follow end with it."""
        at = page.fetched_at if page.fetched_at.tzinfo else page.fetched_at.replace(tzinfo=UTC)
        self.page_ids.append(page.page_id)
        self.fetched_at.append((at - _EPOCH) // _MICROSECOND)
        return len(self.page_ids) - 1

    def frames(self) -> dict[str, pl.DataFrame]:
        """One frame per table that got rows, each with the columns that its table declares."""
        page_ids = pl.Series(self.page_ids, dtype=pl.String)
        fetched_at = pl.Series(self.fetched_at, dtype=pl.Int64).cast(TIME)
        parts: dict[str, list[pl.DataFrame]] = defaultdict(list)
        for layout, rows in self.items():
            if rows:
                parts[layout.table].append(_frame(layout, rows, page_ids, fetched_at))
        return {table: pl.concat(found) if len(found) > 1 else found[0] for table, found in parts.items()}


def _frame(layout: Layout, rows: list[Row], page_ids: pl.Series, fetched_at: pl.Series) -> pl.DataFrame:
    schema = BY_NAME[layout.table].schema
    *found, pages = zip(*rows, strict=True)
    number = pl.Series(_PAGE, pages, dtype=pl.UInt32)
    given: dict[str, pl.Series] = {"page_id": page_ids.gather(number)}
    seen = fetched_at.gather(number)
    given.update((name, seen) for name in layout.seen)
    for name, values in zip(layout.columns, found, strict=True):
        given[name] = _series(values, schema[name])
    filled = [
        given[name].alias(name)
        if name in given
        else pl.repeat(layout.shared.get(name), len(rows), dtype=dtype, eager=True).alias(name)
        for name, dtype in schema.items()
    ]
    return pl.DataFrame(filled)


def _series(values: Sequence[Any], dtype: pl.DataType) -> pl.Series:
    if dtype == TIME:
        return (pl.Series(values, dtype=pl.Int64) * 1_000_000).cast(TIME)
    if dtype == TEXTS:
        return _lists(values)
    return pl.Series(values, dtype=dtype)


def _lists(values: Sequence[Sequence[str] | None]) -> pl.Series:
    # Fifteen times as fast as pl.Series(values): the texts go over in one piece, the borders beside them.
    texts = pl.Series(list(chain.from_iterable(value for value in values if value)), dtype=pl.String)
    borders, end = [0], 0
    for value in values:
        end += len(value) if value else 0
        borders.append(end)
    return pl.Series(
        pa.LargeListArray.from_arrays(
            pa.array(borders, pa.int64()),
            texts.to_arrow(compat_level=pl.CompatLevel.newest()),
            mask=pa.array([not value for value in values]),
        )
    )
