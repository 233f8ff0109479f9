"""Frames of a batch of pages into the tables, inside one transaction: merges, history, and which pages are done."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any

import polars as pl

from pipelines.load import merge, series
from pipelines.load.passing import rows_of, shown
from pipelines.load.returned import look_again
from pipelines.load.stored import Stored, among, known_ahead
from schemas.catalog import BY_NAME
from schemas.raw import APPLIED_PAGES
from schemas.runs import CHANGES
from schemas.table import Kind, Table

if TYPE_CHECKING:
    import duckdb


# Posts tell where the rest lies; what takes longest to write comes next, so that the others are read meanwhile.
_ORDERED = {name: BY_NAME[name] for name in ("posts", "media", *BY_NAME)}


@dataclass(frozen=True, slots=True)
class Applied:
    """What a batch brought. `rows` counts the rows written, by table."""

    new_posts: int = 0
    changed_posts: int = 0
    rejects: int = 0
    rows: dict[str, int] = field(default_factory=dict)


def apply(
    con: duckdb.DuckDBPyConnection,
    frames: Mapping[str, pl.DataFrame],
    page_ids: Sequence[str],
    *,
    run_id: str,
    applied_at: datetime,
) -> Applied:
    """Merge the rows of these pages and mark the pages as applied; pages that were applied already are passed over."""
    fresh = _fresh(con, page_ids)
    if not fresh:
        return Applied()
    given = {name: _of_pages(frame, fresh, is_all=len(fresh) == len(set(page_ids))) for name, frame in frames.items()}
    tables = [table for name, table in _ORDERED.items() if name in given and given[name].height]
    changes, rows, new_posts = dict[str, pl.DataFrame](), dict[str, int](), 0
    with known_ahead(con, tables, given) as known:
        for table, stored in known:
            name, frame = table.name, given[table.name]
            if table.kind is Kind.FACTS:
                merged = merge.merge(table, stored.rows, frame)
                _remove(con, table, stored)
                insert(con, table, merged.rows)
                changes[name] = merged.changes
                rows[name] = merged.rows.height
                if name == "posts":
                    new_posts = _seen_first(merged)
            elif table.kind is Kind.SERIES:
                appended = series.append(table, stored.rows, frame)
                rows[name] = replace(con, table, appended.rows, known=appended.idle)
            else:
                rows[name] = insert(con, table, frame)
    changed = pl.concat([CHANGES.schema.to_frame(), *(changes[name] for name in _ORDERED if name in changes)])
    rows["changes"] = insert(con, CHANGES, changed)
    look_again(con, changed)
    rejects = given.get("rejects")
    insert(con, APPLIED_PAGES, _marks(fresh, rejects, run_id, applied_at))
    return Applied(
        new_posts=new_posts,
        changed_posts=changed.filter(pl.col("table_name") == "posts").get_column("row_key").n_unique(),
        rejects=0 if rejects is None else rejects.height,
        rows=rows,
    )


def _seen_first(merged: merge.Merged) -> int:
    """How many of these posts are new. One that was gone before anybody saw it has a row, but nothing was gained."""
    seen = merged.rows.filter(pl.col("last_seen_at").is_not_null())
    return seen.join(merged.known, on="aweme_id", how="anti").height


def _fresh(con: duckdb.DuckDBPyConnection, page_ids: Sequence[str]) -> list[str]:
    asked = list(dict.fromkeys(page_ids))
    if not asked:
        return []
    with among(con, pl.DataFrame({"page_id": asked})) as test:
        done = {page_id for (page_id,) in con.execute(f"SELECT page_id FROM applied_pages WHERE {test}").fetchall()}
    return [page_id for page_id in asked if page_id not in done]


def _of_pages(frame: pl.DataFrame, page_ids: Sequence[str], *, is_all: bool) -> pl.DataFrame:
    return frame if is_all else frame.filter(pl.col("page_id").is_in(list(page_ids)))


def _marks(page_ids: Sequence[str], rejects: pl.DataFrame | None, run_id: str, applied_at: datetime) -> pl.DataFrame:
    counts: dict[str, int] = {}
    if rejects is not None:
        counts = dict(rejects.group_by("page_id").len().iter_rows())
    marks = [(page_id, run_id, counts.get(page_id, 0), applied_at) for page_id in page_ids]
    return pl.DataFrame(marks, schema=APPLIED_PAGES.schema, orient="row")


def _remove(con: duckdb.DuckDBPyConnection, table: Table, stored: Stored) -> None:
    """Delete what was read."""
    if stored.places.height:
        with among(con, stored.places, narrows=not stored.is_small) as test:
            con.execute(f'DELETE FROM "{table.name}" WHERE {test}')


def replace(con: duckdb.DuckDBPyConnection, table: Table, rows: pl.DataFrame, *, known: pl.DataFrame) -> int:
    """Write rows in place of the stored ones; `known` are the keys that are, or may be, stored, one row each."""
    if known.height:
        with among(con, known) as test:
            con.execute(f'DELETE FROM "{table.name}" WHERE {test}')
    return insert(con, table, rows)


def insert(con: duckdb.DuckDBPyConnection, table: Table, rows: pl.DataFrame) -> int:
    """Append rows as they are."""
    if rows.height:
        names = ", ".join(f'"{name}"' for name in rows.columns)
        with shown(con, "new_rows", rows):
            con.execute(f'INSERT INTO "{table.name}" ({names}) SELECT {names} FROM new_rows')
    return rows.height


def state_of(con: duckdb.DuckDBPyConnection, table: Table, key: Sequence[str]) -> dict[str, Any] | None:
    """The row of a table of few rows, read without a look at the statistics of all files; None where there is none."""
    rows = rows_of(con, f'SELECT * FROM "{table.name}" WHERE {_is_of_key(table)}', key).to_dicts()
    return rows[0] if rows else None


def set_state(con: duckdb.DuckDBPyConnection, table: Table, row: Mapping[str, Any]) -> None:
    """Put a row into a table of few rows, in place of the one with its key, again without that look."""
    con.execute(f'DELETE FROM "{table.name}" WHERE {_is_of_key(table)}', [row[name] for name in table.key])
    insert(con, table, pl.DataFrame([row], schema=table.schema))


def _is_of_key(table: Table) -> str:
    return " AND ".join(f"""("{name}" || '') = ?""" for name in table.key)


def put(
    con: duckdb.DuckDBPyConnection, table: Table, rows: Sequence[Mapping[str, Any]], *, are_new: bool = False
) -> int:
    """Merge rows into a table of kind state: the new row replaces the old one of the same key, if they are not new."""
    frame = pl.DataFrame(list(rows), schema=table.schema).unique(list(table.key), keep="last", maintain_order=True)
    known = frame.select(table.key)
    return replace(con, table, frame, known=known.clear() if are_new else known)
