"""`aweme archive`: the main job."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from deployments.commands.options import as_json, place, settings_of
from pipelines.errors import ArchiveError, BadInput

if TYPE_CHECKING:
    from pipelines.settings import Settings
    from schemas.jobs import ArchiveJob, Plan, Summary

EPILOG = """
\b
Examples:
  aweme archive https://www.douyin.com/user/MS4wLjABAAAA...
  aweme archive "看看 https://v.douyin.com/idFqvUms/ 的作品" --media video,image,music,cover
  aweme archive MS4wLjABAAAA... --interval "2024-01-01|2024-06-30" --root /data/douyin
  aweme archive MS4wLjABAAAA... --root s3://bucket/douyin --catalog postgresql://me@db/aweme
"""


@click.command("archive", epilog=EPILOG)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("-M", "--mode", metavar="MODE", help="what to read, see below (default: guessed from the link)")
@click.option("--media", metavar="KINDS", help="video,image,music,cover,dynamic_cover,avatar,caption,stream; all; none")
@click.option("-o", "--max-counts", type=click.IntRange(min=0), help="posts to read at most; 0 for all")
@click.option(
    "-s", "--page-counts", type=int, default=18, show_default=True, help="posts to ask for at a time, 1 to 20"
)
@click.option("--max-cursor", type=click.IntRange(min=0), default=0, help="where to begin; 0 for the newest")
@click.option("-i", "--interval", metavar="DAYS", help='only posts of these days in China: "2024-01-01|2024-06-30"')
@click.option("--kind", metavar="KINDS", help="only files of such posts: video, image, live_photo")
@click.option("--min-likes", type=click.IntRange(min=0), help="only files of posts with so many likes")
@click.option("--min-comments", type=click.IntRange(min=0), help="only files of posts with so many comments")
@click.option("--match", metavar="REGEX", help="only files of posts whose caption has this")
@click.option("--tag", metavar="NAME", help="only files of posts with this hashtag")
@click.option("--keyword", metavar="WORDS", help="what to look for in an account's posts (--mode search)")
@click.option(
    "-n", "--naming", metavar="TEMPLATE", help="file names, from {create} {desc} {caption} {aweme_id} {nickname} {uid}"
)
@click.option("-f", "--folderize/--no-folderize", default=None, help="a folder for each post")
@click.option("--stream", type=click.Choice(["hls", "flv"]), help="how a live room is recorded (default: hls)")
@click.option("--quality", metavar="NAME", help="of a live room: FULL_HD1, HD1, SD1, SD2 (default: the best)")
@click.option(
    "--max-duration", "max_duration_s", type=click.IntRange(min=1), help="seconds of a live room to record at most"
)
@click.option("--full", is_flag=True, help="read the listing to its end, not only what is new")
@click.option(
    "--refresh-days", type=click.IntRange(min=1), help="read again what is not older than so many days, for its growth"
)
@click.option("--plan", is_flag=True, help="say what it would cost, and do nothing")
@click.option(
    "--prefect/--no-prefect", default=None, help="tracked by Prefect (default: when a Prefect API is configured)"
)
@place
@as_json
def command(targets: tuple[str, ...], as_json: bool, plan: bool, prefect: bool | None, **options: Any) -> int:
    """Archive what TARGETs lead to: links, share texts or ids. Run again, it fetches only what is new.

    Modes: one, post, like, collect, mix, live, feed, comments, related, follow-feed, friend-feed, collects,
    collected-music, collected-mixes, following, followers, search, hot. Those about your own account (collect,
    feed, ...) and hot need no TARGET.

    Filters (--interval, --kind, --min-likes, --min-comments, --match, --tag) leave out files; rows are always kept.

    Interrupted at any moment, the same command goes on where it stopped.

    With --json, each TARGET has one object, in order, and stands there as `input`: one given twice is archived once,
    and none follows a blocked one.
    """
    from deployments.screen import print_json, progress, tell

    settings = settings_of(
        **{name: options[name] for name in ("root", "catalog", "media", "naming", "folderize")}, prefect=prefect
    )
    jobs = [job_of(target, options) for target in dict.fromkeys(targets or ("self",))]
    if len(jobs) > 1:
        check(settings, jobs)
    if plan:
        return show_plans(settings, jobs, as_json=as_json)
    summaries: list[Summary] = []
    for job in jobs:
        try:
            with progress(quiet=as_json) as listen:  # it ends before the summary: bars draw over what follows them
                summary = run(settings, job, listen, tracked=is_tracked(settings, prefect, os.environ))
        except ArchiveError as error:
            if len(jobs) == 1:
                raise
            summary = not_begun(job, error)  # one that leads nowhere costs the others nothing
        summaries.append(summary)
        if not as_json:
            tell(summary)
        if summary.outcome == "blocked":
            break
    if as_json:
        print_json(_by_input(jobs, summaries))
    return _code([summary.outcome for summary in summaries])


def check(settings: Settings, jobs: Sequence[ArchiveJob]) -> None:
    """BadInput, before any begins, for the first of the jobs that cannot be, as far as that shows without asking."""
    from pipelines.jobs import known_target, settings_for
    from pipelines.modes import mode_of

    for job in jobs:
        settings_for(settings, job)
        try:
            if (link := known_target(job)) is not None:
                mode_of(link.kind, job.mode)
        except BadInput as error:
            raise BadInput(f"{job.target}: {error}") from error


def not_begun(job: ArchiveJob, error: ArchiveError) -> Summary:
    """What came of a job that ended before its run began: it has no run_id."""
    from pipelines.jobs import verdict_of
    from schemas.jobs import Summary

    outcome, reason = verdict_of(error)
    return Summary(run_id="", mode=job.mode or "", target=job.target, outcome=outcome, reason=reason)


def job_of(target: str, options: Mapping[str, Any]) -> ArchiveJob:
    """The job that the options describe; BadInput where one cannot be."""
    from pydantic import ValidationError

    from schemas.jobs import ArchiveJob

    names = (
        "mode",
        "keyword",
        "media",
        "max_counts",
        "page_counts",
        "max_cursor",
        "interval",
        "kind",
        "min_likes",
        "min_comments",
        "match",
        "tag",
        "naming",
        "folderize",
        "full",
        "refresh_days",
        "stream",
        "quality",
        "max_duration_s",
    )
    try:
        given = {name: options[name] for name in names if options.get(name) is not None}
        return ArchiveJob(target=target, **given)
    except ValidationError as error:
        raise BadInput("; ".join(map(_told, error.errors()))) from error


def _told(error: Mapping[str, Any]) -> str:
    """What pydantic says of one value; our own words begin with the name of the option."""
    if error["type"] == "value_error":
        return str(error["ctx"]["error"])
    return f"{'.'.join(map(str, error['loc']))}: {error['msg']}"


def show_plans(settings: Settings, jobs: Sequence[ArchiveJob], *, as_json: bool) -> int:
    """Say what the jobs would cost; nothing is kept."""
    from deployments.screen import print_json, tell, tell_plan
    from pipelines.planning import plan_job
    from schemas.jobs import Summary

    told: list[Plan | Summary] = []
    for job in jobs:
        try:
            plan = asyncio.run(plan_job(settings, job))
        except ArchiveError as error:
            if len(jobs) == 1:
                raise
            failed = not_begun(job, error)
            told.append(failed)
            if not as_json:
                tell(failed)
            if failed.outcome == "blocked":
                break
        else:
            told.append(plan)
            if not as_json:
                tell_plan(plan)
    if as_json:
        print_json(_by_input(jobs, told))
    return _code([one.outcome for one in told if isinstance(one, Summary)])


def _by_input(jobs: Sequence[ArchiveJob], told: Sequence[Plan | Summary]) -> list[dict[str, Any]]:
    """What was told of the first jobs, each with the target as it was given: a link shows no id that it led to."""
    return [{"input": job.target, **one.as_json()} for job, one in zip(jobs, told, strict=False)]


def _code(outcomes: Sequence[str]) -> int:
    """The exit code for several targets: that of the worst."""
    from schemas.jobs import EXIT_CODES

    order = ("blocked", "failed", "partial", "complete")
    return EXIT_CODES[min(outcomes, key=order.index, default="complete")]


def is_tracked(settings: Settings, asked: bool | None, environ: Mapping[str, str]) -> bool:
    """Whether Prefect tracks the run: as asked, else when a Prefect API is configured."""
    if asked is not None:
        return asked
    return settings.prefect or bool(environ.get("PREFECT_API_URL"))


def run(settings: Settings, job: ArchiveJob, listen: Any, *, tracked: bool) -> Summary:
    """Run one job straight away, or as a Prefect flow."""
    if tracked:
        from flows.archive import run_tracked

        return run_tracked(settings, job, listen)
    from deployments.memory import starting

    with starting(listen) as begun:
        from pipelines.jobs import run_job

        return asyncio.run(run_job(settings, job, on_event=begun))
