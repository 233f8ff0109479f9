"""deployments/prefect.yaml on a Prefect server of its own, by the commands that its head names."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from archives import one, settings_for
from prefects import PREFECT, ROOT, end_of, environment, log_of, start_run

from deployments.simulator.links import describe
from deployments.simulator.server import Simulator

FILE = ROOT / "deployments" / "prefect.yaml"


@pytest.mark.flow
def test_each_deployment_runs_on_a_process_worker_and_archives(
    tmp_path: Path, prefect_server: str, simulator: Simulator
) -> None:
    account = simulator.world.accounts[0]
    own = environment(tmp_path, simulator.url, PREFECT_API_URL=prefect_server, AWEME_ROOT=str(tmp_path / "archive"))

    def prefect(*words: str, **more: str) -> None:
        done = subprocess.run(
            [*PREFECT, *words], cwd=ROOT, env={**own, **more}, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stdout + done.stderr

    prefect("work-pool", "create", "--type", "process", "archive")
    prefect("deploy", "--all", "--prefect-file", str(FILE.relative_to(ROOT)), AWEME_TARGET=account.home)

    def run_all(deployments: dict[str, dict[str, Any]]) -> None:
        started = {name: start_run(prefect_server, name, given) for name, given in deployments.items()}
        prefect("worker", "start", "--pool", "archive", "--run-once")
        for name, run in started.items():
            ended = end_of(prefect_server, run)
            assert ended["state_name"] == "Completed", (name, ended["state"], log_of(prefect_server, run))

    links = {row["what"]: row["link"] for row in describe(simulator.world)}
    video = links["account 1 video"]
    run_all({"handle-user-post/daily": {}, "handle-one-video/one": {"job": {"target": video}}})
    settings = settings_for(tmp_path / "archive", simulator.url)
    assert one(settings, "SELECT count(*) FROM posts") > 50
    assert one(settings, "SELECT count(*) FROM posts WHERE aweme_id = ?", video.rpartition("/")[2]) == 1
    kept = one(settings, "SELECT count(*) FROM files WHERE state = 'stored'")
    assert kept == sum(1 for path in (tmp_path / "archive" / "media").rglob("*") if path.is_file()) > 50
    run_all({"maintain/weekly": {}, "verify/monthly": {"share": 1}})
    assert one(settings, "SELECT count(*) FROM files WHERE verified_at IS NOT NULL") == kept


def test_each_deployment_names_a_flow_and_parameters_that_it_takes() -> None:
    from prefect.flows import load_flow_from_entrypoint

    for deployment in yaml.safe_load(FILE.read_text("utf-8"))["deployments"]:
        flow = load_flow_from_entrypoint(str(ROOT / deployment["entrypoint"]))
        if deployment.get("parameters"):
            flow.validate_parameters(deployment["parameters"])
        assert all(schedule["timezone"] == "Asia/Shanghai" for schedule in deployment.get("schedules", []))


def test_a_deployment_whose_target_nobody_named_is_refused_when_it_is_deployed_and_not_at_night() -> None:
    from prefect.flows import load_flow_from_entrypoint
    from prefect.utilities.schema_tools import validate

    daily = next(one for one in yaml.safe_load(FILE.read_text("utf-8"))["deployments"] if one["name"] == "daily")
    form = load_flow_from_entrypoint(str(ROOT / daily["entrypoint"])).parameters.model_dump()
    # What `prefect deploy` sends where AWEME_TARGET is not set, checked as the server checks it.
    (refused,) = validate({"job": {**daily["parameters"]["job"], "target": ""}}, form)
    assert list(refused.path) == ["job", "target"]
