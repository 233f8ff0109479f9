"""What a job does from beginning to end; the same with Prefect and without."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipelines.catalogs import default_catalog
from pipelines.errors import Absent, ArchiveError, BadInput, Blocked
from pipelines.house import House, OnEvent, Step, open_house, silent, straight
from pipelines.modes import LISTING_MODES, OWN, first_operation, kind_for, mode_of
from pipelines.run import Run
from pipelines.settings import Settings, absolute_root, media_kinds
from schemas.jobs import Mode
from schemas.wording import counted

if TYPE_CHECKING:
    from pipelines.extract.links import Link
    from schemas.jobs import ArchiveJob, Summary


async def run_job(
    settings: Settings,
    job: ArchiveJob,
    *,
    on_event: OnEvent = silent,
    step: Step = straight,
    flow_run_id: str | None = None,
) -> Summary:
    """Archive one target and say what came of it; a run that Douyin or a person stopped is a Summary too.

    Raises BadInput where the job cannot be, before anything is kept.
    """
    settings, known = settings_for(settings, job), known_target(job)
    if known is not None:
        mode_of(known.kind, job.mode)
    async with open_house(settings, on_event=on_event) as house:
        link = known or await find_target(house, job)
        mode = mode_of(link.kind, job.mode)
        if job.mode is None:
            on_event("notice", text=f"The target leads to a {link.kind}: mode {mode}.")
        if first := first_operation(mode):
            await house.ask_early(first, link.id)
        run = await Run.begin(house, job, mode=mode, target=link.id, flow_run_id=flow_run_id)
        return await carry_out(run, mode, link, step)


def settings_for(settings: Settings, job: ArchiveJob) -> Settings:
    """The settings with what the job says about place, media and names on top."""
    changed: dict[str, Any] = {}
    if job.root:
        changed["root"] = absolute_root(job.root)
        if settings.origins.get("catalog") == "default":
            changed["catalog"] = default_catalog(changed["root"], settings.beside)
    if job.media is not None:
        changed["media"] = media_kinds(job.media)
    if job.naming is not None:
        changed["naming"] = job.naming
    if job.folderize is not None:
        changed["folderize"] = job.folderize
    from pipelines.load.naming import check_template

    check_template(changed.get("naming", settings.naming))
    if job.match:
        from pipelines.load.sieve import check_pattern

        check_pattern(job.match)
    return replace(settings, **changed)


def known_target(job: ArchiveJob) -> Link | None:
    """What the job's target leads to, where that can be told without asking; None for a short link."""
    from pipelines.extract.links import Link, parse

    if job.mode is Mode.SEARCH and not (job.keyword or "").strip():
        raise BadInput("Mode search needs what to look for: a keyword (--keyword WORDS).")
    if job.mode in OWN:
        return Link(kind="user", id="self", form="bare", also=())
    if job.target == "self":
        raise BadInput("Give a target: a link, share text or id. Only what is your own needs none (mode collect, ...).")
    found = parse(job.target, kind_for(job.mode))
    return found if isinstance(found, Link) else None


async def find_target(house: House, job: ArchiveJob) -> Link:
    """What the job's target leads to; only short links are asked for."""
    from pipelines.extract.links import resolve

    return known_target(job) or await resolve(job.target, house.crawler.hop, prefer=kind_for(job.mode))


async def carry_out(run: Run, mode: Mode, link: Link, step: Step) -> Summary:
    """Do the job's steps and write down how it ended, whatever happens."""
    return await conclude(run, step, lambda: _archive(run, mode, link, step))


async def conclude(run: Run, step: Step, work: Callable[[], Awaitable[None]]) -> Summary:
    """Finish what earlier runs left, do the work of this one, and write down how it ended, whatever happens."""
    error: BaseException | None = None
    try:
        await step("finish what an earlier run left", lambda: finish_earlier(run))
        await work()
    except ArchiveError as failed:
        error = failed
        _judge(run.summary, *verdict_of(failed))
    except Exception as broken:
        _judge(run.summary, "failed", f"{type(broken).__name__}: {broken}")
        await run.end(broken)
        raise
    except BaseException as stopped:  # a cancelled task, Ctrl-C, or Prefect's exit where what ran the flow was killed
        _judge(run.summary, "partial", "stopped before the end; the same command goes on where it stopped")
        await run.end(stopped)
        raise
    if run.summary.missing and run.summary.outcome == "complete":
        _judge(run.summary, "partial", _missing(run))
    return await run.end(error)


def _missing(run: Run) -> str:
    """How many files could not be had, and why most of them could not; `files` has the reason of each."""
    (why, count), missing = run.refusals.most_common(1)[0], run.summary.missing
    most = why if count == missing else f"{count} of them: {why}"
    return f"{counted(missing, 'files')} could not be had ({most.rstrip('.')}); run it again to try once more"


async def finish_earlier(run: Run) -> None:
    """Carry to its end what a run that was cut off left: a renaming, and pages without rows."""
    from pipelines.renamed import mend_renames

    await mend_renames(run)
    await run.finish_earlier()


async def _archive(run: Run, mode: Mode, link: Link, step: Step) -> None:
    from pipelines.archiving import archive_hot_board, archive_listing, archive_one
    from pipelines.recording import record_room

    if mode is Mode.ONE:
        await archive_one(run, link.id, step)
    elif mode in LISTING_MODES:
        await archive_listing(run, mode, LISTING_MODES[mode], link, step)
    elif mode is Mode.HOT:
        await archive_hot_board(run, step)
    elif mode is Mode.LIVE:
        await record_room(run, link, step)
    else:
        raise BadInput(f"Mode {mode} cannot be archived by this version.")


def _judge(summary: Summary, outcome: str, reason: str) -> None:
    summary.outcome, summary.reason = outcome, reason


def verdict_of(error: ArchiveError) -> tuple[str, str]:
    """How an error ends a run: its outcome, and what to do."""
    if isinstance(error, Blocked):
        return "blocked", str(error)
    if isinstance(error, (Absent, BadInput)):
        return "failed", str(error)
    return "partial", f"{str(error).rstrip('.')}. What is kept is safe; the same command goes on where it stopped."
