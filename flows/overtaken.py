"""Whether a scheduled run was overtaken: a later one of the same schedule is due, too, and would only do the same."""

from __future__ import annotations

from datetime import UTC, datetime

from prefect.client.orchestration import get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterExpectedStartTime,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, StateType
from prefect.context import FlowRunContext

from flows.reports import lost_server


async def overtaken_at() -> datetime | None:
    """When the later run was due; None for the last one that is due, and for runs that somebody started.

    Runs come late by the dozen where one lasts longer than the pause between two, or nobody was there to run them. One
    after the other they would ask Douyin for what the last of them asks, without a pause, even while it shows a
    captcha.
    """
    context = FlowRunContext.get()
    run = context.flow_run if context else None
    if run is None or not run.auto_scheduled:
        return None
    try:
        due = [other.expected_start_time for other in await _later(run) if other.expected_start_time]
    except Exception as error:
        if lost_server(error) is None:
            raise
        return None  # the run does without its server
    return max(due, default=None)


async def _later(run: FlowRun) -> list[FlowRun]:
    since = run.expected_start_time
    if since is None or run.deployment_id is None:
        return []
    waiting = FlowRunFilter(
        deployment_id=FlowRunFilterDeploymentId(any_=[run.deployment_id]),
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=[StateType.SCHEDULED])),
        expected_start_time=FlowRunFilterExpectedStartTime.model_validate(
            {"after_": since, "before_": datetime.now(UTC)}
        ),
    )
    async with get_client() as client:
        found = await client.read_flow_runs(flow_run_filter=waiting)
    return [
        other
        for other in found
        if other.id != run.id
        and other.auto_scheduled
        and other.parameters == run.parameters
        and (other.expected_start_time or since) > since
    ]
