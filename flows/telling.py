"""What a run says in Prefect's log, which the Logs tab of its page shows. No text in it is made of a cookie."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from prefect.logging import get_run_logger

from pipelines.care.maintaining import Maintained
from pipelines.care.verifying import Verified
from schemas.jobs import Summary
from schemas.wording import counted

_PAUSE_S = 10.0  # between two lines of progress: a long walk has thousands of pages, and each line is a row
_SHOWN = 100  # problems of a verification: thousands of lines help nobody
_LEVELS = {"complete": logging.INFO, "partial": logging.WARNING}


@dataclass
class _Tally:
    """What came of a step so far. `pages` and `posts` (or `things`) are those of the whole run, as its events count."""

    pages: int = 0
    posts: int = 0
    things: str = "posts"
    files: Counter[str] = field(default_factory=Counter)
    bytes: int = 0
    told_at: float = field(default_factory=time.monotonic)

    def __str__(self) -> str:
        parts = (
            [f"{counted(self.pages, 'pages')}, {counted(self.posts, self.things)} read so far"] if self.pages else []
        )
        if self.files:
            states = ", ".join(f"{count} {state}" for state, count in self.files.most_common())
            parts.append(f"{counted(self.files.total(), 'files')}: {states} ({self.bytes:,} bytes)")
        return "; ".join(parts)


# A step's own: walking and loading go on side by side, and each tells what it did itself.
_tally: ContextVar[_Tally | None] = ContextVar("tally", default=None)


@contextmanager
def result_told() -> Iterator[None]:
    """Say at the end of a step what came of it, also where it failed."""
    tally = _Tally()
    before = _tally.set(tally)
    try:
        yield
    finally:
        _tally.reset(before)
        if text := str(tally):
            get_run_logger().info("%s", text)


def tell_event(name: str, **facts: Any) -> None:
    """Say a job's event, or count it where events come by the thousand."""
    logger = get_run_logger()
    if name == "warning":
        logger.warning("%s", facts["text"])
    elif name == "waiting":
        logger.warning("Waiting %.0f s: %s", facts["seconds"], facts["text"])
    elif name == "notice":
        logger.info("%s", facts["text"])
    elif name == "total":
        logger.info("About %s %s to read", facts["posts"], facts["things"])
    elif name in {"pages", "file"}:
        _count(name, facts)


def _count(name: str, facts: dict[str, Any]) -> None:
    tally = _tally.get()
    if tally is None:
        return
    if name == "pages":
        tally.pages, tally.posts, tally.things = facts["pages"], facts["posts"], facts["things"]
    else:
        tally.files[facts["state"]] += 1
        tally.bytes += facts["size_bytes"]
    if time.monotonic() - tally.told_at > _PAUSE_S and str(tally):
        tally.told_at = time.monotonic()
        get_run_logger().info("%s", tally)


def now_and_then(what: str, pause_s: float = 60.0) -> Callable[[int, int], None]:
    """A listener for the progress of something long, which says how far it is once a minute."""
    told_at = time.monotonic()

    def hear(done: int, total: int) -> None:
        nonlocal told_at
        if total and time.monotonic() - told_at > pause_s:
            told_at = time.monotonic()
            get_run_logger().info("%.0f%% %s", 100 * done / total, what)

    return hear


def tell_summary(summary: Summary) -> None:
    """Say how a run ended: a partial one is a warning, a blocked or failed one an error."""
    logger = get_run_logger()
    for warning in summary.warnings:
        logger.warning("%s", warning)
    logger.log(
        _LEVELS.get(summary.outcome, logging.ERROR),
        "%s: %s; %s files stored, %s missing, %s not to be had; %s requests%s",
        summary.outcome.capitalize(),
        summary.seen,
        summary.files,
        summary.missing,
        summary.absent,
        summary.requests,
        f". {summary.reason}" if summary.reason else "",
    )


def tell_maintained(done: Maintained) -> None:
    """Say which tables have fewer files now, and what was let go."""
    logger = get_run_logger()
    now = {row["table"]: row["files"] for row in done.after["tables"]}
    for row in done.before["tables"]:
        if row["files"] != now.get(row["table"], 0):
            logger.info("%s: %s files before, %s now", row["table"], row["files"], now.get(row["table"], 0))
    logger.info(
        "%s old versions let go; %s unused files and %s broken-off downloads removed",
        done.snapshots_expired,
        done.files_removed,
        done.parts_removed,
    )


def tell_verified(found: Verified) -> None:
    """Say what a verification read, and each problem that is left as a warning."""
    logger = get_run_logger()
    logger.info("%s files (%s bytes) and %s files of tables read", found.files, f"{found.bytes:,}", found.table_files)
    for problem in found.problems[:_SHOWN]:
        what = f"{problem.path}: {problem.what}" + (f" ({problem.detail})" if problem.detail else "")
        if problem.is_mended:
            logger.info("%s, mended", what)
        else:
            logger.warning("%s", what)
    if len(found.problems) > _SHOWN:
        logger.warning("... and %s more: aweme verify --json", len(found.problems) - _SHOWN)
