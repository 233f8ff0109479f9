"""The doors opened together: what is asked while the lake opens, and what becomes of cancelled work."""

from __future__ import annotations

import asyncio
import gc
import sqlite3
import threading
from pathlib import Path
from typing import Any

import pytest
from archives import one, settings_for

from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.errors import BadInput, Blocked
from pipelines.house import open_house
from pipelines.jobs import run_job
from schemas.jobs import ArchiveJob


async def test_a_commit_that_fails_after_its_run_was_cancelled_says_nothing_on_the_screen(tmp_path: Path) -> None:
    loop, said, may_fail = asyncio.get_running_loop(), [], threading.Event()
    loop.set_exception_handler(lambda _loop, context: said.append(context["message"]))

    def fail() -> Any:
        may_fail.wait(5)
        raise Blocked("no space left")

    async with open_house(settings_for(tmp_path, "http://127.0.0.1:9")) as house:
        task = loop.create_task(house.on_lake(fail))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        may_fail.set()
        assert (await asyncio.wait([task]))[0].pop().cancelled()
    del task
    gc.collect()
    assert said == []


async def test_the_first_question_does_not_wait_for_the_archive(tmp_path: Path) -> None:
    with Simulator(World(seed=1, users=1, posts=20)) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none")
        # Somebody else writes: the archive cannot be made before he is done.
        lock = sqlite3.connect(tmp_path / "catalog.sqlite.lock", isolation_level=None)
        lock.execute("BEGIN EXCLUSIVE")
        job = asyncio.create_task(run_job(settings, ArchiveJob(target=simulator.world.accounts[0].home)))
        while not any(record.operation == "user_profile" for record in simulator.log):
            assert not job.done()
            await asyncio.sleep(0.02)
        assert not any(record.operation == "user_post" for record in simulator.log), "nothing goes on unkept"
        lock.close()
        summary = await job
        asked = [record.operation for record in simulator.log if record.path.startswith("/aweme")]
        assert asked[0] == "user_profile"
        assert asked.count("user_profile") == 1
    assert summary.outcome == "complete"
    assert one(settings, "SELECT count(*) FROM raw_pages WHERE operation = 'user_profile'") == 1


async def test_a_refusal_of_the_first_question_is_kept_and_told_as_any_other(tmp_path: Path) -> None:
    with Simulator(World(seed=1, users=1, posts=20), faults=["user_profile:1=captcha"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none")
        summary = await run_job(settings, ArchiveJob(target=simulator.world.accounts[0].home))
    assert summary.outcome == "blocked"
    assert one(settings, "SELECT outcome FROM raw_pages") == "VerificationAsked"


async def test_an_archive_that_cannot_be_leaves_no_question_behind(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder", "utf-8")
    with Simulator(World(seed=1, users=1, posts=20)) as simulator:
        settings = settings_for(tmp_path / "file" / "archive", simulator.url, media="none")
        with pytest.raises(BadInput):
            await run_job(settings, ArchiveJob(target=simulator.world.accounts[0].home))
    assert [task for task in asyncio.all_tasks() if task is not asyncio.current_task()] == []


async def test_a_house_that_is_closed_leaves_no_thread_behind(tmp_path: Path) -> None:
    before = set(threading.enumerate())
    async with open_house(settings_for(tmp_path, "http://127.0.0.1:9")) as house:
        assert list(await house.storage.list("media")) == []
        (thread,) = {one for one in threading.enumerate() if one.name.startswith("storage")} - before
    thread.join(timeout=10)
    assert not thread.is_alive()
