"""What a batch needs to know of the rows that are stored: read ahead, and no more of them than decides the outcome.

Accounts post at the same times, so the ids of one lie between those of all others: to look for the rows of a few
thousand posts is to read a column of the whole archive. Therefore only the columns that a merge can depend on are
read, and of posts that are new nothing else is looked for. Posts lie by their account, and are looked for there first,
though the account may be another, or unknown. Files and tags come with the page that shows their post: where the post
was last seen, they are looked for first.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from pipelines.load.attach import NAME
from pipelines.load.deciding import comes_late, deciding, filled
from pipelines.load.passing import rows_of, shown
from schemas.media import MEDIA
from schemas.posts import POST_TAGS, POSTS
from schemas.table import Kind, Table

if TYPE_CHECKING:
    import duckdb

# Keys that tell little about which file holds a row, and those that tell enough alone.
_DULL = ("listing", "kind", "tag_id", "start")
_ENOUGH = ("owner_id", "page_id")
# What tells where the rows of a large account lie, but not where in them a few are.
_BESIDE = ("sec_user_id",)
# Tables of no more rows are read from end to end.
_SMALL = 20_000
# Rows of these are only ever written together with the row of their post.
_OF_POSTS = ("post_stats", "post_tags", "listing_entries", "media")
# So many keys DuckDB hands on to a scan (see attach.py); of more it hands on the range, and numbers of rows compare
# quicker than keys.
_FEW = 200


@dataclass(frozen=True, slots=True)
class Stored:
    """The stored rows of some keys; columns that decide nothing are NULL.

    `places` tell them from all other rows, for whoever deletes them: by number and place in their file where they are
    many, else by key and what tells where it lies; none of a series, which knows by key what goes. `is_small` says that
    the table has so few rows that it is not worth while to narrow the search for them.
    """

    rows: pl.DataFrame
    places: pl.DataFrame
    is_small: bool = False


Read = Callable[["duckdb.DuckDBPyConnection", Table], Stored]


@contextmanager
def known_ahead(
    con: duckdb.DuckDBPyConnection, tables: Sequence[Table], given: Mapping[str, pl.DataFrame]
) -> Iterator[Iterator[tuple[Table, Stored]]]:
    """What a batch needs to know of the rows stored in each table, as soon as it is read; others are written meanwhile.

    `given` are the batch's frames by table. `tables` has posts before what belongs to them, for what was found of posts
    says where to look for that, and that nothing is stored of new ones; what is yielded comes in any order.

    Two more connections read: what belongs to posts in turn, and beside it all else. They see the newest commit, as the
    transaction does: it is this writer's turn, and a batch writes to a table only after it was read.
    """
    sizes = table_sizes(con)
    new_posts, pages = POSTS.schema.to_frame().select("aweme_id"), POSTS.schema.to_frame().select("page_id")

    def of_posts(reader: duckdb.DuckDBPyConnection, table: Table) -> Stored:
        nonlocal new_posts, pages
        frame = given[table.name]
        if table is POSTS:
            stored = read(reader, table, frame, frame.select("sec_user_id").drop_nulls().unique())
            new_posts = frame.join(stored.rows, on="aweme_id", how="anti").select("aweme_id").unique()
            pages = stored.rows.select("page_id").unique()
            return stored
        near = pages if table in (MEDIA, POST_TAGS) else None
        return read(reader, table, frame.join(new_posts, on="aweme_id", how="anti"), near)

    def read(
        reader: duckdb.DuckDBPyConnection, table: Table, frame: pl.DataFrame, near: pl.DataFrame | None = None
    ) -> Stored:
        if table.kind not in (Kind.FACTS, Kind.SERIES) or table.name not in sizes or frame.is_empty():
            rows = table.schema.to_frame()
            return Stored(rows, rows)
        is_small = sizes[table.name] <= _SMALL
        if table.kind is Kind.SERIES:
            rows = _last_known(reader, table, frame, is_small=is_small)
            return Stored(rows, rows.clear())
        return _decisive(reader, table, frame, None if is_small else near, is_small=is_small)

    with _reader(con) as in_turn, _reader(con) as beside:
        coming = {
            in_turn(of_posts, table)
            if table is POSTS or table.name in _OF_POSTS
            else beside(lambda reader, table: read(reader, table, given[table.name]), table): table
            for table in tables
        }
        yield _as_they_come(coming)


def _as_they_come(coming: dict[Future[Stored], Table]) -> Iterator[tuple[Table, Stored]]:
    while coming:
        wait(coming, return_when=FIRST_COMPLETED)
        future = next(future for future in coming if future.done())
        yield coming.pop(future), future.result()
        del future  # what was used is let go


@contextmanager
def _reader(con: duckdb.DuckDBPyConnection) -> Iterator[Callable[[Read, Table], Future[Stored]]]:
    """Work with a connection of its own, in a thread of its own, one after the other."""
    with con.cursor() as reader:
        reader.execute(f"USE {NAME}")
        reader.execute("BEGIN")  # one look into the catalog serves all that follow
        thread = ThreadPoolExecutor(1, thread_name_prefix="ahead")
        try:
            yield lambda work, table: thread.submit(work, reader, table)
        finally:
            thread.shutdown(cancel_futures=True)


def _decisive(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    frame: pl.DataFrame,
    near: pl.DataFrame | None = None,
    *,
    is_small: bool = False,
) -> Stored:
    """The stored rows of a frame's keys, as far as they decide how a merge ends.

    `near` are values of one column, their page's or account's, that the rows may have.
    """
    keys, near_by = frame.select(table.key).unique(), near.columns if near is not None else []
    names = [*deciding(table, frame), *(["page_id"] if table is POSTS else [])]
    is_many = keys.height > _FEW
    # The number of a row tells it from all others, its place in the file in which groups of rows to look for it.
    places = ["rowid", "file_row_number"] if is_many else [*table.key, *near_by]
    found = _read(con, table, keys, [*names, *places], near, is_small=is_small)
    if comes_late(table, frame, found):
        found = _read(con, table, keys, [*table.names, *places], near, is_small=is_small)
    if not is_many and any(found[name].null_count() for name in near_by):
        places = list(table.key)  # NULL is among no values
    return Stored(filled(table, found), found.select(places), is_small)


def _read(
    con: duckdb.DuckDBPyConnection,
    table: Table,
    keys: pl.DataFrame,
    names: Sequence[str],
    near: pl.DataFrame | None = None,
    *,
    is_small: bool = False,
) -> pl.DataFrame:
    """These columns of the rows of these keys: first of what is of the values `near`, then of what was not found."""
    columns = ", ".join(f'"{name}"' for name in dict.fromkeys(names))
    sql = f'SELECT {columns} FROM "{table.name}" WHERE'
    if near is None or near.is_empty():
        with among(con, keys, narrows=not is_small) as test:
            return rows_of(con, f"{sql} {test}")
    # Few are quickest found by their pages alone; pages of many accounts' posts lie far apart, those posts may not.
    (where,) = near.columns
    with among(con, keys, narrows=keys.height > _FEW or where not in _ENOUGH) as test, shown(con, "near", near):
        found = rows_of(con, f'{sql} "{where}" IN (SELECT "{where}" FROM near) AND {test}')
    rest = keys.join(found, on=keys.columns, how="anti")
    if rest.is_empty():
        return found
    return pl.concat([found, _read(con, table, rest, names, is_small=is_small)], how="vertical_relaxed")


def _last_known(
    con: duckdb.DuckDBPyConnection, table: Table, frame: pl.DataFrame, *, is_small: bool = False
) -> pl.DataFrame:
    """The last known value of each column of these keys, at the newest stored moment.

    All rows instead of a key of which the frame has something older.
    """
    names = [name for name in table.key if name != "observed_at"]
    keys = frame.select(names).unique()
    values = [
        f'arg_max("{name}", observed_at) AS "{name}"' for name in table.names if name not in (*table.key, "page_id")
    ]
    subject = ", ".join(f'"{name}"' for name in names)
    with among(con, keys, narrows=not is_small) as test:
        sql = f'SELECT {subject}, max(observed_at) AS observed_at, {", ".join(values)} FROM "{table.name}" WHERE {test}'
        rows = rows_of(con, f"{sql} GROUP BY {subject}")
    last = filled(table, rows)  # its page tells nothing
    starts = frame.group_by(names).agg(pl.col("observed_at").min().alias("|from"))
    late = last.join(starts, on=names).filter(pl.col("|from") <= pl.col("observed_at")).select(names)
    if late.is_empty():
        return last
    with among(con, late) as test:
        all_rows = rows_of(con, f'SELECT * FROM "{table.name}" WHERE {test}')
    return pl.concat([last.join(late, on=names, how="anti"), all_rows.select(table.names).cast(table.schema)])


@contextmanager
def among(con: duckdb.DuckDBPyConnection, keys: pl.DataFrame, *, narrows: bool = True) -> Iterator[str]:
    """The test that a row has one of these keys, for one statement.

    By columns that tell them apart files, and groups of rows within, are passed over, if it `narrows` the search. They
    are compared with queries, not with values: for each value in a test DuckLake reads its statistics of all files once
    more, while what a join finds narrows the scan by itself. That reads the statistics, too, once for each column; so
    of few keys one column must do.
    """
    telling = [name for name in keys.columns if name not in _DULL] or keys.columns
    texts = [name for name in telling if keys.schema[name] == pl.String]
    narrowing = [name for name in telling if narrows or name not in texts]
    if keys.height <= _FEW:
        narrowing = [name for name in narrowing if name in _ENOUGH][:1] or [
            name for name in narrowing if name in (narrowing[0], *_BESIDE)
        ]
    with ExitStack() as stack:
        tests = []
        for name in (name for name in telling if name in narrowing or name in texts):
            # What is made of a column is compared without a look at its statistics.
            side = f'"{name}"' if name in narrowing else f"(\"{name}\" || '')"
            stack.enter_context(shown(con, f"telling_{name}", keys.select(name).unique()))
            tests.append(f'{side} IN (SELECT "{name}" FROM telling_{name})')
        if keys.width > 1 and "rowid" not in keys.columns:  # a row's number tells it from all others
            columns = ", ".join(f'"{name}"' for name in keys.columns)
            tests.append(f"({columns}) IN (SELECT ({columns}) FROM wanted_keys)")
            stack.enter_context(shown(con, "wanted_keys", keys))
        yield " AND ".join(tests)


def table_sizes(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    """The rows ever written to each table that is not empty; planning a query on an empty one costs more than this."""
    meta = f"__ducklake_metadata_{NAME}"
    sql = f"""SELECT table_name, record_count FROM {meta}.ducklake_table_stats
    JOIN {meta}.ducklake_table USING (table_id) WHERE end_snapshot IS NULL AND record_count > 0"""
    return dict(con.execute(sql).fetchall())
