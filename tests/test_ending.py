"""Commands that are told to end from outside, by a service manager, a container that stops or a closing terminal."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from archives import archive, ask, one, settings_for

from deployments.simulator.server import Simulator
from deployments.simulator.world import World

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no such signals there")

ROOT = Path(__file__).parents[1]
SAID = "stopped. The same command goes on where it stopped."


@pytest.fixture(autouse=True)
def _heard() -> Iterator[None]:
    """What a suite that nohup started is deaf to, its processes would be deaf to as well."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


@contextmanager
def started(
    at: Path, *words: str, upstream: str = "", deaf_to: int | None = None, **more: str
) -> Iterator[subprocess.Popen[str]]:
    """`aweme WORDS` in a process of its own; one that still runs at the end is killed."""
    own = more | {"PATH": os.environ["PATH"], "HOME": str(at), "TMPDIR": str(at), "PYTHONPATH": str(ROOT)}
    own |= {"AWEME_UPSTREAM": upstream, "AWEME_MIN_INTERVAL": "0", "AWEME_ROOT": str(at / "root")}
    command = [sys.executable, "-m", "deployments.cli", *words]
    if deaf_to is not None:  # as nohup leaves a command, and a shell what it puts in the background
        command = ["sh", "-c", f'trap "" {deaf_to}; exec "$@"', "sh", *command]
    with subprocess.Popen(command, cwd=at, env=own, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """How it ended, and what it said last; within the seconds that a service manager gives it."""
    _, said = process.communicate(timeout=30)
    assert "Traceback" not in said
    return process.returncode, said.strip().splitlines()[-1] if said else ""


def wait_until(process: subprocess.Popen[str], is_time: Callable[[], bool]) -> None:
    while not is_time():
        assert process.poll() is None
        time.sleep(0.02)


@pytest.mark.parametrize(
    ("by", "deaf_to"),
    [(signal.SIGTERM, None), (signal.SIGHUP, None), (signal.SIGTERM, signal.SIGINT)],
    ids=["told to end", "terminal closed", "told to end in the background"],
)
def test_a_run_that_is_told_to_end_notes_it_and_the_next_goes_on(tmp_path: Path, by: int, deaf_to: int | None) -> None:
    with Simulator(World(seed=4, users=1, posts=100), faults=["user_post:4=slow:5"]) as simulator:
        home, settings = simulator.world.accounts[0].home, settings_for(tmp_path / "root", simulator.url, media="none")
        words = ("archive", home, "--media", "none")
        with started(tmp_path, *words, upstream=simulator.url, deaf_to=deaf_to) as process:
            wait_until(process, lambda: sum(record.operation == "user_post" for record in simulator.log) > 3)
            process.send_signal(by)
            process.send_signal(by)  # as `timeout` does, which tells the process and then its group
            assert ended(process) == (128 + by, f"aweme: {SAID}")
        ((outcome, reason, finished),) = ask(settings, "SELECT outcome, reason, ended_at IS NOT NULL FROM runs")
        assert (outcome, reason.partition(";")[0], finished) == ("partial", "stopped before the end", True)
        assert one(settings, "SELECT count(*) FROM posts") > 0
        assert archive(settings, home).outcome == "complete"


def test_a_run_that_is_told_to_end_while_files_come_leaves_none_half_done(tmp_path: Path) -> None:
    with Simulator(World(seed=4, users=1, posts=12), faults=["media:4-9=slow:3"]) as simulator:
        home, settings = simulator.world.accounts[0].home, settings_for(tmp_path / "root", simulator.url)
        with started(tmp_path, "archive", home, "--media", "cover,video", "--json", upstream=simulator.url) as process:
            wait_until(process, lambda: sum(record.operation == "media" for record in simulator.log) > 5)
            process.send_signal(signal.SIGTERM)
            assert ended(process) == (143, f"aweme: {SAID}")
        assert one(settings, "SELECT outcome FROM runs") == "partial"
    with Simulator(World(seed=4, users=1, posts=12)) as simulator:
        settings = settings_for(tmp_path / "root", simulator.url)
        assert archive(settings, home, media="cover,video").outcome == "complete"
    with started(tmp_path, "verify") as process:
        assert ended(process) == (0, "")


def test_a_run_that_nohup_started_does_not_hear_of_a_closed_terminal(tmp_path: Path) -> None:
    with Simulator(World(seed=4, users=1, posts=60), faults=["user_post:2=slow:1"]) as simulator:
        words = ("archive", simulator.world.accounts[0].home, "--media", "none")
        with started(tmp_path, *words, upstream=simulator.url, deaf_to=signal.SIGHUP) as process:
            wait_until(process, lambda: any(record.operation == "user_post" for record in simulator.log))
            process.send_signal(signal.SIGHUP)
            assert ended(process)[0] == 0


def test_a_run_in_the_background_does_not_hear_of_ctrl_c(tmp_path: Path) -> None:
    with Simulator(World(seed=4, users=1, posts=60), faults=["user_post:2=slow:1"]) as simulator:
        words = ("archive", simulator.world.accounts[0].home, "--media", "none")
        with started(tmp_path, *words, upstream=simulator.url, deaf_to=signal.SIGINT) as process:
            wait_until(process, lambda: any(record.operation == "user_post" for record in simulator.log))
            process.send_signal(signal.SIGINT)
            assert ended(process)[0] == 0


@pytest.mark.parametrize("deaf_to", [signal.SIGUSR1, signal.SIGINT], ids=["before the user", "in the background"])
def test_work_that_is_told_to_end_is_stopped_between_two_steps(tmp_path: Path, deaf_to: int) -> None:
    # An end that is raised wherever the program is would be raised in the middle of asyncio's own work as well.
    (tmp_path / "program.py").write_text(
        """
import asyncio, os, signal
from deployments import cli

async def work():
    try:
        os.kill(os.getpid(), signal.SIGTERM)
        print("a step", end=" ")
        sum([1 for _ in range(1000)])
        print("to its end", flush=True)
        await asyncio.sleep(10)
    except BaseException as error:
        print(type(error).__name__, flush=True)
        raise

cli.cli.main = lambda **_: asyncio.run(work())
cli.main(["status"])
""",
        "utf-8",
    )
    command = ["sh", "-c", f'trap "" {int(deaf_to)}; exec "$@"', "sh", sys.executable, "-m", "program"]
    own = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=own, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (143, f"aweme: {SAID}\n")
    assert done.stdout == "a step to its end\nCancelledError\n"


def test_care_that_is_told_to_end_leaves_everything_as_it_was(tmp_path: Path) -> None:
    settings = settings_for(tmp_path / "root", "", media="none")
    with Simulator(World(seed=4, users=1, posts=30)) as simulator:
        home = simulator.world.accounts[0].home
        assert archive(settings_for(tmp_path / "root", simulator.url, media="none"), home).outcome == "complete"
    kept = "SELECT count(*), (SELECT count(*) FROM applied_pages) FROM posts"
    before = ask(settings, kept)
    with started(tmp_path, "rebuild") as process:
        wait_until(process, lambda: any(tmp_path.glob("aweme-rebuild-*")))
        process.send_signal(signal.SIGTERM)
        assert ended(process) == (143, f"aweme: {SAID}")
    assert {path.name for path in tmp_path.iterdir() if path.name.startswith("aweme-")} == set(), "nothing is left over"
    assert ask(settings, kept) == before
    for words in (("maintain",), ("verify",), ("rebuild",)):
        with started(tmp_path, *words) as process:
            assert ended(process) == (0, ""), words
    assert ask(settings, kept) == before


@pytest.mark.parametrize(("by", "code"), [(signal.SIGTERM, 143), (signal.SIGINT, 130)])
def test_a_signal_that_comes_while_a_dataclass_is_made_gives_the_same_code(tmp_path: Path, by: int, code: int) -> None:
    # Python makes them of texts; where a text is broken off, `python -m` remembers that and ends as by Ctrl-C.
    text = f"import os; os.kill(os.getpid(), {int(by)}); [None for _ in range(1000)]"
    program = f"from deployments import cli; cli.cli.main = lambda **_: exec({text!r}); cli.main(['status'])"
    (tmp_path / "program.py").write_text(program, "utf-8")
    command, own = [sys.executable, "-m", "program"], {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=tmp_path, env=own, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (code, f"aweme: {SAID}\n")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("raise ImportError('initialization failed') from KeyboardInterrupt()", id="in an import"),
        pytest.param("raise RuntimeError('Query interrupted')", id="in a query"),
    ],
)
def test_a_library_that_tells_of_the_end_in_words_of_its_own_is_understood(text: str) -> None:
    program = f"from deployments import cli; cli.cli.main = lambda **_: exec({text!r}); cli.main(['status'])"
    done = carried_out(program, subprocess.PIPE)
    assert (done.returncode, done.stderr) == (130, f"aweme: {SAID}\n")


def test_an_end_that_comes_while_a_usage_error_is_told_is_no_traceback() -> None:
    program = """
import os, signal
import click
from deployments import cli

class Slow(click.ClickException):
    def show(self, file=None):
        os.kill(os.getpid(), signal.SIGTERM)

def fails(**_):
    raise Slow("wrong")

cli.cli.main = fails
cli.main(["status"])
"""
    done = carried_out(program, subprocess.PIPE)
    assert (done.returncode, done.stderr) == (143, f"aweme: {SAID}\n")


def test_an_end_that_comes_within_an_import_is_not_waited_for_by_imports_in_threads(tmp_path: Path) -> None:
    with Simulator(World(seed=4, users=1, posts=1)) as simulator:
        archive(settings_for(tmp_path / "root", simulator.url, media="none"), simulator.world.accounts[0].home)
    # As the interpreter leaves its lock where the end is raised before importlib's own code can let go of it.
    program = f"""
import _imp, os, signal, sys
from deployments import cli
from pipelines.load import opening

def attached(**_):
    _imp.acquire_lock()
    os.kill(os.getpid(), signal.SIGTERM)

opening.attached = attached
sys.argv = ["aweme", "status", "--root", {str(tmp_path / "root")!r}]
cli.program()
"""
    done = carried_out(program, subprocess.PIPE)
    assert (done.returncode, done.stderr.strip()) == (143, f"aweme: {SAID}")


def carried_out(program: str, stdout: int | IO[str]) -> subprocess.CompletedProcess[str]:
    """What became of a text of Python that ends its process, and of what it had not flushed yet."""
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-c", program]
    return subprocess.run(command, env=own, stdout=stdout, stderr=subprocess.PIPE, text=True, timeout=60)


def test_a_process_that_ends_waits_for_its_threads_and_loses_nothing_that_was_said() -> None:
    done = carried_out(
        """
import atexit, threading, time
from deployments.ending import end_process
threading.Thread(target=lambda: (time.sleep(0.3), print("a thread"))).start()
atexit.register(print, "registered")
print("said", end=" ")
end_process(3)
""",
        subprocess.PIPE,
    )

    assert (done.returncode, done.stderr) == (3, "")
    assert done.stdout == "said a thread\nregistered\n"


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such device there")
def test_a_process_that_ends_where_there_is_no_room_has_the_exit_code_of_python() -> None:
    with Path("/dev/full").open("w") as full:
        done = carried_out("from deployments.ending import end_process; print('said', end=''); end_process(0)", full)

    assert done.returncode == 120
    assert "No space left on device" in done.stderr


@pytest.mark.flow
def test_a_run_that_prefect_tracks_is_told_to_end_like_any_other(tmp_path: Path, prefect_server: str) -> None:
    prefect = {"PREFECT_API_URL": prefect_server, "PREFECT_HOME": str(tmp_path / "prefect")}
    with Simulator(World(seed=4, users=1, posts=100), faults=["user_post:4=slow:5"]) as simulator:
        words = ("archive", simulator.world.accounts[0].home, "--media", "none", "--prefect")
        with started(tmp_path, *words, upstream=simulator.url, **prefect) as process:
            wait_until(process, lambda: sum(record.operation == "user_post" for record in simulator.log) > 3)
            process.send_signal(signal.SIGTERM)
            process.send_signal(signal.SIGTERM)
            assert ended(process) == (128 + signal.SIGTERM, f"aweme: {SAID}")
        settings = settings_for(tmp_path / "root", simulator.url, media="none")
        assert ask(settings, "SELECT outcome, ended_at IS NOT NULL FROM runs") == [("partial", True)]
