"""Rows of `runs`: how they are written, and what they tell of work that was carried to its end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from pipelines.errors import BadInput
from schemas.runs import RUNS

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb


def to_row(columns: Mapping[str, Any]) -> dict[str, Any]:
    """These columns as a row; BadInput where the table has no such column."""
    unknown = set(columns) - set(RUNS.names)
    if unknown:
        raise BadInput(f"runs has no column {min(unknown)}.")
    return dict(columns)


def unfinished(con: duckdb.DuckDBPyConnection) -> list[str]:
    """Runs that did not end, or not well: they may have left pages without rows."""
    sql = "SELECT run_id FROM runs WHERE ended_at IS NULL OR coalesce(outcome, '') NOT IN ('complete', 'partial')"
    return [run_id for (run_id,) in con.execute(sql).fetchall()]


def settled_at(con: duckdb.DuckDBPyConnection, scope: str, now: datetime) -> tuple[datetime | None, bool]:
    """The moment up to which every file of this search was looked for by some run; None where never.

    And whether there are marks of a moment that is still to come: by them, what comes until then was looked for.
    """
    sql = """SELECT max(settled_at) FILTER (settled_at <= ? AND list_contains(settled::JSON[], ?::JSON)),
    coalesce(bool_or(settled_at > ?), false) FROM runs"""
    [(found, is_ahead)] = con.execute(sql, [now, json.dumps(scope), now]).fetchall()
    return found, is_ahead


def take_back(con: duckdb.DuckDBPyConnection, now: datetime) -> None:
    """Take away the marks of a moment that is still to come: they would hold good again once it has."""
    con.execute("UPDATE runs SET settled_at = NULL WHERE settled_at > ?", [now])
