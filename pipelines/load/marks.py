"""Marks of entries that full walks found gone: what no raw page says, read from `changes` and set again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import TYPE_CHECKING

import polars as pl

from pipelines.load import apply as applying
from pipelines.load.passing import shown
from schemas.listings import LISTING_ENTRIES
from schemas.runs import CHANGES

if TYPE_CHECKING:
    import duckdb

    from pipelines.load.lake import Lake

_ROW_KEY = " || ':' || ".join(LISTING_ENTRIES.key)
_BORNE = f"""
SELECT 'listing_entries' AS table_name, {_ROW_KEY} AS row_key, 'gone_at' AS column_name, gone_at AS observed_at,
       NULL::VARCHAR AS old_value, strftime(gone_at AT TIME ZONE 'UTC', '%Y-%m-%dT%H:%M:%S.%fZ') AS new_value, page_id
FROM listing_entries WHERE gone_at IS NOT NULL ORDER BY observed_at, row_key
"""
_MARKS = "table_name = 'listing_entries' AND column_name = 'gone_at' AND new_value IS NOT NULL"


def gone_marks(lake: Lake, lost: Collection[str] = ()) -> pl.DataFrame:
    """The rows of `changes` that full walks wrote, oldest first; answers of Douyin never set this column.

    `lost` are tables that cannot be read: without `changes`, entries tell of the marks that they bear, and none of
    former ones.
    """
    if CHANGES.name not in lost:
        return lake.query(f"SELECT * FROM changes WHERE {_MARKS} ORDER BY observed_at, row_key")
    if LISTING_ENTRIES.name not in lost:
        return lake.query(_BORNE)
    return pl.DataFrame(schema=CHANGES.schema)


def set_marks(lake: Lake, marks: pl.DataFrame) -> None:
    """Set these marks again, in one commit; a mark whose entry is not there stays in `changes` only."""

    def work(con: duckdb.DuckDBPyConnection) -> None:
        for moment in marks.partition_by("observed_at", maintain_order=True):
            _mark(con, moment, moment["observed_at"][0])
        applying.insert(con, CHANGES, marks.select(CHANGES.names).cast(CHANGES.schema))

    if marks.height:
        lake.commit(work)


def _mark(con: duckdb.DuckDBPyConnection, marks: pl.DataFrame, gone_at: datetime) -> None:
    with shown(con, "marked", marks.select("row_key")):
        # What was seen again later, by a page that is applied already, is not gone.
        sql = f"""UPDATE listing_entries SET gone_at = ? WHERE {_ROW_KEY} IN (SELECT row_key FROM marked)
        AND gone_at IS NULL AND last_seen_at < ?"""
        con.execute(sql, [gone_at, gone_at])
