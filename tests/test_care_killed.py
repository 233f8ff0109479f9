"""A rebuild and a maintenance that are killed at some moment: the archive opens, holds the same rows, and can go on."""

from __future__ import annotations

import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from archives import archive, one, settings_for
from test_rebuild import change, rows_of

from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.care.maintaining import maintain
from pipelines.care.verifying import verify
from pipelines.house import open_lake, utc_now
from pipelines.load.auditing import table_files
from pipelines.settings import Settings

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def lived(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The root of an archive of several runs, so of many small files."""
    world = World(seed=6, users=1, posts=60)
    root = tmp_path_factory.mktemp("lived") / "root"
    with Simulator(world) as simulator:
        for _ in range(4):
            archive(settings_for(root, simulator.url, media="none"), world.accounts[0].home)
            world.add_posts(0, 5)
    return root


class Bench:
    """A copy of that archive for each try."""

    def __init__(self, lived: Path, folder: Path) -> None:
        self.lived, self.folder = lived, folder

    def copy(self, name: str) -> Settings:
        shutil.copytree(self.lived, self.folder / name / "root")
        return settings_for(self.folder / name / "root", "http://127.0.0.1:9")

    def start(self, settings: Settings, *words: str) -> subprocess.Popen[bytes]:
        """The command in a process of its own, as a user would start it."""
        place = Path(settings.root).parent
        own = {"PATH": os.environ["PATH"], "HOME": str(place), "TMPDIR": str(place), "PYTHONPATH": str(ROOT)}
        with (place / "told.txt").open("wb") as told:
            command = [sys.executable, "-m", "deployments.cli", *words, "--root", settings.root]
            return subprocess.Popen(command, cwd=place, env=own, stdout=told, stderr=told)

    def finish(self, settings: Settings, *words: str) -> float:
        """Let the command come to its end; how long it took."""
        began = time.monotonic()
        code = self.start(settings, *words).wait(120)
        assert code == 0, (Path(settings.root).parent / "told.txt").read_text()
        return time.monotonic() - began


@pytest.fixture
def bench(lived: Path, tmp_path: Path) -> Bench:
    return Bench(lived, tmp_path)


def parquet(settings: Settings) -> set[Path]:
    return set(Path(settings.root, "tables").rglob("*.parquet"))


def kill(process: subprocess.Popen[bytes], is_time: Callable[[], bool]) -> bool:
    """Kill it as soon as it is time; False where it ended before."""
    while process.poll() is None:
        if is_time():
            process.send_signal(signal.SIGKILL)
            process.wait()
            return True
        time.sleep(0.002)
    return False


def moments(bench: Bench, settings: Settings, *words: str) -> list[Callable[[], Callable[[], bool]]]:
    """Two that are drawn by lot, and the one at which the first file of the archive's tables is written."""
    usual, rng = bench.finish(bench.copy("unharmed"), *words), random.Random(11)

    def by_lot(share: float) -> Callable[[], Callable[[], bool]]:
        def begin() -> Callable[[], bool]:
            until = time.monotonic() + share * usual
            return lambda: time.monotonic() > until

        return begin

    def at_the_first_file() -> Callable[[], bool]:
        before = parquet(settings)
        return lambda: parquet(settings) != before

    return [by_lot(rng.uniform(0.3, 0.6)), by_lot(rng.uniform(0.6, 1.0)), at_the_first_file]


def test_a_rebuild_that_was_killed_changed_nothing_or_everything_and_can_be_run_again(bench: Bench) -> None:
    settings = bench.copy("killed")
    right = rows_of(settings)
    spoilt = ["UPDATE posts SET caption = 'misread'", "DELETE FROM post_stats", "DELETE FROM post_tags"]
    change(settings, *spoilt)
    wrong, cut = rows_of(settings), 0
    for moment in moments(bench, settings, "rebuild"):
        cut += kill(bench.start(settings, "rebuild"), moment())
        assert rows_of(settings) in (wrong, right)
        assert verify(settings, now=utc_now).problems == []
    assert cut > 0
    bench.finish(settings, "rebuild")
    assert rows_of(settings) == right
    assert not list(Path(settings.root).parent.glob("aweme-rebuild-*")), "nor do they leave their scratch for ever"


def test_a_maintenance_that_was_killed_loses_no_row_and_can_be_run_again(bench: Bench) -> None:
    settings, words, cut = bench.copy("killed"), ("maintain", "--keep-days", "0"), 0
    rows = rows_of(settings)
    for moment in moments(bench, settings, *words):
        cut += kill(bench.start(settings, *words), moment())
        assert rows_of(settings) == rows
        assert verify(settings, now=utc_now).problems == []
        change(settings, "INSERT INTO users (sec_user_id, observed_at, page_id) VALUES ('x', now(), 'x')")
        change(settings, "DELETE FROM users WHERE sec_user_id = 'x'")
    assert cut > 0
    bench.finish(settings, *words)
    assert rows_of(settings) == rows
    assert one(settings, "SELECT file_count FROM ducklake_table_info('archive') WHERE table_name = 'posts'") == 1
    # What the kills left beside the tables goes once nobody can need it any more.
    maintain(settings, now=lambda: datetime.now(UTC) + timedelta(days=2), keep_days=0)
    with open_lake(settings, read_only=True) as lake:
        assert {path.name for path in parquet(settings)} == {Path(path).name for _, path in table_files(lake)}
    assert rows_of(settings) == rows
