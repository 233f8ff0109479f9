"""`aweme retry` takes up what failed, and nothing else."""

from __future__ import annotations

import asyncio
from pathlib import Path
from urllib.parse import parse_qs

from archives import archive, ask, one, settings_for

from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.retrying import retry_failed
from pipelines.settings import Settings
from schemas.jobs import Retried


def retry(settings: Settings, reason: str | None = None) -> Retried:
    return asyncio.run(retry_failed(settings, reason))


def test_files_that_failed_are_taken_up_however_often_they_were_tried(tmp_path: Path) -> None:
    with Simulator(World(seed=1, users=1, posts=8), faults=["media:1-9999=html"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="video,image", max_attempts=1)
        home = simulator.world.accounts[0].home
        archive(settings, home)
        failed = one(settings, "SELECT count(*) FROM files WHERE state = 'refused'")
        assert failed > 3
        assert archive(settings, home).missing == 0, "an ordinary run leaves them alone"
    with Simulator(World(seed=1, users=1, posts=8)) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="video,image", max_attempts=1)
        assert retry(settings, "RateLimited").is_nothing
        told = retry(settings, "refused")
        assert (told.files, told.walks, told.pages) == (failed, 0, 0)
        assert one(settings, "SELECT count(*) FROM files WHERE state = 'refused'") == 0
        assert not [r for r in simulator.log if r.operation in ("user_post", "user_profile")]
        assert retry(settings).is_nothing


def test_files_that_no_host_had_are_asked_for_again_where_the_reason_names_them(tmp_path: Path) -> None:
    with Simulator(World(seed=1, users=1, posts=8), faults=["media:1-9999=404"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="video,image")
        told = archive(settings, simulator.world.accounts[0].home)
        assert (told.files, told.absent > 3) == (0, True)
    with Simulator(World(seed=1, users=1, posts=8)) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="video,image")
        assert retry(settings).is_nothing
        assert retry(settings, "absent").files == told.absent
        assert one(settings, "SELECT count(*) FROM files WHERE state = 'stored'") == told.absent


def test_a_walk_that_broke_off_goes_on_and_nothing_else_is_asked(tmp_path: Path) -> None:
    world = World(seed=1, users=2, posts=60)
    with Simulator(world, faults=["user_post:2-=empty"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none", max_tries=1)
        assert archive(settings, world.accounts[0].home, media="none").outcome == "partial"
    with Simulator(world) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none")
        told = retry(settings)
        assert (told.walks, told.summary.outcome) == (1, "complete")
        assert {r.operation for r in simulator.log if r.path.startswith("/aweme")} == {"user_post"}
        assert one(settings, "SELECT verdict FROM checkpoints") == "complete"
        posts = {p.aweme_id for i in range(60) if not world.gone_reason(p := world.post(0, i))}
        assert {row[0] for row in ask(settings, "SELECT aweme_id FROM listing_entries")} == posts
        assert retry(settings).is_nothing


def test_a_retry_that_is_asked_to_slow_down_says_what_is_left_and_next_begins_with_another(tmp_path: Path) -> None:
    world = World(seed=1, users=2, posts=60, quirks=False)
    with Simulator(world, faults=["user_post:2-=empty", "media:1-9999=html"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="video", max_tries=1, max_attempts=1)
        for account in world.accounts:
            assert archive(settings, account.home).outcome == "partial"
    files = one(settings, "SELECT count(*) FROM files WHERE state = 'refused'")
    asked = []
    for _ in range(2):
        with Simulator(world, faults=["user_post:1-=429"]) as simulator:
            settings = settings_for(tmp_path, simulator.url, media="video", max_tries=1, max_attempts=1)
            told = retry(settings)
            assert (told.summary.outcome, told.walks) == ("partial", 1)
            assert "asks to slow down" in told.summary.reason
            assert told.summary.warnings == [f"Left for the next aweme retry: 2 walks, {files} files."]
            asked += [parse_qs(r.query)["sec_user_id"][0] for r in simulator.log if r.operation == "user_post"]
    assert sorted(asked) == sorted(account.sec_user_id for account in world.accounts), "none keeps the other back"
    with Simulator(world) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="video")
        told = retry(settings)
        assert (told.walks, told.summary.outcome, told.summary.warnings) == (2, "complete", [])


def test_a_walk_that_another_made_up_for_in_other_steps_is_not_taken_up(tmp_path: Path) -> None:
    world = World(seed=1, users=2, posts=60, quirks=False)
    home = world.accounts[1].home
    with Simulator(world, faults=["user_post:3=empty"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none", max_tries=1)
        assert archive(settings, home, page_counts=18).outcome == "partial"
        assert archive(settings, home, page_counts=7, full=True).verdict == "complete"
        there = "SELECT count(*) FROM raw_pages WHERE cursor IN (SELECT cursor FROM raw_pages WHERE outcome <> 'ok')"
        assert one(settings, there) == 1, "nobody asked at that place again"
        assert retry(settings).is_nothing


def test_a_walk_keeps_to_its_job_however_often_the_retry_itself_fails(tmp_path: Path) -> None:
    world = World(seed=1, users=1, posts=60)
    with Simulator(world, faults=["user_post:2-4=empty"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="video,image", max_tries=1)
        archive(settings, world.accounts[0].home, media="video", min_likes=30_000, naming="{aweme_id}")
        assert retry(settings).summary.outcome == "partial"
        assert retry(settings, "RateLimited").summary.outcome == "partial"
        assert retry(settings).summary.outcome == "complete"
        kept = "SELECT DISTINCT kind FROM files JOIN media USING (media_id)"
        assert ask(settings, kept) == [("video",)]
        few = "SELECT min(last_like_count) >= 30000 FROM posts WHERE aweme_id IN (SELECT aweme_id FROM media "
        assert one(settings, few + "JOIN files USING (media_id))"), "nor does it forget the filter"
        names = [Path(path).stem for (path,) in ask(settings, "SELECT path FROM files WHERE state = 'stored'")]
        assert len(names) > 3
        assert all(name.isdecimal() for name in names), "or how files are named"


def test_a_list_that_an_account_hides_is_not_called_complete_by_a_retry(tmp_path: Path) -> None:
    world = World(seed=1, users=2, posts=40)
    world.make_private(0)
    with Simulator(world) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none")
        assert archive(settings, world.accounts[0].home).outcome == "partial"
        told = retry(settings)
        assert (told.walks, told.summary.outcome) == (1, "partial")
        world.restore(0)
        assert retry(settings).summary.outcome == "complete"
        assert one(settings, "SELECT verdict FROM checkpoints") == "complete"
        assert one(settings, "SELECT count(*) FROM listing_entries") == len(
            {p.aweme_id for i in range(40) if not world.gone_reason(p := world.post(0, i))}
        )


def test_days_of_an_account_that_went_private_are_not_called_read(tmp_path: Path) -> None:
    world = World(seed=1, users=2, posts=60, quirks=False)
    days = "2000-01-01|2030-01-01"
    with Simulator(world) as simulator:
        settings, home = settings_for(tmp_path, simulator.url, media="none"), world.accounts[1].home
        archive(settings, home, max_counts=18)
        world.make_private(1)
        told = archive(settings, home, interval=days)
        assert (told.outcome, told.verdict) == ("partial", "partial")
        assert "the account is private" in told.reason
        again = retry(settings)
        assert (again.walks, again.summary.outcome) == (1, "partial")
        assert "the account is private" in again.summary.reason
        world.restore(1)
        assert archive(settings, home).verdict == "complete"
        assert one(settings, "SELECT count(*) FROM listing_entries") == 60


def test_a_detail_that_failed_is_asked_for_again(tmp_path: Path) -> None:
    world = World(seed=1, users=1, posts=8)
    aweme_id = world.post(0, 5).aweme_id
    with Simulator(world, faults=["post_detail:1=empty"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none", max_tries=1)
        archive(settings, aweme_id, mode="one")
        told = retry(settings)
        assert (told.pages, told.summary.outcome) == (1, "complete")
        assert one(settings, "SELECT count(*) FROM posts WHERE aweme_id = ?", aweme_id) == 1
        assert retry(settings).is_nothing


def test_a_full_walk_that_a_retry_ends_says_what_is_gone(tmp_path: Path) -> None:
    world = World(seed=1, users=2, posts=60, quirks=False)
    with Simulator(world) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none", max_tries=1)
        home = world.accounts[1].home
        archive(settings, home)
        aweme_id = world.post(1, 5).aweme_id
        world.delete(aweme_id, "copyright_foreign")
        asked = sum(r.operation == "user_post" for r in simulator.log)
        simulator.add_fault(f"user_post:{asked + 2}=empty")
        assert archive(settings, home, full=True).outcome == "partial"
        told = retry(settings)
        assert (told.walks, told.summary.gone_entries, told.summary.gone_posts) == (1, 1, 1)
        sql = "SELECT aweme_id, gone_reason FROM posts WHERE gone_at IS NOT NULL"
        assert ask(settings, sql) == [(aweme_id, "copyright_foreign")]
        assert retry(settings).is_nothing


def test_likes_that_an_account_keeps_to_itself_are_said_to_be_and_cost_a_retry_nothing(tmp_path: Path) -> None:
    world = World(seed=1, users=3, posts=8)
    with Simulator(world, faults=["media:1-9999=html"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="video,image", max_tries=2)
        hidden = archive(settings, world.accounts[2].home, mode="like")
        assert sum(r.operation == "user_like" for r in simulator.log) == 1, "the profile says it: nothing is waited for"
        assert (hidden.outcome, hidden.reason.partition(";")[0]) == ("failed", "The account keeps its likes to itself")
        archive(settings, world.accounts[1].home)
        failed = one(settings, "SELECT count(*) FROM files WHERE state = 'refused'")
    with Simulator(world) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="video,image", max_tries=2)
        told = retry(settings)
        assert (told.walks, told.gone, told.files, told.summary.files) == (1, 1, failed, failed)
        assert sum(r.operation == "user_like" for r in simulator.log) == 1
        assert any("keeps its likes to itself" in warning for warning in told.summary.warnings)
