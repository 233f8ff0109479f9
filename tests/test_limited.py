"""`--max-counts`: the newest so many posts, whatever became of the runs before."""

from __future__ import annotations

from pathlib import Path

import pytest
from archives import archive, one, settings_for

from deployments.simulator.server import Simulator
from deployments.simulator.world import World

WANTED = "SELECT count(*) FROM missing_media WHERE kind IN ('video', 'image') AND aweme_id IN (SELECT aweme_id "
ENTRIES = "SELECT count(*) FROM listing_entries"


@pytest.mark.parametrize("mode", ["post", "like", "collect"])
def test_what_a_challenge_kept_from_loading_is_loaded_by_the_same_command(tmp_path: Path, mode: str) -> None:
    world = World(seed=1, users=2, posts=60)
    with Simulator(world, faults=[f"user_{mode}:3=captcha"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="video,image", cookie=world.cookie)
        home = "self" if mode == "collect" else world.accounts[1].home
        assert archive(settings, home, mode=mode, max_counts=40).outcome == "blocked"
        told = archive(settings, home, mode=mode, max_counts=40)
        assert told.verdict == "as asked"
        assert 40 <= one(settings, ENTRIES) <= 45, "what was read before counts"
        assert one(settings, WANTED + "FROM listing_entries)") <= 45 - 40
        assert archive(settings, home, mode=mode, max_counts=40).files == 0


def test_files_that_failed_are_tried_again_by_the_same_command(tmp_path: Path) -> None:
    world = World(seed=1, users=2, posts=60)
    with Simulator(world, faults=["media:30-9999=html"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="video,image")
        told = archive(settings, world.accounts[1].home, max_counts=40)
        assert told.missing > 5
        assert f"{told.missing} files could not be had (" in told.reason
        assert "sends an error page of type text/html in place of a" in told.reason, "and why"
    with Simulator(world) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="video,image")
        archive(settings, world.accounts[1].home, max_counts=40)
        assert one(settings, "SELECT count(*) FROM files WHERE state <> 'stored'") == 0


def test_a_walk_with_a_limit_is_not_complete_before_the_newest_posts_are_read(tmp_path: Path) -> None:
    world = World(seed=1, users=2, posts=60, quirks=False)
    with Simulator(world, faults=["user_post:4=captcha"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none")
        assert archive(settings, world.accounts[1].home).outcome == "blocked"
        new = world.add_posts(1, 20)
        archive(settings, world.accounts[1].home, max_counts=30)
        sql = "SELECT count(*) FROM listing_entries WHERE aweme_id IN (SELECT unnest(?))"
        assert one(settings, sql, new) == len(new)
