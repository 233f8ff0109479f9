"""The main job, end to end, against the made-up Douyin on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from archives import archive, archive_anew, ask, one, settings_for

from deployments.simulator.server import Simulator
from deployments.simulator.world import Post, World
from pipelines.errors import BadInput
from pipelines.retrying import retry_failed
from schemas.jobs import Mode


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(World(seed=1, users=2, posts=40)) as running:
        yield running


def visible(world: World, user: int = 0) -> set[str]:
    posts = (world.post(user, index) for index in range(world.total(user)))
    return {post.aweme_id for post in posts if world.gone_reason(post) is None}


def test_an_accounts_posts_become_rows_and_verified_files(tmp_path: Path, simulator: Simulator) -> None:
    settings = settings_for(tmp_path, simulator.url, media="video,image,music,cover,caption")
    account = simulator.world.accounts[0]
    summary = archive_anew(settings, account.home)
    assert summary.outcome == "complete", summary.reason
    assert summary.verdict == "complete"
    rows = {row[0] for row in ask(settings, "SELECT aweme_id FROM listing_entries WHERE listing = 'post'")}
    assert rows == visible(simulator.world)
    assert one(settings, "SELECT count(*) = count(DISTINCT aweme_id) FROM posts")
    assert one(settings, "SELECT nickname FROM users WHERE sec_user_id = ?", account.sec_user_id) == account.nickname
    stored = ask(settings, "SELECT path, sha256, size_bytes FROM files WHERE state = 'stored'")
    assert len(stored) > 40
    for path, sha256, size in stored:
        body = (tmp_path / path).read_bytes()
        assert len(body) == size
        assert hashlib.sha256(body).hexdigest() == sha256
    on_disk = {p.relative_to(tmp_path).as_posix() for p in (tmp_path / "media").rglob("*") if p.is_file()}
    assert on_disk == {path for path, _, _ in stored}
    assert one(settings, "SELECT count(*) FROM rejects") == summary.rejects


def test_likes_that_an_account_keeps_to_itself_are_said_to_be_hidden(tmp_path: Path) -> None:
    world = World(seed=1, users=3, posts=4)
    with Simulator(world, faults=["user_like:4-=empty"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none")
        hidden = archive(settings, world.accounts[2].home, mode="like")
        assert hidden.outcome == "failed"
        assert hidden.reason is not None
        assert "keeps its likes to itself" in hidden.reason
        busy = archive(settings, world.accounts[1].home, mode="like")
        assert busy.outcome == "partial"
        assert busy.reason is not None
        assert "fewer requests" in busy.reason


@pytest.mark.parametrize("stop", [SystemExit(1), KeyboardInterrupt()], ids=["told to exit", "Ctrl-C"])
def test_a_run_that_is_told_to_leave_is_noted_as_stopped_and_not_as_broken(
    tmp_path: Path, simulator: Simulator, stop: BaseException
) -> None:
    settings = settings_for(tmp_path, simulator.url, media="none")

    def leave(name: str, **_facts: object) -> None:
        if name == "total":
            raise stop

    with pytest.raises(type(stop)):
        archive(settings, simulator.world.accounts[0].home, on_event=leave)
    ((outcome, reason),) = ask(settings, "SELECT outcome, reason FROM runs")
    assert (outcome, reason.partition(";")[0]) == ("partial", "stopped before the end")


@pytest.mark.parametrize(
    ("target", "mode"),
    [("no link at all", None), ("https://example.com/user/MS4wLjAB", None), ("7298145681699622182", "like")],
)
def test_a_target_that_cannot_be_makes_no_archive(tmp_path: Path, target: str, mode: Mode | None) -> None:
    settings = settings_for(tmp_path / "a", "http://127.0.0.1:9")
    with pytest.raises(BadInput):
        archive_anew(settings, target, mode=mode)
    assert not (tmp_path / "a").exists()


def test_a_short_link_that_leads_elsewhere_than_asked_makes_no_archive(tmp_path: Path, simulator: Simulator) -> None:
    settings = settings_for(tmp_path / "a", simulator.url)
    with pytest.raises(BadInput, match="does not fit"):
        archive_anew(settings, simulator.world.accounts[0].short_link, mode=Mode.ONE)
    assert not (tmp_path / "a").exists()


def test_a_second_run_asks_two_things_and_brings_only_what_is_new(tmp_path: Path, simulator: Simulator) -> None:
    settings = settings_for(tmp_path, simulator.url)
    home = simulator.world.accounts[0].home
    archive(settings, home)
    again = archive(settings, home)
    assert (again.outcome, again.requests, again.new_posts, again.files) == ("complete", 2, 0, 0)
    new = simulator.world.add_posts(0, 3)
    third = archive(settings, home)
    assert third.new_posts == 3
    assert third.requests <= 3
    known = {row[0] for row in ask(settings, "SELECT aweme_id FROM posts")}
    assert set(new) - known == {i for i in new if i not in visible(simulator.world)}


def test_no_media_host_ever_gets_a_cookie(tmp_path: Path, simulator: Simulator) -> None:
    settings = settings_for(tmp_path, simulator.url, cookie=simulator.world.cookie)
    archive(settings, simulator.world.accounts[0].home)
    media = [
        r
        for r in simulator.log
        if not r.host.endswith("www.douyin.com") and "mssdk" not in r.host and "ttwid" not in r.host
    ]
    assert media
    assert not [r for r in media if "cookie" in r.headers]


def test_at_most_one_api_request_is_under_way_at_a_time(tmp_path: Path, simulator: Simulator) -> None:
    archive(settings_for(tmp_path, simulator.url), simulator.world.accounts[0].home)
    api = [r for r in simulator.log if r.path.startswith("/aweme/v1/web/")]
    addresses = [(r.path, r.query) for r in api]
    assert len(addresses) == len(set(addresses)), "nothing is asked for twice"


def test_an_answer_that_failed_stays_on_record_though_the_next_try_went_well(tmp_path: Path) -> None:
    with Simulator(World(seed=1, users=1, posts=40), faults=["user_post:2=empty", "user_profile:1=502"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none")
        assert archive(settings, simulator.world.accounts[0].home).outcome == "complete"
        failed = "SELECT operation, outcome FROM raw_pages WHERE outcome <> 'ok' AND run_id <> '' ORDER BY ALL"
        assert ask(settings, failed) == [("user_post", "RateLimited"), ("user_profile", "Unreachable")]
        assert asyncio.run(retry_failed(settings)).is_nothing


def test_an_empty_answer_is_never_the_end_of_a_listing(tmp_path: Path) -> None:
    with Simulator(World(seed=1, users=1, posts=60), faults=["user_post:2-9=empty"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none", max_tries=2)
        home = simulator.world.accounts[0].home
        cut = archive(settings, home)
        assert cut.outcome == "partial"
        assert one(settings, "SELECT verdict FROM checkpoints WHERE listing = 'post'") != "complete"
        assert one(settings, "SELECT count(*) FROM raw_pages WHERE outcome = 'RateLimited'") >= 1
    with Simulator(World(seed=1, users=1, posts=60)) as simulator:
        whole = archive(settings_for(tmp_path, simulator.url, media="none"), home)
        assert whole.outcome == "complete"
        rows = {row[0] for row in ask(settings, "SELECT aweme_id FROM listing_entries")}
        assert rows == visible(simulator.world)


def test_a_challenge_stops_the_run_and_asks_a_person(tmp_path: Path) -> None:
    with Simulator(World(seed=1, users=1, posts=60), faults=["user_post:2=captcha"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none")
        summary = archive(settings, simulator.world.accounts[0].home)
        assert summary.outcome == "blocked"
        assert "browser" in summary.reason
        posts = [r for r in simulator.log if r.operation == "user_post"]
        assert len(posts) == 2, "nothing is asked after a challenge"
        assert one(settings, "SELECT cursor FROM checkpoints") is not None, "the place is kept"


def test_max_counts_and_interval_narrow_the_files(tmp_path: Path, simulator: Simulator) -> None:
    settings = settings_for(tmp_path, simulator.url, media="caption,video,image")
    home = simulator.world.accounts[0].home
    archive(settings, home, max_counts=5)
    assert one(settings, "SELECT count(DISTINCT aweme_id) FROM files JOIN media USING (media_id)") <= 5
    assert len([r for r in simulator.log if r.operation == "user_post"]) == 1


def test_a_single_post_is_archived_by_its_link(tmp_path: Path, simulator: Simulator) -> None:
    post = next(
        p
        for i in range(40)
        if not (p := simulator.world.post(0, i)).kind.images and simulator.world.gone_reason(p) is None
    )
    settings = settings_for(tmp_path, simulator.url)
    summary = archive(settings, f"https://www.douyin.com/video/{post.aweme_id}")
    assert (summary.mode, summary.outcome) == ("one", "complete")
    assert one(settings, "SELECT aweme_id FROM posts") == post.aweme_id


def test_a_gone_post_is_noted_with_douyins_own_reason(tmp_path: Path, simulator: Simulator) -> None:
    aweme_id = sorted(visible(simulator.world))[3]
    settings = settings_for(tmp_path, simulator.url, media="none")
    archive(settings, f"https://www.douyin.com/video/{aweme_id}")
    simulator.world.delete(aweme_id, "status_self_see")
    summary = archive(settings, f"https://www.douyin.com/video/{aweme_id}")
    assert summary.outcome == "failed"
    gone = ask(settings, "SELECT gone_reason, gone_at IS NOT NULL, caption IS NOT NULL FROM posts")
    assert gone[0][:2] == ("status_self_see", True)
    assert one(settings, "SELECT count(*) FROM changes WHERE column_name = 'gone_reason'") == 1


KILLED = """
import sys
from archives import archive, settings_for
archive(settings_for(sys.argv[1], sys.argv[2], media="video,image,caption"), sys.argv[3])
"""


def test_a_run_that_is_killed_goes_on_where_it_stopped(tmp_path: Path) -> None:
    world = World(seed=3, users=1, posts=120)
    with Simulator(world, faults=["user_post:*=slow:0.15", "media:*=slow:0.02"]) as simulator:
        home = simulator.world.accounts[0].home
        environ = {**os.environ, "PYTHONPATH": f"{Path(__file__).parent}{os.pathsep}{Path(__file__).parents[1]}"}
        for after in (1.6, 2.2, 2.8):
            command = [sys.executable, "-c", KILLED, str(tmp_path), simulator.url, home]
            process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            time.sleep(after)
            process.send_signal(signal.SIGKILL)
            process.wait()
        settings = settings_for(tmp_path, simulator.url, media="video,image,caption")
        summary = archive(settings, home)
    assert summary.outcome in {"complete", "partial"}, summary.reason
    assert {row[0] for row in ask(settings, "SELECT aweme_id FROM listing_entries")} == visible(world)
    for table, key in (("posts", "aweme_id"), ("media", "media_id"), ("files", "media_id"), ("raw_pages", "page_id")):
        assert one(settings, f"SELECT count(*) = count(DISTINCT {key}) FROM {table}"), table
    stored = dict(ask(settings, "SELECT path, sha256 FROM files WHERE state = 'stored'"))
    on_disk = {p.relative_to(tmp_path).as_posix(): p for p in (tmp_path / "media").rglob("*") if p.is_file()}
    finals = {name: path for name, path in on_disk.items() if not path.name.startswith(".")}
    assert set(finals) == set(stored)
    for name, path in finals.items():
        assert hashlib.sha256(path.read_bytes()).hexdigest() == stored[name]
    pages = "SELECT count(*) FROM raw_pages WHERE outcome = 'ok' AND page_id NOT IN (SELECT page_id FROM applied_pages)"
    assert one(settings, pages) == 0


LEAN = """
import sys
from archives import archive, settings_for
settings = settings_for(sys.argv[1], sys.argv[2], media="cover")
assert archive(settings, sys.argv[3]).outcome == "complete"
assert archive(settings, sys.argv[3], full=True).outcome == "complete"
print(*(name for name in sys.modules if name.partition(".")[0] in ("pyarrow", "pandas", "prefect")))
"""


class NewestFirst(World):
    """Its mixes show their newest episode first, as many owners have it."""

    def episode(self, user: int, which: int, number: int) -> Post:
        return super().episode(user, which, self.episodes(user, which) + 1 - number)


def test_a_mix_that_changed_since_its_walk_was_cut_is_complete_only_with_what_is_new(tmp_path: Path) -> None:
    world = NewestFirst(seed=1, users=2, posts=60)
    with Simulator(world, faults=["user_mix:3=empty"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none", max_tries=1)
        entries = "SELECT count(*) FROM listing_entries WHERE gone_at IS NULL"
        cut = archive(settings, world.mix_id(0), mode="mix", page_counts=2)
        assert (cut.outcome, one(settings, entries)) == ("partial", 4)
        world.add_posts(0, 10)
        assert world.episodes(0, 0) == 7
        whole = archive(settings, world.mix_id(0), mode="mix", page_counts=2)
        assert (whole.verdict, one(settings, entries)) == ("complete", 7)
        assert whole.gone_entries == 0


def test_a_run_loads_no_library_that_it_can_do_without(tmp_path: Path, simulator: Simulator) -> None:
    environ = {**os.environ, "PYTHONPATH": f"{Path(__file__).parent}{os.pathsep}{Path(__file__).parents[1]}"}
    command = [sys.executable, "-c", LEAN, str(tmp_path), simulator.url, simulator.world.accounts[0].home]
    done = subprocess.run(command, env=environ, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-2000:]
    assert done.stdout.split() == []
