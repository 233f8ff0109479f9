"""The archive kept quick and tidy: small Parquet files merged, old snapshots let go, leftovers removed.

Raw pages' rows and media are never touched; only how rows lie in files changes.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipelines.house import open_lake, open_storage
from pipelines.load import upkeep

if TYPE_CHECKING:
    from pipelines.load.lake import Lake
    from pipelines.settings import Settings

QUESTIONS = {
    "newest posts with counts": "SELECT * FROM posts_latest ORDER BY created_at DESC LIMIT 20",
    "posts per account": "SELECT sec_user_id, count(*) FROM posts GROUP BY ALL",
    "what changed": "SELECT table_name, column_name, count(*) FROM changes GROUP BY ALL",
    "storage by kind": "FROM storage_by_kind",
}
_LEFTOVER = timedelta(days=1)  # old enough that no run and no query needs it any more


@dataclass
class Maintained:
    """What maintenance did. `before` and `after` hold files per table, snapshots and query times in ms."""

    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    snapshots_expired: int = 0
    files_removed: int = 0
    parts_removed: int = 0
    seconds: float = 0.0

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}


# Merged files are written in large groups of rows, each of which is held until it is whole.
_MEMORY = "512MB"


def _unseen(_done: int, _total: int) -> None:
    """The progress of those who do not look."""


def maintain(
    settings: Settings,
    *,
    now: Callable[[], datetime],
    keep_days: float = 30,
    on_progress: Callable[[int, int], None] = _unseen,
) -> Maintained:
    """Look after the tables' files; snapshots of the last `keep_days` stay to be asked with `aweme sql --at`.

    May take more memory than a run. Waits its turn while another run writes; LakeBusy where that does not come in time.
    """
    began, moment, done = time.monotonic(), now(), Maintained()
    storage = open_storage(settings)
    with open_lake(with_room(settings)) as lake:
        done.before = state(lake)
        steps: list[Callable[[], int | None]] = [
            lambda: upkeep.flush(lake),
            lambda: upkeep.expire(lake, moment - timedelta(days=keep_days)),
            lambda: upkeep.rewrite(lake),
            lambda: upkeep.merge(lake),
            lambda: upkeep.clean(lake, moment - _LEFTOVER),
            lambda: upkeep.remove_parts(storage, moment - _LEFTOVER),
        ]
        counts = []
        for number, step in enumerate(steps):
            on_progress(number, len(steps))
            counts.append(step() or 0)
        on_progress(len(steps), len(steps))
        _, done.snapshots_expired, _, _, done.files_removed, done.parts_removed = counts
        done.after = state(lake)
    storage.close()
    done.seconds = time.monotonic() - began
    return done


def with_room(settings: Settings) -> Settings:
    """The settings with more memory than a run needs, unless a person chose how much: that stands, be it the usual."""
    is_chosen = settings.origins.get("memory_limit", "default") != "default"
    return settings if is_chosen else replace(settings, memory_limit=_MEMORY)


def state(lake: Lake) -> dict[str, Any]:
    """Files per table, snapshots, and how long some questions take in ms."""
    return {
        "tables": upkeep.table_files(lake),
        "snapshots": upkeep.snapshots(lake),
        "queries_ms": {name: round(upkeep.timing(lake, sql) * 1000, 1) for name, sql in QUESTIONS.items()},
    }
