"""Parquet files and snapshots that an archive no longer needs, and how they are let go on time.

DuckLake compares moments as text where the catalog is SQLite: what it stores has a space between day and hour and what
it is asked has a T, so that everything of one day counts as older. Here moments are compared as moments.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING

from pipelines.load.attach import NAME
from pipelines.load.thinning import outlived

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


def versions(con: duckdb.DuckDBPyConnection) -> list[tuple[int, datetime]]:
    """Number and moment of every snapshot, in the order of the moments, as `--at` looks for them."""
    sql = f"SELECT snapshot_id, snapshot_time FROM ducklake_snapshots('{NAME}') ORDER BY snapshot_time, snapshot_id"
    return [(number, made_at.astimezone(UTC)) for number, made_at in con.execute(sql).fetchall()]


def made_at(con: duckdb.DuckDBPyConnection) -> datetime:
    """When the snapshot was made that this connection shows."""
    [[number]] = con.execute(f"FROM ducklake_current_snapshot('{NAME}')").fetchall()
    return dict(versions(con))[number]


def forget(con: duckdb.DuckDBPyConnection, numbers: list[int]) -> None:
    """Let these snapshots go; files that none of the others shows can be removed an hour later or so."""
    con.execute(f"CALL ducklake_expire_snapshots('{NAME}', versions => ?)", [numbers]).fetchall()


def expire(con: duckdb.DuckDBPyConnection, before: datetime) -> int:
    """Forget snapshots that were not the newest any more at that moment; returns how many."""
    old = outlived(versions(con), before)
    if old:
        forget(con, old)
    return len(old)
