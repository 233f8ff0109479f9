"""Kept files read again against size and hash, storage held against the tables, and the tables' own Parquet files."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from pipelines.errors import BadInput, Blocked
from pipelines.house import open_lake, open_storage
from pipelines.load import auditing
from pipelines.load.auditing import Record, Scope
from pipelines.load.contents import problem_of, walk
from pipelines.renaming import mend
from schemas.media import FILES

if TYPE_CHECKING:
    from pipelines.load.lake import Lake
    from pipelines.load.storage import Storage
    from pipelines.settings import Settings

Progress = Callable[[int, int], None]
Outcome = list[tuple[Record, str | None]]

_S3_THREADS = 16
_CHUNK_FILES, _CHUNK_BYTES = 32, 8 << 20
_COMMIT_FILES, _COMMIT_SECONDS = 5000, 30.0
_SETTLED = timedelta(minutes=10)  # what is younger may belong to a run that is under way, or was cut off just now
_IGNORED = {".DS_Store", "Thumbs.db", "desktop.ini"}


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that is not as the tables say.

    `what`: missing, size, changed, unreadable, stray (no row names it), or table (a Parquet file of the catalog).
    """

    what: str
    path: str
    media_id: str | None = None
    detail: str | None = None
    is_mended: bool = False
    aside: str | None = None


@dataclass
class Verified:
    """What a verification found; `files` and `bytes` were read.

    `not_kept` files were asked for in vain so far. `unmarked`: why no `verified_at` could be written; `unread`: why no
    kept file was read.
    """

    files: int = 0
    bytes: int = 0
    table_files: int = 0
    seconds: float = 0.0
    problems: list[Problem] = field(default_factory=list)
    not_kept: int = 0
    unmarked: str = ""
    unread: str = ""

    @property
    def wrong(self) -> list[Problem]:
        """What is still wrong."""
        return [problem for problem in self.problems if not problem.is_mended]

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return {**asdict(self), "wrong": len(self.wrong), "seconds": round(self.seconds, 3)}


def _unseen(_done: int, _total: int) -> None:
    """The progress of those who do not look."""


def verify(
    settings: Settings,
    *,
    now: Callable[[], datetime],
    share: float = 1.0,
    older_than: timedelta | None = None,
    on_progress: Progress = _unseen,
) -> Verified:
    """Check files, storage and tables; sets `verified_at` of what is right as it goes, so that a cut check is not lost.

    `share` (0 to 1) reads only some files, others each time; listing and tables are always checked whole.
    `older_than` passes over files that were read and found right since. Progress is told in bytes.
    """
    began, moment = time.monotonic(), now()
    scope = Scope(moment - older_than if older_than is not None else None, moment, share, moment.isoformat())
    storage = open_storage(settings)
    with _opened(settings) as lake:
        try:
            done = Verified()
            # First, since what a lost file of `files` said can be asked for no more.
            tables = _check_tables(lake, done)
            if any(name == FILES.name for name, _ in tables):
                done.unread = f"what the table {FILES.name} says of them cannot be read"
            else:
                before = moment if _is_alone(settings, lake) else moment - _SETTLED
                strays, wrong = auditing.compare(lake, walk(storage, "media"), before=before)
                _read_files(lake, storage, scope, now, done, on_progress, wrong)
                strays = [path for path in strays if path.rpartition("/")[2] not in _IGNORED]
                done.problems = _confirmed(lake, storage, wrong) + [Problem("stray", path) for path in strays]
                done.problems += [Problem("missing", one, one, detail=note) for one, note in auditing.half_mended(lake)]
                done.not_kept = auditing.not_kept(lake)
            done.problems += [problem for _, problem in tables]
        finally:
            storage.close()
    done.seconds = time.monotonic() - began
    return done


def _is_alone(settings: Settings, lake: Lake) -> bool:
    """Whether nobody writes files but runs that begin later, and all moments are told by one clock."""
    is_here = "://" not in settings.root and settings.catalog.startswith("sqlite:")
    return is_here and not auditing.is_run_open(lake)


def _opened(settings: Settings) -> Lake:
    """The lake, for writing; for reading only where it may not be written.

    A renaming that was cut off is carried to its end first: until then rows name a folder that is gone.
    """
    try:
        lake = open_lake(settings)
    except (BadInput, Blocked):  # the latter where an older archive cannot be given what it lacks
        return open_lake(settings, read_only=True)
    try:
        mend(settings, lake)
    except BaseException:
        lake.close()
        raise
    return lake


def _read_files(
    lake: Lake,
    storage: Storage,
    scope: Scope,
    now: Callable[[], datetime],
    done: Verified,
    on_progress: Progress,
    wrong: list[tuple[Record, str]],
) -> None:
    """Read the files in threads; those that are wrong are added to `wrong`."""
    total = auditing.totals(lake, scope)[1]
    known, right, saved_at = {record.media_id for record, _ in wrong}, list[str](), time.monotonic()
    try:
        for outcome in _in_parallel(storage, auditing.records(lake, scope)):
            for record, problem in outcome:
                done.files += 1
                done.bytes += record.size_bytes or 0
                if problem is None:
                    right.append(record.media_id)
                elif record.media_id not in known:
                    wrong.append((record, problem))
            on_progress(done.bytes, total)
            if len(right) >= _COMMIT_FILES or time.monotonic() - saved_at > _COMMIT_SECONDS:
                _mark(lake, right, now(), done)
                right, saved_at = [], time.monotonic()
    except KeyboardInterrupt:
        _mark(lake, right, now(), done)
        raise
    _mark(lake, right, now(), done)


def _mark(lake: Lake, right: Sequence[str], at: datetime, done: Verified) -> None:
    """Note what was right. An archive that only can be read, on a disk that was handed on, is verified all the same."""
    try:
        if not done.unmarked:
            auditing.set_verified(lake, right, at)
    except (Blocked, BadInput) as shut:
        done.unmarked = str(shut)


def _in_parallel(storage: Storage, batches: Iterator[list[Record]]) -> Iterator[Outcome]:
    threads = (os.cpu_count() or 1) if storage.is_local else _S3_THREADS
    with ThreadPoolExecutor(threads, thread_name_prefix="verify") as pool:
        under_way: set[Future[Outcome]] = set()
        for chunk in (chunk for batch in batches for chunk in _chunks(batch)):
            under_way.add(pool.submit(_check, storage, chunk))
            if len(under_way) >= 2 * threads:
                ended, under_way = wait(under_way, return_when=FIRST_COMPLETED)
                yield from (future.result() for future in ended)
        for future in under_way:
            yield future.result()


def _chunks(records: Sequence[Record]) -> Iterator[list[Record]]:
    """A few files at a time: handing over each small file alone would cost as much as to read it."""
    chunk, size = list[Record](), 0
    for record in records:
        chunk.append(record)
        size += record.size_bytes or 0
        if len(chunk) >= _CHUNK_FILES or size >= _CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


def _check(storage: Storage, records: Sequence[Record]) -> Outcome:
    return [(one, problem_of(storage, one.path, one.size_bytes, one.sha256)) for one in records]


def _confirmed(lake: Lake, storage: Storage, wrong: Sequence[tuple[Record, str]]) -> list[Problem]:
    """Look once more at what is wrong, by the rows as they are now: an account's folder may have been renamed."""
    found = []
    for record in auditing.records_of(lake, [record.media_id for record, _ in wrong]):
        problem = problem_of(storage, record.path, record.size_bytes, record.sha256)
        if problem is not None:
            found.append(Problem(problem, record.path, record.media_id))
    return sorted(found, key=lambda problem: problem.path)


def _check_tables(lake: Lake, done: Verified) -> list[tuple[str, Problem]]:
    """The Parquet files that are wrong, each with its table."""
    problems = []
    for table, path in auditing.table_files(lake):
        done.table_files += 1
        wrong = auditing.parquet_problem(lake, table, path)
        if wrong is not None:
            problems.append((table, Problem("table", path, detail=f"{table}: {wrong}")))
    return problems


def mended(problem: Problem, *, aside: str | None, is_mended: bool, detail: str | None) -> Problem:
    """The same problem after a repair."""
    return replace(problem, aside=aside, is_mended=is_mended, detail=detail)
