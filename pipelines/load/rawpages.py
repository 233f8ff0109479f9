"""Raw pages as rows and back, and how they are read without holding more than a few in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pipelines.load.passing import LISTED, listed
from schemas.pages import GONE, Page

if TYPE_CHECKING:
    import duckdb

_FIRST_READ = 8  # pages of the first query; how many come next follows from their size
_MOST = 1024
_QUERY_BYTES = 8_000_000  # DuckDB holds a whole answer; each query looks through the catalog anew
_ROWS_AT_ONCE = 4

# Answers about posts and accounts that are gone, and broadcasts that are over, make rows too: they say so, and why.
READABLE = f"""(outcome = 'ok' OR (operation IN ('post_detail', 'user_profile') AND outcome IN {GONE})
OR (operation = 'live_room_id' AND outcome = 'Deleted'))"""


def to_row(page: Page, run_id: str) -> dict[str, Any]:
    """The row of `raw_pages`. Bytes that are no UTF-8 (never seen in JSON) are written as escapes."""
    body = page.body.decode("utf-8", errors="backslashreplace")
    return {
        "page_id": page.page_id,
        "run_id": run_id,
        "operation": page.operation,
        "target": page.target,
        "cursor": page.cursor,
        "next_cursor": page.next_cursor,
        "has_more": page.has_more,
        "fetched_at": page.fetched_at,
        "http_status": page.http_status,
        "item_count": page.item_count,
        "body": body,
        "body_sha256": hashlib.sha256(body.encode()).hexdigest(),
        "outcome": page.outcome,
    }


# Bodies as bytes: as Python's text they would take twice the time and several times the memory.
_COLUMNS = """page_id, operation, target, cursor, fetched_at, coalesce(http_status, 0) AS http_status,
coalesce(encode(body), ''::BLOB) AS body, outcome, next_cursor, has_more, coalesce(item_count, 0) AS item_count"""


def next_recording(con: duckdb.DuckDBPyConnection, room_id: str) -> int:
    """The number that the next recording of a live room takes: one of which the row is still to be made counts, too."""
    sql = """SELECT max(number) FROM (
    SELECT position AS number FROM media WHERE kind = 'stream' AND starts_with(media_id, ?) UNION ALL
    SELECT TRY_CAST(json_extract(body, '$.part') AS INTEGER) FROM raw_pages
    WHERE operation = 'live_recording' AND target = ?)"""
    found = con.execute(sql, [f"{room_id}:", room_id]).fetchone()
    return int(found[0] or 0) + 1 if found else 1


def pending(con: duckdb.DuckDBPyConnection, run_ids: Sequence[str] | None) -> list[str]:
    """Pages of these runs (None: of all) that could give rows and have none in the tables yet, oldest first."""
    if run_ids is not None and not run_ids:
        return []
    tests, values = [READABLE], list[Any]()
    if run_ids is not None:
        tests.append(f"run_id BETWEEN ? AND ? AND run_id IN {LISTED}")
        values = [min(run_ids), max(run_ids), listed(run_ids)]
    rows = con.execute(
        f"""WITH kept AS MATERIALIZED (SELECT page_id, fetched_at FROM raw_pages WHERE {" AND ".join(tests)})
        SELECT page_id FROM kept ANTI JOIN applied_pages USING (page_id) ORDER BY fetched_at, page_id""",
        values,
    ).fetchall()
    return [page_id for (page_id,) in rows]


def read(
    cursor: Callable[[], duckdb.DuckDBPyConnection], page_ids: Sequence[str] | None, where: str, max_bytes: int
) -> Iterator[list[Page]]:
    """Pages in order of fetched_at, in lists of at most `max_bytes` of bodies (or one page)."""
    order = _in_order(cursor(), page_ids, where)
    step, start = _FIRST_READ, 0
    while start < len(order):
        wanted = order[start : start + step]
        held, size, total = list[Page](), 0, 0
        for page in _in_turn(_bodies(cursor(), wanted), wanted):
            if held and size + len(page.body) > max_bytes:
                yield held
                held, size = [], 0
            held.append(page)
            size, total = size + len(page.body), total + len(page.body)
        if held:
            yield held
        start += len(wanted)
        step = max(1, min(_MOST, _QUERY_BYTES * len(wanted) // max(total, 1)))


def _in_turn(pages: Iterator[Page], wanted: Sequence[_Place]) -> Iterator[Page]:
    """The same pages in the order of `wanted`; those that come early wait. They come nearly so, file by file."""
    early: dict[str, Page] = {}
    order = iter(wanted)
    following = next(order, None)
    for page in pages:
        early[page.page_id] = page
        while following is not None and following.page_id in early:
            yield early.pop(following.page_id)
            following = next(order, None)
    # A page that maintenance or a damaged file lost is passed over, not those after it.
    yield from (early.pop(place.page_id) for place in order if place.page_id in early)


class _Place(NamedTuple):
    """Where a wanted page stands in the order of all."""

    fetched_at: Any
    page_id: str
    number: int


def _in_order(con: duckdb.DuckDBPyConnection, page_ids: Sequence[str] | None, where: str) -> list[_Place]:
    if page_ids is not None and not page_ids:
        return []
    values: list[Any] = []
    clause = "TRUE"
    if page_ids is not None:
        clause, values = "page_id BETWEEN ? AND ?", [min(page_ids), max(page_ids)]
    sql = f"SELECT fetched_at, page_id, ({where or 'TRUE'}) FROM raw_pages WHERE {clause} ORDER BY ALL"
    wanted = None if page_ids is None else set(page_ids)
    return [
        _Place(fetched_at, page_id, number)
        for number, (fetched_at, page_id, fits) in enumerate(con.execute(sql, values).fetchall())
        if fits and (wanted is None or page_id in wanted)
    ]


def _bodies(con: duckdb.DuckDBPyConnection, wanted: Sequence[_Place]) -> Iterator[Page]:
    first, last = wanted[0], wanted[-1]
    sql = f"SELECT {_COLUMNS} FROM raw_pages WHERE fetched_at BETWEEN ? AND ?"
    values = [first.fetched_at, last.fetched_at]
    page_ids = {place.page_id for place in wanted}
    if last.number - first.number + 1 > len(wanted):  # others stand between; to sift them out takes time
        sql += f" AND page_id IN ({', '.join('?' * len(wanted))})"
        values += page_ids
    answer = con.execute(sql, values)
    names = [column[0] for column in answer.description]
    while rows := answer.fetchmany(_ROWS_AT_ONCE):
        for row in rows:
            page = Page(**dict(zip(names, row, strict=True)))
            if page.page_id in page_ids:
                yield page
