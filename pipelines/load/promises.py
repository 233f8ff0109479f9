"""Which promised files are not kept, with all that naming and fetching need: one query."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipelines.errors import BadInput
from pipelines.load.sieve import tests_of
from schemas.files import Wanted
from schemas.filters import Filter

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


@dataclass(frozen=True, slots=True)
class Search:
    """Which promised files to look for; see `Lake.wanted`."""

    kinds: Sequence[str]
    listing: str | None = None
    owner_id: str | None = None
    aweme_ids: Sequence[str] | None = None
    media_ids: Sequence[str] | None = None
    exclude: Collection[str] = ()
    limit: int | None = None
    retry_failed: bool = True
    max_attempts: int = 5
    not_tried_since: datetime | None = None
    posts: Filter = field(default_factory=Filter)
    only_failed: bool = False
    reason: str | None = None


def find(con: duckdb.DuckDBPyConnection, search: Search) -> list[Wanted]:
    """Promised files that are not kept, newest post first. `avatar` of a listing is its owner's."""
    lacking, values = _lacking(search)
    sql = f"""
WITH {lacking}
SELECT {", ".join(expression.replace("m.urls", "l.urls") for expression in _COLUMNS.values())}
FROM lacking m JOIN media l ON l.media_id = m.media_id LEFT JOIN posts p ON p.aweme_id = m.aweme_id
LEFT JOIN users u ON u.sec_user_id = coalesce(m.sec_user_id, p.sec_user_id)
ORDER BY p.created_at DESC NULLS LAST, m.aweme_id DESC, m.kind, m.position
"""
    return [_wanted(row) for row in _asked(con, sql, values)]


def count(con: duckdb.DuckDBPyConnection, search: Search) -> int:
    """How many files `find` would find without a limit."""
    lacking, values = _lacking(replace(search, limit=None))
    return int(_asked(con, f"WITH {lacking} SELECT count(*) FROM lacking", values)[0][0])


def _asked(con: duckdb.DuckDBPyConnection, sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
    import duckdb

    try:
        return con.execute(sql, values).fetchall()
    except duckdb.InvalidInputException as error:
        # The one thing in these queries that a person wrote is the pattern.
        raise BadInput(
            f"match cannot be searched for: {error}. Write a pattern of RE2, as in --match '猫|狗'."
        ) from error


def _lacking(search: Search) -> tuple[str, list[Any]]:
    promised, values = _promised(search)
    wants, more = _wants(search)
    limit = f"LIMIT {int(search.limit)}" if search.limit else ""
    return (
        f"""
promised AS MATERIALIZED (SELECT * EXCLUDE (urls) FROM media m WHERE {" AND ".join(promised)}),
lacking AS MATERIALIZED (
  SELECT m.*, f.attempts, p.created_at
  FROM promised m LEFT JOIN files f ON f.media_id = m.media_id LEFT JOIN posts p ON p.aweme_id = m.aweme_id
  WHERE {" AND ".join(wants)}
  ORDER BY p.created_at DESC NULLS LAST, m.aweme_id DESC, m.kind, m.position {limit}
)""",
        values + more,
    )


def _promised(search: Search) -> tuple[list[str], list[Any]]:
    tests: list[str] = ["m.kind IN (SELECT unnest(?))"]
    values: list[Any] = [list(search.kinds)]
    if search.aweme_ids is not None:
        tests.append("m.aweme_id IN (SELECT unnest(?))")
        values.append(list(search.aweme_ids))
    if search.media_ids is not None:
        tests.append("m.media_id IN (SELECT unnest(?))")
        values.append(list(search.media_ids))
    if search.listing is not None:
        of_listing = "SELECT aweme_id FROM listing_entries WHERE listing = ? AND owner_id = ?"
        tests.append(f"(m.aweme_id IN ({of_listing}) OR (m.aweme_id IS NULL AND m.sec_user_id = ?))")
        values += [search.listing, search.owner_id, search.owner_id]
    if search.exclude:
        tests.append("m.media_id NOT IN (SELECT unnest(?))")
        values.append(list(search.exclude))
    return tests, values


def _wants(search: Search) -> tuple[list[str], list[Any]]:
    state, values = _state(search)
    tests = [state]
    if search.not_tried_since is not None:
        tests.append("(f.tried_at IS NULL OR f.tried_at < ?)")
        values.append(search.not_tried_since)
    if search.reason:
        tests.append("(f.state = lower(?) OR contains(lower(f.error), lower(?)))")
        values += [search.reason, search.reason]
    posts, more = tests_of(search.posts)
    if posts:
        tests.append(f"(m.aweme_id IS NULL OR ({' AND '.join(posts)}))")
    return tests, values + more


def _state(search: Search) -> tuple[str, list[Any]]:
    # "absent" is Douyin's word that there is no such file; the others may work another time.
    failed = "f.state IN ('failed', 'refused')"
    if search.only_failed:
        return failed, []
    if not search.retry_failed:
        return "f.media_id IS NULL", []
    return f"(f.media_id IS NULL OR ({failed} AND coalesce(f.attempts, 0) < ?))", [search.max_attempts]


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
