"""`aweme login` as a user types it, in a process of its own, against the made-up Douyin."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from prefects import new_home

from deployments.simulator.server import Simulator
from deployments.simulator.sso import Login
from deployments.simulator.world import World

ROOT = Path(__file__).parents[1]
Aweme = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(World(seed=6, users=1, posts=3)) as running:
        yield running


@pytest.fixture
def kept(tmp_path: Path) -> Path:
    return tmp_path / "secret" / "cookie"


@pytest.fixture
def aweme(tmp_path: Path, simulator: Simulator, kept: Path) -> Aweme:
    def call(*words: str, typed: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        own = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AWEME_UPSTREAM": simulator.url,
            "AWEME_MIN_INTERVAL": "0",
            "AWEME_ROOT": str(tmp_path / "archive"),
            "AWEME_COOKIE_FILE": str(kept),
            "PYTHONPATH": str(ROOT),
            **environ,
        }
        command = [sys.executable, "-m", "deployments.cli", "login", *words]
        return subprocess.run(
            command, cwd=tmp_path, env=own, capture_output=True, text=True, timeout=120, input=typed, check=False
        )

    return call


def session(simulator: Simulator) -> str:
    return f"{simulator.world.visitor_cookie}; sessionid={simulator.world.sessionid}"


def test_a_cookie_in_a_file_of_a_windows_editor_is_taken(
    aweme: Aweme, simulator: Simulator, kept: Path, tmp_path: Path
) -> None:
    (tmp_path / "pasted.txt").write_text(f"Cookie: {session(simulator)}\r\n", "utf-8-sig")
    done = aweme("--cookie", "pasted.txt")
    assert done.returncode == 0, done.stderr
    assert kept.read_text("utf-8").strip() == session(simulator)


def test_a_pasted_cookie_is_kept_for_its_owner_alone_and_checked(
    aweme: Aweme, simulator: Simulator, kept: Path
) -> None:
    done = aweme("--cookie", "-", typed=f"Cookie: {session(simulator)}\n")
    assert done.returncode == 0, done.stderr
    assert kept.read_text("utf-8") == session(simulator) + "\n"
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert [path.name for path in kept.parent.iterdir()] == ["cookie"]
    assert simulator.world.uid(0) in done.stdout
    assert simulator.world.sessionid not in done.stdout + done.stderr
    check = aweme("--check", "--json")
    assert check.returncode == 0
    assert json.loads(check.stdout)["uid"] == simulator.world.uid(0)


def test_a_new_login_replaces_the_old_one(aweme: Aweme, simulator: Simulator, kept: Path) -> None:
    kept.parent.mkdir()
    kept.write_text("sessionid=old\n", "utf-8")
    kept.chmod(0o644)
    assert aweme("--cookie", "-", typed=session(simulator)).returncode == 0
    assert "old" not in kept.read_text("utf-8")
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600


def test_a_login_that_is_over_is_said_to_be(aweme: Aweme, simulator: Simulator, kept: Path) -> None:
    kept.parent.mkdir()
    kept.write_text(f"sessionid=expired; {simulator.world.visitor_cookie}\n", "utf-8")
    done = aweme("--check")
    assert done.returncode == 4
    assert "guest" in done.stdout
    assert "aweme login" in done.stdout


@pytest.mark.parametrize("name", ["sessionid", "sessionid_ss", "sid_tt"])
def test_whatever_is_kept_as_a_login_is_asked_about_as_one(aweme: Aweme, simulator: Simulator, name: str) -> None:
    done = aweme("--cookie", "-", typed=f"{name}=expired; {simulator.world.visitor_cookie}")
    assert "The login is kept" in done.stdout
    assert "guest" in done.stdout
    assert aweme("--check").returncode == 4


def test_without_any_login_the_check_says_how_to_make_one(aweme: Aweme, kept: Path) -> None:
    kept.parent.mkdir()
    kept.write_text("ttwid=1\n", "utf-8")
    done = aweme("--check", "--json")
    assert done.returncode == 4
    assert json.loads(done.stdout)["is_login"] is False


def test_a_qr_login_shows_the_code_and_keeps_the_cookie(aweme: Aweme, simulator: Simulator, kept: Path) -> None:
    simulator.app.state["login"] = Login(codes=(("3",),))
    done = aweme("--qr", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["uid"] == simulator.world.uid(0)
    assert "█" in done.stderr
    assert f"sessionid={simulator.world.sessionid}" in kept.read_text("utf-8")
    assert simulator.world.sessionid not in done.stdout + done.stderr


def test_a_qr_login_that_nobody_confirms_keeps_nothing(aweme: Aweme, simulator: Simulator, kept: Path) -> None:
    simulator.app.state["login"] = Login(codes=(("1",),))
    done = aweme("--qr", "--time-limit", "1")
    assert done.returncode == 4
    assert not kept.exists()


def test_what_holds_no_login_is_refused_and_not_repeated(aweme: Aweme, kept: Path) -> None:
    done = aweme("--cookie", "-", typed="ttwid=secretword")
    assert done.returncode == 2
    assert "no login" in done.stderr
    assert "secretword" not in done.stdout + done.stderr
    assert not kept.exists()


def test_one_way_must_be_chosen(aweme: Aweme) -> None:
    assert aweme().returncode == 2
    assert aweme("--qr", "--check").returncode == 2


def test_a_cookie_in_the_environment_is_said_to_come_first(aweme: Aweme, simulator: Simulator) -> None:
    done = aweme("--cookie", "-", typed=session(simulator), AWEME_COOKIE="other=1")
    assert done.returncode == 0
    assert "AWEME_COOKIE" in done.stderr


@pytest.mark.flow
def test_a_login_can_be_kept_in_a_prefect_secret(
    aweme: Aweme, simulator: Simulator, tmp_path: Path, kept: Path
) -> None:
    environ = {"PREFECT_HOME": str(new_home(tmp_path / "prefect")), "PREFECT_SERVER_ANALYTICS_ENABLED": "false"}
    done = aweme("--cookie", "-", "--secret", "douyin-login", typed=session(simulator), **environ)
    assert done.returncode == 0, done.stderr
    assert "douyin-login" in done.stdout
    assert not kept.exists()
    own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT), **environ}
    own["PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS"] = "120"
    command = [sys.executable, "-c", READS, "douyin-login"]
    told = subprocess.run(command, env=own, capture_output=True, text=True, timeout=120, check=True)
    assert told.stdout.splitlines()[-2:] == [session(simulator), "BadInput"]


READS = """
import asyncio, sys
from flows.cookies import with_secret
from pipelines.errors import BadInput
from pipelines.settings import load_settings
async def main():
    print((await with_secret(load_settings({"cookie_secret": sys.argv[1]}))).cookie)
    try:
        await with_secret(load_settings({"cookie_secret": "another"}))
    except BadInput as error:
        print(type(error).__name__)
asyncio.run(main())
"""
