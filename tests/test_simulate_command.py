"""`aweme simulate` as a user types it, in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from visitor import Visitor

from deployments.simulator.app import make_app
from deployments.simulator.server import Simulator
from deployments.simulator.world import World

ROOT = Path(__file__).parents[1]


@contextmanager
def simulating(*words: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "deployments.cli", "simulate", *words]
    environ = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONUNBUFFERED": "1"}
    process = subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


async def test_it_asks_for_a_login_before_it_shows_a_long_list_to_the_end() -> None:
    with simulating("--port", "0", "--users", "1", "--posts", "70", "--login-wall", "2", "--json") as process:
        assert process.stdout is not None
        told = json.loads(process.stdout.readline())
        world = World(seed=1, users=1, posts=70)
        async with Visitor(make_app(world), upstream=told["url"]) as visitor:
            pages = [await visitor.posts()]
            while "aweme_list" in pages[-1] and len(pages) < 6:
                pages.append(await visitor.posts(cursor=pages[-1]["max_cursor"]))
        assert pages[-1] == {"status_code": 0}
        assert pages[-2]["not_login_module"]["guide_login_tip_exist"]
        async with Visitor(make_app(world), upstream=told["url"], cookie=told["cookie"]) as owner:
            shown = [post["aweme_id"] for page in await owner.walk() for post in page["aweme_list"]]
        assert len(set(shown)) == 70


def test_ctrl_c_is_the_end_that_it_waits_for() -> None:
    with simulating("--port", "0", "--json") as process:
        assert process.stdout is not None
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert (process.returncode, said) == (0, "")


@pytest.mark.parametrize("words", [("--port", "70000"), ("--fault", "usr_post:1=empty"), ("--users", "999")])
def test_what_cannot_be_is_said_in_a_line_or_two(words: tuple[str, ...]) -> None:
    with simulating(*words) as process:
        _, said = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "Traceback" not in said


def test_a_taken_port_is_said_with_what_to_do() -> None:
    with Simulator(World()) as one, simulating("--port", str(one.port)) as process:
        _, said = process.communicate(timeout=30)
    assert process.returncode == 2
    assert "choose another port" in said
    assert "Traceback" not in said
