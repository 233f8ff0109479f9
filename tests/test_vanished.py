"""Posts that vanish and come back, against the made-up Douyin."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from archives import archive, ask, one, settings_for

from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.care.rebuilding import rebuild
from pipelines.house import open_lake


def new_world() -> World:
    return World(seed=1, users=2, posts=40)


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(new_world()) as running:
        yield running


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of an archive of the first account's posts, before anything of them vanished."""
    root = tmp_path_factory.mktemp("whole") / "root"
    with Simulator(new_world()) as simulator:
        archive(settings_for(root, simulator.url, media="none"), simulator.world.accounts[0].home)
    return root


@pytest.fixture
def root(tmp_path: Path, whole: Path) -> Path:
    """The root of a copy of that archive."""
    return shutil.copytree(whole, tmp_path / "root")


def shown(world: World) -> list[str]:
    posts = (world.post(0, index) for index in range(world.total(0)))
    return [post.aweme_id for post in posts if world.gone_reason(post) is None]


def test_a_post_is_called_gone_only_by_its_own_detail_and_returns(tmp_path: Path, simulator: Simulator) -> None:
    settings = settings_for(tmp_path, simulator.url, media="caption")
    home = simulator.world.accounts[0].home
    archive(settings, home)
    kept = one(settings, "SELECT count(*) FROM files WHERE state = 'stored'")
    lost = shown(simulator.world)[5:8]
    for aweme_id, reason in zip(lost, ("status_deleted", "status_self_see", "copyright_foreign"), strict=True):
        simulator.world.delete(aweme_id, reason)
    assert archive(settings, home).gone_entries == 0, "an incremental walk says nothing about what it did not reach"
    found = archive(settings, home, full=True)
    assert (found.outcome, found.gone_entries, found.gone_posts) == ("complete", 3, 3)
    rows = ask(settings, "SELECT aweme_id, gone_reason FROM posts WHERE gone_at IS NOT NULL ORDER BY ALL")
    assert rows == sorted(zip(lost, ("status_deleted", "status_self_see", "copyright_foreign"), strict=True))
    assert one(settings, "SELECT count(*) FROM files WHERE state = 'stored'") == kept, "what is kept stays"
    simulator.world.restore(lost[0])
    again = archive(settings, home, full=True)
    assert (again.gone_entries, again.gone_posts) == (0, 0)
    assert one(settings, "SELECT gone_at IS NULL AND gone_reason IS NULL FROM posts WHERE aweme_id = ?", lost[0])
    told = "SELECT count(*) FROM changes WHERE column_name = 'gone_at' AND new_value IS NULL AND table_name = ?"
    assert one(settings, told, "posts") == 1
    assert one(settings, told, "listing_entries") == 1


def test_a_confirmation_that_fails_is_made_up_for_by_the_next_run(root: Path, simulator: Simulator) -> None:
    settings = settings_for(root, simulator.url, media="none", max_tries=1)
    home = simulator.world.accounts[0].home
    lost = shown(simulator.world)[10:14]
    for aweme_id in lost:
        simulator.world.delete(aweme_id)
    simulator.add_fault("post_detail:2=empty")
    cut = archive(settings, home, full=True)
    assert (cut.outcome, cut.gone_entries, cut.gone_posts) == ("partial", 4, 1)
    later = archive(settings, home)
    assert (later.outcome, later.gone_posts) == ("complete", 3)
    assert one(settings, "SELECT count(*) FROM posts WHERE gone_at IS NOT NULL") == 4
    details = [r for r in simulator.log if r.operation == "post_detail"]
    assert archive(settings, home).gone_posts == 0
    assert len([r for r in simulator.log if r.operation == "post_detail"]) == len(details), "nobody is asked twice"


def test_an_account_that_closes_and_returns_is_told_and_a_rebuild_reads_the_same(
    root: Path, simulator: Simulator
) -> None:
    settings = settings_for(root, simulator.url, media="none")
    home = simulator.world.accounts[0].home
    simulator.world.delete(0)
    assert archive(settings, home).outcome == "failed"
    assert ask(settings, "SELECT nickname, is_canceled FROM users") == [(simulator.world.nickname(0), True)]
    simulator.world.restore(0)
    archive(settings, home)
    told = "SELECT old_value, new_value FROM changes WHERE column_name = 'is_canceled' ORDER BY observed_at"
    assert ask(settings, told) == [("false", "true"), ("true", "false")]
    assert rebuild(settings, dry_run=True).differing == []


def test_an_account_of_which_nothing_changes_has_no_changes(tmp_path: Path, simulator: Simulator) -> None:
    settings = settings_for(tmp_path, simulator.url, media="none")
    for _ in range(2):
        archive(settings, simulator.world.accounts[0].home, full=True)
    assert ask(settings, "SELECT table_name, column_name, old_value, new_value FROM changes") == []


def test_an_empty_listing_of_a_full_account_makes_nothing_gone(root: Path, simulator: Simulator) -> None:
    settings = settings_for(root, simulator.url, media="none")
    home = simulator.world.accounts[0].home
    simulator.world.make_private(0)
    for full in (False, True):
        hidden = archive(settings, home, full=full)
        assert (hidden.outcome, hidden.verdict) == ("partial", "partial"), "nor is it called complete"
        assert "profile counts 40" in hidden.reason
    assert one(settings, "SELECT count(*) FROM listing_entries WHERE gone_at IS NOT NULL") == 0
    simulator.world.restore(0)
    simulator.world.add_posts(0, 2)
    shown = archive(settings, home)
    assert (shown.verdict, shown.new_posts, shown.pages) == ("complete", 2, 3), "what was read before is still known"


def test_a_mix_that_shows_nothing_is_not_called_complete_and_makes_nothing_gone(
    tmp_path: Path, simulator: Simulator
) -> None:
    settings = settings_for(tmp_path, simulator.url, media="none")
    mix_id = simulator.world.mix_id(0)
    never = archive(settings, str(int(mix_id) + 1), mode="mix")
    assert (never.outcome, never.verdict) == ("partial", "partial")
    assert "the id is wrong" in never.reason
    archive(settings, mix_id, mode="mix")
    simulator.world.make_private(0)
    hidden = archive(settings, mix_id, mode="mix")
    assert (hidden.outcome, hidden.verdict, hidden.gone_entries) == ("partial", "partial", 0)
    assert one(settings, "SELECT count(*) FROM listing_entries WHERE gone_at IS NOT NULL") == 0
    simulator.world.restore(0)
    assert archive(settings, mix_id, mode="mix").verdict == "complete"


@pytest.mark.parametrize("mode", ["like", "mix", "collect"])
def test_every_lasting_listing_walks_incrementally_and_in_full(tmp_path: Path, simulator: Simulator, mode: str) -> None:
    world = simulator.world
    settings = settings_for(tmp_path, simulator.url, media="none", cookie=world.cookie)
    target = {"like": world.accounts[0].home, "mix": world.mix_id(0), "collect": "self"}[mode]
    first = archive(settings, target, mode=mode)
    assert (first.outcome, first.verdict) == ("complete", "complete")
    rows = ask(settings, "SELECT aweme_id FROM listing_entries WHERE listing = ? ORDER BY ALL", mode)
    again = archive(settings, target, mode=mode)
    assert again.new_posts == 0
    assert again.requests <= first.requests
    full = archive(settings, target, mode=mode, full=True)
    assert (full.verdict, full.gone_entries) == ("complete", 0)
    assert ask(settings, "SELECT aweme_id FROM listing_entries WHERE listing = ? ORDER BY ALL", mode) == rows


@pytest.mark.parametrize("mode", ["like", "collect", "mix", "collects"])
def test_what_any_lasting_listing_shows_no_more_is_marked_and_comes_back(
    tmp_path: Path, simulator: Simulator, mode: str
) -> None:
    world = simulator.world
    settings = settings_for(tmp_path, simulator.url, media="none", cookie=world.cookie)
    target = {"like": world.accounts[0].home, "mix": world.mix_id(0)}.get(mode, "self")
    entries = "SELECT aweme_id FROM listing_entries WHERE listing = ? AND gone_at IS {} NULL ORDER BY ALL"
    archive(settings, target, mode=mode)
    first = [aweme_id for (aweme_id,) in ask(settings, entries.format(""), mode)]
    # The first and the last as well as one between.
    lost = sorted({first[0], first[len(first) // 2], first[-1]} & {i for i in first if world.find(i)})
    assert len(lost) > 1
    for aweme_id in lost:
        world.unlist(mode, aweme_id)
    seen = archive(settings, target, mode=mode, full=True)
    assert (seen.verdict, seen.gone_entries, seen.gone_posts) == ("complete", len(lost), 0)
    assert [aweme_id for (aweme_id,) in ask(settings, entries.format("NOT"), mode)] == lost
    assert one(settings, "SELECT count(*) FROM posts WHERE gone_at IS NOT NULL") == 0, "the posts themselves are there"
    again = archive(settings, target, mode=mode, full=True)
    assert again.gone_entries == 0, "what is marked is not marked twice"
    world.relist(mode, lost[0])
    assert archive(settings, target, mode=mode, full=True).gone_entries == 0
    assert [aweme_id for (aweme_id,) in ask(settings, entries.format("NOT"), mode)] == lost[1:]
    told = (
        "SELECT new_value IS NULL FROM changes WHERE table_name = 'listing_entries' AND contains(row_key, ?) "
        "ORDER BY observed_at"
    )
    assert ask(settings, told, lost[0]) == [(False,), (True,)]
    assert ask(settings, told, lost[1]) == [(False,)]


def test_a_walk_that_stops_early_marks_nothing(tmp_path: Path, simulator: Simulator) -> None:
    world = simulator.world
    settings = settings_for(tmp_path, simulator.url, media="none", cookie=world.cookie, max_tries=1)
    home = world.accounts[0].home
    archive(settings, home, mode="like")
    ids = [aweme_id for (aweme_id,) in ask(settings, "SELECT aweme_id FROM listing_entries")]
    for aweme_id in ids[:5]:
        world.unlist("like", aweme_id)
    simulator.add_fault("user_like:5=empty")
    assert archive(settings, home, mode="like", full=True).outcome == "partial"
    assert one(settings, "SELECT count(*) FROM listing_entries WHERE gone_at IS NOT NULL") == 0
    whole = archive(settings, home, mode="like", full=True)
    assert (whole.verdict, whole.gone_entries) == ("complete", 5)


def test_a_clock_that_goes_back_makes_nothing_gone(tmp_path: Path, simulator: Simulator) -> None:
    world = simulator.world
    settings = settings_for(tmp_path, simulator.url, media="none", cookie=world.cookie, max_tries=1)
    home = world.accounts[0].home
    simulator.add_fault("user_like:2=empty")
    assert archive(settings, home, mode="like", full=True).outcome == "partial"
    with open_lake(settings) as lake:
        ahead = lake.checkpoint("like", world.accounts[0].sec_user_id)
        assert ahead is not None
        assert ahead.started_at is not None
        lake.save_checkpoint(replace(ahead, started_at=ahead.started_at + timedelta(hours=1)))
    whole = archive(settings, home, mode="like", full=True)
    assert (whole.verdict, whole.gone_entries) == ("complete", 0)


def test_a_post_that_is_only_hidden_from_its_accounts_list_is_not_called_gone(root: Path, simulator: Simulator) -> None:
    settings = settings_for(root, simulator.url, media="none")
    home, hidden = simulator.world.accounts[0].home, shown(simulator.world)[9]
    simulator.world.unlist("post", hidden)
    seen = archive(settings, home, full=True)
    assert (seen.gone_entries, seen.gone_posts) == (1, 0)
    assert one(settings, "SELECT count(*) FROM posts WHERE gone_at IS NOT NULL") == 0
    assert one(settings, "SELECT aweme_id FROM listing_entries WHERE gone_at IS NOT NULL") == hidden
    asked = len([r for r in simulator.log if r.operation == "post_detail"])
    archive(settings, home, full=True)
    assert len([r for r in simulator.log if r.operation == "post_detail"]) == asked, "it is asked after once"


def test_a_file_that_was_nowhere_to_be_had_is_looked_for_again_once_its_post_is_back(tmp_path: Path) -> None:
    world = World(seed=1, users=2, posts=6)
    with Simulator(world, faults=["media:*=404", "play:*=404"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="cover")
        home, lost = world.accounts[1].home, world.post(1, 3).aweme_id
        archive(settings, home)
        states = "SELECT state, count(*) FROM files GROUP BY ALL"
        assert ask(settings, states) == [("absent", 6)]
        simulator.app.faults.clear()
        world.delete(lost)
        assert archive(settings, home, full=True).gone_posts == 1
        assert ask(settings, states) == [("absent", 6)], "nobody asks for them twice"
        world.restore(lost)
        assert archive(settings, home, full=True).files == 1
        assert ask(settings, "SELECT media_id FROM files WHERE state = 'stored'") == [(f"{lost}:cover:0",)]


def test_a_post_that_the_service_does_not_have_is_noted_and_not_counted_as_new(
    tmp_path: Path, simulator: Simulator
) -> None:
    settings, link = settings_for(tmp_path, simulator.url), "https://www.douyin.com/video/7999999999999999999"
    for _ in range(2):
        found = archive(settings, link)
        assert (found.outcome, found.posts_seen, found.new_posts) == ("failed", 0, 0)
    assert ask(settings, "SELECT gone_at IS NOT NULL, last_seen_at FROM posts") == [(True, None)]
    assert one(settings, "SELECT sum(new_post_count) FROM runs") == 0
