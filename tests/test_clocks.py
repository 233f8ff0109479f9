"""The machine's clock is set while a run is under way, or stood wrong during the run before."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from archives import archive, one, settings_for
from clocks import wrong_clock

from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines import loading
from pipelines.care.verifying import verify
from pipelines.house import utc_now
from pipelines.retrying import retry_failed

SetBy = Callable[[timedelta], None]
PROMISED = "SELECT count(*) FROM media WHERE kind = 'caption'"
STORED = "SELECT count(*) FROM files WHERE state = 'stored'"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    # Douyin refuses signatures of another day, but not of a few minutes; nobody waits here for minutes to pass.
    with Simulator(World(seed=1, users=1, posts=60, strict=False)) as running:
        yield running


@pytest.fixture
def set_by(monkeypatch: pytest.MonkeyPatch) -> SetBy:
    return wrong_clock(monkeypatch)


@pytest.mark.parametrize("by", [timedelta(hours=-1), timedelta(days=1)])
def test_a_run_gets_all_files_though_the_clock_is_set_meanwhile(
    tmp_path: Path, simulator: Simulator, set_by: SetBy, monkeypatch: pytest.MonkeyPatch, by: timedelta
) -> None:
    monkeypatch.setattr(loading, "_PATIENCE", 0.0)  # a walk that takes so long that files are looked for beside it

    def hear(event: str, **facts: Any) -> None:
        if event == "pages" and facts["pages"] == 3:
            set_by(by)

    settings = settings_for(tmp_path, simulator.url, media="caption")
    home = simulator.world.accounts[0].home
    assert archive(settings, home, on_event=hear).outcome == "complete"
    assert one(settings, STORED) == one(settings, PROMISED) > 50


def test_a_run_during_which_the_clock_was_set_back_leaves_nothing_out_of_the_next_ones_search(
    tmp_path: Path, simulator: Simulator, set_by: SetBy
) -> None:
    settings = settings_for(tmp_path, simulator.url, media="caption")
    home = simulator.world.accounts[0].home
    archive(settings, home, on_event=lambda event, **_: set_by(timedelta(hours=-1)) if event == "file" else None)
    assert one(settings, "SELECT count(*) FROM runs WHERE settled_at IS NOT NULL") == 0
    archive(settings, home)
    assert one(settings, "SELECT count(*) FROM runs WHERE settled_at IS NOT NULL") == 1


def test_files_of_new_posts_are_got_though_a_run_before_had_its_clock_ahead(
    tmp_path: Path, simulator: Simulator, set_by: SetBy
) -> None:
    settings = settings_for(tmp_path, simulator.url, media="caption")
    home = simulator.world.accounts[0].home
    set_by(timedelta(days=400))
    archive(settings, home)
    set_by(timedelta(0))
    simulator.world.add_posts(0, 3)
    assert archive(settings, home).files == 3
    assert one(settings, STORED) == one(settings, PROMISED)
    assert one(settings, "SELECT max(settled_at) < max(started_at) FROM runs"), "nor does its mark wait for its day"


@pytest.mark.parametrize("how", ["archive", "retry"])
def test_files_that_failed_while_the_clock_was_ahead_are_tried_again(tmp_path: Path, set_by: SetBy, how: str) -> None:
    world = World(seed=1, users=1, posts=8, strict=False)
    home = world.accounts[0].home
    set_by(timedelta(days=400))
    with Simulator(world, faults=["media:1-9999=html"]) as simulator:
        archive(settings_for(tmp_path, simulator.url, media="cover"), home)
    set_by(timedelta(0))
    with Simulator(world) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="cover")
        failed = one(settings, "SELECT count(*) FROM files WHERE state = 'refused'")
        if how == "archive":
            assert archive(settings, home).files == failed > 3
        else:
            assert asyncio.run(retry_failed(settings)).files == failed > 3
        assert one(settings, STORED) == failed


def test_what_a_walk_saw_after_the_clock_was_set_back_is_not_gone_though_another_run_ends_it(
    tmp_path: Path, simulator: Simulator, set_by: SetBy
) -> None:
    def hear(event: str, **facts: Any) -> None:
        if event == "pages" and facts["pages"] == 2:
            set_by(timedelta(hours=-1))

    settings = settings_for(tmp_path, simulator.url, max_tries=1)
    home = simulator.world.accounts[0].home
    simulator.add_fault("user_post:4=empty")
    cut = archive(settings, home, on_event=hear, media="none", full=True)
    assert (cut.outcome, cut.pages) == ("partial", 4)
    set_by(timedelta(minutes=-50))
    whole = archive(settings, home, media="none", full=True)
    assert (whole.verdict, whole.gone_entries) == ("complete", 0)
    assert one(settings, "SELECT count(*) FROM listing_entries WHERE gone_at IS NOT NULL") == 0


def test_what_was_read_while_the_clock_was_ahead_is_due_to_be_read_again(
    tmp_path: Path, simulator: Simulator, set_by: SetBy
) -> None:
    settings = settings_for(tmp_path, simulator.url, media="caption")
    set_by(timedelta(days=400))
    kept = archive(settings, simulator.world.accounts[0].home, max_counts=5).files
    set_by(timedelta(0))
    assert verify(settings, now=utc_now, older_than=timedelta(days=30)).files == kept > 0
    assert verify(settings, now=utc_now, older_than=timedelta(days=30)).files == 0
