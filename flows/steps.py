"""The step that Prefect tracks, which errors are worth another try, and how those that are not end a run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from functools import wraps
from typing import Any, ParamSpec

from prefect import task
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State
from prefect.states import Failed

from flows.telling import result_told
from pipelines.errors import ArchiveError, Blocked, Transient

_P = ParamSpec("_P")

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


def ended_in_words(work: Callable[_P, Awaitable[State[Any]]]) -> Callable[_P, Awaitable[State[Any]]]:
    """A flow's work, whose own errors end the run as Failed with what they say; who waits for it is raised them."""

    @wraps(work)
    async def told(*args: _P.args, **kwargs: _P.kwargs) -> State[Any]:
        try:
            return await work(*args, **kwargs)
        except ArchiveError as error:  # it says what to do, which a traceback in the log would only hide
            return Failed(name="Blocked" if isinstance(error, Blocked) else "Failed", message=str(error), data=error)

    return told
