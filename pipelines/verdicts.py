"""Which stretches of a listing were never read, told by time. No I/O here."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from pipelines.extract.endpoints import OF_LISTING
from pipelines.extract.stretches import decode

_LAST = 253_402_214_399  # the last moment that is a day everywhere: a cursor may count in another unit than is known


def holes(listing: str, stretches: str | None) -> list[dict[str, Any]]:
    """The stretches that are missing, newest first: `newest` and `oldest` as UTC; oldest None where the end is missing.

    `stretches` is the column of `checkpoints`. Nothing for listings that keep none.
    """
    covered = decode(stretches)
    if not covered:
        return []
    units = OF_LISTING[listing].units_per_second if listing in OF_LISTING else 1000

    def moment(cursor: int) -> datetime:
        return datetime.fromtimestamp(min(cursor / units, _LAST), UTC)

    def hole(high: int, low: int | None) -> dict[str, Any]:
        return {"newest": moment(high), "oldest": None if low is None else moment(low)}

    found = [hole(upper.low, lower.high) for upper, lower in pairwise(covered)]
    return found if covered[-1].is_end else [*found, hole(covered[-1].low, None)]
