"""Frames to DuckDB and back, by the Arrow interface that both of them speak.

PyArrow is not asked: where it is, DuckDB imports it with its datasets and all, which takes a fifth of a second and
50 MB before the first row has moved.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import polars as pl

if TYPE_CHECKING:
    import duckdb

LISTED = "(SELECT unnest(?::JSON::VARCHAR[]))"
"""Texts to compare with, which `listed` makes one parameter of."""


@contextmanager
def shown(con: duckdb.DuckDBPyConnection, name: str, frame: pl.DataFrame) -> Iterator[None]:
    """Let one statement read a frame under a name, without a copy; a stream is over when it was read."""
    con.register(name, frame.__arrow_c_stream__())
    try:
        yield
    finally:
        con.unregister(name)


def listed(values: Iterable[str]) -> str:
    """Texts as one parameter: about each value DuckDB asks pandas, which it looks for in every folder each time."""
    return json.dumps(list(values))


def rows_of(con: duckdb.DuckDBPyConnection, sql: str, params: Sequence[Any] = ()) -> pl.DataFrame:
    """The answer to a query."""
    return pl.DataFrame(con.sql(sql, params=list(params) or None))
