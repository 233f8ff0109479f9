"""Makes the tables and views of a new archive, brings an older one up to date, refuses a newer one.

The version stands in a view, `archive_version`: reading it opens no file. A column or table that was added later is
made where it lacks, without rewriting anything. An archive that holds columns unknown here was written by a newer
program; a merge would lose them, so it is refused.
"""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING

from pipelines.errors import BadInput
from pipelines.load.attach import NAME, quoted
from pipelines.load.views import VIEWS
from schemas.catalog import BY_NAME, TABLES
from schemas.posts import COUNTS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import duckdb

    from schemas.table import Table

VERSION = 1
"""Raised when what a column or table means changes; added columns and tables need no new version."""

_VERSION_VIEW = "archive_version"
_OPTIONS = {
    # Rows are read far more often than they are written: these take a third less time than zstd, and a half more room.
    "parquet_compression": "lz4_raw",
    "parquet_version": "2",
    "parquet_row_group_size": "16384",  # small groups: less memory to write them, less to read for a few keys
    "sort_on_insert": "false",  # rows come in small files, which are sorted when they are joined
}
_ROWS_WAIT = "data_inlining_row_limit"
_TABLE_OPTIONS = {
    # Rows are narrow and many: of ten million, DuckDB read 600 groups' statistics before the first row of one post.
    **{table: {"parquet_row_group_size": "65536"} for table in ("post_stats", "post_tags", "listing_entries", "files")},
    # Rows of these tables come a few at a time; they wait in the catalog until maintenance writes them to Parquet.
    "checkpoints": {_ROWS_WAIT: "100"},
    "runs": {_ROWS_WAIT: "100"},
    # A page is a megabyte: some twenty to a file, and few to a group, can be joined and read in little memory. Seldom
    # read, and most of what the tables hold, they are packed as small as may be.
    "raw_pages": {"parquet_compression": "zstd", "parquet_row_group_size": "8", "target_file_size": "2MB"},
}

_WAITING = frozenset(table for table, options in _TABLE_OPTIONS.items() if _ROWS_WAIT in options)

# A million posts are filled in some 600 MB; a person waits for it once.
_ROOM = "2GB"

# What older archives know already of a column that was added, which no later answer tells of gone posts.
_FILLED = {
    "posts.last_like_count": f"""UPDATE {NAME}.posts p SET {", ".join(f"last_{name} = s.{name}" for name in COUNTS)}
    FROM (SELECT aweme_id, {", ".join(f"arg_max({name}, observed_at) AS {name}" for name in COUNTS)}
          FROM {NAME}.post_stats GROUP BY aweme_id) s WHERE s.aweme_id = p.aweme_id""",
    "post_tags.created_at": f"""UPDATE {NAME}.post_tags t SET created_at = p.created_at
    FROM {NAME}.posts p WHERE p.aweme_id = t.aweme_id AND p.created_at IS NOT NULL""",
    "files.media_kind": f"UPDATE {NAME}.files SET media_kind = split_part(media_id, ':', -2)",
}


def fingerprint() -> str:
    """What tells one set of declarations from another: tables, columns, comments, views, orders and options."""
    words = [*_create_statements(), *_comment_statements(), *_view_statements(), *_sort_statements()]
    words += [str(_OPTIONS), str(_TABLE_OPTIONS)]
    return hashlib.sha256("\n".join(words).encode()).hexdigest()[:16]


def found_version(con: duckdb.DuckDBPyConnection) -> tuple[int, str] | None:
    """The version and fingerprint that the archive was last written with; None where it has none yet."""
    import duckdb

    try:
        row = con.execute(f"SELECT version, fingerprint FROM {NAME}.{_VERSION_VIEW}").fetchone()
    except duckdb.CatalogException:
        return None
    return (int(row[0]), str(row[1])) if row else None


def is_current(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether nothing needs to be made; BadInput where the archive is newer than this program."""
    found = found_version(con)
    if found and found[0] > VERSION:
        raise BadInput(f"This archive has version {found[0]}, this program knows {VERSION}: upgrade aweme-archive.")
    return found == (VERSION, fingerprint())


def is_whole(con: duckdb.DuckDBPyConnection) -> bool:
    """Whether all columns and views that this program reads are there, beside whatever else another one wrote."""
    found = _columns(con)
    return all(found.get(table.name, set()) >= set(table.names) for table in TABLES) and all(
        _shown(con, view.name) >= _shown(con, f"({view.sql})") for view in VIEWS
    )


def _shown(con: duckdb.DuckDBPyConnection, source: str) -> set[str]:
    """The columns of a view or a query; none where it cannot be read."""
    import duckdb

    try:
        return {row[0] for row in con.execute(f"DESCRIBE FROM {source}").fetchall()}
    except (duckdb.CatalogException, duckdb.BinderException):
        return set()


def refuse_unmade(con: duckdb.DuckDBPyConnection, place: str) -> None:
    """BadInput for a reader who comes before the tables: an archive has none in its first second."""
    if found_version(con) is None:
        raise BadInput(
            f"The archive at {place} is empty: it is being made just now, or that was cut off. "
            "Ask again in a moment, or archive something into it."
        )


def make(commit: Callable[[Callable[[duckdb.DuckDBPyConnection], None]], object], place: str) -> None:
    """Make what is missing, in four commits; `place` is where the tables' files will lie.

    BadInput where files lie there of which a new catalog knows nothing. What a cut leaves undone, the next call does.

    Tables whose rows wait in the catalog come last: to read such rows, DuckLake needs the tables as they were when the
    place for the rows was made, and has them at hand where nothing was made since. Else each process reads them anew.
    """
    commit(lambda con: make_tables(con, place))
    commit(set_options)
    commit(make_waiting)
    commit(finish)


def make_tables(con: duckdb.DuckDBPyConnection, place: str) -> None:
    """The first: tables but those whose rows wait, columns and comments that are missing."""
    if is_current(con):
        return
    _refuse_unknown(con)
    _refuse_foreign(con, place)
    for name, value in _OPTIONS.items():
        _set_option(con, name, value)
    added = _added_columns(con)
    tables = [table for table in TABLES if table.name not in _WAITING]
    for statement in [*(table.create_sql() for table in tables), *added.values()]:
        con.execute(statement)
    for statement in _missing_comments(con, tables):
        con.execute(statement)
    for column, statement in _FILLED.items():
        if column in added:
            _with_room(con, statement)


def set_options(con: duckdb.DuckDBPyConnection) -> None:
    """The second: options and orders of these tables, which must be committed before."""
    if is_current(con):
        return
    order_again(con)
    _index_statistics(con)
    if not con.execute(f"SELECT 1 FROM duckdb_views() WHERE database_name = '{NAME}' LIMIT 1").fetchall():
        _set_option(con, _ROWS_WAIT, "100")  # among views, DuckLake takes one for a table, and ends the process


def make_waiting(con: duckdb.DuckDBPyConnection) -> None:
    """The third: tables whose rows wait, views, and the version."""
    if is_current(con):
        return
    tables = [table for table in TABLES if table.name in _WAITING]
    for statement in [table.create_sql() for table in tables]:
        con.execute(statement)
    for statement in [*_missing_comments(con, tables), *_view_statements()]:
        con.execute(statement)
    version = f"SELECT {VERSION} AS version, '{fingerprint()}' AS fingerprint"
    con.execute(f"CREATE OR REPLACE VIEW {_VERSION_VIEW} AS {version}")
    con.execute(f"COMMENT ON VIEW {_VERSION_VIEW} IS 'With which version of the tables the archive was written.'")


def finish(con: duckdb.DuckDBPyConnection) -> None:
    """The fourth: let rows wait of these tables only. Without it they would wait all the same."""
    for table in sorted(_WAITING):
        for name, value in _TABLE_OPTIONS[table].items():
            _set_option(con, name, value, table)
    _set_option(con, _ROWS_WAIT, "0")


def _set_option(con: duckdb.DuckDBPyConnection, name: str, value: str, table: str = "") -> None:
    where = f", table_name => '{table}'" if table else ""
    con.execute(f"CALL {NAME}.set_option('{name}', '{value}'{where})")


def _with_room(con: duckdb.DuckDBPyConnection, statement: str) -> None:
    """Run what touches every row of an old archive, once, in more memory than a run is given."""
    usual = str(con.execute("SELECT current_setting('memory_limit')").fetchall()[0][0])
    con.execute(f"SET GLOBAL memory_limit = '{_ROOM}'")
    try:
        con.execute(statement)
    finally:
        # Where the statement failed, on a full disk for one, its transaction takes no other, and would hide why.
        with con.cursor() as own:
            own.execute(f"SET GLOBAL memory_limit = '{usual}'")


def make_again(con: duckdb.DuckDBPyConnection, table: Table) -> None:
    """Put an empty table in the place of one of which files are lost: to delete its rows, DuckLake would read them."""
    con.execute(f'DROP TABLE {NAME}."{table.name}"')
    for statement in (table.create_sql(), *table.comment_sql()):
        con.execute(statement)


def order_again(con: duckdb.DuckDBPyConnection) -> None:
    """Options and orders of tables whose files are many, also after some were made again; they must be committed."""
    for table in TABLES:
        if table.name not in _WAITING:
            for name, value in {_ROWS_WAIT: "0", **_TABLE_OPTIONS.get(table.name, {})}.items():
                _set_option(con, name, value, table.name)
    for statement in _sort_statements():
        con.execute(statement)


def _index_statistics(con: duckdb.DuckDBPyConnection) -> None:
    """Let a catalog on PostgreSQL find the statistics of a column; DuckLake asks by the index where there is one."""
    meta = f"__ducklake_metadata_{NAME}"
    kinds = con.execute("SELECT type FROM duckdb_databases() WHERE database_name = ?", [meta]).fetchall()
    if kinds == [("postgres",)]:
        index = "CREATE INDEX IF NOT EXISTS aweme_column_stats ON ducklake_file_column_stats (table_id, column_id)"
        con.execute(f"CALL postgres_execute('{meta}', '{index}')")


def _missing_comments(con: duckdb.DuckDBPyConnection, tables: Iterable[Table]) -> list[str]:
    """Those that lack or read otherwise: DuckLake keeps each that was ever given, and reads all to know the tables."""
    told = set(
        con.execute(
            f"""SELECT table_name, NULL, comment FROM duckdb_tables() WHERE database_name = '{NAME}'
        UNION ALL SELECT table_name, column_name, comment FROM duckdb_columns() WHERE database_name = '{NAME}'"""
        ).fetchall()
    )
    return [statement for table in tables for statement in table.comment_sql(told)]


def _columns(con: duckdb.DuckDBPyConnection) -> dict[str, set[str]]:
    rows = con.execute(
        "SELECT table_name, column_name FROM duckdb_columns() JOIN duckdb_tables() USING (database_name, table_name) "
        f"WHERE database_name = '{NAME}'"
    ).fetchall()
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    return found


def _refuse_unknown(con: duckdb.DuckDBPyConnection) -> None:
    for table, names in _columns(con).items():
        unknown = names - set(BY_NAME[table].names) if table in BY_NAME else set()
        if unknown:
            raise BadInput(
                f"This archive holds {table}.{min(unknown)}, which this program does not know: upgrade aweme-archive."
            )


def _refuse_foreign(con: duckdb.DuckDBPyConnection, place: str) -> None:
    """Of two catalogs over one place, each would take the other's files for leftovers, and maintenance remove them."""
    if not BY_NAME.keys().isdisjoint(_columns(con)):
        return
    literally = re.sub(r"[*?\[]", r"[\g<0>]", place)
    if con.execute("SELECT 1 FROM glob(?) LIMIT 1", [f"{literally}main/*/*.parquet"]).fetchall():
        raise BadInput(
            f"{place} holds the tables of an archive, and this catalog is a new one: name the catalog that they belong "
            "to with --catalog (of a bucket it lies beside aweme.toml, or in the folder of the first run), or name "
            "another root."
        )


def _added_columns(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    found = _columns(con)
    return {
        f"{table.name}.{column.name}": f'ALTER TABLE {NAME}."{table.name}" ADD COLUMN "{column.name}" {column.sql_type}'
        for table in TABLES
        for column in table
        if table.name in found and column.name not in found[table.name]
    }


def _create_statements() -> list[str]:
    return [table.create_sql() for table in TABLES]


def _sort_statements() -> list[str]:
    """Those whose rows wait have few, and to order them would make the tables other than where the rows wait."""
    tables = [table for table in TABLES if table.sorted_by and table.name not in _WAITING]
    orders = {table.name: ", ".join(f'"{name}"' for name in table.sorted_by) for table in tables}
    return [f'ALTER TABLE {NAME}."{table}" SET SORTED BY ({order})' for table, order in orders.items()]


def _comment_statements() -> list[str]:
    return [statement for table in TABLES for statement in table.comment_sql()]


def _view_statements() -> list[str]:
    made = [f"CREATE OR REPLACE VIEW {view.name} AS {view.sql.strip()}" for view in VIEWS]
    return made + [f"COMMENT ON VIEW {view.name} IS {quoted(view.comment)}" for view in VIEWS]
