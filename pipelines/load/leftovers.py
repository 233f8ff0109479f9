"""Parquet files and snapshots that an archive no longer needs, and how they are let go on time.

DuckLake compares moments as text where the catalog is SQLite: what it stores has a space between day and hour and what
it is asked has a T, so that everything of one day counts as older. Here moments are compared as moments.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from pipelines.load.attach import NAME

if TYPE_CHECKING:
    import duckdb

_SCHEDULED = f"__ducklake_metadata_{NAME}.ducklake_files_scheduled_for_deletion"


def remove_files(con: duckdb.DuckDBPyConnection, before: datetime) -> int:
    """Remove files that no snapshot has needed since before that moment; returns how many."""
    kinds = con.execute(f"SELECT DISTINCT typeof(schedule_start) FROM {_SCHEDULED}").fetchall()
    if not kinds:
        return 0
    if kinds == [("VARCHAR",)]:
        con.execute(f"UPDATE {_SCHEDULED} SET schedule_start = replace(schedule_start, ' ', 'T')")
    return len(con.execute(f"CALL ducklake_cleanup_old_files('{NAME}', older_than => ?)", [before]).fetchall())


def expire(con: duckdb.DuckDBPyConnection, before: datetime) -> int:
    """Forget snapshots made before that moment, never the newest; returns how many."""
    sql = f"SELECT snapshot_id, snapshot_time FROM ducklake_snapshots('{NAME}') ORDER BY snapshot_id"
    old = [number for number, made_at in con.execute(sql).fetchall()[:-1] if made_at < before]
    if old:
        con.execute(f"CALL ducklake_expire_snapshots('{NAME}', versions => ?)", [old]).fetchall()
    return len(old)
