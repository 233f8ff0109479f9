"""Rows of a batch on their way into frames: values first, columns at the end. No I/O here.

A row is what its layout names, in that order, and last the number of its page within the batch. What a row owes to its
page (page_id, when it was read) is filled in for whole columns at once, from that number.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import polars as pl

from schemas.catalog import BY_NAME
from schemas.pages import Page
from schemas.table import TEXTS, TIME

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_EACH = {"row": pl.UInt32, "texts": pl.String}


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


class Batch(defaultdict[Layout, list[Any]]):
    """The rows found so far, by layout, end to end in one list each; and the pages that they came from.

    Lists of values in place of lists of tuples: the garbage collector need not look through them again and again.
    """

    def __init__(self) -> None:
        super().__init__(list)
        self._page_ids: list[str] = []
        self._fetched_at: list[int] = []
        self._parts: dict[str, list[pl.DataFrame]] = defaultdict(list)
        self.settled_bytes = 0

    def begin(self, page: Page) -> int:
        """The number of a page; the rows that follow end with it."""
        at = page.fetched_at if page.fetched_at.tzinfo else page.fetched_at.replace(tzinfo=UTC)
        self._page_ids.append(page.page_id)
        self._fetched_at.append((at - _EPOCH) // _MICROSECOND)
        return len(self._page_ids) - 1

    def settle(self) -> None:
        """Turns the rows found so far into columns, which frees what they were read from."""
        page_ids = pl.Series(self._page_ids, dtype=pl.String)
        fetched_at = pl.Series(self._fetched_at, dtype=pl.Int64).cast(TIME)
        for layout, values in self.items():
            part = _frame(layout, values, page_ids, fetched_at)
            self._parts[layout.table].append(part)
            self.settled_bytes += int(part.estimated_size())
        self.clear()
        self._page_ids.clear()
        self._fetched_at.clear()

    def frames(self) -> dict[str, pl.DataFrame]:
        """One frame per table that got rows, each with the columns that its table declares."""
        self.settle()
        return {table: pl.concat(found) if len(found) > 1 else found[0] for table, found in self._parts.items()}


def _frame(layout: Layout, values: list[Any], page_ids: pl.Series, fetched_at: pl.Series) -> pl.DataFrame:
    schema = BY_NAME[layout.table].schema
    width = len(layout.columns) + 1
    number = pl.Series(values[width - 1 :: width], dtype=pl.UInt32)
    given: dict[str, pl.Series] = {"page_id": page_ids.gather(number)}
    seen = fetched_at.gather(number)
    given.update((name, seen) for name in layout.seen)
    for place, name in enumerate(layout.columns):
        given[name] = _series(values[place::width], schema[name])
    filled = (
        given[name] if name in given else _repeated(layout.shared.get(name), dtype, len(number))
        for name, dtype in schema.items()
    )
    return pl.DataFrame([series.alias(name) for name, series in zip(schema, filled, strict=True)])


def _repeated(value: Any, dtype: pl.DataType, times: int) -> pl.Series:
    if value is None:
        return pl.Series(dtype=dtype).clear(times)
    return pl.Series([value], dtype=dtype).new_from_index(0, times)


def _series(values: Sequence[Any], dtype: pl.DataType) -> pl.Series:
    if dtype == TIME:
        return (pl.Series(values, dtype=pl.Int64) * 1_000_000).cast(TIME)
    if dtype == TEXTS:
        return _lists(values)
    return pl.Series(values, dtype=dtype)


def _lists(values: Sequence[Sequence[str] | None]) -> pl.Series:
    # Fifteen times as fast as pl.Series(values): the texts go over in one piece, the number of its row beside each.
    numbers, texts = list[int](), list[str]()
    for number, value in enumerate(values):
        if value:
            numbers += [number] * len(value)
            texts += value
    each = pl.DataFrame({"row": pl.Series(numbers, dtype=pl.UInt32).set_sorted(), "texts": texts}, _EACH)
    lists = each.group_by("row", maintain_order=True).agg("texts")
    rows = pl.int_range(len(values), dtype=pl.UInt32, eager=True).alias("row").to_frame()
    return rows.join(lists, on="row", how="left", maintain_order="left")["texts"]
