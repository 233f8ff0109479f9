"""Raw pages as rows and back, and how they are read without holding more than a few in memory."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from schemas.pages import Page

if TYPE_CHECKING:
    import duckdb

_FIRST_READ = 8  # pages of the first read; how many come next follows from their size
_MOST = 4096

# Details of posts that are gone make rows too: they say so, and why.
READABLE = "(outcome = 'ok' OR (operation = 'post_detail' AND outcome IN ('Deleted', 'Private', 'NotFound', 'Absent')))"


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


_COLUMNS = (
    "page_id, operation, target, cursor, fetched_at, http_status, body, outcome, next_cursor, has_more, item_count"
)


def _from_row(row: Sequence[Any]) -> Page:
    page_id, operation, target, cursor, fetched_at, status, body, outcome, next_cursor, has_more, count = row
    return Page(
        page_id=page_id,
        operation=operation,
        target=target,
        cursor=cursor,
        fetched_at=fetched_at,
        http_status=status or 0,
        body=(body or "").encode(),
        outcome=outcome,
        next_cursor=next_cursor,
        has_more=has_more,
        item_count=count or 0,
    )


def read(
    cursor: Callable[[], duckdb.DuckDBPyConnection], page_ids: Sequence[str] | None, where: str, max_bytes: int
) -> Iterator[list[Page]]:
    """Pages in order of fetched_at, in lists of at most `max_bytes` of bodies (or one page)."""
    order = _in_order(cursor(), page_ids, where)
    step, start = _FIRST_READ, 0
    while start < len(order):
        batch, size = _bodies(cursor(), order[start : start + step]), 0
        for count, page in enumerate(batch):
            size += len(page.body)
            if size > max_bytes and count:
                batch = batch[:count]
                break
        yield batch
        start += len(batch)
        mean = sum(len(page.body) for page in batch) / len(batch)
        step = max(1, min(_MOST, int(max_bytes / max(mean, 1))))


def _in_order(con: duckdb.DuckDBPyConnection, page_ids: Sequence[str] | None, where: str) -> list[tuple[Any, str]]:
    tests = [f"({where})"] if where else []
    values: list[Any] = []
    if page_ids is not None:
        if not page_ids:
            return []
        tests.append("page_id BETWEEN ? AND ? AND page_id IN (SELECT unnest(?))")
        values = [min(page_ids), max(page_ids), list(page_ids)]
    clause = f"WHERE {' AND '.join(tests)}" if tests else ""
    return con.execute(f"SELECT fetched_at, page_id FROM raw_pages {clause} ORDER BY ALL", values).fetchall()


def _bodies(con: duckdb.DuckDBPyConnection, wanted: list[tuple[Any, str]]) -> list[Page]:
    sql = (
        f"SELECT {_COLUMNS} FROM raw_pages WHERE fetched_at BETWEEN ? AND ? AND page_id IN (SELECT unnest(?)) "
        "ORDER BY fetched_at, page_id"
    )
    rows = con.execute(sql, [wanted[0][0], wanted[-1][0], [page_id for _, page_id in wanted]]).fetchall()
    return [_from_row(row) for row in rows]
