"""The `aweme` command where its standard streams are closed, full or broken, as schedulers and scripts leave them."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from deployments.simulator.server import Simulator
from deployments.simulator.world import World

pytestmark = pytest.mark.skipif(not Path("/dev/full").exists(), reason="no such shell or device there")


def ended(at: Path, redirected: str, *words: str, upstream: str = "") -> tuple[int, str, str]:
    """How `aweme WORDS` ends whose streams a shell redirects: exit code, and what was said on output and error."""
    own = {"PATH": os.environ["PATH"], "HOME": str(at), "PYTHONPATH": str(Path(__file__).parents[1])}
    own |= {"AWEME_UPSTREAM": upstream, "AWEME_MIN_INTERVAL": "0"}
    command = ["sh", "-c", f'"$@" {redirected}', "sh", sys.executable, "-m", "deployments.cli", *words]
    done = subprocess.run(command, cwd=at, env=own, capture_output=True, text=True, timeout=120, check=False)
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("redirected", ["2>&-", "<&- >&- 2>&-"])
def test_a_run_whose_streams_are_closed_archives_all_the_same(tmp_path: Path, redirected: str) -> None:
    with Simulator(World(seed=1, users=1, posts=8)) as simulator:
        words = ("archive", simulator.world.accounts[0].home, "--root", "root")
        code, _, said = ended(tmp_path, redirected, *words, upstream=simulator.url)
    assert (code, said) == (0, "")
    code, told, _ = ended(tmp_path, "", "sql", "--root", "root", "--json", "SELECT outcome FROM runs")
    assert (code, json.loads(told)) == (0, [{"outcome": "complete"}])
    assert ended(tmp_path, "", "verify", "--root", "root")[0] == 0


def test_a_closed_input_is_an_empty_one_and_a_closed_output_takes_everything(tmp_path: Path) -> None:
    code, _, said = ended(tmp_path, "<&-", "resolve", "-", "--json")
    assert (code, said) == (0, "")
    for words in (("config",), ("config", "--json"), ("resolve", "7298145681699622182")):
        assert ended(tmp_path, ">&-", *words) == (0, "", "")


@pytest.mark.parametrize("redirected", ["2>&-", "2>/dev/full", "2>/dev/full >/dev/full"])
def test_an_exit_code_says_what_went_wrong_where_words_cannot(tmp_path: Path, redirected: str) -> None:
    for words in (("status", "--root", "nowhere"), ("status", "--json", "--root", "nowhere"), ("archive", "--bogus")):
        assert ended(tmp_path, redirected, *words)[0] == 2, words


def test_a_run_of_which_nobody_hears_goes_on_to_its_end(tmp_path: Path) -> None:
    with Simulator(World(seed=1, users=1, posts=30)) as simulator:
        words = ("archive", simulator.world.accounts[0].home, "--root", "root", "--media", "none")
        code, told, _ = ended(tmp_path, "2>/dev/full", *words, upstream=simulator.url)
        assert (code, "complete" in told) == (0, True)
        simulator.world.add_posts(0, 3)
        own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(Path(__file__).parents[1])}
        own |= {"AWEME_UPSTREAM": simulator.url, "AWEME_MIN_INTERVAL": "0"}
        command = [sys.executable, "-m", "deployments.cli", *words]
        reader, writer = os.pipe()
        os.close(reader)  # as `2>&1 >told | head -1` leaves it
        with subprocess.Popen(command, cwd=tmp_path, env=own, stdout=subprocess.PIPE, stderr=writer) as process:
            os.close(writer)
            said, _ = process.communicate(timeout=120)
        assert (process.returncode, b"complete" in said) == (0, True)
    code, told, _ = ended(tmp_path, "", "sql", "--root", "root", "--json", "SELECT DISTINCT outcome FROM runs")
    assert (code, json.loads(told)) == (0, [{"outcome": "complete"}])
