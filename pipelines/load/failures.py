"""What failed and was not made up for since: pages, walks that broke off, posts that fit no table."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any

from pipelines.load.passing import LISTED, listed

if TYPE_CHECKING:
    from pipelines.load.lake import Lake

TRANSIENT = ("RateLimited", "Unreachable", "Interrupted", "LakeBusy", "Transient")
"""Outcomes of pages that may be other ones another time."""


@dataclass(frozen=True, slots=True)
class Failure:
    """Something that failed: the operation and whom it asked about, why, and (of a page) when."""

    operation: str
    target: str
    reason: str
    at: datetime | None = None


def failed_pages(lake: Lake, reason: str | None) -> list[Failure]:
    """Questions whose last answer was a failure that may pass, one for each operation and target."""
    sql = f"""
WITH failed AS (SELECT page_id, operation, target, cursor, outcome, fetched_at FROM raw_pages
                WHERE outcome IN {LISTED} AND (? IS NULL OR lower(outcome) = lower(?))),
answered AS (SELECT page_id, operation, target, cursor FROM raw_pages
             WHERE outcome NOT IN {LISTED} AND page_id > (SELECT min(page_id) FROM failed))
SELECT f.operation, f.target, arg_max(f.outcome, f.page_id), max(f.fetched_at) FROM failed f
WHERE NOT EXISTS (SELECT 1 FROM answered a WHERE a.operation = f.operation AND a.target = f.target
                  AND a.cursor IS NOT DISTINCT FROM f.cursor AND a.page_id > f.page_id)
GROUP BY ALL ORDER BY ALL"""
    return _failures(lake, sql, [listed(TRANSIENT), reason, reason, listed(TRANSIENT)])


def broken_walks(lake: Lake, reason: str | None, as_asked: str) -> list[Failure]:
    """Walks that broke off, or ended without reaching the end of their listing; `as_asked` begins what is none.

    The operation is the name under which the checkpoint stands: a listing, or an operation without one.
    """
    sql = """
SELECT c.listing, c.owner_id, coalesce(c.reason, 'broke off') FROM checkpoints c
WHERE c.verdict = 'partial' AND NOT starts_with(coalesce(c.reason, ''), ?)
  AND (? IS NULL OR contains(lower(c.reason), lower(?)))
ORDER BY ALL"""
    return _failures(lake, sql, [as_asked, reason, reason])


def job_of(lake: Lake, operation: str, target: str) -> str | None:
    """The job (JSON) that last asked this of that target; a retry is no job, but goes on with that of another run."""
    sql = """SELECT arg_max(r.job, p.page_id) FROM raw_pages p JOIN runs r USING (run_id)
    WHERE p.operation = ? AND p.target = ? AND r.mode <> 'retry'"""
    found: str | None = lake.query(sql, [operation, target]).item()
    return found


def lost_posts(lake: Lake, reason: str | None) -> list[str]:
    """Posts that some page showed in a form that fits no table, and that no other page has shown since."""
    sql = """
SELECT DISTINCT aweme_id FROM (
  SELECT json_extract_string(item, '$.aweme_id') AS aweme_id, reason FROM rejects
  WHERE table_name = 'posts' AND json_valid(item))
ANTI JOIN posts USING (aweme_id)
WHERE regexp_full_match(aweme_id, '[0-9]+') AND (? IS NULL OR contains(lower(reason), lower(?))) ORDER BY aweme_id"""
    return [aweme_id for (aweme_id,) in lake.query(sql, [reason, reason]).rows()]


def _failures(lake: Lake, sql: str, values: list[Any]) -> list[Failure]:
    return [Failure(*row) for row in lake.query(sql, values).rows()]
