"""Scheduled runs that come late, since nobody was there to run them or the one before lasted long."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import pytest
from archives import ask as ask_archive
from archives import settings_for
from prefects import ROOT, ask, environment

from deployments.simulator.server import Simulator

# Registers a schedule that is due every few seconds, which nobody serves.
REGISTER = """
import sys
from datetime import timedelta
from deployments.serve import deployments_of
from schemas.jobs import ArchiveJob

job = ArchiveJob(target=sys.argv[1], mode="post", media="none")
*_, scheduled = deployments_of([job], every=timedelta(seconds=5), cron=None)
scheduled.apply()
"""


@pytest.mark.flow
def test_of_several_late_runs_the_last_does_the_work_and_those_before_it_ask_nothing(
    tmp_path: Path, prefect_server: str, simulator: Simulator
) -> None:
    target = simulator.world.accounts[0].home
    own = environment(tmp_path, simulator.url, PREFECT_API_URL=prefect_server)
    subprocess.run([sys.executable, "-c", REGISTER, target], cwd=ROOT, env=own, check=True, timeout=120)
    wait_for(prefect_server, 3, lambda run: run["expected_start_time"] < datetime.now(UTC).isoformat())
    unschedule(prefect_server)
    words = ["serve", target, "--media", "none", "--cron", "0 0 1 1 *", "--root", "kept"]
    command = [sys.executable, "-m", "deployments.cli", *words]
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, cwd=tmp_path, env=own, stdout=log, stderr=log) as serving,
    ):
        try:
            wait_for(prefect_server, 1, lambda run: run["state_name"] == "Completed")
            runs = [run for run in runs_of(prefect_server) if run["state_type"] != "SCHEDULED"]
        finally:
            serving.terminate()
            serving.wait(60)
    *late, last = runs
    assert ({run["state_name"] for run in late}, last["state_name"]) == ({"Skipped"}, "Completed"), runs
    assert "does this one's work" in late[0]["state"]["message"]
    assert ask_archive(settings_for(tmp_path / "kept", simulator.url), "SELECT flow_run_id FROM runs") == [
        (last["id"],)
    ]


def unschedule(api: str) -> None:
    """Take the schedules away, and with them the runs that are not due yet."""
    for deployment in ask(api, "/deployments/filter", {}):
        address = f"{api}/deployments/{deployment['id']}"
        heads = {"content-type": "application/json"}
        urlopen(Request(address, data=b'{"schedules": []}', headers=heads, method="PATCH"), timeout=30).close()


def runs_of(api: str) -> list[dict[str, Any]]:
    """The flow runs, in the order in which they are due."""
    return list(ask(api, "/flow_runs/filter", {"sort": "EXPECTED_START_TIME_ASC"}))


def wait_for(api: str, count: int, wanted: Callable[[dict[str, Any]], bool]) -> None:
    """Until so many flow runs are as wanted."""
    until = time.monotonic() + 180
    while sum(map(wanted, runs := runs_of(api))) < count:
        assert time.monotonic() < until, [(run["expected_start_time"], run["state_name"]) for run in runs]
        time.sleep(0.5)
