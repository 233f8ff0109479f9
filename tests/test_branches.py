"""What hangs on a listing: the replies to a post's comments, and the posts of the folders of a collection."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
from archives import archive, ask, one, settings_for

from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.retrying import retry_failed
from pipelines.settings import Settings

ROWS = {
    "comments": "SELECT count(*) FROM comments",
    "collects": "SELECT count(*) FROM listing_entries WHERE listing = 'collects'",
}
ASKED = {"comments": "comment_reply", "collects": "collects_posts"}

Undisturbed = Callable[[str], tuple[Settings, int]]


def new_world() -> World:
    return World(seed=1, users=2, posts=20)


def target_of(mode: str) -> str:
    return new_world().post(1, 5).aweme_id if mode == "comments" else "self"


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Undisturbed:
    """The archive of a run of that mode with which nothing interfered, and how often it asked for a branch."""

    @cache
    def made(mode: str) -> tuple[Settings, int]:
        world = new_world()
        with Simulator(world) as simulator:
            root = tmp_path_factory.mktemp(mode) / "root"
            settings = settings_for(root, simulator.url, media="none", cookie=world.cookie)
            assert archive(settings, target_of(mode), mode=mode).outcome == "complete"
            return settings, sum(r.operation == ASKED[mode] for r in simulator.log)

    return made


@pytest.mark.parametrize("mode", ROWS)
@pytest.mark.parametrize(("answer", "outcome"), [("status_code:2053", "complete"), ("no_list", "partial")])
def test_a_branch_that_is_not_to_be_had_costs_the_others_nothing(
    tmp_path: Path, undisturbed: Undisturbed, mode: str, answer: str, outcome: str
) -> None:
    world, (whole, asked) = new_world(), undisturbed(mode)
    # A folder is behind a login: without its list, an answer would ask for one.
    answer = answer if mode == "comments" or answer != "no_list" else "json_null"
    with Simulator(world, faults=[f"{ASKED[mode]}:2={answer}"]) as simulator:
        settings = settings_for(tmp_path / "a", simulator.url, media="none", cookie=world.cookie)
        told = archive(settings, target_of(mode), mode=mode)
        assert told.outcome == outcome, told.reason
        assert any("Not to be had: 1 of" in warning for warning in told.warnings)
        assert sum(r.operation == ASKED[mode] for r in simulator.log) >= asked - 1, "all others were read"
        assert 0 < one(settings, ROWS[mode]) < one(whole, ROWS[mode])


@pytest.mark.parametrize("mode", ROWS)
def test_with_a_limit_only_what_hangs_on_that_many_is_read_however_much_is_known(
    tmp_path: Path, undisturbed: Undisturbed, mode: str
) -> None:
    world = new_world()
    shutil.copytree(undisturbed(mode)[0].root, tmp_path / "root")
    with Simulator(world) as simulator:
        settings = settings_for(tmp_path / "root", simulator.url, media="none", cookie=world.cookie)
        verdicts = "SELECT count(*) FROM checkpoints WHERE verdict = 'complete'"
        whole = one(settings, verdicts)
        archive(settings, target_of(mode), mode=mode, max_counts=2)
        assert 0 < sum(r.operation == ASKED[mode] for r in simulator.log) <= 4
        assert one(settings, verdicts) >= whole - 3, "the others keep their verdict"


@pytest.mark.parametrize("mode", ROWS)
@pytest.mark.parametrize("where", ["listing", "branch"])
def test_a_retry_reads_what_hangs_on_a_list_behind_the_place_where_a_run_broke_off(
    tmp_path: Path, undisturbed: Undisturbed, mode: str, where: str
) -> None:
    world, whole = new_world(), undisturbed(mode)[0]
    listing = {"comments": "post_comment:2", "collects": "collects_list:1"}[mode]
    fault = f"{listing}=empty" if where == "listing" else f"{ASKED[mode]}:2=empty"
    with Simulator(world, faults=[fault]) as simulator:
        settings = settings_for(tmp_path / "a", simulator.url, media="none", cookie=world.cookie, max_tries=1)
        assert archive(settings, target_of(mode), mode=mode).outcome == "partial"
        known = len(simulator.log)
        told = asyncio.run(retry_failed(settings))
        assert (told.walks, told.summary.outcome) == (1, "complete")
        assert one(settings, ROWS[mode]) == one(whole, ROWS[mode])
        queries = [r.query for r in simulator.log[known:] if r.operation == ASKED[mode]]
        places = [query.partition("X-Bogus")[0].partition("msToken")[2].partition("&")[2] for query in queries]
        again = int(where == "branch" and mode == "collects")  # a folder may have changed since the cut
        assert len(places) == len(set(places)) + again, "nothing else is asked for twice"
        assert asyncio.run(retry_failed(settings)).is_nothing


def test_the_comments_of_a_post_that_is_gone_are_not_called_complete(tmp_path: Path, undisturbed: Undisturbed) -> None:
    world, aweme_id = new_world(), target_of("comments")
    shutil.copytree(undisturbed("comments")[0].root, tmp_path / "root")
    with Simulator(world) as simulator:
        settings = settings_for(tmp_path / "root", simulator.url, media="none", cookie=world.cookie)
        known = one(settings, ROWS["comments"])
        world.delete(aweme_id, "status_self_see")
        told = archive(settings, aweme_id, mode="comments")
        assert (told.outcome, told.verdict) == ("failed", "unknown")
        assert "status_self_see" in told.reason
        verdict = "SELECT verdict FROM checkpoints WHERE listing = 'post_comment'"
        assert ask(settings, verdict) == [("unknown",)]
        assert one(settings, ROWS["comments"]) == known
        assert not any(r.operation == "comment_reply" for r in simulator.log[-2:]), "replies are not asked for"
        world.restore(aweme_id)
        assert archive(settings, aweme_id, mode="comments").outcome == "complete"
        assert ask(settings, verdict) == [("complete",)]
