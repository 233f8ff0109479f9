"""The `aweme` command where something around it is amiss: a root, a terminal, a setting."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from lakes import begin

from deployments.simulator.server import Simulator
from deployments.simulator.world import World

ROOT = Path(__file__).parents[1]
Call = Callable[..., subprocess.CompletedProcess[bytes]]


@pytest.fixture(scope="module")
def running() -> Iterator[Simulator]:
    with Simulator(World(seed=4, users=1, posts=24)) as simulator:
        yield simulator


@contextmanager
def files_of_at_most(size: int | None) -> Iterator[None]:
    """A limit to the size of files that processes begin with, where one is given."""
    if size is None:
        yield
        return
    import resource

    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


@pytest.fixture
def aweme(tmp_path: Path, running: Simulator) -> Call:
    def call(
        *words: str, stdout: Any = subprocess.PIPE, most: int | None = None, **environ: str
    ) -> subprocess.CompletedProcess[bytes]:
        own = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "AWEME_UPSTREAM": running.url,
            "AWEME_MIN_INTERVAL": "0",
            "PYTHONPATH": str(ROOT),
            **environ,
        }
        command = [sys.executable, "-m", "deployments.cli", *words]
        if most is not None:
            own["PYTHONDONTWRITEBYTECODE"] = "1"  # bytecode would be cut off, too, and end every later run
        with files_of_at_most(most):
            return subprocess.run(
                command, cwd=tmp_path, env=own, stdout=stdout, stderr=subprocess.PIPE, timeout=120, check=False
            )

    return call


def refused(done: subprocess.CompletedProcess[bytes], words: str) -> None:
    said = done.stderr.decode()
    assert (done.returncode, words in said, "Traceback" in said) == (2, True, False), said


def test_a_root_that_cannot_be_a_folder_is_said_in_a_line(aweme: Call, running: Simulator, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    home = running.world.accounts[0].home
    refused(aweme("archive", home, "--root", "file"), "with --root")
    refused(aweme("archive", home, "--root", "file/below"), "with --root")
    refused(aweme("archive", home, AWEME_ROOT=""), "root is empty")


@pytest.mark.parametrize("pause", ["nan", "inf", "-1"])
def test_a_pause_that_is_no_length_of_time_is_refused(aweme: Call, running: Simulator, pause: str) -> None:
    refused(aweme("archive", running.world.accounts[0].home, AWEME_MIN_INTERVAL=pause), "min_interval must be")


def test_a_list_of_numbers_for_media_is_refused(aweme: Call, tmp_path: Path) -> None:
    (tmp_path / "aweme.toml").write_text("media = [1, 2]")
    refused(aweme("config"), "media cannot be 1, 2")


def test_captions_go_through_pipes_of_any_locale(aweme: Call, running: Simulator) -> None:
    old = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    account = running.world.accounts[0]
    done = aweme("archive", account.home, "--media", "none", **old)
    assert done.returncode == 0, done.stderr.decode()
    assert account.nickname in done.stdout.decode("utf-8")
    words = ("sql", "SELECT nickname FROM users")
    assert account.nickname in aweme(*words, **old).stdout.decode("utf-8")
    assert b"\\u" in aweme(*words, PYTHONIOENCODING="ascii").stdout, "what cannot be shown is told by its number"
    (row,) = json.loads(aweme(*words, "--json", **old).stdout)
    assert row["nickname"] == account.nickname


@pytest.mark.skipif(sys.platform in ("win32", "darwin"), reason="file names are UTF-8 there")
def test_a_locale_without_the_letters_of_captions_is_said_and_no_file_counts_as_failed(
    aweme: Call, running: Simulator
) -> None:
    old = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    words = ("archive", running.world.accounts[0].home, "--media", "caption", "-o", "5")
    done = aweme(*words, **old)
    assert (done.returncode, "PYTHONUTF8=1" in done.stdout.decode()) == (4, True), done.stderr.decode()
    assert aweme(*words).returncode == 0
    assert json.loads(aweme("sql", "--json", "SELECT DISTINCT state FROM files").stdout) == [{"state": "stored"}]
    refused(aweme("archive", running.world.accounts[0].home, "--root", "猫", **old), "PYTHONUTF8=1")


def test_an_upstream_where_nobody_listens_is_named(aweme: Call, running: Simulator) -> None:
    home = running.world.accounts[0].home
    done = aweme("archive", home, AWEME_UPSTREAM="http://127.0.0.1:9", AWEME_MAX_TRIES="1")
    assert done.returncode == 3
    assert "`upstream`" in done.stdout.decode()


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")
def test_ctrl_c_ends_a_long_question_at_once(aweme: Call, running: Simulator, tmp_path: Path) -> None:
    assert aweme("archive", running.world.accounts[0].home, "--media", "none", "-o", "1").returncode == 0
    question = "SELECT max(md5(range::VARCHAR)) FROM range(10000000000)"
    command = [sys.executable, "-m", "deployments.cli", "sql", question]
    (tmp_path / "temporary").mkdir()
    own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    own["TMPDIR"] = str(tmp_path / "temporary")
    with subprocess.Popen(command, cwd=tmp_path, env=own, stderr=subprocess.PIPE) as asking:
        try:
            time.sleep(4)
            asking.send_signal(signal.SIGINT)
            _, said = asking.communicate(timeout=15)
        finally:
            asking.kill()
    assert asking.returncode == 130
    assert b"Traceback" not in said
    assert not list((tmp_path / "temporary").iterdir()), "what did not fit into memory lies there"


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")
def test_ctrl_c_while_the_command_still_starts_shows_no_traceback(tmp_path: Path) -> None:
    # Python tells of each module that it has loaded: this one is among the first that the command itself asks for.
    command = [sys.executable, "-X", "importtime", "-m", "deployments.cli", "status"]
    own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=own, stderr=subprocess.PIPE) as starting:
        try:
            assert starting.stderr is not None
            assert any(line.split()[-1] == b"_ctypes" for line in starting.stderr)
            starting.send_signal(signal.SIGINT)
            said = starting.stderr.read()
            starting.wait(timeout=15)
        finally:
            starting.kill()
    assert starting.returncode == 130
    assert b"Traceback" not in said
    assert b"aweme: stopped." in said


@pytest.mark.skipif(sys.platform == "win32", reason="no such pipes there")
def test_a_reader_that_has_seen_enough_of_a_csv_is_no_error_to_tell(
    aweme: Call, running: Simulator, tmp_path: Path
) -> None:
    assert aweme("archive", running.world.accounts[0].home, "--media", "none", "-o", "1").returncode == 0
    command = [sys.executable, "-m", "deployments.cli", "sql", "--format", "csv", "FROM range(1000000)"]
    own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, cwd=tmp_path, env=own, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as asking:
        assert asking.stdout is not None
        assert asking.stderr is not None
        assert asking.stdout.readline() == b"range\n"
        asking.stdout.close()
        assert asking.stderr.read() == b""


def test_every_way_to_write_an_answer_says_one_json_value(aweme: Call, running: Simulator, tmp_path: Path) -> None:
    assert aweme("archive", running.world.accounts[0].home, "--media", "none", "-o", "1").returncode == 0
    to_file = aweme("sql", "--format", "parquet", "-o", "a.parquet", "--json", "SELECT 1 AS a")
    assert json.loads(to_file.stdout) == {"output": "a.parquet", "format": "parquet", "rows": 1}
    assert (tmp_path / "a.parquet").read_bytes()[:4] == b"PAR1"
    in_json = aweme("sql", "-o", "a.json", "--json", "SELECT 1 AS a")
    assert json.loads(in_json.stdout)["format"] == "json"
    assert json.loads((tmp_path / "a.json").read_bytes()) == [{"a": 1}]
    assert json.loads(aweme("sql", "--attach", "--json").stdout)[-1] == "USE archive"


def test_a_fault_of_the_program_is_json_for_a_script_and_a_traceback_for_a_report(
    aweme: Call, running: Simulator, tmp_path: Path
) -> None:
    (tmp_path / "mine.py").write_text("class S:\n    def sign(self, *_):\n        raise ValueError('my own fault')\n")
    path = os.pathsep.join((str(ROOT), str(tmp_path)))
    home = running.world.accounts[0].home
    done = aweme("archive", home, "--json", AWEME_SIGNER="mine:S", PYTHONPATH=path)
    assert (done.returncode, json.loads(done.stdout)["kind"]) == (1, "ValueError")
    assert b"my own fault" in done.stderr


def test_a_folder_that_cannot_be_made_and_a_full_disk_are_told_in_a_line(
    aweme: Call, running: Simulator, tmp_path: Path
) -> None:
    assert aweme("archive", running.world.accounts[0].home, "--media", "none", "-o", "1").returncode == 0
    (tmp_path / "file").write_text("no folder")
    refused(aweme("export", "--format", "csv", "-o", "file/below"), "cannot be made")
    if not Path("/dev/full").exists():
        return
    command = [sys.executable, "-m", "deployments.cli", "config", "--json"]
    own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(command, cwd=tmp_path, env=own, stdout=full, stderr=subprocess.PIPE, timeout=120)
    said = done.stderr.decode()
    assert (done.returncode, said.startswith("aweme: "), "Traceback" in said) == (1, True, False), said


@pytest.mark.parametrize("days", ["nan", "inf", "1e300", "-1"])
@pytest.mark.parametrize("words", [("verify", "--older-than"), ("maintain", "--keep-days")])
def test_days_that_no_calendar_counts_are_refused(aweme: Call, words: tuple[str, str], days: str) -> None:
    refused(aweme(*words, days), words[1])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--mode", "search"), "--keyword"),
        (("--refresh-days", "99999999999"), "refresh_days"),
    ],
)
def test_a_job_that_cannot_be_is_refused_before_anything_is_asked_or_kept(
    aweme: Call, running: Simulator, tmp_path: Path, words: tuple[str, ...], told: str
) -> None:
    refused(aweme("archive", running.world.accounts[0].home, *words), told)
    assert not (tmp_path / "archive" / "media").exists()


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("hello",), "no link"),
        (("HOME", "--media", "film"), "choose from"),
        (("HOME", "--mode", "mix"), "does not fit"),
        (("HOME", "--mode", "search"), "not served"),
        (("HOME", "--port", "99999"), "--port"),
        (("HOME", "--host", "192.0.2.1"), "--host"),
        (("HOME", "--host", "no host"), "--host"),
    ],
)
def test_what_cannot_be_served_is_refused_before_a_server_is_started(
    aweme: Call, running: Simulator, words: tuple[str, ...], told: str
) -> None:
    home = running.world.accounts[0].home
    refused(aweme("serve", *(home if word == "HOME" else word for word in words)), told)


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
def test_a_disk_without_room_for_a_question_or_an_export_is_told_as_that(aweme: Call, running: Simulator) -> None:
    home = running.world.accounts[0].home
    assert aweme("archive", home, "--media", "none", "--max-counts", "1").returncode == 0
    asked = aweme("status", most=100)
    exported = aweme("export", "--format", "csv", "-o", "out", most=100)
    assert (asked.returncode, b"make room" in asked.stderr) == (4, True), asked.stderr
    assert b"make room" in exported.stderr, exported.stderr
    assert b"Another export" not in exported.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
@pytest.mark.parametrize("shape", ["csv", "json", "parquet"])
def test_an_answer_that_does_not_fit_leaves_the_file_that_was_there(
    aweme: Call, running: Simulator, tmp_path: Path, shape: str
) -> None:
    begin(tmp_path / "root")
    (tmp_path / "posts").write_text("older")
    words = ("sql", "--root", "root", "--format", shape, "SELECT md5(range::VARCHAR) FROM range(100_000)")
    to_file = aweme(*words, "-o", "posts", most=1_000_000)
    refused(to_file, "posts cannot be written")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["posts", "root"]
    assert (tmp_path / "posts").read_text() == "older"
    assert aweme(*words, "-o", "posts").returncode == 0
    assert (tmp_path / "posts").read_bytes() == aweme(*words, "-o", "/dev/stdout").stdout == aweme(*words).stdout


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
@pytest.mark.parametrize("shape", ["csv", "json", "parquet"])
def test_an_answer_that_is_cut_off_is_no_success(aweme: Call, running: Simulator, tmp_path: Path, shape: str) -> None:
    begin(tmp_path / "root")
    words = ("sql", "--root", "root", "--format", shape, "SELECT md5(range::VARCHAR) FROM range(100_000)")
    told = aweme(*words, "-o", "/dev/full")
    assert (told.returncode, b"Make room there" in told.stderr) == (4, True), told.stderr
    with (tmp_path / "answer").open("wb") as answer:
        cut = aweme(*words, stdout=answer, most=1_000_000, PYTHONUNBUFFERED="1")
    assert (cut.returncode, b"File too large" in cut.stderr) == (1, True), cut.stderr
    with Path("/dev/full").open("wb") as full:
        told = aweme(*words, stdout=full)
    assert (told.returncode, b"no more room" in told.stderr) == (1, True), told.stderr


@pytest.mark.skipif(sys.platform == "win32", reason="no such limit there")
def test_a_limit_to_the_size_of_files_is_told_in_a_line(aweme: Call, running: Simulator, tmp_path: Path) -> None:
    root, home = str(tmp_path / "root"), running.world.accounts[0].home
    assert aweme("archive", home, "--root", root, "--media", "none", "--max-counts", "1").returncode == 0
    done = aweme("maintain", "--root", root, most=60_000)
    assert done.returncode == 4, done.stderr
    assert b"Traceback" not in done.stderr
    assert b"how large a file may be" in done.stderr
