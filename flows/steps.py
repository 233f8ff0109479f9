"""The step that Prefect tracks, and which errors are worth another try."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from prefect import task
from prefect.cache_policies import NO_CACHE

from flows.telling import result_told
from pipelines.errors import Transient

# The crawler has tried several times within seconds already; these wait for a service that rests for minutes.
retry_delays_s: ContextVar[tuple[float, ...]] = ContextVar("retry_delays_s", default=(30.0, 120.0))


async def worth_another_try(_task: Any, _run: Any, state: Any) -> bool:
    """Whether a failed step may succeed later: only what is Transient."""
    result = await state.aresult(raise_on_failure=False)
    return isinstance(result, Transient)


async def tracked(name: str, work: Callable[[], Awaitable[Any]]) -> Any:
    """Do a step as a Prefect task: seen in the UI with its result in the log, and tried again where that may help."""
    delays = retry_delays_s.get()

    @task(
        name=name,
        retries=len(delays),
        retry_delay_seconds=list(delays),
        retry_condition_fn=worth_another_try,
        cache_policy=NO_CACHE,
        persist_result=False,
    )
    async def step() -> Any:
        with result_told():
            return await work()

    return await step()
