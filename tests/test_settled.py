"""A run looks for the files that came since a run went to its end, and misses none that it should look for."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archives import archive, ask, one, settings_for

from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.care.rebuilding import rebuild
from pipelines.house import open_lake
from pipelines.load import apply as applying
from pipelines.loading import Loader
from pipelines.settings import Settings

STORED = "SELECT count(*) FROM files JOIN media USING (media_id) WHERE state = 'stored' AND kind = ?"


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(World(seed=1, users=1, posts=30)) as running:
        yield running


def forget(settings: Settings, kind: str) -> None:
    """Lose the rows of files of a kind, as if an older version had never looked for them."""
    with open_lake(settings) as lake:
        sql = f"DELETE FROM files WHERE media_id IN (SELECT media_id FROM media WHERE kind = '{kind}')"
        lake.commit(lambda con: con.execute(sql) and None)


def test_a_run_that_went_to_its_end_says_so_and_the_next_looks_at_less(tmp_path: Path, simulator: Simulator) -> None:
    settings = settings_for(tmp_path, simulator.url, media="caption")
    home = simulator.world.accounts[0].home
    archive(settings, home)
    assert one(settings, "SELECT settled_at BETWEEN started_at AND ended_at FROM runs")
    kept = one(settings, STORED, "caption")
    forget(settings, "caption")
    assert archive(settings, home).files < kept, "what the first run had settled is not gone through again"
    assert archive(settings, home, full=True).files > 0, "a full run goes through everything"
    assert one(settings, STORED, "caption") == kept


def test_other_kinds_and_other_filters_are_searches_of_their_own(tmp_path: Path, simulator: Simulator) -> None:
    home = simulator.world.accounts[0].home
    archive(settings_for(tmp_path, simulator.url, media="caption"), home)
    both = settings_for(tmp_path, simulator.url, media="caption,cover")
    archive(both, home, min_likes=10**9)
    assert one(both, STORED, "cover") == 0
    archive(both, home)
    promised = one(both, "SELECT count(*) FROM media WHERE kind = 'cover'")
    assert one(both, STORED, "cover") == promised > 20


def test_what_a_rebuild_promises_besides_is_loaded_by_the_next_run(tmp_path: Path, simulator: Simulator) -> None:
    settings = settings_for(tmp_path, simulator.url, media="caption,cover")
    home = simulator.world.accounts[0].home
    archive(settings, home)
    kept = one(settings, STORED, "cover")
    forget(settings, "cover")
    with open_lake(settings) as lake:  # as a parser left them that knew no covers
        lake.commit(lambda con: con.execute("DELETE FROM media WHERE kind = 'cover'") and None)
    assert rebuild(settings).is_written
    archive(settings, home)
    assert one(settings, STORED, "cover") == kept


def test_rows_that_are_being_committed_while_files_are_looked_for_are_not_forgotten(
    tmp_path: Path, simulator: Simulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, news, committing = applying.apply, Loader._news, threading.Event()

    def slow(*args: Any, **named: Any) -> Any:
        done = commit(*args, **named)
        committing.set()
        time.sleep(1)
        return done

    async def until_a_commit_is_under_way(self: Loader, ended: asyncio.Event, within: float | None = None) -> None:
        if within is None:
            await news(self, ended)
        else:
            await asyncio.to_thread(committing.wait)

    monkeypatch.setattr(applying, "apply", slow)
    monkeypatch.setattr(Loader, "_news", until_a_commit_is_under_way)
    settings = settings_for(tmp_path, simulator.url, media="caption")
    home = simulator.world.accounts[0].home
    for _ in range(2):
        assert archive(settings, home).outcome == "complete"
        promised = one(settings, "SELECT count(*) FROM media WHERE kind = 'caption'")
        assert one(settings, STORED, "caption") == promised
        simulator.world.add_posts(0, 3)
        committing.clear()


def test_a_run_with_a_limit_settles_nothing(tmp_path: Path, simulator: Simulator) -> None:
    settings = settings_for(tmp_path, simulator.url, media="caption")
    home = simulator.world.accounts[0].home
    archive(settings, home, max_counts=5)
    assert ask(settings, "SELECT settled, settled_at FROM runs") == [(None, None)]
    archive(settings, home)
    assert one(settings, STORED, "caption") == one(settings, "SELECT count(*) FROM media WHERE kind = 'caption'")


def test_files_that_failed_are_tried_again_by_the_next_run(tmp_path: Path, simulator: Simulator) -> None:
    settings = settings_for(tmp_path, simulator.url, media="caption")
    home = simulator.world.accounts[0].home
    archive(settings, home)
    with open_lake(settings) as lake:
        sql = "UPDATE files SET state = 'failed', attempts = 1 WHERE path = (SELECT min(path) FROM files)"
        lake.commit(lambda con: con.execute(sql) and None)
    assert archive(settings, home).files == 1
    assert one(settings, "SELECT count(*) FROM files WHERE state <> 'stored'") == 0
