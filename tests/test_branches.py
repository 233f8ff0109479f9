"""What hangs on a listing: the replies to a post's comments, and the posts of the folders of a collection."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from archives import archive, ask, one, settings_for

from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.retrying import retry_failed

ROWS = {
    "comments": "SELECT count(*) FROM comments",
    "collects": "SELECT count(*) FROM listing_entries WHERE listing = 'collects'",
}
ASKED = {"comments": "comment_reply", "collects": "collects_posts"}


@pytest.mark.parametrize("mode", ROWS)
@pytest.mark.parametrize(("answer", "outcome"), [("status_code:2053", "complete"), ("no_list", "partial")])
def test_a_branch_that_is_not_to_be_had_costs_the_others_nothing(
    tmp_path: Path, mode: str, answer: str, outcome: str
) -> None:
    world = World(seed=1, users=2, posts=20)
    target = world.post(1, 5).aweme_id if mode == "comments" else "self"
    # A folder is behind a login: without its list, an answer would ask for one.
    answer = answer if mode == "comments" or answer != "no_list" else "json_null"
    with Simulator(world) as simulator:
        settings = settings_for(tmp_path / "whole", simulator.url, media="none", cookie=world.cookie)
        assert archive(settings, target, mode=mode).outcome == "complete"
        whole = one(settings, ROWS[mode])
        asked = sum(r.operation == ASKED[mode] for r in simulator.log)
    with Simulator(world, faults=[f"{ASKED[mode]}:2={answer}"]) as simulator:
        settings = settings_for(tmp_path / "a", simulator.url, media="none", cookie=world.cookie)
        told = archive(settings, target, mode=mode)
        assert told.outcome == outcome, told.reason
        assert any("Not to be had: 1 of" in warning for warning in told.warnings)
        assert sum(r.operation == ASKED[mode] for r in simulator.log) >= asked - 1, "all others were read"
        assert 0 < one(settings, ROWS[mode]) < whole


@pytest.mark.parametrize("mode", ROWS)
def test_with_a_limit_only_what_hangs_on_that_many_is_read_however_much_is_known(tmp_path: Path, mode: str) -> None:
    world = World(seed=1, users=2, posts=20)
    target = world.post(1, 5).aweme_id if mode == "comments" else "self"
    with Simulator(world) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none", cookie=world.cookie)
        archive(settings, target, mode=mode)
        verdicts = "SELECT count(*) FROM checkpoints WHERE verdict = 'complete'"
        whole, known = one(settings, verdicts), len(simulator.log)
        archive(settings, target, mode=mode, max_counts=2)
        assert 0 < sum(r.operation == ASKED[mode] for r in simulator.log[known:]) <= 4
        assert one(settings, verdicts) >= whole - 3, "the others keep their verdict"


@pytest.mark.parametrize("mode", ROWS)
@pytest.mark.parametrize("where", ["listing", "branch"])
def test_a_retry_reads_what_hangs_on_a_list_behind_the_place_where_a_run_broke_off(
    tmp_path: Path, mode: str, where: str
) -> None:
    world = World(seed=1, users=2, posts=20)
    target = world.post(1, 5).aweme_id if mode == "comments" else "self"
    listing = {"comments": "post_comment:2", "collects": "collects_list:1"}[mode]
    fault = f"{listing}=empty" if where == "listing" else f"{ASKED[mode]}:2=empty"
    with Simulator(world) as simulator:
        settings = settings_for(tmp_path / "whole", simulator.url, media="none", cookie=world.cookie)
        archive(settings, target, mode=mode)
        whole = one(settings, ROWS[mode])
    with Simulator(world, faults=[fault]) as simulator:
        settings = settings_for(tmp_path / "a", simulator.url, media="none", cookie=world.cookie, max_tries=1)
        assert archive(settings, target, mode=mode).outcome == "partial"
        known = len(simulator.log)
        told = asyncio.run(retry_failed(settings))
        assert (told.walks, told.summary.outcome) == (1, "complete")
        assert one(settings, ROWS[mode]) == whole
        queries = [r.query for r in simulator.log[known:] if r.operation == ASKED[mode]]
        places = [query.partition("X-Bogus")[0].partition("msToken")[2].partition("&")[2] for query in queries]
        again = int(where == "branch" and mode == "collects")  # a folder may have changed since the cut
        assert len(places) == len(set(places)) + again, "nothing else is asked for twice"
        assert asyncio.run(retry_failed(settings)).is_nothing


def test_the_comments_of_a_post_that_is_gone_are_not_called_complete(tmp_path: Path) -> None:
    world = World(seed=1, users=2, posts=20)
    aweme_id = world.post(1, 5).aweme_id
    with Simulator(world) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none", cookie=world.cookie)
        archive(settings, aweme_id, mode="comments")
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
