"""Server and all schedules from one process: a Prefect server where none is configured, and the flows served to it."""

from __future__ import annotations

import asyncio
import errno
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime, timedelta
from hashlib import sha256
from importlib.machinery import PathFinder
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from deployments.ending import ends
from pipelines.errors import BadInput
from schemas.jobs import CHINA
from schemas.settings import MOST_DAYS

if TYPE_CHECKING:
    from prefect.deployments.runner import RunnerDeployment
    from prefect.runner import Runner
    from prefect.schedules import Schedule

    from pipelines.settings import Settings
    from schemas.jobs import ArchiveJob

LOOPBACK = "127.0.0.1"
_UNITS = {"m": 60, "h": 3600, "d": 86400}
_ZONE = "Asia/Shanghai"
# Spans are counted from here. Were they counted from the start of the process, a daily run would never come on a
# machine that is switched on anew each day.
_MIDNIGHT = datetime(2024, 1, 1, tzinfo=CHINA)


def parse_every(text: str) -> timedelta:
    """A span such as 30m, 6h or 1d; BadInput otherwise."""
    found = re.fullmatch(r"(\d{1,9})\s*([mhd])", text.strip())
    seconds = int(found[1]) * _UNITS[found[2]] if found else 0
    if not 0 < seconds <= MOST_DAYS * _UNITS["d"]:  # later than that, no calendar has a next run
        raise BadInput(f"--every cannot be {text!r}: write 30m, 6h or 1d.")
    return timedelta(seconds=seconds)


def check(settings: Settings, job: ArchiveJob) -> None:
    """BadInput where a job cannot be, as far as can be told without asking anybody: before a night, not in it."""
    from pipelines.jobs import known_target, settings_for
    from pipelines.modes import mode_of
    from schemas.jobs import Mode

    settings_for(settings, job)
    if job.mode is Mode.SEARCH:
        raise BadInput("Mode search is not served: what to look for is asked each time, by aweme archive --keyword.")
    known = known_target(job)
    if known is not None:
        mode_of(known.kind, job.mode)


def check_folder(folder: Path) -> None:
    """BadInput where a folder has packages that are named like ours: a run's own process looks for them there first."""
    ours = Path(__file__).parents[1]
    for name in ("schemas", "pipelines", "flows", "deployments"):
        found = PathFinder.find_spec(name, [str(folder)])
        if found and found.origin and not Path(found.origin).samefile(ours / name / "__init__.py"):
            raise BadInput(
                f"{found.origin} has the name of a package of aweme's, and every run would take it for that. "
                "Start it in another folder; --root names the archive."
            )


def server_environment(port: int, environ: Mapping[str, str], host: str = LOOPBACK) -> dict[str, str]:
    """The environment of a Prefect server of our own that listens there."""
    api = f"{_address(host, port)}/api"
    return {
        **environ,
        "PREFECT_API_URL": api,
        # On a port other than 4200 the UI would ask the wrong server; seen from elsewhere, it asks where it came from.
        "PREFECT_SERVER_UI_API_URL": api if host == LOOPBACK else "/api",
        "PREFECT_SERVER_API_HOST": host,
        "PREFECT_SERVER_API_PORT": str(port),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "DO_NOT_TRACK": "1",
    }


def _address(host: str, port: int) -> str:
    """Where this machine reaches a server that listens there."""
    return f"http://{LOOPBACK if host == '0.0.0.0' else host}:{port}"  # noqa: S104 - asked for, and only compared


@contextmanager
def own_server(port: int, host: str = LOOPBACK) -> Iterator[str]:
    """A Prefect server for as long as the block lasts; its address on this machine."""
    _refuse_taken(port, host)
    environ = server_environment(port, os.environ, host)
    command = [sys.executable, "-m", "prefect", "server", "start", "--host", host, "--port", str(port)]
    # A file, not a pipe: a pipe that nobody reads stops the server once it is full.
    with tempfile.TemporaryFile() as log:
        # In a session of its own, which Ctrl-C does not reach: it must outlive the runs that tell it how they ended.
        server = subprocess.Popen(  # noqa: S603 - our own interpreter
            command, env=environ, stdout=log, stderr=subprocess.STDOUT, start_new_session=True
        )
        yield from _serving(server, _address(host, port), environ, log)


def _serving(
    server: subprocess.Popen[bytes], address: str, environ: Mapping[str, str], log: IO[bytes]
) -> Iterator[str]:
    try:
        _wait_for(server, f"{address}/api/health", log)
        os.environ.update({name: environ[name] for name in ("PREFECT_API_URL", "PREFECT_SERVER_ANALYTICS_ENABLED")})
        yield address
    finally:
        server.terminate()
        try:
            server.wait(timeout=15)
        except subprocess.TimeoutExpired:
            server.kill()


def _refuse_taken(port: int, host: str) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
                raise BadInput(f"--host cannot be {host!r}: it is no IPv4 address of this machine.") from error
            raise BadInput(
                f"Port {port} is taken. If a Prefect server runs there: export PREFECT_API_URL="
                f"{_address(host, port)}/api; else choose another with --port."
            ) from error


def _wait_for(server: subprocess.Popen[bytes], health: str, log: IO[bytes], seconds: float = 90) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if server.poll() is not None:
            log.seek(0)
            raise BadInput(f"The Prefect server did not start:\n{log.read().decode(errors='replace')[-2000:]}")
        try:
            with urllib.request.urlopen(health, timeout=2):  # noqa: S310 - loopback
                return
        except OSError:
            time.sleep(0.3)
    raise BadInput(f"The Prefect server did not answer within {seconds:.0f} seconds.")


def deployments_of(
    jobs: Sequence[ArchiveJob], *, every: timedelta | None, cron: str | None, care: bool = False
) -> list[RunnerDeployment]:
    """A scheduled deployment for each job, and one of every flow without a schedule, to start by hand in the UI.

    With `care`, maintain each week and verify a tenth of the files each month, too.
    """
    from prefect.schedules import Cron

    from flows.archive import FLOWS, flow_for, handle_any
    from flows.maintain import maintain, verify

    flows = (*FLOWS.values(), handle_any, maintain, verify)
    found: list[Any] = [flow.to_deployment(name="by-hand", tags=["aweme"]) for flow in flows]
    if care:
        weekly, monthly = (Cron(times, timezone=_ZONE) for times in ("30 5 * * 1", "30 6 1 * *"))
        found.append(maintain.to_deployment(name="weekly", schedule=weekly, tags=["aweme"]))
        tenth = {"share": 0.1}
        found.append(verify.to_deployment(name="monthly", schedule=monthly, parameters=tenth, tags=["aweme"]))
    for job in jobs:
        flow = flow_for(job.mode)
        try:
            schedule = Cron(cron, timezone=_ZONE) if cron else _each(every) if every else None
        except ValueError as error:
            raise BadInput(f"--cron cannot be {cron!r}: write five fields, as in '30 3 * * *'.") from error
        name = _name(job.target, {other.name for other in found})
        parameters = {"job": job.model_dump(mode="json", exclude_none=True)}
        found.append(flow.to_deployment(name=name, schedule=schedule, parameters=parameters, tags=["aweme"]))
    return found


def _name(target: str, taken: Collection[str]) -> str:
    """A deployment's name: the end of its target, where the id stands.

    Copied links may end alike, in what the page was opened from; two deployments of one name would be one.
    """
    name = re.sub(r"[^A-Za-z0-9]+", "-", target)[-40:].strip("-") or "job"
    return f"{name}-{sha256(target.encode()).hexdigest()[:8]}" if name in taken else name


def _each(span: timedelta) -> Schedule:
    from prefect.schedules import Interval

    return Interval(span, anchor_date=_MIDNIGHT, timezone=_ZONE)


def leave_on_signals() -> None:
    """Let what tells this process to end unwind it, as Ctrl-C does: a server that it started would stay behind."""

    def leave(number: int, _frame: object) -> None:
        raise SystemExit(128 + number)

    for number in ends():
        signal.signal(number, leave)


def serve(deployments: Sequence[RunnerDeployment], *, limit: int, is_new_server: bool) -> None:
    """Serve these deployments until stopped; at most `limit` flow runs at a time, and those under way are cancelled.

    A server that has only just started has nothing under way: what its books say is, was cut off with the one before.
    """
    told = list[int]()
    try:
        asyncio.run(_serve(deployments, limit, told, is_new_server=is_new_server))
    except asyncio.CancelledError:  # by a signal that came before anything was served
        raise SystemExit(128 + told[0]) from None


async def _serve(deployments: Sequence[RunnerDeployment], limit: int, told: list[int], *, is_new_server: bool) -> None:
    from prefect.runner import Runner

    from deployments.books import close_cut_off

    # From here on no signal may raise where it comes: in the middle of asyncio's own work, a task would never go on.
    _cancel_on_signals(told)
    if is_new_server:
        await close_cut_off()
    runner = Runner(limit=limit)
    await _add(runner, deployments)
    serving = asyncio.ensure_future(runner.start())
    await asyncio.sleep(0)  # it begins with a handler of its own, which leaves in the middle of things
    _cancel_on_signals(told)
    try:
        await asyncio.wait([serving])
    except asyncio.CancelledError:
        # Runs that are not cancelled are killed where they are, and count as running for ever in Prefect's books.
        if runner.started:
            await runner.astop()
        else:
            serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


async def _add(runner: Runner, deployments: Sequence[RunnerDeployment]) -> None:
    from flows.reports import lost_server

    try:
        for deployment in deployments:
            added: Any = runner.add_deployment(deployment)
            await added
    except Exception as error:
        lost = lost_server(error, instead="unset PREFECT_API_URL, and one is started here")
        if lost is None:
            raise
        raise lost from error


def _cancel_on_signals(told: list[int]) -> None:
    """Cancel this task on a signal, and note which it was."""
    task = asyncio.current_task()
    if sys.platform == "win32" or task is None:
        return

    def cancel(number: int) -> None:
        if not task.cancelling():  # a second signal must not break off what the first has begun
            told.append(number)
            task.cancel()

    for number in ends():
        asyncio.get_running_loop().add_signal_handler(number, cancel, number)
