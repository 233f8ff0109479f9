"""Scripts in the call style of the spec page, run as a user runs them, against the made-up Douyin."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from in_force import variables

from deployments.simulator.rooms import LiveRoom, Rooms
from deployments.simulator.server import Simulator
from deployments.simulator.sso import Login
from deployments.simulator.world import World

ROOT = Path(__file__).parents[1]
EXAMPLES = Path(__file__).parent / "examples"


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(World(seed=1, users=2, posts=60)) as running:
        account = running.world.accounts[0]
        running.app.state["rooms"] = Rooms([LiveRoom(account.webcast_id, account.room_id, 0, time.time() - 5, 600)])
        running.app.state["login"] = Login(codes=(("3",),))
        yield running


async def run(simulator: Simulator, folder: Path, name: str, *argv: str) -> list[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("AWEME_")}
    environ |= variables(simulator, folder / "archive") | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        str(EXAMPLES / f"{name}.py"),
        *argv,
        cwd=folder,
        env=environ,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert not err, err.decode()
    return out.decode().splitlines()


async def test_one_video(simulator: Simulator, tmp_path: Path) -> None:
    aweme_id = simulator.world.post(0, 5).aweme_id
    assert (await run(simulator, tmp_path, "one_video", aweme_id))[0].split()[0] == aweme_id


@pytest.mark.parametrize(("name", "count"), [("post", 20), ("like", 20), ("collect", 20), ("mix", 6), ("feed", 20)])
async def test_listings(simulator: Simulator, tmp_path: Path, name: str, count: int) -> None:
    account = simulator.world.accounts[0]
    argv = {"collect": [], "mix": [simulator.world.mix_id(0)]}.get(name, [account.sec_user_id])
    lines = await run(simulator, tmp_path, f"user_{name}", *argv)
    assert len({line.split()[0] for line in lines}) == len(lines) == count


async def test_live_rooms_and_profile(simulator: Simulator, tmp_path: Path) -> None:
    account = simulator.world.accounts[0]
    on_air = [f"{account.room_id} 2"]
    assert await run(simulator, tmp_path, "user_live", account.webcast_id) == on_air
    assert await run(simulator, tmp_path, "user_live_room_id", account.room_id) == on_air
    profile = await run(simulator, tmp_path, "user_profile", account.sec_user_id)
    assert profile == [f"{account.sec_user_id} {account.uid}"]


async def test_records_and_folders(simulator: Simulator, tmp_path: Path) -> None:
    account, aweme_id = simulator.world.accounts[0], simulator.world.post(0, 5).aweme_id
    assert await run(simulator, tmp_path, "user_nickname", account.sec_user_id) == [account.nickname]
    (folder,) = await run(simulator, tmp_path, "user_get_add", account.sec_user_id)
    assert Path(folder).parts[-4:] == ("Download", "douyin", "post", account.nickname)
    assert await run(simulator, tmp_path, "video_get_add", aweme_id) == [aweme_id]


async def test_login(simulator: Simulator, tmp_path: Path) -> None:
    assert (await run(simulator, tmp_path, "sso_login"))[-1] == "True True"


def test_every_example_imports_this_project_in_one_line_only() -> None:
    scripts = sorted(EXAMPLES.glob("*.py"))
    assert len(scripts) == 13
    for script in scripts:
        lines = [line for line in script.read_text("utf-8").splitlines() if "pipelines" in line]
        assert len(lines) == 1, script.name
        assert lines[0].startswith("from pipelines.handler import "), script.name
