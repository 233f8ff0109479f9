"""Small Parquet files are joined while an archive grows, so that what a statement costs does not grow with it.

For each column that a statement compares, DuckLake reads its statistics of all files of all tables. Pages are kept in
files of their own and rows come in many commits, so both would soon be thousands. Runs that find nothing new replace
the small files of the runs before, which versions of the tables go on to show: where those are many, they are thinned.
Files that were joined or let go stay for readers that had begun with them, and are removed by a later call.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from pipelines.load.attach import NAME
from pipelines.load.leftovers import forget, remove_files, versions
from pipelines.load.thinning import superseded
from schemas.raw import RAW_PAGES

if TYPE_CHECKING:
    import duckdb

    from pipelines.load.connection import Connection

MANY = 24
"""Small files of one table from which on they are joined."""

MANY_REPLACED = 400
"""Replaced files of all tables from which on versions are thinned."""

MANY_VERSIONS = 48
"""As many versions at least are let go at once: to look for them costs a little, too."""

AT_MOST_VERSIONS = 2000
"""So many at most: they take two seconds, in which no other run can write. The next call goes on."""

MANY_WAITING = 1000
"""Rows of one table that wait in the catalog, replaced ones too, from which on they are written to Parquet."""

_SMALL_BYTES = 4_000_000
_SMALL_RAW_BYTES = 1_000_000  # half of what a joined file of raw pages aims at, see migrate.py
_FOR_READERS = timedelta(hours=1)
_AT_ONCE = 2  # files that one call makes: memory grows with them


def tidy(archive: Connection, now: datetime) -> list[str]:
    """Join the small files of each table that has many, let go of versions where many files are kept for them alone.

    Removes what was joined or let go an hour ago; returns the tables.
    """
    small, replaced = archive.alone(_counted)
    tables = sorted(table for table, count in small.items() if count >= MANY)
    for table in tables:
        size = "" if table == RAW_PAGES.name else f", max_file_size => {_SMALL_BYTES}"
        options = f"max_compacted_files => {_AT_ONCE}{size}"
        _write(archive, f"CALL ducklake_merge_adjacent_files('{NAME}', '{table}', {options})")
    old = superseded(archive.alone(versions), now)[:AT_MOST_VERSIONS] if replaced >= MANY_REPLACED else []
    if len(old) >= MANY_VERSIONS:
        archive.alone(lambda con: forget(con, old))
        for table in archive.alone(_crowded):
            _write(archive, f"CALL ducklake_flush_inlined_data('{NAME}', table_name => '{table}')")
    if tables or len(old) >= MANY_VERSIONS:
        archive.alone(lambda con: remove_files(con, now - _FOR_READERS))
    return tables


def _write(archive: Connection, sql: str) -> None:
    archive.commit(lambda con: con.execute(sql).fetchall())


def _crowded(con: duckdb.DuckDBPyConnection) -> list[str]:
    """The tables of which many rows wait in the catalog: each statement on one reads all, those of the past too."""
    meta = f"__ducklake_metadata_{NAME}"
    sql = f"""SELECT i.table_name, t.table_name FROM {meta}.ducklake_inlined_data_tables i
    JOIN {meta}.ducklake_table t USING (table_id) WHERE t.end_snapshot IS NULL"""

    def is_long(waiting: str) -> bool:
        return bool(con.execute(f'SELECT count(*) >= {MANY_WAITING} FROM {meta}."{waiting}"').fetchall()[0][0])

    return sorted({table for waiting, table in con.execute(sql).fetchall() if is_long(waiting)})


def _counted(con: duckdb.DuckDBPyConnection) -> tuple[dict[str, int], int]:
    """The small files of each table, and those of all tables that are kept for older versions only."""
    meta = f"__ducklake_metadata_{NAME}"
    sql = f"""SELECT table_name, count(*) FILTER (f.end_snapshot IS NULL AND t.end_snapshot IS NULL
        AND f.file_size_bytes < if(table_name = '{RAW_PAGES.name}', {_SMALL_RAW_BYTES}, {_SMALL_BYTES})),
        count(f.end_snapshot)
    FROM {meta}.ducklake_data_file f JOIN {meta}.ducklake_table t USING (table_id) GROUP BY table_name"""
    rows = con.execute(sql).fetchall()
    return {table: small for table, small, _ in rows}, sum(replaced for _, _, replaced in rows)
