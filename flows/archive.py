"""The flows that archive: one for each mode, all of one shape."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from prefect import Flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.calling import job_flow, own_settings
from flows.cookies import with_secret
from flows.ending import hear_as_before, own_end
from flows.overtaken import overtaken_at
from flows.reports import lost_server, report
from flows.steps import ended_in_words, tracked
from flows.telling import tell_event, tell_summary
from pipelines.jobs import run_job, settings_for
from pipelines.settings import Settings, load_settings
from schemas.jobs import ArchiveJob, Mode, Summary
from schemas.wording import counted

if TYPE_CHECKING:
    from pipelines.house import OnEvent

_listener: ContextVar[Any] = ContextVar("listener", default=None)
_summary: ContextVar[list[Summary] | None] = ContextVar("summary", default=None)


OWN_JOB = ArchiveJob()


def _named(what: str | None) -> Callable[[], str]:
    """A run's name: what, or its mode, and the end of its target, since a whole link would fill the screen."""

    def name() -> str:
        job = flow_run.parameters.get("job")
        facts = job if isinstance(job, dict) else getattr(job, "__dict__", {})
        target, kind = facts.get("target", ""), what or f"{facts.get('mode') or Mode.POST} of"
        short = str(target).partition("?")[0].rstrip("/")
        return f"{kind} {short if len(short) <= 24 else '…' + short[-20:]}"

    return name


@ended_in_words
async def _archive(job: ArchiveJob, mode: Mode) -> State[Any]:
    hear_as_before()
    if due := await overtaken_at():
        return Completed(
            name="Skipped", message=f"The run that was due at {due:%Y-%m-%d %H:%M:%S} UTC does this one's work."
        )
    job = job.model_copy(update={"mode": mode})
    settings = await with_secret(own_settings.get() or load_settings())
    listener = _listener.get()

    def on_event(name: str, **facts: Any) -> None:
        tell_event(name, **facts)
        if listener is not None:
            listener(name, **facts)

    summary = await run_job(settings, job, on_event=on_event, step=tracked, flow_run_id=str(flow_run.id))
    kept = _summary.get()
    if kept is not None:
        kept.append(summary)
    tell_summary(summary)
    await report(summary, settings_for(settings, job).root)
    return _state(summary)


def _state(summary: Summary) -> State[Any]:
    if summary.outcome == "complete":
        return Completed(message=f"{counted(summary.new_posts, 'new posts')}, {counted(summary.files, 'files')}")
    if summary.outcome == "partial":
        return Completed(name="Partial", message=summary.reason)
    return Failed(name=summary.outcome.capitalize(), message=summary.reason)


@job_flow(name="handle-one-video", flow_run_name=_named("post"))
async def handle_one_video(job: ArchiveJob) -> State[Any]:
    """Archive a single post (单个作品): video, image set or live photos."""
    return await _archive(job, Mode.ONE)


@job_flow(name="handle-user-post", flow_run_name=_named("posts of"))
async def handle_user_post(job: ArchiveJob) -> State[Any]:
    """Archive the posts (作品) of an account: rows into tables, media into files."""
    return await _archive(job, Mode.POST)


@job_flow(name="handle-user-like", flow_run_name=_named("likes of"))
async def handle_user_like(job: ArchiveJob) -> State[Any]:
    """Archive what an account likes (喜欢), where its list is open to see."""
    return await _archive(job, Mode.LIKE)


@job_flow(name="handle-user-collect", flow_run_name="own collection")
async def handle_user_collect(job: ArchiveJob = OWN_JOB) -> State[Any]:
    """Archive what the cookie's owner collected (收藏)."""
    return await _archive(job, Mode.COLLECT)


@job_flow(name="handle-user-mix", flow_run_name=_named("mix"))
async def handle_user_mix(job: ArchiveJob) -> State[Any]:
    """Archive a mix (合辑), by its link or the link of one of its posts."""
    return await _archive(job, Mode.MIX)


@job_flow(name="handle-user-live", flow_run_name=_named("room"))
async def handle_user_live(job: ArchiveJob) -> State[Any]:
    """Record a live room (直播) while it lasts; an ended one lands as rows."""
    return await _archive(job, Mode.LIVE)


@job_flow(name="handle-user-feed", flow_run_name="recommended feed")
async def handle_user_feed(job: ArchiveJob = OWN_JOB) -> State[Any]:
    """Archive the recommended feed (首页推荐), as many posts as the job says."""
    return await _archive(job, Mode.FEED)


@job_flow(name="handle-any", flow_run_name=_named(None))
async def handle_any(job: ArchiveJob) -> State[Any]:
    """Archive in the mode that the job names: comments, related, follow-feed, collects, following, search, hot, ..."""
    return await _archive(job, job.mode or Mode.POST)


FLOWS: dict[Mode, Flow[..., Any]] = {
    Mode.ONE: handle_one_video,
    Mode.POST: handle_user_post,
    Mode.LIKE: handle_user_like,
    Mode.COLLECT: handle_user_collect,
    Mode.MIX: handle_user_mix,
    Mode.LIVE: handle_user_live,
    Mode.FEED: handle_user_feed,
}


def flow_for(mode: Mode | None) -> Flow[..., Any]:
    """The flow of a mode."""
    return FLOWS.get(mode or Mode.POST, handle_any)


def run_tracked(settings: Settings, job: ArchiveJob, listen: OnEvent) -> Summary:
    """Run a job as its flow from this process, with these settings; a flow that broke raises what broke it."""
    kept: list[Summary] = []
    with own_end():
        asyncio.run(_run(settings, job, listen, kept))
    return kept[0]


async def _run(settings: Settings, job: ArchiveJob, listen: OnEvent, kept: list[Summary]) -> None:
    own_settings.set(settings)
    _listener.set(listen)
    _summary.set(kept)
    chosen = flow_for(await _mode(settings, job))
    running: Any = chosen(job, return_state=True)
    try:
        state: State[Any] = await running
    except Exception as error:
        lost = lost_server(error)
        if lost is None:
            raise
        if not kept:
            raise lost from error
        # The job is done and in the archive; only the server's books lack it.
        if str(lost) not in kept[0].warnings:
            kept[0].warnings.append(str(lost))
        return
    if not kept:
        await state.aresult()  # raises what broke the flow
        raise RuntimeError(f"The flow ended as {state.name} without a summary: {state.message}")


async def _mode(settings: Settings, job: ArchiveJob) -> Mode:
    from pipelines.house import open_house
    from pipelines.jobs import find_target
    from pipelines.modes import mode_of

    if job.mode is not None:
        return job.mode
    async with open_house(settings) as house:
        return mode_of((await find_target(house, job)).kind, None)
