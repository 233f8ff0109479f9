"""Tables copied out of the archive by DuckDB, streaming: Parquet in Hive's folders, CSV, or one DuckDB file.

Everything is written below a local folder; the archive is only read.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.load.attach import NAME, quoted
from pipelines.load.views import VIEWS
from schemas.catalog import TABLES
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


def has_rows(lake: Lake, table: str) -> bool:
    """Whether a table holds anything."""
    return bool(lake.cursor().execute(f'SELECT 1 FROM "{table}" LIMIT 1').fetchall())


def parquet(lake: Lake, table: Table, folder: Path) -> None:
    """Write a table as `folder`/<table>.parquet, or as Hive's folders <table>/<column>=<value>/."""
    con = lake.cursor()
    if table.name not in PARTITIONS or not has_rows(lake, table.name):
        target = quoted(str(folder / f"{table.name}.parquet"))
        con.execute(f'COPY (FROM "{table.name}") TO {target} (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 16384)')
        return
    column, value = PARTITIONS[table.name]
    source = (
        f'SELECT * FROM "{table.name}"' if column == value else f'SELECT *, {value} AS {column} FROM "{table.name}"'
    )
    target = quoted(str(folder / table.name))
    options = f"FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 16384, PARTITION_BY ({column})"
    con.execute(f"COPY ({source}) TO {target} ({options})")


def csv(lake: Lake, table: Table, folder: Path) -> None:
    """Write a table as `folder`/<table>.csv in UTF-8, with a header; lists become texts joined by spaces."""
    names = ", ".join(
        f'array_to_string("{column.name}", \' \') AS "{column.name}"' if column.dtype == TEXTS else f'"{column.name}"'
        for column in table
    )
    target = quoted(str(folder / f"{table.name}.csv"))
    lake.cursor().execute(f'COPY (SELECT {names} FROM "{table.name}") TO {target} (FORMAT csv, HEADER)')


def database(lake: Lake, path: Path) -> None:
    """Write all tables, views and comments as one DuckDB file."""
    con = lake.cursor()
    con.execute(f"ATTACH {quoted(str(path))} AS exported")
    try:
        con.execute("USE exported")
        for table in TABLES:
            names = ", ".join(f'"{name}"' for name in table.names)
            for statement in (table.create_sql(), *table.comment_sql()):
                con.execute(statement)
            con.execute(f'INSERT INTO "{table.name}" ({names}) SELECT {names} FROM {NAME}."{table.name}"')
        _views(con)
    finally:
        con.execute(f"USE {NAME}")
        con.execute("DETACH exported")


def _views(con: duckdb.DuckDBPyConnection) -> None:
    for view in VIEWS:
        con.execute(f"CREATE VIEW {view.name} AS {view.sql.strip()}")
        con.execute(f"COMMENT ON VIEW {view.name} IS {quoted(view.comment)}")
