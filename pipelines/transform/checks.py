"""Items that fit no table, as rows of `rejects` with the reason. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable

from pipelines.transform.answers import Odd
from pipelines.transform.rows import Batch, Layout

REJECTS = Layout("rejects", ("position", "table_name", "reason", "item"), seen=())


def add_rejects(batch: Batch, table: str, odd: Iterable[Odd], page: int) -> None:
    """A row for every item that could not become a row of `table`."""
    for position, reason, item in odd:
        batch[REJECTS].extend((position, table, reason, item, page))
