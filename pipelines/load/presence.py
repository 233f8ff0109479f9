"""Whether the disk is there that the catalog speaks of: a catalog on a server, or in another folder, outlives it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import Blocked
from pipelines.load.attach import NAME

if TYPE_CHECKING:
    import duckdb

    from pipelines.load.attach import Place


def need_tables(con: duckdb.DuckDBPyConnection, place: Place) -> None:
    """Blocked where a catalog on SQLite is gone, or none of the files that it names in a local folder are there.

    It is the mount point of a disk that is away, or another root. What is written there is lost to the archive once
    the disk is back, and the catalog names it ever after.
    """
    if place.kind == "sqlite" and not Path(place.target).is_file():
        raise Blocked(f"The catalog {place.target} is gone: mount its disk, or put it back, then run it again.")
    folder = Path(place.tables, "main")
    if place.is_s3 or folder.is_dir():
        return
    files = f"__ducklake_metadata_{NAME}.ducklake_data_file"
    with con.cursor() as cursor:  # another thread may be in the middle of a commit
        is_any = cursor.execute(f"SELECT 1 FROM {files} WHERE end_snapshot IS NULL LIMIT 1").fetchall()
    if is_any and not folder.is_dir():  # another may have committed the first of them between the two looks
        raise Blocked(
            f"{place.tables} holds none of the files that the catalog names there: mount its disk, or check root and "
            "catalog, then run it again. Where they are lost, restore them from a backup. Nothing was written."
        )
