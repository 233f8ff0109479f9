"""Prefect's books after a sudden end: runs that count as under way, though what ran them is gone."""

from __future__ import annotations

from typing import Any

from prefect.client.orchestration import PrefectClient, get_client
from prefect.client.schemas.filters import (
    FlowRunFilter,
    FlowRunFilterDeploymentId,
    FlowRunFilterState,
    FlowRunFilterStateType,
)
from prefect.client.schemas.objects import FlowRun, State, StateType
from prefect.states import Crashed

_UNDER_WAY = [StateType.PENDING, StateType.RUNNING, StateType.CANCELLING]
_AT_ONCE = 200
_CUT_OFF = "It was cut off with the server; the next run goes on where it stopped."


async def close_cut_off() -> int:
    """Note as Crashed the runs that a server which has only just started counts as under way; how many they were.

    After a kill -9 or a power cut nobody else would: they would count as running for ever. Runs of a work pool are its
    worker's, and runs without a deployment those of whoever called the flow: both may outlive a server.
    """
    async with get_client() as client:
        cut_off = [run for run in await _under_way(client) if run.work_pool_name is None]
        for run in cut_off:
            state: State[Any] = Crashed(message=_CUT_OFF)
            await client.set_flow_run_state(run.id, state, force=True)
    return len(cut_off)


async def _under_way(client: PrefectClient) -> list[FlowRun]:
    wanted = FlowRunFilter(
        state=FlowRunFilterState(type=FlowRunFilterStateType(any_=_UNDER_WAY)),
        deployment_id=FlowRunFilterDeploymentId(is_null_=False),
    )
    found: list[FlowRun] = []
    while len(more := await client.read_flow_runs(flow_run_filter=wanted, limit=_AT_ONCE, offset=len(found))):
        found += more
    return found
