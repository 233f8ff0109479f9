"""Tables copied out of the archive by DuckDB, streaming: Parquet in Hive's folders, CSV, or one DuckDB file.

Everything is written below a local folder; the archive is only read.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote

from pipelines.load.attach import NAME, quoted
from pipelines.load.views import VIEWS
from schemas.catalog import TABLES
from schemas.raw import RAW_PAGES
from schemas.table import TEXTS, Table

if TYPE_CHECKING:
    import duckdb

    from pipelines.load.lake import Lake

# What a reader usually narrows by; each makes a few folders, never thousands.
PARTITIONS = {
    "raw_pages": ("operation", "operation"),
    "listing_entries": ("listing", "listing"),
    "media": ("kind", "kind"),
    "post_stats": ("observed_year", "year(observed_at)"),
    "user_stats": ("observed_year", "year(observed_at)"),
    "changes": ("table_name", "table_name"),
}

_PIECE_BYTES = 24_000_000  # bodies of a piece of the raw pages
_MOST_PIECES = 1000


def has_rows(lake: Lake, table: str) -> bool:
    """Whether a table holds anything."""
    return bool(lake.cursor().execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchall())


# DuckDB holds a group of rows in memory until it is written: so many rows at most, or bytes of pages' bodies.
_PARQUET = "FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 16384, ROW_GROUP_SIZE_BYTES '8MB'"


def parquet(lake: Lake, table: Table, folder: Path, *, in_one: bool = False) -> None:
    """Write a table as `folder`/<table>.parquet, or, unless `in_one`, as Hive's folders <table>/<column>=<value>/.

    Folder by folder: what DuckDB's own PARTITION_BY writes at once it holds in memory.
    """
    con = lake.cursor()
    if in_one or table.name not in PARTITIONS or not has_rows(lake, table.name):
        con.execute(f'COPY (FROM "{table.name}") TO {quoted(str(folder / f"{table.name}.parquet"))} ({_PARQUET})')
        return
    column, value = PARTITIONS[table.name]
    shown = f'* EXCLUDE ("{column}")' if column == value else "*"
    for (found,) in con.execute(f'SELECT DISTINCT {value} AS found FROM "{table.name}" ORDER BY found').fetchall():
        place = folder / table.name / f"{column}={quote(str(found), safe='')}"
        place.mkdir(parents=True)
        source = f'SELECT {shown} FROM "{table.name}" WHERE {value} = {quoted(str(found))}'
        con.execute(f"COPY ({source}) TO {quoted(str(place / 'data_0.parquet'))} ({_PARQUET})")


def csv(lake: Lake, table: Table, folder: Path) -> None:
    """Write a table as `folder`/<table>.csv in UTF-8, with a header; lists become texts joined by spaces."""
    names = ", ".join(
        f'array_to_string("{column.name}", \' \') AS "{column.name}"' if column.dtype == TEXTS else f'"{column.name}"'
        for column in table
    )
    target = quoted(str(folder / f"{table.name}.csv"))
    lake.cursor().execute(f'COPY (SELECT {names} FROM "{table.name}") TO {target} (FORMAT csv, HEADER)')


def database(lake: Lake, path: Path) -> None:
    """Write all tables, views and comments as one DuckDB file; `raw_pages` is a view of its pieces there."""
    con = lake.cursor()
    con.execute(f"ATTACH {quoted(str(path))} AS exported")
    try:
        con.execute("USE exported")
        for table in TABLES:
            if table is RAW_PAGES:
                _in_pieces(con)
            else:
                con.execute(table.create_sql())
                _fill(con, table, table.name)
            for statement in table.comment_sql():
                con.execute(statement.replace("ON TABLE", "ON VIEW") if table is RAW_PAGES else statement)
        _views(con)
    finally:
        con.execute(f"USE {NAME}")
        con.execute("DETACH exported")


def _fill(
    con: duckdb.DuckDBPyConnection, table: Table, target: str, where: str = "", values: tuple[str, ...] = ()
) -> None:
    names = ", ".join(f'"{name}"' for name in table.names)
    con.execute(f'INSERT INTO "{target}" ({names}) SELECT {names} FROM {NAME}."{table.name}" {where}', values or None)


def _in_pieces(con: duckdb.DuckDBPyConnection) -> None:
    """Write the raw pages as tables of some pages each, in a schema of their own, and a view of all of them.

    DuckDB takes 2,048 rows of a table in a file into memory at once, to write or to read it: gigabytes of bodies.
    """
    con.execute("CREATE SCHEMA pieces")
    parts = list[str]()
    for first, last in _pieces(con):
        piece = replace(RAW_PAGES, name=f"{RAW_PAGES.name}_{len(parts) + 1}")
        con.execute("USE exported.pieces")
        con.execute(piece.create_sql())
        _fill(con, RAW_PAGES, piece.name, "WHERE page_id BETWEEN ? AND ?", (first, last))
        con.execute("CHECKPOINT exported")
        parts.append(f'FROM pieces."{piece.name}"')
    con.execute("USE exported.main")
    con.execute(f'CREATE VIEW "{RAW_PAGES.name}" AS {" UNION ALL ".join(parts)}')


def _pieces(con: duckdb.DuckDBPyConnection) -> Iterator[tuple[str, str]]:
    """The first and the last page of each piece; one piece, of nothing, where there is no page."""
    sizes = con.execute(
        f"SELECT page_id, coalesce(strlen(body), 0) FROM {NAME}.{RAW_PAGES.name} ORDER BY page_id"
    ).fetchall()
    most = max(_PIECE_BYTES, sum(size for _, size in sizes) // _MOST_PIECES)
    first, last, held = "", "", 0
    for page_id, size in sizes:
        if first and held + size > most:
            yield first, last
            first, held = "", 0
        first, last, held = first or page_id, page_id, held + size
    yield first, last


def _views(con: duckdb.DuckDBPyConnection) -> None:
    for view in VIEWS:
        con.execute(f"CREATE VIEW {view.name} AS {view.sql.strip()}")
        con.execute(f"COMMENT ON VIEW {view.name} IS {quoted(view.comment)}")
