"""A plan says what the run after it then asks for."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from archives import archive, settings_for
from servers import PostgresServer

from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.errors import BadInput
from pipelines.house import open_lake
from pipelines.planning import plan_job
from pipelines.settings import Settings
from schemas.jobs import ArchiveJob, Plan


def plan(settings: Settings, target: str, **job: object) -> Plan:
    return asyncio.run(plan_job(settings, ArchiveJob.model_validate({"target": target, **job})))


def test_a_plan_counts_the_requests_and_files_of_the_next_run(tmp_path: Path) -> None:
    world = World(seed=1, users=2, posts=60, quirks=False)
    with Simulator(world) as simulator:
        settings, home = settings_for(tmp_path, simulator.url, media="video,image"), world.accounts[1].home
        for new, job in (
            (0, {}),
            (0, {}),
            (3, {}),
            (18, {}),
            (19, {}),
            (0, {"full": True}),
            (0, {"refresh_days": 3650}),
        ):
            if new:
                world.add_posts(1, new)
            told, done = plan(settings, home, **job), archive(settings, home, **job)
            assert (told.requests, told.new_posts) == (done.requests, done.new_posts), f"{new} new posts, {job}"
        world.add_posts(1, 17)
        told = plan(settings, home, media="video,image,live_photo")
        assert (told.bytes or 0) < 3_000_000, "an account of 100 posts without live photos will hardly have one now"


def test_a_plan_says_that_a_walk_from_further_down_may_ask_for_less(tmp_path: Path) -> None:
    world = World(seed=1, users=2, posts=60, quirks=False)
    with Simulator(world) as simulator:
        settings, home = settings_for(tmp_path, simulator.url, media="none"), world.accounts[1].home
        cursor = world.post(1, 30).created_at * 1000
        told = plan(settings, home, max_cursor=cursor)
        done = archive(settings, home, max_cursor=cursor)
        assert done.requests < (told.requests or 0)
        assert any("further down" in note for note in told.notes)
        assert not plan(settings, home).notes


@pytest.mark.server
def test_a_plan_for_a_database_that_holds_no_archive_yet_makes_none(
    tmp_path: Path, postgres_server: PostgresServer
) -> None:
    world = World(seed=1, users=2, posts=20, quirks=False)
    with Simulator(world) as simulator:
        settings, home = settings_for(tmp_path / "local", simulator.url, media="none"), world.accounts[1].home
        on_server = replace(settings, catalog=postgres_server.new_catalog())
        assert plan(on_server, home).new_posts == plan(settings, home).new_posts == 20
        with pytest.raises(BadInput, match="no archive"):
            open_lake(on_server, read_only=True)
        with pytest.raises(BadInput, match="no such database"):
            plan(replace(settings, catalog=on_server.catalog.replace("lake_", "nowhere_")), home)


@pytest.mark.parametrize("mode", ["post", "like"])
def test_a_plan_counts_what_a_walk_that_was_cut_off_has_left(tmp_path: Path, mode: str) -> None:
    world = World(seed=1, users=2, posts=60, quirks=False, likes=60)
    with Simulator(world, faults=[f"user_{mode}:4=captcha"]) as simulator:
        settings, home = settings_for(tmp_path, simulator.url, media="none"), world.accounts[1].home
        assert archive(settings, home, mode=mode).outcome == "blocked"
        told, done = plan(settings, home, mode=mode), archive(settings, home, mode=mode)
        assert (told.requests, done.verdict) == (done.requests, "complete")


def test_a_plan_counts_the_accounts_of_a_list_as_the_profile_does(tmp_path: Path) -> None:
    world = World(seed=1, users=2, posts=60, quirks=False)
    with Simulator(world) as simulator:
        settings, home = settings_for(tmp_path, simulator.url, cookie=world.cookie), world.accounts[0].home
        told, done = (ask(settings, home, mode="following", page_counts=20) for ask in (plan, archive))
        assert (told.known, told.requests, told.files) == (0, done.requests, 0)
        assert (told.listed or 0) >= done.posts_seen > 0, "the list leaves out who is gone"
        again = plan(settings, home, mode="following")
        assert (again.known, again.new_posts) == (done.posts_seen, (told.listed or 0) - done.posts_seen)
