"""`aweme serve` as a user starts it: a Prefect server and all flows from one process."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from urllib.error import URLError

import pytest
from archives import one, settings_for
from prefects import ask, end_of, environment, free_port, log_of, start_run

from deployments.serve import check_folder, deployments_of, own_server, parse_every
from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.errors import BadInput
from schemas.jobs import ArchiveJob


@pytest.mark.flow
def test_one_process_serves_the_schedules_and_every_flow_to_start_by_hand(tmp_path: Path, simulator: Simulator) -> None:
    port, account = free_port(), simulator.world.accounts[0]
    own = environment(tmp_path, simulator.url, AWEME_COOKIE=simulator.world.cookie)
    words = [
        account.sec_user_id,
        "--every",
        "6h",
        "--media",
        "caption",
        "--care",
        "--root",
        "kept",
        "--port",
        str(port),
    ]
    command = [sys.executable, "-m", "deployments.cli", "serve", *words]
    api = f"http://127.0.0.1:{port}/api"
    with (
        (tmp_path / "log").open("w") as log,
        subprocess.Popen(command, cwd=tmp_path, env=own, stdout=log, stderr=log) as serving,
    ):
        try:
            names = wait_for_deployments(api, serving, tmp_path / "log")
            assert {"by-hand of maintain", "by-hand of verify", "weekly of maintain", "monthly of verify"} <= names
            assert any(name.endswith("of handle-user-post") and "by-hand" not in name for name in names)
            job = {"job": {"target": account.home, "media": "caption"}}
            for deployment, given in {"handle-user-post": job, "maintain": {}, "verify": {}}.items():
                run = start_run(api, f"{deployment}/by-hand", given)
                ended = end_of(api, run)
                assert ended["state_name"] == "Completed", (deployment, log_of(api, run))
                assert simulator.world.sessionid not in str([ended, log_of(api, run)])
        finally:
            serving.terminate()
            serving.wait(30)
    settings = settings_for(tmp_path / "kept", simulator.url)
    assert one(settings, "SELECT count(*) FROM files WHERE verified_at IS NOT NULL") > 0
    with pytest.raises(URLError):
        ask(api, "/health")


@pytest.mark.parametrize("theirs", ["flows/__init__.py", "schemas.py"])
def test_a_folder_with_a_package_named_like_one_of_ours_is_refused_before_any_run(tmp_path: Path, theirs: str) -> None:
    (tmp_path / theirs).parent.mkdir(exist_ok=True)
    (tmp_path / theirs).write_text("raise ImportError('not the one that is meant')")
    # As the installed command is started: its own folder is not looked into for packages, but that of its runs is.
    start = "from deployments.cli import main; main()"
    command = [sys.executable, "-P", "-c", start, "serve", "--port", str(free_port())]
    ended = subprocess.run(
        command, cwd=tmp_path, env=environment(tmp_path, ""), capture_output=True, text=True, timeout=60
    )
    assert ended.returncode == 2, ended.stderr
    assert str(tmp_path / theirs) in ended.stderr
    assert "another folder" in ended.stderr


def test_folders_that_only_share_a_name_with_ours_are_no_hindrance(tmp_path: Path) -> None:
    (tmp_path / "flows").mkdir()
    (tmp_path / "schemas").mkdir()
    (tmp_path / "schemas" / "posts.sql").touch()
    check_folder(tmp_path)
    check_folder(Path(__file__).parents[1])


@pytest.mark.flow
@pytest.mark.skipif(sys.platform == "win32", reason="no process groups there")
@pytest.mark.parametrize("by", [signal.SIGTERM, signal.SIGINT], ids=["told to end", "Ctrl-C"])
def test_stopped_in_the_middle_of_a_run_it_ends_soon_and_the_run_counts_as_cancelled(tmp_path: Path, by: int) -> None:
    port = free_port()
    with Simulator(World(posts=400, users=1), faults=["user_post:2-=slow:1"]) as simulator:
        own = environment(tmp_path, simulator.url, AWEME_COOKIE=simulator.world.cookie)
        command = [sys.executable, "-m", "deployments.cli", "serve", "--root", "kept", "--port", str(port)]
        with (
            (tmp_path / "log").open("w") as log,
            subprocess.Popen(command, cwd=tmp_path, env=own, stdout=log, stderr=log, start_new_session=True) as serving,
        ):
            try:
                api = f"http://127.0.0.1:{port}/api"
                wait_for_deployments(api, serving, tmp_path / "log", count=10)
                job = {"target": simulator.world.accounts[0].home, "media": "none"}
                run = start_run(api, "handle-user-post/by-hand", {"job": job})
                wait_for_a_walk(simulator, serving)
                # As a terminal does it: Ctrl-C goes to every process of the group. A service manager tells the first.
                os.kill(-serving.pid if by == signal.SIGINT else serving.pid, by)
                serving.wait(60)
            finally:
                if serving.poll() is None:
                    serving.terminate()  # killed, it would leave its server behind
                    serving.wait(60)
    assert serving.returncode == 0
    books = sqlite3.connect(tmp_path / "prefect" / "prefect.db")
    assert books.execute("SELECT state_name FROM flow_run WHERE id = ?", [run]).fetchall() == [("Cancelled",)]
    books.close()
    assert one(settings_for(tmp_path / "kept", simulator.url), "SELECT count(*) FROM raw_pages") >= 3
    with pytest.raises(URLError):
        ask(api, "/health")


STOPPED_EARLY = """
import asyncio, os, signal
from deployments import serve

async def add(runner, deployments):
    def told():
        os.kill(os.getpid(), signal.SIGTERM)
        print("nothing is broken off", flush=True)

    asyncio.get_running_loop().call_later(0.1, told)
    try:
        await asyncio.sleep(50)
    finally:
        print("and all ends in order", flush=True)

serve._add = add
serve.leave_on_signals()
serve.serve([], limit=1, is_new_server=False)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")
def test_stopped_before_it_serves_anything_it_ends_by_the_signal_and_in_order(tmp_path: Path) -> None:
    """An exception out of a signal, in the middle of asyncio's own work, once left a task that never went on."""
    words = [sys.executable, "-c", STOPPED_EARLY]
    own = environment(tmp_path, "http://127.0.0.1:9")
    ended = subprocess.run(words, capture_output=True, text=True, timeout=60, env=own, check=False)
    assert ended.stdout.splitlines() == ["nothing is broken off", "and all ends in order"]
    assert (ended.returncode, ended.stderr) == (128 + signal.SIGTERM, "")


@pytest.mark.flow
@pytest.mark.skipif(sys.platform == "win32", reason="no process groups there")
def test_killed_with_its_server_in_the_middle_of_a_run_it_starts_again_with_nothing_running(tmp_path: Path) -> None:
    port = free_port()
    api = f"http://127.0.0.1:{port}/api"
    with Simulator(World(posts=400, users=1), faults=["user_post:2-=slow:1"]) as simulator:
        target = simulator.world.accounts[0].home
        own = environment(tmp_path, simulator.url, AWEME_COOKIE=simulator.world.cookie)
        words = ["serve", target, "--cron", "0 0 1 1 *", "--media", "none", "--root", "kept", "--port", str(port)]
        command = [sys.executable, "-m", "deployments.cli", *words]

        def start() -> subprocess.Popen[bytes]:
            with (tmp_path / "log").open("w") as log:
                return subprocess.Popen(command, cwd=tmp_path, env=own, stdout=log, stderr=log, start_new_session=True)

        serving = start()
        try:
            names = wait_for_deployments(api, serving, tmp_path / "log", count=11)
            run = start_run(api, "handle-user-post/by-hand", {"job": {"target": target, "media": "none"}})
            wait_for_a_walk(simulator, serving)
        finally:
            kill_all_of(serving)
        serving = start()
        try:
            assert wait_for_deployments(api, serving, tmp_path / "log", count=11) == names
            ended = end_of(api, run, seconds=30)
            assert (ended["state_name"], "goes on where it stopped" in ended["state"]["message"]) == ("Crashed", True)
        finally:
            serving.terminate()
            serving.wait(60)


def kill_all_of(serving: subprocess.Popen[bytes]) -> None:
    """End it with its server and its runs as a power cut does: the server first, so that nobody can tell it."""
    listed = subprocess.run(["ps", "-eo", "pid=,ppid="], capture_output=True, text=True, check=True).stdout
    pairs = (tuple(map(int, line.split())) for line in listed.splitlines())
    for pid in (*sorted(pid for pid, parent in pairs if parent == serving.pid), serving.pid):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    serving.wait(30)


@pytest.mark.flow
@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere this machine has one loopback address only")
def test_a_server_for_others_is_reached_from_outside_and_its_ui_asks_where_it_came_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("PREFECT_API_URL", "PREFECT_SERVER_ANALYTICS_ENABLED"):
        monkeypatch.setenv(name, "")  # own_server sets them: as they were, after the test
    monkeypatch.setenv("PREFECT_HOME", str(tmp_path / "prefect"))
    port = free_port()
    with own_server(port, "0.0.0.0") as address:
        assert address == f"http://127.0.0.1:{port}"
        outside = f"http://127.0.0.2:{port}"
        assert ask(f"{outside}/api", "/health") is True
        assert ask(outside, "/ui-settings")["api_url"] == "/api"


def wait_for_a_walk(simulator: Simulator, serving: subprocess.Popen[bytes]) -> None:
    """Until a run is in the middle of a listing."""
    until = time.monotonic() + 90
    while sum(record.operation == "user_post" for record in simulator.log) < 3:
        assert serving.poll() is None
        assert time.monotonic() < until
        time.sleep(0.2)


def wait_for_deployments(api: str, serving: subprocess.Popen[bytes], log: Path, count: int = 13) -> set[str]:
    until = time.monotonic() + 120
    while time.monotonic() < until and serving.poll() is None:
        if "Ctrl-C" in log.read_text("utf-8"):
            flows = {flow["id"]: flow["name"] for flow in ask(api, "/flows/filter", {})}
            found = ask(api, "/deployments/filter", {})
            if len(found) >= count:
                return {f"{one['name']} of {flows[one['flow_id']]}" for one in found}
        time.sleep(0.5)
    raise AssertionError(log.read_text("utf-8"))


def test_without_care_nothing_of_it_is_scheduled() -> None:
    served = deployments_of([ArchiveJob(target="x")], every=parse_every("6h"), cron=None)
    scheduled = {deployment.flow_name for deployment in served if deployment.schedules}
    assert scheduled == {"handle-user-post"}
    assert {"maintain", "verify"} <= {deployment.flow_name for deployment in served}


def test_a_process_that_is_started_again_keeps_the_times_of_its_schedule() -> None:
    first, second = (
        [
            schedule.schedule.model_dump()
            for deployment in deployments_of([ArchiveJob(target="x")], every=parse_every("1d"), cron=None)
            for schedule in deployment.schedules or []
        ]
        for _start in range(2)
    )
    assert first == second
    assert [(str(one["anchor_date"]), one["timezone"]) for one in first] == [
        ("2024-01-01 00:00:00+08:00", "Asia/Shanghai")
    ]


def test_links_that_end_alike_are_schedules_of_their_own() -> None:
    copied = "?from_tab_name=main&enter_from=video_detail&is_search=0"
    jobs = [ArchiveJob(target=f"https://www.douyin.com/user/MS4wLjABAAAA{end}{copied}") for end in "ab"]
    shared = [ArchiveJob(target="看看 木匠阿福 的作品"), ArchiveJob(target="看看 木匠阿美 的作品")]
    served = deployments_of([*jobs, *shared], every=parse_every("6h"), cron=None)
    names = [deployment.name for deployment in served if deployment.schedules]
    assert len(set(names)) == 4, names


@pytest.mark.parametrize("text", ["", "6", "0h", "h", "6 weeks", "9999999d", "9" * 5000 + "d"])
def test_a_span_that_cannot_be_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        parse_every(text)


def test_times_that_cron_cannot_read_are_refused() -> None:
    with pytest.raises(BadInput, match="five fields"):
        deployments_of([ArchiveJob(target="self", mode="collect")], every=None, cron="at night")
