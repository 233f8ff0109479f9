"""The flows that archive: one for each mode, all of one shape."""

from __future__ import annotations

import asyncio
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed, Failed

from flows.reports import report
from flows.steps import log_events, tracked
from pipelines.jobs import run_job, settings_for
from pipelines.settings import Settings, load_settings
from schemas.jobs import ArchiveJob, Mode, Summary

if TYPE_CHECKING:
    from pipelines.house import OnEvent

# Set when a flow is called from this process with settings of its own; a worker reads its own machine's.
_settings: ContextVar[Settings | None] = ContextVar("settings", default=None)
_listener: ContextVar[Any] = ContextVar("listener", default=None)
_summary: ContextVar[list[Summary] | None] = ContextVar("summary", default=None)


async def _archive(job: ArchiveJob, mode: Mode) -> State[Any]:
    job = job.model_copy(update={"mode": mode})
    settings = _settings.get() or load_settings()
    listener = _listener.get()

    def on_event(name: str, **facts: Any) -> None:
        log_events(name, **facts)
        if listener is not None:
            listener(name, **facts)

    summary = await run_job(settings, job, on_event=on_event, step=tracked, flow_run_id=str(flow_run.id))
    await report(summary, settings_for(settings, job).root)
    kept = _summary.get()
    if kept is not None:
        kept.append(summary)
    return _state(summary)


def _state(summary: Summary) -> State[Any]:
    if summary.outcome == "complete":
        return Completed(message=f"{summary.new_posts} new posts, {summary.files} files")
    if summary.outcome == "partial":
        return Completed(name="Partial", message=summary.reason)
    return Failed(name=summary.outcome.capitalize(), message=summary.reason)


@flow(name="handle-user-post", flow_run_name="posts of {job.target}")
async def handle_user_post(job: ArchiveJob) -> State[Any]:
    """Archive the posts (作品) of an account: rows into tables, media into files."""
    return await _archive(job, Mode.POST)


@flow(name="handle-one-video", flow_run_name="post {job.target}")
async def handle_one_video(job: ArchiveJob) -> State[Any]:
    """Archive a single post (单个作品): video, image set or live photos."""
    return await _archive(job, Mode.ONE)


FLOWS = {Mode.POST: handle_user_post, Mode.ONE: handle_one_video}


def run_tracked(settings: Settings, job: ArchiveJob, listen: OnEvent) -> Summary:
    """Run a job as its flow from this process, with these settings; a flow that broke raises what broke it."""
    kept: list[Summary] = []
    asyncio.run(_run(settings, job, listen, kept))
    return kept[0]


async def _run(settings: Settings, job: ArchiveJob, listen: OnEvent, kept: list[Summary]) -> None:
    _settings.set(settings)
    _listener.set(listen)
    _summary.set(kept)
    chosen = FLOWS[await _mode(settings, job)]
    state = await chosen(job, return_state=True)
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
