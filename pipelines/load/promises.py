"""Which promised files are not kept, with all that naming and fetching need: one query."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from schemas.files import Wanted

if TYPE_CHECKING:
    import duckdb

_COLUMNS = {
    "media_id": "m.media_id",
    "kind": "m.kind",
    "position": "m.position",
    "urls": "m.urls",
    "aweme_id": "m.aweme_id",
    "sec_user_id": "coalesce(m.sec_user_id, p.sec_user_id)",
    "uid": "coalesce(p.uid, u.uid)",
    "nickname": "coalesce(u.nickname, p.nickname)",
    "folder": "u.folder",
    "caption": "p.caption",
    "created_at": "p.created_at",
    "image_count": "p.image_count",
    "size_bytes": "m.size_bytes",
    "expires_at": "m.expires_at",
    "attempts": "coalesce(m.attempts, 0)",
}


def find(
    con: duckdb.DuckDBPyConnection,
    *,
    kinds: Sequence[str],
    listing: str | None,
    owner_id: str | None,
    aweme_ids: Sequence[str] | None,
    media_ids: Sequence[str] | None,
    exclude: Collection[str],
    limit: int | None,
    retry_failed: bool,
    max_attempts: int,
) -> list[Wanted]:
    """Promised files that are not kept, newest post first. `avatar` of a listing is its owner's."""
    tests: list[str] = ["m.kind IN (SELECT unnest(?))"]
    values: list[Any] = [list(kinds)]
    if aweme_ids is not None:
        tests.append("m.aweme_id IN (SELECT unnest(?))")
        values.append(list(aweme_ids))
    if media_ids is not None:
        tests.append("m.media_id IN (SELECT unnest(?))")
        values.append(list(media_ids))
    if listing is not None:
        of_listing = "SELECT aweme_id FROM listing_entries WHERE listing = ? AND owner_id = ?"
        tests.append(f"(m.aweme_id IN ({of_listing}) OR (m.aweme_id IS NULL AND m.sec_user_id = ?))")
        values += [listing, owner_id, owner_id]
    if exclude:
        tests.append("m.media_id NOT IN (SELECT unnest(?))")
        values.append(list(exclude))
    sql, more = _sql(tests, limit=limit, retry_failed=retry_failed, max_attempts=max_attempts)
    return [_wanted(row) for row in con.execute(sql, values + more).fetchall()]


def _sql(tests: list[str], *, limit: int | None, retry_failed: bool, max_attempts: int) -> tuple[str, list[Any]]:
    state, values = "f.media_id IS NULL", []
    if retry_failed:
        # "absent" is Douyin's word that there is no such file; the others may work another time.
        state += " OR (f.state IN ('failed', 'refused') AND coalesce(f.attempts, 0) < ?)"
        values.append(max_attempts)
    return (
        f"""
WITH promised AS MATERIALIZED (SELECT * EXCLUDE (urls) FROM media m WHERE {" AND ".join(tests)}),
lacking AS MATERIALIZED (
  SELECT m.*, f.attempts, p.created_at
  FROM promised m LEFT JOIN files f ON f.media_id = m.media_id LEFT JOIN posts p ON p.aweme_id = m.aweme_id
  WHERE {state}
  ORDER BY p.created_at DESC NULLS LAST, m.aweme_id DESC, m.kind, m.position {f"LIMIT {int(limit)}" if limit else ""}
)
SELECT {", ".join(expression.replace("m.urls", "l.urls") for expression in _COLUMNS.values())}
FROM lacking m JOIN media l ON l.media_id = m.media_id LEFT JOIN posts p ON p.aweme_id = m.aweme_id
LEFT JOIN users u ON u.sec_user_id = coalesce(m.sec_user_id, p.sec_user_id)
ORDER BY p.created_at DESC NULLS LAST, m.aweme_id DESC, m.kind, m.position
""",
        values,
    )


def _wanted(row: Sequence[Any]) -> Wanted:
    values = dict(zip(_COLUMNS, row, strict=True))
    return Wanted(**{**values, "urls": tuple(values["urls"] or ())})


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where a promised file may be had, best first, and until when (UTC)."""

    urls: tuple[str, ...]
    expires_at: datetime | None = None


def addresses(con: duckdb.DuckDBPyConnection, media_id: str) -> Addresses | None:
    """The addresses of a promised file as last seen; None where nothing promises it."""
    row = con.execute("SELECT urls, expires_at FROM media WHERE media_id = ?", [media_id]).fetchone()
    return Addresses(tuple(row[0] or ()), row[1]) if row else None
