"""All tables made again from the raw pages, without network: how a better parser reaches old answers.

The tables are made in an archive of their own on local disk, page after page in the order in which they were read,
compared with those in force, and what differs is put in their place in one commit: a crash loses nothing but the work.
A table of which files are missing or damaged is made anew as a whole.
Raw pages, files, checkpoints and runs are not touched. Folders of accounts, and the marks of entries that full walks
found gone (`changes` holds them), come from no page; they are carried over and set again at their moment.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.batches import HELD_BYTES, batches_of
from pipelines.errors import LakeBusy
from pipelines.house import open_all_columns, open_lake
from pipelines.load import auditing
from pipelines.load.marks import gone_marks, set_marks
from pipelines.load.rawpages import READABLE
from pipelines.load.replacing import MADE, Difference, differences, lacking, take_place
from pipelines.load.scratch import scratch_folder
from pipelines.transform.frames import frames_of

if TYPE_CHECKING:
    import polars as pl

    from pipelines.load.lake import Lake
    from pipelines.settings import Settings
    from schemas.pages import Page

Progress = Callable[[int, int], None]

_TRIES = 5
_UNFAMILIAR = "outcome = 'Unfamiliar'"
_LEFT_RAW_SQL = """
SELECT operation, outcome, count(*) AS pages, min(fetched_at) AS first_at, max(fetched_at) AS last_at,
       arg_max(page_id, fetched_at) AS newest_page
FROM raw_pages WHERE outcome = 'Unfamiliar' AND page_id NOT IN (SELECT page_id FROM applied_pages)
GROUP BY ALL ORDER BY ALL
"""


@dataclass
class Rebuilt:
    """What came of a rebuild. `left_raw` are answers of unknown shape, by operation; `rejects` counts odd items."""

    pages: int = 0
    rejects: int = 0
    is_written: bool = False
    tables: list[Difference] = field(default_factory=list)
    left_raw: list[dict[str, Any]] = field(default_factory=list)

    @property
    def differing(self) -> list[Difference]:
        """The tables that differ from those in force before."""
        return [table for table in self.tables if not table.is_none]

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)


def _unseen(_done: int, _total: int) -> None:
    """The progress of those who do not look."""


def rebuild(
    settings: Settings,
    *,
    dry_run: bool = False,
    unfamiliar: bool = False,
    scratch: Path | None = None,
    on_progress: Progress = _unseen,
) -> Rebuilt:
    """Make all tables again from the raw pages; with `dry_run` only tell how they would differ.

    `unfamiliar` also tries answers that were not understood when they came; those that still give no rows stay raw.
    `scratch` is a folder with room for the tables once more (default: the system's temporary folder).
    Raises LakeBusy where other runs write without a pause.
    """
    with scratch_folder("aweme-rebuild-", scratch) as folder:
        beside = replace(settings, root=str(folder), catalog=f"sqlite:{folder}/catalog.sqlite", s3={})
        with open_all_columns(settings) if dry_run else open_lake(settings) as lake:
            done, lost = Rebuilt(), auditing.lost_tables(lake, MADE)
            with open_lake(beside) as fresh:
                _replay_all(lake, fresh, unfamiliar=unfamiliar, lost=lost, done=done, on_progress=on_progress)
            done.tables = _caught_up(differences if dry_run else take_place, lake, beside, lost, done)
            done.is_written = bool(done.differing) and not dry_run
            done.left_raw = lake.query(_LEFT_RAW_SQL).to_dicts()
    return done


def _replay_all(
    lake: Lake, fresh: Lake, *, unfamiliar: bool, lost: frozenset[str], done: Rebuilt, on_progress: Progress
) -> None:
    where = f"{READABLE} OR {_UNFAMILIAR}" if unfamiliar else READABLE
    total = lake.query(f"SELECT count(*) FROM raw_pages WHERE {where}").item()

    def told(pages: int) -> None:
        done.pages += pages
        on_progress(done.pages, total)

    done.rejects += replay(fresh, lake.raw_pages(where=where, max_bytes=HELD_BYTES), gone_marks(lake, lost), told)


def _caught_up(
    work: Callable[[Lake, str, frozenset[str]], list[Difference] | None],
    lake: Lake,
    beside: Settings,
    lost: frozenset[str],
    done: Rebuilt,
) -> list[Difference]:
    """What the work tells once the archive beside has all that other runs wrote meanwhile."""
    for _ in range(_TRIES):
        found = work(lake, beside.catalog, lost)
        if found is not None:
            return found
        page_ids, marks = lacking(lake, beside.catalog, lost)
        with open_lake(beside) as fresh:
            done.rejects += replay(fresh, lake.raw_pages(page_ids, max_bytes=HELD_BYTES), marks, lambda _pages: None)
        done.pages += len(page_ids)
    raise LakeBusy("Another run wrote pages all the time, so nothing was changed: rebuild again when it has ended.")


def replay(fresh: Lake, lists: Iterator[list[Page]], marks: pl.DataFrame, on_pages: Callable[[int], None]) -> int:
    """Make the rows of these pages, and set each mark before the first page that was read after it; counts rejects."""
    rejects, left = 0, marks
    cuts = marks["observed_at"].unique().sort().to_list() if marks.height else []
    with closing(batches_of(_known(lists), cuts)) as batches:
        for batch in batches:
            left = _set_before(fresh, left, batch.first_at)
            rejects += fresh.apply(batch.frames(), batch.page_ids, run_id="rebuild").rejects
            on_pages(len(batch))
    set_marks(fresh, left)
    return rejects


def _known(lists: Iterator[list[Page]]) -> Iterator[list[Page]]:
    """The pages that give rows now."""
    for pages in lists:
        yield [page for page in map(_as_if_known, pages) if page.outcome != "Unfamiliar"]


def _as_if_known(page: Page) -> Page:
    """A page that was not understood when it came, as one that is, where it gives rows now."""
    if page.outcome != "Unfamiliar":
        return page
    known = replace(page, outcome="ok")
    return known if _gives_rows(known) else page


def _gives_rows(page: Page) -> bool:
    return any(frame.height for name, frame in frames_of([page]).items() if name != "rejects")


def _set_before(fresh: Lake, marks: pl.DataFrame, moment: Any) -> pl.DataFrame:
    if not marks.height or marks["observed_at"][0] > moment:
        return marks
    set_marks(fresh, marks.filter(marks["observed_at"] <= moment))
    return marks.filter(marks["observed_at"] > moment)
