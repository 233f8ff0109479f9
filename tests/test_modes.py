"""One whole job in each mode, with its rows and files counted by SQL."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from archives import archive, one, settings_for
from click.testing import CliRunner

from deployments.cli import cli
from deployments.commands.archive import command
from deployments.simulator.links import links_in
from deployments.simulator.server import Simulator
from schemas.jobs import Mode

# mode -> (what it is given, further wishes, a count that must not be 0, whether it brings files)
CASES: dict[str, tuple[str, dict[str, Any], str, bool]] = {
    "one": ("video", {}, "posts", True),
    "post": ("home", {}, "listing_entries WHERE listing = 'post'", True),
    "like": ("home", {}, "listing_entries WHERE listing = 'like'", True),
    "collect": ("self", {}, "listing_entries WHERE listing = 'collect' AND owner_id = 'self'", True),
    "mix": ("mix", {}, "listing_entries WHERE listing = 'mix'", True),
    "feed": ("self", {"max_counts": 20}, "listing_entries WHERE listing = 'feed'", True),
    "related": ("video", {"max_counts": 20}, "listing_entries WHERE listing = 'related'", True),
    "follow-feed": ("self", {"max_counts": 20}, "listing_entries WHERE listing = 'follow_feed'", True),
    "friend-feed": ("self", {"max_counts": 20}, "listing_entries WHERE listing = 'friend_feed'", True),
    "comments": ("video", {}, "comments WHERE root_id IS NOT NULL", False),
    "collects": ("self", {}, "listing_entries WHERE listing = 'collects'", True),
    "collected-music": ("self", {}, "music", False),
    "collected-mixes": ("self", {}, "mixes", False),
    "following": ("home", {}, "follows", False),
    "followers": ("home", {}, "follows", False),
    "search": ("home", {"keyword": "美食"}, "listing_entries WHERE listing = 'search'", True),
    "hot": ("self", {}, "hot_words", False),
    "live": ("live", {"max_duration_s": 2}, "lives WHERE status = 2", True),
}


def test_every_mode_is_tried_here_and_named_in_the_help() -> None:
    assert set(CASES) == {mode.value for mode in Mode}
    assert command.help is not None
    named = command.help.partition("Modes:")[2].partition(".")[0]
    assert {word.strip() for word in named.split(",")} == set(CASES)


@pytest.mark.parametrize("mode", CASES)
def test_each_mode_brings_its_rows_and_files(tmp_path: Path, simulator: Simulator, mode: str) -> None:
    given, wishes, counted, has_files = CASES[mode]
    links = dict(links_in(simulator.world))
    target = links.get(f"account 0 {given}", "self")
    settings = settings_for(tmp_path, simulator.url, cookie=simulator.world.cookie, media="video,image,stream")
    summary = archive(settings, target, mode=mode, **wishes)
    assert summary.outcome == "complete", summary.reason
    assert one(settings, f"SELECT count(*) FROM {counted}") > 0
    stored = one(settings, "SELECT count(*) FROM files WHERE state = 'stored'")
    assert stored == summary.files
    assert (stored > 0) is has_files
    assert one(settings, "SELECT count(*) FROM rejects") == summary.rejects


@pytest.mark.parametrize(
    ("mode", "things"),
    [
        ("mix", "posts"),
        ("comments", "comments"),
        ("following", "accounts"),
        ("followers", "accounts"),
        ("collected-music", "sounds"),
        ("collected-mixes", "mixes"),
        ("hot", "words"),
    ],
)
def test_a_run_calls_what_it_reads_by_its_name(tmp_path: Path, simulator: Simulator, mode: str, things: str) -> None:
    link = dict(links_in(simulator.world)).get(f"account 0 {CASES[mode][0]}", "self")
    place = {"AWEME_UPSTREAM": simulator.url, "AWEME_ROOT": str(tmp_path / "root"), "AWEME_MIN_INTERVAL": "0"}
    environ = {**place, "AWEME_COOKIE": simulator.world.cookie}
    told = CliRunner().invoke(cli, ["archive", link, "--mode", mode, "--media", "none"], env=environ)
    assert told.exit_code == 0, told.output
    (seen,) = (line for line in told.stdout.splitlines() if " seen" in line)
    assert f" {things} seen" in seen
    assert (" new, " in seen) is (things == "posts"), "new and changed ones are counted of posts"
    progress = [line for line in told.stderr.splitlines() if line.startswith("pages ")]
    assert all(f", {things} " in line for line in progress)
