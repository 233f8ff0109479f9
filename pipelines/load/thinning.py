"""Which versions of the tables are let go when there are very many: the older they are, the further apart they stay.

Every commit is a version that `aweme sql --at` can show. A file that a later run replaced is kept as long as a version
shows it, and DuckLake reads what it knows of all files for each column that a statement compares: an account looked at
every hour would make each of its runs slower than the one before.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from itertools import pairwise

_ALL = timedelta(hours=1)
_HOURLY = timedelta(days=1)


def superseded(versions: Iterable[tuple[int, datetime]], now: datetime) -> list[int]:
    """The versions that may go, by number; given are number and moment in UTC, in the order of their moments.

    What stays: every version that was the newest at some time of the last hour, since readers may have begun with it,
    and of those before the last of each hour for a day, and the last of each day (UTC, as `--at 2026-01-01` means it).
    The newest always stays.
    """
    return [
        number
        for number, made_at, next_at in _followed(versions)
        if now - next_at >= _ALL and _slot(made_at, now) == _slot(next_at, now)
    ]


def outlived(versions: Iterable[tuple[int, datetime]], before: datetime) -> list[int]:
    """The versions in whose place others were the newest before that moment already; takes what `superseded` takes."""
    return [number for number, _, next_at in _followed(versions) if next_at < before]


def _followed(versions: Iterable[tuple[int, datetime]]) -> Iterable[tuple[int, datetime, datetime]]:
    """Each version but the newest, with the moment from which on `--at` shows another one.

    Numbers follow the order of commits. Where a clock was set back, the newest is not the one of the last moment.
    """
    known = list(versions)
    newest = max((number for number, _ in known), default=0)
    for (number, made_at), (_, next_at) in pairwise(known):
        if number != newest:
            yield number, made_at, next_at


def _slot(made_at: datetime, now: datetime) -> tuple[bool, datetime]:
    day = made_at.replace(hour=0, minute=0, second=0, microsecond=0)
    if now - made_at < _HOURLY:
        return True, day.replace(hour=made_at.hour)
    return False, day
