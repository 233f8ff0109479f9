"""Whether disk or bucket is there that the catalog speaks of: a catalog on a server, or elsewhere, outlives it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import Blocked
from pipelines.load.attach import NAME
from pipelines.load.complaints import is_silent, known
from schemas.raw import RAW_PAGES

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


def need_answer(con: duckdb.DuckDBPyConnection) -> None:
    """Unreachable where the bucket of the tables says nothing to a question about one file.

    Of a statement that reads several tables, DuckDB opens one file for each scan, also when the first was waited for
    in vain: it would say so only after some minutes.
    """
    import duckdb

    listed = f"SELECT data_file FROM ducklake_list_files('{NAME}', '{RAW_PAGES.name}') LIMIT 1"
    try:
        for (path,) in con.execute(listed).fetchall():
            con.execute("SELECT size FROM read_blob(?)", [path]).fetchall()
    except duckdb.Error as error:
        if is_silent(error):
            raise known(error) or error from None
        # What else is wrong is told of what is asked for: this file may be lost, say, and that be there.
