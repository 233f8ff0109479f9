"""Small Parquet files are joined while an archive grows, so that what a statement costs does not grow with it.

For each column that a statement compares, DuckLake reads its statistics of all files of all tables. Pages are kept in
files of their own and rows come in many commits, so both would soon be thousands. Files that were joined stay for
readers that had begun with them, and are removed by a later call.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pipelines.load.attach import NAME
from pipelines.load.leftovers import remove_files
from schemas.raw import RAW_PAGES

if TYPE_CHECKING:
    import duckdb

MANY = 24
"""Small files of one table from which on they are joined."""

_SMALL_BYTES = 4_000_000
_SMALL_RAW_BYTES = 1_000_000  # half of what a joined file of raw pages aims at, see migrate.py
_FOR_READERS = timedelta(hours=1)
_AT_ONCE = 2  # files that one call makes: memory grows with them


def tidy(con: duckdb.DuckDBPyConnection, now: datetime) -> list[str]:
    """Join the small files of each table that has many, and remove what was joined an hour ago; returns the tables."""
    tables = _crowded(con)
    if tables:
        for table in tables:
            size = "" if table == RAW_PAGES.name else f", max_file_size => {_SMALL_BYTES}"
            options = f"max_compacted_files => {_AT_ONCE}{size}"
            con.execute(f"CALL ducklake_merge_adjacent_files('{NAME}', '{table}', {options})").fetchall()
        remove_files(con, now - _FOR_READERS)
    return tables


def _crowded(con: duckdb.DuckDBPyConnection) -> list[str]:
    meta = f"__ducklake_metadata_{NAME}"
    sql = f"""SELECT table_name FROM {meta}.ducklake_data_file f JOIN {meta}.ducklake_table t USING (table_id)
    WHERE f.end_snapshot IS NULL AND t.end_snapshot IS NULL
    AND f.file_size_bytes < if(table_name = '{RAW_PAGES.name}', {_SMALL_RAW_BYTES}, {_SMALL_BYTES})
    GROUP BY table_name HAVING count(*) >= {MANY} ORDER BY table_name"""
    return [table for (table,) in con.execute(sql).fetchall()]
