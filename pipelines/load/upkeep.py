"""DuckLake's own care of its files: merging, expiring, cleaning; and parts of downloads that nobody goes on with.

Each step takes the writers' turn for itself and is small, so that a run that writes waits for a step, not for all.
Rows of the newest state are the same before and after; what old snapshots showed can be asked until they are expired.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.load import leftovers
from pipelines.load.attach import NAME
from pipelines.load.contents import walk
from schemas.catalog import TABLES
from schemas.raw import RAW_PAGES

if TYPE_CHECKING:
    import duckdb

    from pipelines.load.lake import Lake
    from pipelines.load.storage import Storage

# Raw pages are what all else is made of again: their files stay as they were written.
_MERGED = tuple(table for table in TABLES if table is not RAW_PAGES)
_FILES_AT_ONCE = 64  # merged in one turn
_TARGET_BYTES = 64 << 20  # files of this size are left alone
_REWRITE_SHARE = 0.2  # of rows deleted, from which on a file is written anew
_PATTERN = "*?["  # by what DuckDB takes a path for a pattern


def table_files(lake: Lake) -> list[dict[str, Any]]:
    """Per table with files: Parquet files and bytes, and files of deletions."""
    sql = f"""SELECT table_name AS "table", file_count AS files, file_size_bytes AS bytes,
    delete_file_count AS deletions
    FROM ducklake_table_info('{NAME}') WHERE file_count > 0 OR delete_file_count > 0 ORDER BY 1"""
    return lake.query(sql).to_dicts()


def snapshots(lake: Lake) -> dict[str, Any]:
    """How many snapshots there are, and when the oldest and newest were made."""
    sql = f"""SELECT count(*) AS count, min(snapshot_time) AS oldest, max(snapshot_time) AS newest
    FROM ducklake_snapshots('{NAME}')"""
    return lake.query(sql).to_dicts()[0]


def flush(lake: Lake) -> None:
    """Write rows that wait in the catalog to Parquet."""
    for table in TABLES:
        _write(lake, f"CALL ducklake_flush_inlined_data('{NAME}', table_name => '{table.name}')")


def expire(lake: Lake, before: datetime) -> int:
    """Forget snapshots that were not the newest any more at that moment; returns how many."""
    return lake.alone(lambda con: leftovers.expire(con, before))


def rewrite(lake: Lake) -> None:
    """Write files anew of which many rows were replaced."""
    options = f"delete_threshold => {_REWRITE_SHARE}"
    for table in _MERGED:
        _write(lake, f"CALL ducklake_rewrite_data_files('{NAME}', '{table.name}', {options})")


def merge(lake: Lake) -> None:
    """Merge small files of each table but raw_pages, a few in each turn."""
    for table in _MERGED:
        options = f"max_compacted_files => {_FILES_AT_ONCE}, max_file_size => {_TARGET_BYTES}"
        before = None
        while (count := _count(lake, table.name)) != before and count > 1:
            before = count
            _write(lake, f"CALL ducklake_merge_adjacent_files('{NAME}', '{table.name}', {options})")


def clean(lake: Lake, before: datetime) -> int:
    """Remove files of tables that no snapshot needs since before that moment, and orphans as old; returns how many."""
    removed = lake.alone(lambda con: leftovers.remove_files(con, before))
    if any(sign in lake.tables for sign in _PATTERN):
        # DuckLake looks for orphans by a pattern that begins with this path: it would find those files of a neighbour
        # whose path fits it, know none of them, and remove them. What a cut commit left here only takes room.
        return removed
    return removed + _call(lake, f"CALL ducklake_delete_orphaned_files('{NAME}', older_than => ?)", [before])


def _count(lake: Lake, table: str) -> int:
    sql = f"SELECT file_count FROM ducklake_table_info('{NAME}') WHERE table_name = ?"
    return int(lake.query(sql, [table]).item())


def _write(lake: Lake, sql: str) -> None:
    lake.commit(lambda con: con.execute(sql).fetchall())


def _call(lake: Lake, sql: str, values: list[Any] | None = None) -> int:
    def work(con: duckdb.DuckDBPyConnection) -> int:
        return len(con.execute(sql, values).fetchall())

    return lake.alone(work)


def timing(lake: Lake, sql: str, clock: Callable[[], float] = time.perf_counter) -> float:
    """Seconds that a query takes, the better of two tries."""

    def once() -> float:
        began = clock()
        lake.cursor().execute(sql).fetchall()
        return clock() - began

    return min(once(), once())


def remove_parts(storage: Storage, before: datetime) -> int:
    """Remove what downloads left that broke off before that moment; returns how many. Blocks."""
    return _remove_local(storage, before) if storage.is_local else _abort_uploads(storage, before)


def _remove_local(storage: Storage, before: datetime) -> int:
    parts = (found for found in walk(storage, "media") if found.is_part and not found.is_cut_recording)
    old = [found for found in parts if found.modified_at < before]
    for found in old:
        Path(storage.full(found.path)).unlink(missing_ok=True)
    return len(old)


def _abort_uploads(storage: Storage, before: datetime) -> int:
    # Of tables as well as of media: DuckDB sends a large Parquet file in parts, too.
    bucket, _, prefix = storage.full("media").removesuffix("media").partition("/")
    page = storage.call_s3("list_multipart_uploads", Bucket=bucket, Prefix=prefix)
    old = [upload for upload in page.get("Uploads", ()) if upload["Initiated"] < before]
    for upload in old:
        storage.call_s3("abort_multipart_upload", Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
    return len(old)
