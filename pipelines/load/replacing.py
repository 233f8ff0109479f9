"""Tables that were made again beside the archive: how they differ from it, and how they take its place in one commit.

Rows are compared by key and hash, so that only what differs is written; a table of which most differs is written anew.
What no raw page tells is carried over: folders of accounts, and which run applied a page when. `lost` are tables of
which files are missing or damaged: they count as empty, give nothing to carry over, and are made anew.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import TYPE_CHECKING

import polars as pl

from pipelines.load import migrate
from pipelines.load.attach import NAME, attach_beside
from pipelines.load.passing import rows_of
from pipelines.load.rawpages import READABLE
from schemas.catalog import TABLES
from schemas.runs import CHANGES
from schemas.table import Table

if TYPE_CHECKING:
    import duckdb

    from pipelines.load.lake import Lake

FRESH = "fresh"
"""The name under which the other archive is attached; the lake's own is `attach.NAME`."""

KEPT = ("raw_pages", "files", "checkpoints", "runs")
"""Tables that are not made of raw pages."""

MADE = tuple(table for table in TABLES if table.name not in KEPT)
"""Tables that are made of raw pages, and nothing else."""


@dataclass(frozen=True, slots=True)
class Difference:
    """How a table made again differs from the one in the archive, in rows."""

    table: str
    rows_before: int
    rows_after: int
    added: int
    removed: int
    changed: int

    @property
    def is_none(self) -> bool:
        """Whether both hold the same rows."""
        return not (self.added or self.removed or self.changed) and self.rows_before == self.rows_after


def differences(lake: Lake, catalog: str, lost: Collection[str] = ()) -> list[Difference] | None:
    """How the tables of the archive at `catalog` (sqlite:PATH) differ from those of the lake; nothing is changed.

    None where another run applied pages that the other archive lacks.
    """
    con = lake.cursor()
    attach_beside(con, catalog, FRESH)
    con.execute("BEGIN")  # all tables as of one moment, whatever another run writes between them
    try:
        pages, marks = _lacking(con, lost)
        return None if pages or marks.height else [_compare(con, table, lost) for table in MADE]
    finally:
        con.execute("ROLLBACK")
        con.execute(f"DETACH {FRESH}")


def lacking(lake: Lake, catalog: str, lost: Collection[str] = ()) -> tuple[list[str], pl.DataFrame]:
    """What other runs wrote meanwhile: pages applied, and gone marks set, that the other archive lacks."""
    con = lake.cursor()
    attach_beside(con, catalog, FRESH)
    try:
        return _lacking(con, lost)
    finally:
        con.execute(f"DETACH {FRESH}")


def take_place(lake: Lake, catalog: str, lost: Collection[str] = ()) -> list[Difference] | None:
    """Put the rows of the archive at `catalog` in place of the lake's, in one commit.

    None, and nothing is changed, where another run applied pages that the other archive lacks.
    """
    attach_beside(lake.cursor(), catalog, FRESH)

    def work(con: duckdb.DuckDBPyConnection) -> list[Difference] | None:
        pages, marks = _lacking(con, lost)
        if pages or marks.height:
            return None
        found = [_replace(con, table, lost) for table in MADE]
        if not all(table.is_none for table in found):
            # What the new rows promise besides is for the next run to find: it has to look at everything.
            con.execute("UPDATE runs SET settled_at = NULL WHERE settled_at IS NOT NULL")
        return found

    try:
        found = lake.commit(work)
        if found is not None and lost:
            lake.commit(migrate.order_again)
        return found
    finally:
        lake.cursor().execute(f"DETACH {FRESH}")


def _lacking(con: duckdb.DuckDBPyConnection, lost: Collection[str]) -> tuple[list[str], pl.DataFrame]:
    """Ids of pages in the order in which they were read, and rows of `changes`. A lost table shows none of its own."""
    applied = f"{NAME}.applied_pages"
    if "applied_pages" in lost:
        applied = f"(SELECT page_id FROM {NAME}.raw_pages WHERE {READABLE})"
    pages = con.execute(
        f"""SELECT page_id FROM {applied} ANTI JOIN {FRESH}.applied_pages USING (page_id)
        JOIN {NAME}.raw_pages USING (page_id) ORDER BY fetched_at, page_id"""
    ).fetchall()
    if "changes" in lost:
        return [page_id for (page_id,) in pages], pl.DataFrame(schema=CHANGES.schema)
    marks = rows_of(
        con,
        f"""SELECT l.* FROM {NAME}.changes l
        ANTI JOIN {FRESH}.changes f USING (table_name, row_key, column_name, observed_at)
        WHERE table_name = 'listing_entries' AND column_name = 'gone_at' AND new_value IS NOT NULL
        ORDER BY observed_at""",
    )
    return [page_id for (page_id,) in pages], marks


def _source(table: Table, lost: Collection[str]) -> str:
    """The rows that a table should hold, as a query."""
    if table.name in lost:
        return f'SELECT {_names(table)} FROM {FRESH}."{table.name}"'
    if table.name == "applied_pages":
        return f"""SELECT f.page_id, coalesce(l.run_id, r.run_id) AS run_id, f.reject_count,
        coalesce(l.applied_at, f.applied_at) AS applied_at FROM {FRESH}.applied_pages f
        LEFT JOIN {NAME}.applied_pages l USING (page_id)
        LEFT JOIN (SELECT page_id, run_id FROM {NAME}.raw_pages) r USING (page_id)"""
    names = _names(table)
    if table.name == "users":
        folder = names.replace('"folder"', "coalesce(f.folder, l.folder) AS folder")
        return f"""SELECT {folder.replace('"sec_user_id"', "f.sec_user_id")} FROM {FRESH}.users f
        LEFT JOIN (SELECT sec_user_id, folder FROM {NAME}.users) l USING (sec_user_id)
        UNION ALL SELECT {names} FROM {NAME}.users l
        ANTI JOIN {FRESH}.users f USING (sec_user_id) WHERE l.folder IS NOT NULL"""
    return f'SELECT {names} FROM {FRESH}."{table.name}"'


def _names(table: Table) -> str:
    return ", ".join(f'"{name}"' for name in table.names)


def _compare(con: duckdb.DuckDBPyConnection, table: Table, lost: Collection[str]) -> Difference:
    """Note the keys whose rows differ in the temporary table `differing`; of a lost table, only count the new rows."""
    source = _source(table, lost)
    if table.name in lost:
        rows = con.execute(f"SELECT count(*) FROM ({source})").fetchall()[0][0]
        return Difference(table.name, 0, rows, rows, 0, 0)
    key, names = ", ".join(f'"{name}"' for name in table.key), _names(table)
    con.execute(
        f"""CREATE OR REPLACE TEMP TABLE differing AS
        SELECT {key}, old IS NULL AS is_added, new IS NULL AS is_removed
        FROM (SELECT {key}, hash({names}) AS old FROM {NAME}."{table.name}")
        FULL JOIN (SELECT {key}, hash({names}) AS new FROM ({source})) USING ({key})
        WHERE old IS DISTINCT FROM new"""
    )
    counts = f"""SELECT (SELECT count(*) FROM {NAME}."{table.name}"), (SELECT count(*) FROM ({source})),
    count(*) FILTER (is_added), count(*) FILTER (is_removed), count(*) FILTER (NOT is_added AND NOT is_removed)
    FROM differing"""
    return Difference(table.name, *con.execute(counts).fetchall()[0])


def _replace(con: duckdb.DuckDBPyConnection, table: Table, lost: Collection[str]) -> Difference:
    """Write what `_compare` found to differ, or all of a table that is lost or of which most differs."""
    found, source = _compare(con, table, lost), _source(table, lost)
    if table.name in lost:
        migrate.make_again(con, table)
        con.execute(f'INSERT INTO {NAME}."{table.name}" ({_names(table)}) {source}')
        return found
    if found.is_none:
        return found
    key, names = ", ".join(f'"{name}"' for name in table.key), _names(table)
    touched = found.added + found.removed + found.changed
    # A key that stands twice shows in the counts only.
    is_odd = found.rows_before + found.added - found.removed != found.rows_after
    is_whole = is_odd or touched * 2 > found.rows_before
    test = "" if is_whole else f"WHERE ({key}) IN (SELECT ({key}) FROM differing)"
    # Set aside first: what is carried over is read from the rows that are about to go.
    con.execute(f"CREATE OR REPLACE TEMP TABLE renewed AS SELECT {names} FROM ({source}) {test}")
    con.execute(f'DELETE FROM {NAME}."{table.name}" {test}')
    con.execute(f'INSERT INTO {NAME}."{table.name}" ({names}) SELECT {names} FROM renewed')
    con.execute("DROP TABLE renewed")
    return found
