"""An archive that remembers: plans, filters, refreshed counts, renamed accounts, large accounts, cuts at any moment."""

from __future__ import annotations

import asyncio
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from archives import archive, ask, copied, one, settings_for
from click.testing import CliRunner

from deployments.commands.status import command as status
from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.errors import BadInput
from pipelines.house import open_lake
from pipelines.planning import plan_job
from pipelines.settings import Settings
from schemas.jobs import CHINA, ArchiveJob, Plan
from schemas.listings import LISTING_ENTRIES
from schemas.pages import Checkpoint, Stretch


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(World(seed=1, users=2, posts=40)) as running:
        yield running


def visible(world: World) -> set[str]:
    return {p.aweme_id for i in range(world.total(0)) if world.gone_reason(p := world.post(0, i)) is None}


def test_a_plan_asks_for_one_profile_and_keeps_nothing(tmp_path: Path, simulator: Simulator) -> None:
    settings = settings_for(tmp_path / "archive", simulator.url)
    home = simulator.world.accounts[0].home
    plan = asyncio.run(plan_job(settings, ArchiveJob(target=home)))
    assert (plan.listed, plan.known, plan.new_posts, plan.requests) == (40, 0, 40, 4)
    assert min(plan.files or 0, plan.bytes or 0) > 0
    assert plan.seconds is not None
    assert [r.operation for r in simulator.log if r.path.startswith("/aweme")] == ["user_profile"]
    assert not (tmp_path / "archive").exists()
    archive(settings, home, media="none")
    simulator.world.add_posts(0, 3)
    later = asyncio.run(plan_job(settings, ArchiveJob(target=home)))
    assert later.new_posts is not None
    assert later.new_posts >= 3
    # The profile, the page with the new posts, and the one that shows that all the rest is known.
    assert later.requests == archive(settings, home, media="none").requests == 3


def plan_of(settings: Settings, home: str, **job: Any) -> Plan:
    return asyncio.run(plan_job(settings, ArchiveJob(target=home, **job)))


def test_a_plan_counts_only_files_that_pass_the_filters(tmp_path: Path, simulator: Simulator) -> None:
    settings = settings_for(tmp_path / "archive", simulator.url, media="video,image,caption")
    world, home = simulator.world, simulator.world.accounts[0].home
    films = plan_of(settings, home, kind="video")
    assert 0 < (films.files or 0) < (plan_of(settings, home).files or 0), "films have no pictures"
    assert any("most it can be" in note for note in films.notes), "how many are films is not known"
    archive(settings, home, media="none")
    # All posts are known, and none of their files is kept: the plan counts what a run with that filter then gets.
    archive(settings, home, media="none")
    for number, job in enumerate(({"kind": "video"}, {"match": "的|好"}, {"min_likes": 1000}, {"tag": "no such tag"})):
        told = plan_of(settings, home, **job)
        copy = copied(settings, tmp_path / str(number), media="video,image,caption")
        run = archive(copy, home, **job)
        # The profile also counts posts that nobody may see.
        assert 0 <= (told.files or 0) - run.files - run.missing - run.absent <= 4 * (told.new_posts or 0), job
    world.add_posts(0, 20)
    more, some = plan_of(settings, home), plan_of(settings, home, min_likes=1000)
    none = plan_of(settings, home, min_likes=10**9)
    assert (more.files or 0) > (some.files or 0) > (none.files or 0) == 0
    assert more.requests == some.requests, "rows are kept of every post"
    assert any("share of known posts" in note for note in some.notes)


def test_a_plan_of_an_interval_says_what_it_knows_and_what_not(tmp_path: Path, simulator: Simulator) -> None:
    settings = settings_for(tmp_path, simulator.url, media="caption")
    world, home = simulator.world, simulator.world.accounts[0].home
    first = plan_of(settings, home, interval="2025-01-01|2025-12-31")
    assert (first.new_posts, len(first.notes)) == (40, 1), "nobody can tell before: it is all, at most"
    archive(settings, home, media="none")
    days = [f"{datetime.fromtimestamp(world.post(0, index).created_at, CHINA):%Y-%m-%d}" for index in (10, 20)]
    interval = "|".join(days)
    world.add_posts(0, 30)
    later = plan_of(settings, home, interval=interval)
    assert (later.new_posts, later.notes) == (0, []), "what is new is not of days that were read already"
    run = archive(settings, home, interval=interval)
    assert (later.files, later.requests) == (run.files + run.missing + run.absent, 2)
    assert 5 < run.files < 20
    whole = plan_of(settings, home, interval=interval, full=True, page_counts=5)
    assert whole.requests in (3, 4)
    assert plan_of(settings, home, interval=f"{days[0]}|").notes == []


@pytest.mark.parametrize(
    ("job", "test"),
    [
        ({"kind": "video"}, "p.image_count IS NULL"),
        ({"kind": "image,live_photo"}, "p.image_count IS NOT NULL"),
        ({"match": "的|好"}, "regexp_matches(p.caption, '的|好')"),
        ({"min_likes": 1000}, "p.aweme_id IN (SELECT aweme_id FROM post_stats WHERE like_count >= 1000)"),
        ({"min_comments": 50}, "p.aweme_id IN (SELECT aweme_id FROM post_stats WHERE comment_count >= 50)"),
    ],
)
def test_what_is_filtered_keeps_its_row_and_leaves_out_its_files(
    tmp_path: Path, simulator: Simulator, job: dict[str, str], test: str
) -> None:
    settings = settings_for(tmp_path, simulator.url, media="caption")
    archive(settings, simulator.world.accounts[0].home, **job)
    assert one(settings, "SELECT count(*) FROM listing_entries") == len(visible(simulator.world))
    kept = ask(settings, "SELECT aweme_id FROM files JOIN media USING (media_id) ORDER BY ALL")
    sql = (
        f"SELECT p.aweme_id FROM posts p JOIN media m USING (aweme_id) WHERE m.kind = 'caption' AND {test} ORDER BY ALL"
    )
    assert kept == ask(settings, sql)


def test_a_tag_chooses_files_and_a_bad_pattern_is_told(tmp_path: Path, simulator: Simulator) -> None:
    settings = settings_for(tmp_path, simulator.url, media="caption")
    home = simulator.world.accounts[0].home
    archive(settings, home, media="none")
    tag = one(settings, "SELECT tag_name FROM post_tags WHERE kind = 'hashtag' ORDER BY tag_name LIMIT 1")
    archive(settings, home, tag=f"#{tag}")
    kept = ask(settings, "SELECT DISTINCT aweme_id FROM files JOIN media USING (media_id) ORDER BY ALL")
    assert kept == ask(settings, "SELECT DISTINCT aweme_id FROM post_tags WHERE tag_name = ? ORDER BY ALL", tag)
    asked = len(simulator.log)
    with pytest.raises(BadInput, match="RE2"):
        archive(settings, home, match="(")
    assert len(simulator.log) == asked, "nothing is asked for what cannot be"
    with pytest.raises(ValueError, match="choose from video"):
        ArchiveJob(kind="film")


def test_recent_posts_are_read_again_for_their_growth(tmp_path: Path, simulator: Simulator) -> None:
    settings = settings_for(tmp_path, simulator.url, media="none")
    world, home = simulator.world, simulator.world.accounts[0].home
    archive(settings, home)
    old = world.post(0, 2)
    world.bump_stats(old.aweme_id, 7)
    archive(settings, home)
    counts = "SELECT count(*) FROM post_stats WHERE aweme_id = ?"
    assert one(settings, counts, old.aweme_id) == 1
    age = datetime.now(UTC) - datetime.fromtimestamp(old.created_at, UTC)
    summary = archive(settings, home, refresh_days=max(age.days + 2, 1))
    assert summary.verdict == "complete"
    assert one(settings, counts, old.aweme_id) == 2


def test_an_account_of_100000_posts_is_updated_in_two_pages(tmp_path: Path) -> None:
    world = World(seed=1, users=1, posts=100_000)
    with Simulator(world) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none")
        account, timeline = world.accounts[0], world.timeline(0)
        read_at = datetime.now(UTC) - timedelta(days=1)
        ids = [timeline.id_of(index) for index in range(100_000)]
        page = {"page_id": "0", "first_seen_at": read_at, "last_seen_at": read_at, "observed_at": read_at}
        rows = pl.DataFrame({"aweme_id": ids}).with_columns(
            pl.lit("post").alias("listing"),
            pl.lit(account.sec_user_id).alias("owner_id"),
            *(pl.lit(value).alias(name) for name, value in page.items()),
        )
        rows = pl.concat([LISTING_ENTRIES.schema.to_frame(), rows], how="diagonal_relaxed")
        with open_lake(settings) as lake:
            lake.apply({"listing_entries": rows.cast(dict(LISTING_ENTRIES.schema))}, ["0"], run_id="seed")
            high = (timeline.time_of(99_999) + 1) * 1000
            stretches = (Stretch(high, 0, is_end=True, items=100_000),)
            lake.save_checkpoint(
                Checkpoint(
                    "post", account.sec_user_id, started_at=read_at, finished_at=read_at, stretches=stretches,
                    verdict="complete",
                )
            )  # fmt: skip
        new = world.add_posts(0, 3)
        summary = archive(settings, account.home)
        assert (summary.outcome, summary.verdict) == ("complete", "complete")
        assert len([r for r in simulator.log if r.operation == "user_post"]) <= 2
        found = {row[0] for row in ask(settings, "SELECT aweme_id FROM posts")}
        assert found >= {aweme_id for aweme_id in new if world.gone_reason(world.find(aweme_id)) is None}


def world_of_150() -> World:
    return World(seed=5, users=1, posts=150)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of an archive of the whole of that world."""
    root, world = tmp_path_factory.mktemp("whole") / "root", world_of_150()
    with Simulator(world) as simulator:
        archive(settings_for(root, simulator.url, media="none"), world.accounts[0].home)
    return root


@pytest.mark.parametrize("seed", range(4))
def test_walks_cut_anywhere_bring_the_same_rows_as_one_that_was_not(tmp_path: Path, whole: Path, seed: int) -> None:
    rng, world = random.Random(seed), world_of_150()
    home = world.accounts[0].home
    shutil.copytree(whole, tmp_path / "whole")
    with Simulator(world) as simulator:
        for _ in range(rng.randint(2, 4)):
            if rng.random() < 0.5:
                world.add_posts(0, rng.randint(1, 30))
                archive(settings_for(tmp_path / "whole", simulator.url, media="none"), home)
            kind = rng.choice(("empty", "captcha", "reset", "429"))
            with Simulator(world, faults=[f"user_post:{rng.randint(1, 8)}-={kind}"]) as cutting:
                archive(settings_for(tmp_path / "cut", cutting.url, media="none", max_tries=1), home)
        settings = settings_for(tmp_path / "cut", simulator.url, media="none")
        last = archive(settings, home)
    assert (last.outcome, last.verdict) == ("complete", "complete")
    for sql in (
        "SELECT aweme_id FROM listing_entries ORDER BY ALL",
        "SELECT aweme_id, caption, created_at FROM posts ORDER BY ALL",
        "SELECT media_id FROM media ORDER BY ALL",
    ):
        assert ask(settings, sql) == ask(settings_for(tmp_path / "whole", "http://localhost"), sql)


def test_status_says_which_stretch_is_missing_and_why(tmp_path: Path) -> None:
    world = World(seed=1, users=1, posts=60)
    with Simulator(world, faults=["user_post:2-=empty"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none", max_tries=1)
        archive(settings, world.accounts[0].home)
    told = json.loads(CliRunner().invoke(status, ["--root", str(tmp_path), "--json"]).stdout)
    account = told["accounts"][0]
    assert account["verdict"] == "partial"
    assert account["missing_stretches"][0]["oldest"] is None
    assert account["reason"]


RENAMED = """
import os, signal, sys
from archives import archive, settings_for
import pipelines.load.lake as lake
from pathlib import Path
if sys.argv[4] == "before the rows":
    class Deadly(lake.Lake):
        def record_folders(self, folders, *, moved=False):
            if moved:
                os.kill(os.getpid(), signal.SIGKILL)
            super().record_folders(folders, moved=moved)
else:
    class Deadly(lake.Lake):
        def record_folders(self, folders, *, moved=False):
            super().record_folders(folders, moved=moved)
            if moved:
                os.kill(os.getpid(), signal.SIGKILL)
lake.Lake = Deadly
archive(settings_for(sys.argv[1], sys.argv[2], media="caption"), sys.argv[3])
"""


@pytest.mark.parametrize("moment", ["", "before the rows", "after the rows"])
def test_an_account_that_is_renamed_keeps_one_folder_and_every_file(
    tmp_path: Path, simulator: Simulator, moment: str
) -> None:
    settings = settings_for(tmp_path, simulator.url, media="caption")
    world, home = simulator.world, simulator.world.accounts[0].home
    archive(settings, home)
    before = one(settings, "SELECT count(*) FROM files WHERE state = 'stored'")
    world.rename(0, "新名字")
    if moment:
        environ = {**os.environ, "PYTHONPATH": f"{Path(__file__).parent}{os.pathsep}{Path(__file__).parents[1]}"}
        command = [sys.executable, "-c", RENAMED, str(tmp_path), simulator.url, home, moment]
        assert subprocess.run(command, env=environ, capture_output=True).returncode == -signal.SIGKILL
        world.rename(0, "又一个名字")
    archive(settings, home)
    folders = [path.name for path in (tmp_path / "media").iterdir()]
    assert len(folders) == 1
    assert folders[0].startswith("又一个名字" if moment else "新名字")
    assert one(settings, "SELECT folder FROM users WHERE sec_user_id = ?", world.accounts[0].sec_user_id) == folders[0]
    paths = [path for (path,) in ask(settings, "SELECT path FROM files WHERE state = 'stored'")]
    assert len(paths) == before
    assert all((tmp_path / path).is_file() for path in paths)


KILLED = """
import sys
from archives import archive, settings_for
archive(settings_for(sys.argv[1], sys.argv[2], media="none"), sys.argv[3])
"""


def test_a_walk_killed_at_random_pages_ends_with_every_row(tmp_path: Path) -> None:
    rng, world = random.Random(7), World(seed=3, users=1, posts=200)
    environ = {**os.environ, "PYTHONPATH": f"{Path(__file__).parent}{os.pathsep}{Path(__file__).parents[1]}"}
    with Simulator(world, faults=["user_post:*=slow:0.1"]) as simulator:
        home = world.accounts[0].home
        for _ in range(3):
            asked, pages = len(simulator.log), rng.randint(1, 4)
            command = [sys.executable, "-c", KILLED, str(tmp_path), simulator.url, home]
            process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None:
                if sum(r.operation == "user_post" for r in simulator.log[asked:]) >= pages:
                    time.sleep(rng.random() * 0.1)
                    process.send_signal(signal.SIGKILL)
                    break
                time.sleep(0.02)
            process.wait()
        settings = settings_for(tmp_path, simulator.url, media="none")
        assert archive(settings, home).outcome == "complete"
    assert {row[0] for row in ask(settings, "SELECT aweme_id FROM listing_entries")} == visible(world)
    assert one(settings, "SELECT count(*) = count(DISTINCT aweme_id) FROM posts")
