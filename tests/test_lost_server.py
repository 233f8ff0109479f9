"""A Prefect server that is not there, or goes away while a run is under way."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from prefects import PREFECT, ROOT, environment, free_port

from deployments.serve import _wait_for, server_environment
from deployments.simulator.server import Simulator
from deployments.simulator.world import World

pytestmark = pytest.mark.flow


def archiving(folder: Path, simulator: Simulator, port: int) -> subprocess.Popen[str]:
    own = environment(
        folder,
        simulator.url,
        PREFECT_API_URL=f"http://127.0.0.1:{port}/api",
        PREFECT_CLIENT_MAX_RETRIES="0",  # nobody answers the second time either
        AWEME_ROOT=str(folder / "archive"),
        AWEME_COOKIE=simulator.world.cookie,
        PYTHONPATH=str(ROOT),
    )
    command = [sys.executable, "-m", "deployments.cli", "archive", simulator.world.accounts[0].home]
    options = ["--media", "none", "--json"]
    return subprocess.Popen([*command, *options], env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def test_a_server_that_is_not_there_is_said_in_a_line(tmp_path: Path, simulator: Simulator) -> None:
    process = archiving(tmp_path, simulator, free_port())
    told, said = process.communicate(timeout=120)
    assert process.returncode == 1
    assert json.loads(told)["kind"] == "Unreachable"
    assert "--no-prefect" in said
    assert "Traceback" not in said


def test_a_server_that_is_not_there_to_keep_the_schedules_is_said_in_a_line(tmp_path: Path) -> None:
    api = f"http://127.0.0.1:{free_port()}/api"
    own = environment(tmp_path, "", PREFECT_API_URL=api, PREFECT_CLIENT_MAX_RETRIES="0", PYTHONPATH=str(ROOT))
    command = [sys.executable, "-m", "deployments.cli", "serve", "--root", str(tmp_path / "archive")]
    done = subprocess.run(command, cwd=tmp_path, env=own, capture_output=True, text=True, timeout=120)
    assert (done.returncode, "Traceback" in done.stderr) == (1, False), done.stderr[-2000:]
    assert f"{api} does not answer" in done.stderr
    assert "unset PREFECT_API_URL" in done.stderr


def test_a_run_outlives_its_server_and_says_what_it_kept(tmp_path: Path) -> None:
    port = free_port()
    own = server_environment(port, environment(tmp_path, ""))
    server = subprocess.Popen([*PREFECT, "server", "start", "--port", str(port)], env=own, start_new_session=True)
    try:
        with (tmp_path / "log").open("wb+") as log:
            _wait_for(server, f"http://127.0.0.1:{port}/api/health", log)
        with Simulator(World(posts=60, users=1), faults=["user_post:2-=slow:1"]) as simulator:
            process = archiving(tmp_path, simulator, port)
            assert process.stderr is not None
            while "posts to read" not in process.stderr.readline():
                assert process.poll() is None
            os.killpg(server.pid, signal.SIGKILL)
            told, said = process.communicate(timeout=300)
    finally:
        if server.poll() is None:
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()
    (summary,) = json.loads(told)
    assert (process.returncode, summary["outcome"], summary["new_posts"]) == (0, "complete", 60), said[-2000:]
    assert any("does not answer" in warning for warning in summary["warnings"])
    assert "What the run did is kept" in said, "before Prefect gives up asking"
