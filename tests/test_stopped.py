"""A run that is stopped at an awkward moment: what it kept has its rows, or gets them from the next."""

from __future__ import annotations

import asyncio
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import orjson
from archives import archive, one, settings_for

from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.getting import Getter
from pipelines.house import House, new_id, open_house, utc_now
from pipelines.jobs import run_job
from pipelines.run import Run
from schemas.files import Wanted
from schemas.jobs import ArchiveJob
from schemas.pages import Page


def page_of(posts: int) -> Page:
    now = utc_now()
    listed = [{"aweme_id": str(7_000_000_000_000_000_000 + number), "desc": "x"} for number in range(posts)]
    body = orjson.dumps({"status_code": 0, "has_more": 0, "max_cursor": 0, "aweme_list": listed})
    return Page(new_id(now), "user_post", "MS4wLjABAAAAx", None, now, 200, body, item_count=posts)


async def begun(house: House) -> Run:
    return await Run.begin(house, ArchiveJob(target="x"), mode="post", target="x", flow_run_id=None)


def test_a_page_that_was_being_kept_when_the_run_was_stopped_is_not_passed_over(tmp_path: Path) -> None:
    lock = sqlite3.connect(tmp_path / "catalog.sqlite.lock", isolation_level=None, check_same_thread=False)
    with Simulator(World(seed=1, users=1, posts=60)) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none")
        account = simulator.world.accounts[0]
        asked, is_asked = list[str](), asyncio.Event()

        def listen(name: str, **facts: Any) -> None:
            asked.extend([facts["operation"]] if name == "request" else [])
            if asked.count("user_post") == 4 and not lock.in_transaction:
                lock.execute("BEGIN EXCLUSIVE")  # somebody else writes, so the page waits to be kept
                is_asked.set()

        async def stopped() -> None:
            job = ArchiveJob(target=account.home, page_counts=5)
            task = asyncio.create_task(run_job(settings, job, on_event=listen))
            await is_asked.wait()
            await asyncio.sleep(0.3)
            task.cancel()
            await asyncio.sleep(0.1)
            lock.execute("ROLLBACK")
            assert (await asyncio.wait([task]))[0].pop().cancelled()

        asyncio.run(stopped())
        assert one(settings, "SELECT count(*) FROM raw_pages WHERE operation = 'user_post'") == 4
        assert archive(settings, account.home, page_counts=5).outcome == "complete"
        world = simulator.world
        posts = (world.post(0, index) for index in range(world.total(0)))
        shown = [post.aweme_id for post in posts if world.gone_reason(post) is None]
    assert one(settings, "SELECT count(*) FROM listing_entries WHERE listing = 'post'") == len(shown)


async def test_rows_are_made_of_the_whole_page_that_was_read_when_the_run_was_stopped(tmp_path: Path) -> None:
    settings, page = settings_for(tmp_path, "http://127.0.0.1:9"), page_of(20_000)
    async with open_house(settings) as house:
        run = await begun(house)
        keeping = asyncio.create_task(run.keep(page))
        while not run.waiting.page_ids:
            assert not keeping.done()
            await asyncio.sleep(0.001)
        keeping.cancel()
        assert (await asyncio.wait([keeping]))[0].pop().cancelled()
        await run.end()
    assert one(settings, "SELECT count(*) FROM posts") == 20_000


async def test_a_run_that_was_stopped_with_a_page_without_rows_stays_open_for_the_next(tmp_path: Path) -> None:
    settings, page = settings_for(tmp_path, "http://127.0.0.1:9"), page_of(3)
    async with open_house(settings) as house:
        run = await begun(house)
        lake = await house.lake()
        await house.on_lake(lake.keep_page, page, run_id=run.summary.run_id)  # as a file's fresh address is asked for
        await run.end(asyncio.CancelledError())
        following = await begun(house)
        await following.finish_earlier()
        await following.end()
    assert one(settings, "SELECT count(*) FROM posts") == 3


async def test_posts_of_files_that_nobody_gets_any_more_are_not_asked_for(tmp_path: Path) -> None:
    with Simulator(World(seed=1, users=1, posts=20), faults=["post_detail:*=slow:0.3"]) as simulator:
        ids = [simulator.world.post(0, index).aweme_id for index in range(6)]
        expired = utc_now() - timedelta(days=1)
        wanted = [Wanted(f"{one}:video:0", "video", 0, (), aweme_id=one, expires_at=expired) for one in ids]
        async with open_house(settings_for(tmp_path, simulator.url)) as house:
            run = await begun(house)
            getter = Getter(house, run.summary.run_id, lambda page: run.apply_pages([page]), utc_now)
            getting = asyncio.create_task(getter.get(wanted, on_done=lambda _kept: None))
            while not [record for record in simulator.log if record.operation == "post_detail"]:
                assert not getting.done()
                await asyncio.sleep(0.01)
            getting.cancel()
            assert (await asyncio.wait([getting]))[0].pop().cancelled()
            assert asyncio.all_tasks() == {asyncio.current_task()}
            await run.end(asyncio.CancelledError())
        assert len([record for record in simulator.log if record.operation == "post_detail"]) == 1
