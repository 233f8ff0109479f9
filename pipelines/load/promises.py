"""Which promised files are not kept, with all that naming and fetching need: one query."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from pipelines.load.complaints import lost
from pipelines.load.passing import LISTED, listed
from pipelines.load.sieve import bad_pattern, tests_of
from schemas.files import Wanted
from schemas.filters import Filter

if TYPE_CHECKING:
    import duckdb

_COLUMNS = {
    "media_id": "m.media_id",
    "kind": "m.kind",
    "position": "m.position",
    "urls": "l.urls",
    "aweme_id": "m.aweme_id",
    "sec_user_id": "coalesce(m.sec_user_id, p.sec_user_id)",
    "uid": "coalesce(p.uid, u.uid)",
    "nickname": "coalesce(u.nickname, p.nickname)",
    "folder": "u.folder",
    "caption": "p.caption",
    "created_at": "p.created_at",
    "image_count": "p.image_count",
    "size_bytes": "m.size_bytes",
    # An address that was over when it was seen tells of two clocks that differ, and of no end: it is tried.
    "expires_at": "CASE WHEN m.expires_at > l.observed_at THEN m.expires_at END",
    "attempts": "coalesce(m.attempts, 0)",
}


@dataclass(frozen=True, slots=True)
class Part:
    """Posts with ids from `first` on and before `last`, as text; what has no post is in the last one."""

    first: str | None = None
    last: str | None = None


@dataclass(frozen=True, slots=True)
class Search:
    """Which promised files to look for; see `Lake.wanted`. `not_tried_since` goes with `now`, the present moment.

    `pages` looks only at what was last read from these pages; `since` at what pages promised that were applied since,
    and at what failed before; `part` at some posts.
    """

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
    now: datetime | None = None
    posts: Filter = field(default_factory=Filter)
    only_failed: bool = False
    reason: str | None = None
    pages: Sequence[str] | None = None
    since: datetime | None = None
    part: Part | None = None

    @property
    def is_narrow(self) -> bool:
        """Whether it can find no more than a small part of a large archive."""
        few = (self.pages, self.since, self.media_ids, self.aweme_ids)
        return self.only_failed or any(given is not None for given in few) or self.part not in (None, Part())


_PART = 50_000  # posts
_NEEDED = "media_id, aweme_id, sec_user_id, kind, position, size_bytes, expires_at, page_id"
_ORDER = "ORDER BY p.created_at DESC NULLS LAST, m.aweme_id DESC, m.kind, m.position"


def find(con: duckdb.DuckDBPyConnection, search: Search) -> list[Wanted]:
    """Promised files that are not kept, newest post first. `avatar` of a listing is its owner's."""
    lacking, values = _lacking(search)
    # Their pages tell where in a large archive these rows lie; in a small part of it they only cost one look more.
    of_media, of_posts = "", ""
    if not search.is_narrow:
        of_media = " AND page_id IN (SELECT page_id FROM lacking)"
        of_posts = " AND page_id IN (SELECT post_page_id FROM lacking)"
    sql = f"""
WITH {lacking}, addressed AS MATERIALIZED (
  SELECT media_id, urls, observed_at FROM media WHERE media_id IN (SELECT media_id FROM lacking){of_media}
), described AS MATERIALIZED (SELECT * FROM posts WHERE aweme_id IN (SELECT aweme_id FROM lacking){of_posts})
SELECT {", ".join(_COLUMNS.values())}
FROM lacking m JOIN addressed l ON l.media_id = m.media_id LEFT JOIN described p ON p.aweme_id = m.aweme_id
LEFT JOIN users u ON u.sec_user_id = coalesce(m.sec_user_id, p.sec_user_id)
{_ORDER}
"""
    return [_wanted(row) for row in _asked(con, sql, values)]


def find_ids(con: duckdb.DuckDBPyConnection, search: Search) -> list[str]:
    """The media ids of what `find` would find, in the same order."""
    lacking, values = _lacking(search)
    sql = f"WITH {lacking} SELECT media_id FROM lacking p {_ORDER.replace('m.', '')}"
    return [media_id for (media_id,) in _asked(con, sql, values)]


def parts(con: duckdb.DuckDBPyConnection, search: Search) -> list[Part]:
    """The search cut into parts that take little memory each, newest posts first; one part where that is not needed."""
    if search.is_narrow:
        return [Part()]
    posts = con.execute("SELECT count(*) FROM posts").fetchall()[0][0]
    shares = [number / (posts // _PART) for number in range(1, posts // _PART)]
    if not shares:
        return [Part()]
    # Its shares must be constants, and of this type.
    sql = f"SELECT approx_quantile(TRY_CAST(aweme_id AS BIGINT), {shares}::FLOAT[]) FROM posts"
    found = con.execute(sql).fetchall()[0][0] or ()
    bounds = [None, *sorted({str(bound) for bound in found}), None]
    return [Part(first, last) for first, last in pairwise(bounds)][::-1]


def count(con: duckdb.DuckDBPyConnection, search: Search) -> int:
    """How many files `find` would find without a limit."""
    lacking, values = _lacking(replace(search, limit=None))
    return int(_asked(con, f"WITH {lacking} SELECT count(*) FROM lacking", values)[0][0])


def _asked(con: duckdb.DuckDBPyConnection, sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
    import duckdb

    try:
        return con.execute(sql, values).fetchall()
    except duckdb.InvalidInputException as error:
        # The one thing in these queries that a person wrote is the pattern; a damaged file is told by the same error.
        raise lost(error) or bad_pattern(error) from error


def _lacking(search: Search) -> tuple[str, list[Any]]:
    near, first = _near(search)
    promised, values = _promised(search, "near" if near else "media")
    of_files, tried = _wants(search)
    of_posts, more = tests_of(search.posts)
    fits = f"m.aweme_id IS NULL OR ({' AND '.join(of_posts)})" if of_posts else "true"
    limit = f"LIMIT {int(search.limit)}" if search.limit else ""
    # Where few files are asked for, what is known of them is looked up first: joining all of an archive takes seconds.
    # And posts last, for most often nothing is left then.
    kept_of = "(SELECT * FROM files WHERE media_id IN (SELECT media_id FROM promised))" if search.is_narrow else "files"
    posts_of = "(SELECT * FROM posts WHERE aweme_id IN (SELECT aweme_id FROM open))" if search.is_narrow else "posts"
    return (
        f"""
{near}
promised AS MATERIALIZED ({promised}),
kept_of AS {"MATERIALIZED" if search.is_narrow else "NOT MATERIALIZED"} (FROM {kept_of}),
open AS {"MATERIALIZED" if search.is_narrow else "NOT MATERIALIZED"} (
  SELECT m.*, f.attempts FROM promised m LEFT JOIN kept_of f ON f.media_id = m.media_id
  WHERE {" AND ".join(of_files)}
),
lacking AS MATERIALIZED (
  SELECT m.*, p.created_at, p.page_id AS post_page_id FROM open m LEFT JOIN {posts_of} p ON p.aweme_id = m.aweme_id
  WHERE {fits}
  {_ORDER} {limit}
)""",
        first + values + tried + more,
    )


_OF_STATE = f"SELECT {_NEEDED} FROM media WHERE media_id IN (SELECT media_id FROM files WHERE state IN"
_FAILED = f"{_OF_STATE} ('failed', 'refused'))"
_IN_VAIN = f"{_OF_STATE} ('failed', 'refused', 'absent'))"


def _near(search: Search) -> tuple[str, list[Any]]:
    """The part of `media` that is looked at, where it is not all of it."""
    of_pages = f"SELECT {_NEEDED} FROM media WHERE page_id IN"
    if search.pages is not None:
        return f"near AS MATERIALIZED ({of_pages} {LISTED}),", [listed(search.pages)]
    if search.only_failed:
        return f"near AS MATERIALIZED ({_IN_VAIN if search.reason else _FAILED}),", []
    if search.since is not None:
        # Compared so, DuckLake does not look for files that may hold it: see `stored.among`.
        applied = "(SELECT page_id FROM applied_pages WHERE epoch_us(applied_at) >= epoch_us(?::TIMESTAMPTZ))"
        return f"near AS MATERIALIZED ({of_pages} {applied} UNION {_FAILED}),", [search.since]
    return "", []


def _promised(search: Search, media: str) -> tuple[str, list[Any]]:
    tests: list[str] = [f"m.kind IN {LISTED}"]
    values: list[Any] = [listed(search.kinds)]
    if search.aweme_ids is not None:
        tests.append(f"m.aweme_id IN {LISTED}")
        values.append(listed(search.aweme_ids))
    if search.media_ids is not None:
        tests.append(f"m.media_id IN {LISTED}")
        values.append(listed(search.media_ids))
    if search.exclude:
        tests.append(f"m.media_id NOT IN {LISTED}")
        values.append(listed(search.exclude))
    sql = f"SELECT {_NEEDED} FROM {media} m WHERE {' AND '.join(tests)}"
    bounds = [("aweme_id >= ?", search.part.first), ("aweme_id < ?", search.part.last)] if search.part else []
    within = "".join(f" AND {test}" for test, bound in bounds if bound is not None)
    ends = [bound for _, bound in bounds if bound is not None]
    of_listing, owned = "", list[Any]()
    if search.listing is not None:
        entries = f"SELECT aweme_id FROM listing_entries WHERE (listing || '') = ? AND owner_id = ?{within}"
        those = " AND (aweme_id || '') IN (SELECT aweme_id FROM near)" if media == "near" else ""
        of_listing = f" AND m.aweme_id IN ({entries}{those})"
        owned = [search.listing, search.owner_id, *ends]
    found = [(sql + " AND m.aweme_id IS NOT NULL" + within + of_listing, [*values, *ends, *owned])]
    if search.part is None or search.part.last is None:
        # In two parts: with OR between them each row of media would be read.
        own = " AND m.sec_user_id = ?" if search.listing is not None else ""
        found.append((sql + " AND m.aweme_id IS NULL" + own, [*values, *([search.owner_id] if own else [])]))
    return " UNION ALL ".join(text for text, _ in found), [value for _, given in found for value in given]


def _wants(search: Search) -> tuple[list[str], list[Any]]:
    state, values = _state(search)
    tests = [state]
    if search.not_tried_since is not None:
        # What was tried later than now was tried by a run whose clock was ahead.
        tests.append("(f.tried_at IS NULL OR f.tried_at < ? OR f.tried_at > ?)")
        values += [search.not_tried_since, search.now]
    if search.reason:
        tests.append("(f.state = lower(?) OR contains(lower(f.error), lower(?)))")
        values += [search.reason, search.reason]
    return tests, values


def _state(search: Search) -> tuple[str, list[Any]]:
    # "absent" is a host's word that there is no such file; the others may work another time. Hosts err, too: who names
    # the reason has it asked for again.
    failed = "f.state IN ('failed', 'refused')"
    if search.only_failed:
        return ("f.state IN ('failed', 'refused', 'absent')" if search.reason else failed), []
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
