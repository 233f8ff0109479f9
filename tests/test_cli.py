"""The `aweme` command as a user types it, in a process of its own."""

from __future__ import annotations

import gc
import json
import os
import re
import subprocess
import sys
import time
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from deployments.memory import starting
from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.errors import BadInput

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator(World(seed=4, users=2, posts=24)) as simulator:
        yield simulator


@pytest.fixture
def aweme(tmp_path: Path, running: Simulator):
    def call(*words: str, stdin: str = "", **environ: str) -> subprocess.CompletedProcess[str]:
        own = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AWEME_UPSTREAM": running.url,
            "AWEME_MIN_INTERVAL": "0",
            "AWEME_ROOT": str(tmp_path / "a"),
            "PYTHONPATH": str(ROOT),
            **environ,
        }
        command = [sys.executable, "-m", "deployments.cli", *words]
        return subprocess.run(command, cwd=tmp_path, env=own, input=stdin, capture_output=True, text=True, timeout=120)

    return call


def value(done: subprocess.CompletedProcess[str]) -> Any:
    """What --json says: one value on standard output, nothing else there."""
    return json.loads(done.stdout)


def test_help_names_every_command(aweme) -> None:
    done = aweme("--help")
    for word in ("archive", "demo", "sql", "status", "resolve", "config", "simulate", "serve", "Exit codes"):
        assert word in done.stdout


def test_every_commands_help_has_an_example(aweme) -> None:
    from deployments.cli import COMMANDS

    for word in COMMANDS:
        done = aweme(word, "--help")
        assert done.returncode == 0, done.stderr
        assert "Example" in done.stdout, word


def test_status_does_not_count_a_post_that_nobody_saw_as_one_that_it_holds(aweme) -> None:
    assert aweme("archive", "https://www.douyin.com/video/7999999999999999999").returncode == 1
    holds = value(aweme("status", "--json"))["holds"]
    assert (holds["posts"], holds["gone_posts"], holds["unseen_posts"]) == (1, 1, 1)
    assert ": 1 post (1 gone, 1 of them never seen) of " in aweme("status").stdout


def test_archive_then_sql_then_status(aweme, running: Simulator, tmp_path: Path) -> None:
    home = running.world.accounts[0].home
    done = aweme("archive", home, "--json", "--media", "caption")
    assert done.returncode == 0, done.stderr
    (summary,) = value(done)
    assert summary["outcome"] == "complete"
    rows = value(aweme("sql", "--json", "SELECT count(*) AS posts FROM posts"))
    assert rows == [{"posts": summary["new_posts"]}]
    status = value(aweme("status", "--json"))
    assert status["holds"]["posts"] == summary["new_posts"]
    assert status["listings"][0]["verdict"] == "complete"
    table = aweme("sql", "SELECT aweme_id, caption FROM posts ORDER BY aweme_id LIMIT 3")
    assert "3 rows" in table.stdout
    wide = aweme("sql", "FROM posts_latest ORDER BY aweme_id LIMIT 2").stdout
    (post,) = value(aweme("sql", "--json", "FROM posts_latest ORDER BY aweme_id LIMIT 1"))
    assert wide.count(" aweme_id ") == wide.count(" last_seen_at ") == 2, "43 columns have no room side by side"
    assert all(str(post[name]) in wide for name in ("aweme_id", "sec_user_id", "page_id")), wide
    csv = aweme("sql", "--format", "csv", "SELECT aweme_id FROM posts LIMIT 2").stdout.splitlines()
    assert csv[0] == "aweme_id"
    assert len(csv) == 3
    parquet = aweme("sql", "--format", "parquet", "-o", "posts.parquet", "FROM posts_latest")
    assert parquet.returncode == 0, parquet.stderr
    assert (tmp_path / "posts.parquet").read_bytes()[:4] == b"PAR1"
    nested = aweme("sql", "--format", "csv", "SELECT [1, 2] AS a, {'x': '木'} AS b, ['u', 'v'] AS c, 'z'::BLOB AS d")
    assert nested.stdout.splitlines() == ["a,b,c,d", '"[1, 2]","{""x"": ""木""}",u v,7a'], nested.stderr
    assert aweme("sql", "--format", "csv", "-o", "-", "SELECT 1 AS a").stdout == "a\n1\n"
    assert not (tmp_path / "-").exists()
    lost = aweme("sql", "--format", "csv", "-o", "no/such/folder.csv", "SELECT 1")
    assert lost.returncode == 2
    assert "no/such/folder.csv cannot be written" in lost.stderr


@pytest.mark.parametrize("shape", ["csv", "parquet"])
def test_a_reader_who_has_seen_enough_ends_an_answer_without_a_word(
    aweme, running: Simulator, tmp_path: Path, shape: str
) -> None:
    aweme("archive", running.world.accounts[0].home, "--media", "none", "--max-counts", "1")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "deployments.cli", "sql", "--root", "a", "--format", shape, "FROM range(20000)"]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "wb") as shut:
        done = subprocess.run(command, cwd=tmp_path, env=environ, stdout=shut, stderr=subprocess.PIPE, timeout=120)
    assert (done.returncode, done.stderr) == (1, b"")


def test_the_attach_statements_open_the_archive_in_a_plain_duckdb(aweme, running: Simulator, tmp_path: Path) -> None:
    aweme("archive", running.world.accounts[0].home, "--media", "none")
    statements = aweme("sql", "--attach").stdout
    code = (
        "import duckdb, sys\n"
        "con = duckdb.connect()\n"
        "con.execute(sys.stdin.read())\n"
        "print(con.execute('SELECT count(*) FROM posts').fetchone()[0])"
    )
    # No network and no package of ours: DuckDB finds the extensions where it looks for its own.
    home = {**os.environ, "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], input=statements, env=home, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout.split()[-1]) > 0, "a slow machine sees progress bars before"


def test_each_kind_of_ending_has_its_exit_code(aweme, tmp_path: Path) -> None:
    assert aweme("archive", "没有链接").returncode == 2
    assert aweme("archive", "https://www.tiktok.com/@x/video/7298145681699622182").returncode == 2
    assert aweme("frobnicate").returncode == 2
    assert aweme("sql", "SELECT 1", "--root", "nowhere").returncode == 2
    with Simulator(World(seed=4, users=1, posts=60)) as moody:
        home = moody.world.accounts[0].home
        moody.add_fault("user_post:1=captcha")
        blocked = aweme("archive", home, AWEME_UPSTREAM=moody.url, AWEME_ROOT="blocked")
        assert blocked.returncode == 4, blocked.stderr
    with Simulator(World(seed=4, users=1, posts=60)) as moody:
        moody.add_fault("user_post:2-9=500")
        partial = aweme("archive", home, AWEME_UPSTREAM=moody.url, AWEME_ROOT="partial", AWEME_MAX_TRIES="2")
        assert partial.returncode == 3, partial.stderr
        moody.world.delete(0)
        gone = aweme("archive", home, AWEME_UPSTREAM=moody.url, AWEME_ROOT="gone")
        assert gone.returncode == 1, gone.stderr


def test_what_cannot_be_asked_is_told_in_words_and_exits_2(aweme, running: Simulator) -> None:
    home = running.world.accounts[0].home
    aweme("archive", home, "--media", "none", "-o", "1")
    for words, told in (
        (("sql", " -- nothing"), "There is no statement"),
        (("archive", home, "--match", "("), "RE2"),
        (("archive", home, "--interval", "x|y"), "aweme: interval cannot be 'x|y'"),
        (("archive", home, "--page-counts", "1", "--mode", "no"), "aweme: mode: "),
    ):
        ended = aweme(*words)
        assert ended.returncode == 2, words
        assert ended.stderr.startswith("aweme: "), ended.stderr
        assert told in ended.stderr


def test_a_root_that_cannot_be_a_folder_is_told(aweme, running: Simulator, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    ended = aweme("archive", running.world.accounts[0].home, "--root", str(tmp_path / "file"))
    assert ended.returncode == 2
    assert "cannot be made" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_an_error_with_json_is_one_object_and_says_what_to_do(aweme) -> None:
    done = aweme("archive", "nothing here", "--json")
    assert value(done)["kind"] == "BadInput"
    assert "link" in done.stderr
    ended = aweme("verify", "--sample", "much", "--json")
    assert ended.returncode == 2
    assert "1%" in json.loads(ended.stdout)["error"], "wrong usage is told so, too"


def test_resolve_gives_one_object_per_input_in_order(aweme, running: Simulator) -> None:
    account = running.world.accounts[0]
    done = aweme("resolve", account.share_text, "nothing", "https://www.douyin.com/video/7298145681699622182", "--json")
    found = value(done)
    assert [one.get("kind") for one in found] == ["user", None, "post"]
    assert found[0]["id"] == account.sec_user_id
    assert "error" in found[1]
    assert found[2] == {
        "input": "https://www.douyin.com/video/7298145681699622182",
        "kind": "post",
        "id": "7298145681699622182",
        "form": "video",
    }


def test_resolve_reads_lines_of_any_system(aweme) -> None:
    link = "https://www.douyin.com/video/7298145681699622182"
    found = value(aweme("resolve", "-", "--json", stdin=f"{link}\r\n\r\nnothing\n{link}"))
    assert [(one["input"], one.get("kind")) for one in found] == [(link, "post"), ("nothing", None), (link, "post")]


def test_a_run_for_a_script_loads_nothing_that_draws_or_schedules(aweme, running: Simulator) -> None:
    home = running.world.accounts[0].home
    done = aweme("archive", home, "--json", "--media", "none", PYTHONPROFILEIMPORTTIME="1")
    assert value(done)[0]["outcome"] == "complete"
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert {"httpx", "polars"} <= loaded
    assert not {"pygments", "rich", "prefect"} & loaded


def test_a_name_of_the_environment_that_is_no_setting_is_said(aweme) -> None:
    done = aweme("config", "--json", AWEME_ROOTS="elsewhere", AWEME_ZZZ="1", AWEME_TARGET="LINK")
    assert done.returncode == 0
    assert done.stderr.splitlines() == [
        "AWEME_ROOTS is no setting and changes nothing; did you mean AWEME_ROOT?",
        "AWEME_ZZZ is no setting and changes nothing; `aweme config` lists them all.",
    ]
    assert value(done)["root"]["origin"] == "AWEME_ROOT"


def test_config_hides_secrets_and_says_where_each_setting_came_from(aweme) -> None:
    done = aweme("config", "--json", AWEME_COOKIE="sessionid=topsecret", AWEME_CATALOG="postgresql://me:hush@db/x")
    assert "topsecret" not in done.stdout
    assert "hush" not in done.stdout
    assert value(done)["cookie"] == {"value": "hidden", "origin": "AWEME_COOKIE"}


def test_no_cookie_is_ever_written_or_said(aweme, running: Simulator, tmp_path: Path) -> None:
    cookie = running.world.cookie
    done = aweme("archive", running.world.accounts[0].home, "--media", "caption", AWEME_COOKIE=cookie)
    session = running.world.sessionid
    assert session not in done.stdout + done.stderr
    for path in tmp_path.rglob("*"):
        if path.is_file():
            assert session.encode() not in path.read_bytes(), path


def test_ctrl_c_ends_a_run_as_partial_and_says_how_to_go_on(tmp_path: Path, running: Simulator) -> None:
    import signal

    with Simulator(World(seed=4, users=1, posts=200), faults=["user_post:*=slow:0.3"]) as slow:
        environ = {**os.environ, "AWEME_UPSTREAM": slow.url, "AWEME_ROOT": str(tmp_path), "AWEME_MIN_INTERVAL": "0"}
        command = [sys.executable, "-m", "deployments.cli", "archive", slow.world.accounts[0].home, "--media", "none"]
        process = subprocess.Popen(command, cwd=ROOT, env=environ, stderr=subprocess.PIPE, text=True)
        while sum(record.operation == "user_post" for record in slow.log) < 3:
            assert process.poll() is None
            time.sleep(0.05)
        process.send_signal(signal.SIGINT)
        _, told = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "goes on where it stopped" in told
    from archives import ask, settings_for

    ((outcome, reason),) = ask(settings_for(tmp_path, "http://127.0.0.1:1"), "SELECT outcome, reason FROM runs")
    assert outcome == "partial"
    assert "stopped" in reason


def test_a_plan_is_one_list_of_figures_and_makes_nothing(aweme, running: Simulator, tmp_path: Path) -> None:
    first, second = running.world.accounts
    done = aweme("archive", first.home, second.home, "--plan", "--json", "--min-likes", "10")
    assert done.returncode == 0, done.stderr
    plans = value(done)
    assert [set(plan) for plan in plans] == [
        {"input", "mode", "target", "name", "listed", "known"}
        | {"new_posts", "requests", "files", "bytes", "seconds", "notes"}
    ] * 2
    assert [plan["input"] for plan in plans] == [first.home, second.home]
    assert [(plan["mode"], plan["target"], plan["listed"]) for plan in plans] == [
        ("post", account.sec_user_id, 24) for account in (first, second)
    ]
    assert all(isinstance(plan[name], int) for plan in plans for name in ("new_posts", "requests", "files", "bytes"))
    assert not (tmp_path / "a").exists()
    shown = aweme("archive", first.home, "--plan", "--min-likes", "10")
    assert "24 listed" in shown.stdout
    assert "note: " in shown.stdout
    refused = aweme("archive", "https://www.douyin.com/video/7298145681699622182", "--plan", "--json")
    assert refused.returncode == 2
    assert value(refused)["kind"] == "BadInput"


def test_a_retry_tells_what_it_took_up_and_exits_as_its_run_ended(aweme, tmp_path: Path) -> None:
    nothing = aweme("retry", "--json")
    assert (nothing.returncode, value(nothing)["kind"]) == (2, "BadInput"), "there is no archive yet"
    with Simulator(World(seed=4, users=1, posts=60), faults=["user_post:2-9=500"]) as moody:
        home, place = moody.world.accounts[0].home, {"AWEME_UPSTREAM": moody.url, "AWEME_MAX_TRIES": "1"}
        assert aweme("archive", home, "--media", "none", **place).returncode == 3
        other = aweme("retry", "--reason", "RateLimited", "--json", **place)
        assert other.returncode == 0, other.stderr
        assert set(value(other)["taken_up"].values()) == {0}, "nothing failed for that reason"
        again = aweme("retry", "--json", **place)
        assert again.returncode == 3, "it failed once more"
        told = value(again)
        assert set(told) == {"taken_up", "stored", "still_missing", "run"}
        assert told["taken_up"] == {"walks": 1, "pages": 0, "posts": 0, "files": 0, "gone": 0}
        assert (told["run"]["mode"], told["run"]["outcome"]) == ("retry", "partial")
    with Simulator(World(seed=4, users=1, posts=60), faults=["user_post:1=captcha"]) as moody:
        place = {"AWEME_UPSTREAM": moody.url, "AWEME_MAX_TRIES": "1", "AWEME_MEDIA": "none"}
        assert aweme("retry", "--json", **place).returncode == 4, "a person is needed"
        mended = aweme("retry", "--json", **place)
        assert (mended.returncode, value(mended)["run"]["outcome"]) == (0, "complete"), mended.stderr
        assert "Nothing that failed" in aweme("retry", **place).stdout


def test_python_looks_for_garbage_again_as_soon_as_the_archive_is_open() -> None:
    told: list[str] = []
    with starting(lambda kind, **_: told.append(kind)) as listen:
        listen("request", operation="user_profile", status=200)
        assert not gc.isenabled()
        listen("pages", pages=1, posts=18)
        assert gc.isenabled()
    assert told == ["request", "pages"]
    with pytest.raises(BadInput), starting(lambda kind, **_: None):
        raise BadInput("no such account")
    assert gc.isenabled()
    gc.unfreeze()


def test_what_a_target_left_is_let_go_while_the_next_is_archived() -> None:
    class Left:
        me: Left

    gone = None
    for _target in range(2):
        with starting(lambda kind, **_: None) as listen:
            listen("pages", pages=1, posts=18)
            if gone is None:
                left = Left()
                left.me, gone = left, weakref.ref(left)
                del left
    gc.collect()
    assert gone is not None
    assert gone() is None
    gc.unfreeze()


@pytest.mark.parametrize(
    "catalog",
    [
        "postgresql://me@db/x?sslpassword=hush",
        "postgresql://me@db/x?password=hush&sslpassword=hush&application_name=y",
        "postgres://me:hush@db/x",
        "postgres:host=db password='a://hush' user=me",
        "postgres:host=db sslpassword=hush user=me",
        "postgres:host=db PASSWORD=hush user=me",
        r"postgres:host=db password='it\'s hush' user=me",
        "postgres:host=db pasword=hush user=me",
        "postgres:host=db pass = 'hush' user=me",
        "postgres:host=db password=not hush user=me",
        "postgres:host=db password='hush user=me",
        "postgresql://me@db/x?pasword=hush&application_name=y",
    ],
)
def test_no_way_to_write_a_password_shows_it(catalog: str) -> None:
    from deployments.commands.options import without_password
    from pipelines.load.attach import attach_sql, place_of

    assert "hush" not in without_password(catalog)
    assert "hush" not in "".join(attach_sql(place_of(catalog, "somewhere", None)))
    for kept in re.findall(r"host=db|user=me(?!$)|application_name=y|me@db", catalog):
        assert kept in without_password(catalog)
        assert kept in "".join(attach_sql(place_of(catalog, "somewhere", None)))


def test_a_target_that_leads_nowhere_costs_the_others_nothing(aweme, running: Simulator) -> None:
    dead, homes = "https://v.douyin.com/deadbeef00/", [account.home for account in running.world.accounts]
    done = aweme("archive", homes[0], dead, homes[1], homes[1], "--media", "none", "--max-counts", "3", "--json")
    assert [(told["target"] == dead, told["outcome"]) for told in value(done)] == [
        (False, "complete"),
        (True, "failed"),
        (False, "complete"),
    ], "and nobody is asked for twice"
    assert [told["input"] for told in value(done)] == [homes[0], dead, homes[1]], "as they were given"
    assert "no longer leads anywhere" in value(done)[1]["reason"]
    assert done.returncode == 1
    shown = aweme("archive", dead, homes[0], "--media", "none", "--max-counts", "3")
    assert f"{dead}: failed - The short link" in shown.stdout
    assert "(post): complete" in shown.stdout


def test_a_target_that_cannot_be_planned_costs_the_others_nothing(aweme, running: Simulator) -> None:
    dead, homes = "https://v.douyin.com/deadbeef00/", [account.home for account in running.world.accounts]
    done = aweme("archive", homes[0], dead, homes[1], "--plan", "--json")
    assert [told.get("outcome") for told in value(done)] == [None, "failed", None]
    assert (value(done)[1]["target"], done.returncode) == (dead, 1)
    assert "no longer leads anywhere" in value(done)[1]["reason"]
    shown = aweme("archive", dead, homes[0], "--plan")
    assert f"{dead}: failed - The short link" in shown.stdout
    assert f"{running.world.accounts[0].nickname} (post): " in shown.stdout
    assert shown.returncode == 1


def test_of_several_targets_none_is_archived_where_one_of_them_cannot_be(aweme, running: Simulator) -> None:
    home = running.world.accounts[0].home
    for wrong, mode in (("nonsense", []), ("https://www.douyin.com/video/7686925967292869001", ["--mode", "post"])):
        done = aweme("archive", home, wrong, *mode, "--media", "none", "--json")
        assert (done.returncode, value(done)["kind"]) == (2, "BadInput")
        assert value(done)["error"].startswith(f"{wrong}: "), "of several, it is said which"
    assert aweme("status").returncode == 2, "there is no archive yet"
