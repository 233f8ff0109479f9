"""Flows as callers of the spec call them: with a job, or with its kwargs dict, of which no cookie reaches Prefect."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from contextvars import ContextVar
from typing import Any, ParamSpec

from prefect import Flow
from prefect.client.schemas.objects import State

from pipelines.options import job_from, settings_from
from pipelines.settings import Settings
from schemas.jobs import ArchiveJob

P = ParamSpec("P")
Run = Coroutine[Any, Any, State[Any]]

# Set when a flow is called from this process with settings of its own; a worker reads its own machine's.
own_settings: ContextVar[Settings | None] = ContextVar("settings", default=None)


class JobFlow(Flow[P, Run]):
    """A flow of one job. Called with the kwargs dict, it runs with the settings in that; Prefect sees the job only."""

    def __call__(self, *args: Any, **named: Any) -> Any:
        """Run the flow: `await handle_user_post(job)`, or `await handle_user_post(kwargs)`."""
        given = args[0] if args else named.get("job", named.get("kwargs"))
        # A dict of a job's own fields is Prefect's to check.
        if not isinstance(given, Mapping) or given.keys() <= ArchiveJob.model_fields.keys():
            return super().__call__(*args, **named)
        rest = {name: value for name, value in named.items() if name not in ("job", "kwargs")}
        return self._with(settings_from(given), job_from(given), args[1:], rest)

    async def _with(self, settings: Settings, job: ArchiveJob, args: tuple[Any, ...], named: dict[str, Any]) -> Any:
        before = own_settings.set(settings)
        try:
            running: Any = super().__call__(job, *args, **named)
            return await running
        finally:
            own_settings.reset(before)


def job_flow(name: str, flow_run_name: str | Callable[[], str]) -> Callable[[Callable[P, Run]], JobFlow[P]]:
    """Makes a JobFlow of a function, as Prefect's own decorator makes a Flow."""
    return lambda function: JobFlow(function, name=name, flow_run_name=flow_run_name)
