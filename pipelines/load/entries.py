"""Entries of listings: which posts a listing had shown, and which vanished from it."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from typing import TYPE_CHECKING

import polars as pl

from pipelines.load import apply as applying
from pipelines.load.passing import LISTED, listed, rows_of, shown
from schemas.runs import CHANGES

if TYPE_CHECKING:
    import duckdb


def known_ids(
    con: duckdb.DuckDBPyConnection, listing: str, owner_id: str, ids: Collection[str], *, before: datetime
) -> set[str]:
    """Those of these posts that the listing had shown before that moment."""
    if not ids:
        return set()
    # Compared with queries, as `stored.among` says; entries of one owner lie together, so that tells enough.
    rows = con.execute(
        f"""SELECT aweme_id, listing, first_seen_at FROM listing_entries
        WHERE owner_id IN {LISTED} AND (aweme_id || '') IN {LISTED}""",
        [listed([owner_id]), listed(ids)],
    )
    return {row[0] for row in rows.fetchall() if row[1] == listing and row[2] < before}


def entry_ids(
    con: duckdb.DuckDBPyConnection,
    listing: str,
    owner_id: str,
    *,
    limit: int,
    units_per_second: int | None = None,
    below: int | None = None,
    seen_since: datetime | None = None,
) -> list[str]:
    """The first posts of a listing, about; those that are gone from it left out.

    With `units_per_second`, the unit of its cursors, newest first, and with `below` from that cursor down; else those
    shown since `seen_since`, in that order.
    """
    place, values = "last_seen_at >= ?", [seen_since, limit]
    order = "last_seen_at, position"
    if units_per_second is not None:
        # What a page showed stood below its cursor; what the first page showed, below the moment when it did.
        seen = f"epoch_us(last_seen_at) // {1_000_000 // units_per_second}"
        bound = f"coalesce(nullif(TRY_CAST(cursor AS BIGINT), 0), {seen})"
        place, order = f"(? IS NULL OR {bound} <= ?)", f"{bound} DESC, position"
        values = [below, below, limit]
    rows = con.execute(
        f"""SELECT aweme_id FROM listing_entries WHERE listing = ? AND owner_id = ? AND gone_at IS NULL AND {place}
        ORDER BY {order} LIMIT ?""",
        [listing, owner_id, *values],
    )
    return [aweme_id for (aweme_id,) in rows.fetchall()]


def mark_gone(
    con: duckdb.DuckDBPyConnection, listing: str, owner_id: str, *, not_seen_since: datetime, gone_at: datetime
) -> list[str]:
    """Mark the entries that were last seen before that moment, write it to `changes`, and return their posts.

    An entry that was shown, but in a form that fits no table, is not gone.
    """
    odd = "SELECT 1 FROM rejects r WHERE r.page_id >= ? AND contains(r.item, listing_entries.aweme_id)"
    test = f"listing = ? AND owner_id = ? AND last_seen_at < ? AND gone_at IS NULL AND NOT EXISTS ({odd})"
    # Ids of pages begin with the microsecond in which they were read.
    values = [listing, owner_id, not_seen_since, f"{int(not_seen_since.timestamp() * 1_000_000):016d}"]
    sql = f"SELECT aweme_id, page_id FROM listing_entries WHERE {test} ORDER BY aweme_id"
    vanished = con.execute(sql, values).fetchall()
    if vanished:
        con.execute(f"UPDATE listing_entries SET gone_at = ? WHERE {test}", [gone_at, *values])
        word = gone_at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        changes = [
            ("listing_entries", f"{listing}:{owner_id}:{aweme_id}", "gone_at", gone_at, None, word, page_id)
            for aweme_id, page_id in vanished
        ]
        applying.insert(con, CHANGES, pl.DataFrame(changes, schema=CHANGES.schema, orient="row"))
    return [aweme_id for aweme_id, _ in vanished]


def unconfirmed(con: duckdb.DuckDBPyConnection, owner_id: str, limit: int) -> list[str]:
    """Posts gone from the account's own listing that nothing has been heard of since, oldest mark first."""
    gone = rows_of(con, "SELECT aweme_id, gone_at, listing, owner_id FROM listing_entries WHERE gone_at IS NOT NULL")
    gone = gone.filter((pl.col("listing") == "post") & (pl.col("owner_id") == owner_id))
    if gone.is_empty():
        return []
    # A post that any answer has shown since is there, if only out of its list.
    with shown(con, "gone_entries", gone):
        rows = con.execute(
            """SELECT aweme_id FROM gone_entries g LEFT JOIN posts p USING (aweme_id)
            WHERE p.gone_at IS NULL AND (p.last_seen_at IS NULL OR p.last_seen_at < g.gone_at)
            ORDER BY g.gone_at, aweme_id LIMIT ?""",
            [limit],
        )
        return [aweme_id for (aweme_id,) in rows.fetchall()]
