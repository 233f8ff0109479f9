"""The connection behind a lake: reading beside a commit, and a fresh one now and then."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from importlib.util import find_spec
from pathlib import Path

import duckdb
import pytest
from lakes import at, begin, local, page

from pipelines.errors import Blocked
from pipelines.load import attach, connection, presence, scratch
from pipelines.load.lake import Lake
from schemas.files import Kept
from schemas.pages import Checkpoint


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    begin(tmp_path)
    with local(tmp_path, now=lambda: at(0), rng=random.Random(1)) as opened:
        yield opened


def test_a_reader_does_not_wait_while_a_commit_is_under_way(lake: Lake) -> None:
    lake.keep_page(page("p1"), run_id="r")
    is_begun = threading.Event()

    def endless(con) -> None:
        is_begun.set()
        con.execute("SELECT count(*) FROM range(1_000_000_000_000) t(a) WHERE a % 7 = 3")

    with ThreadPoolExecutor(1) as thread:
        commit = thread.submit(lake.commit, endless)
        try:
            assert is_begun.wait(60)
            for _ in range(20):  # the first may come before the query does
                assert lake.query("SELECT count(*) FROM raw_pages").item() == 1
            assert not commit.done()
        finally:
            lake._connection.con.interrupt()
        with pytest.raises(duckdb.InterruptException):
            commit.result(60)


def test_the_first_files_of_another_run_are_not_taken_for_files_that_are_away(lake: Lake, tmp_path: Path) -> None:
    class Between:
        """A connection that another run commits its first page before."""

        def cursor(self) -> duckdb.DuckDBPyConnection:
            with local(tmp_path, now=lambda: at(0)) as other:
                other.keep_page(page("p1"), run_id="other")
            return lake.cursor()

    assert not (tmp_path / "tables" / "main").exists(), "else nothing is looked for in the catalog"
    place = attach.place_of(f"sqlite:{tmp_path}/catalog.sqlite", f"{tmp_path}/tables/", None)
    presence.need_tables(Between(), place)  # type: ignore[arg-type]
    (tmp_path / "tables" / "main").rename(tmp_path / "away")
    with pytest.raises(Blocked, match="holds none of the files"):
        presence.need_tables(lake.cursor(), place)


def test_a_fresh_connection_goes_on_where_the_one_before_ended(lake: Lake) -> None:
    lake._connection.renew_after = 3
    first, early = lake._connection.con, lake.cursor()
    for number in range(5):
        mark = Checkpoint("post", "author", cursor=str(number))
        lake.keep_page(page(f"p{number}", number), run_id="r", checkpoint=mark)
        lake.keep_files([Kept(f"{number}:video:0", "absent", 1, at(number))])
    assert lake._connection.con is not first
    assert early.execute("SELECT count(*) FROM raw_pages").fetchall() == [(5,)], "who began before reads on"
    assert lake.query("SELECT page_id FROM raw_pages ORDER BY ALL")["page_id"].to_list() == [f"p{n}" for n in range(5)]
    assert lake.query("SELECT count(*) FROM files").item() == 5
    assert lake.checkpoint("post", "author").cursor == "4"


def test_pages_are_kept_whole_by_many_threads_while_connections_change(lake: Lake) -> None:
    lake._connection.renew_after = 2
    for number in range(6):
        lake.keep_page(page(f"a{number}", number), run_id="r")
    stream = lake.raw_pages(max_bytes=1)
    seen = [one.page_id for one in next(stream)]
    with ThreadPoolExecutor(4) as threads:
        list(threads.map(lambda n: lake.keep_page(page(f"b{n}", n + 10), run_id="r"), range(12)))
    seen += [one.page_id for pages in stream for one in pages]
    assert seen[:6] == [f"a{n}" for n in range(6)]
    assert lake.query("SELECT count(DISTINCT page_id), count(*) FROM raw_pages").row(0) == (18, 18)


def test_a_catalogs_log_stays_between_statements_and_is_cleared_away_now_and_then(tmp_path: Path) -> None:
    log = tmp_path / "catalog.sqlite-wal"
    with local(tmp_path) as lake:
        lake._connection.renew_after = 10
        sizes = []
        for number in range(30):
            lake.keep_page(page(f"p{number}", number), run_id="r")
            sizes.append(log.stat().st_size)
        assert lake.query("SELECT count(*) FROM raw_pages").item() == 30
        assert log.exists(), "whoever clears it away makes those who come in that moment wait for a second"
    assert max(sizes[20:]) <= max(sizes[:20]), "it does not grow with a walk"
    assert not log.exists()


def test_a_log_that_several_runs_made_long_is_cleared_away_while_they_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connection, "_LONG_LOG_BYTES", 300_000)
    log, sizes = tmp_path / "catalog.sqlite-wal", []
    with local(tmp_path) as one, local(tmp_path) as other:
        one._connection.renew_after, other._connection.renew_after = 3, 4
        for number in range(40):
            for name, lake in (("a", one), ("b", other)):
                lake.keep_page(page(f"{name}{number}", number), run_id=name)
                sizes.append(log.stat().st_size if log.exists() else 0)
        assert one.query("SELECT count(*) FROM raw_pages").item() == 80
    assert max(sizes) < 2_000_000
    assert min(sizes[40:]) < 300_000


KILLED = """
import os, signal, sys
from lakes import local, page
with local(sys.argv[1]) as lake:
    lake.keep_page(page("p"), run_id="r")
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_could_not_hold_in_memory_is_thrown_away_by_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temp, folders = tmp_path / "temp", f"{Path(__file__).parent}{os.pathsep}{Path(__file__).parents[1]}"
    temp.mkdir()
    environ = {**os.environ, "TMPDIR": str(temp), "PYTHONPATH": folders}
    for _ in range(2):
        process = subprocess.run([sys.executable, "-c", KILLED, str(tmp_path)], env=environ, timeout=60)
        assert process.returncode == -9
        (left,) = temp.iterdir()
        (left / "duckdb_temp_storage-0.tmp").write_bytes(b"gigabytes")
    monkeypatch.setattr(tempfile, "tempdir", str(temp))
    with local(tmp_path), local(tmp_path, read_only=True):
        assert len(list(temp.iterdir())) == 2, "those that are in use stay"
        assert not left.exists()
    assert list(temp.iterdir()) == []


def test_a_folder_that_another_process_took_for_a_dead_ones_is_made_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    locked, looks = scratch._locked, iter([True, False, False])

    def looked_at(lock: Path, *, wait_s: float) -> AbstractContextManager[None]:
        if next(looks):
            lock.write_bytes(b"")
            scratch._remove_dead("aweme-", tmp_path)
        return locked(lock, wait_s=wait_s)

    monkeypatch.setattr(scratch, "_locked", looked_at)
    with scratch.scratch_folder("aweme-", tmp_path) as folder:
        (folder / "work").write_text("x")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("read_only", [False, True])
def test_whoever_asks_in_sql_loads_no_extension_that_nobody_signed(tmp_path: Path, read_only: bool) -> None:
    local(tmp_path).close()
    foreign = tmp_path / "httpfs.duckdb_extension"
    package = find_spec("duckdb_extension_httpfs")
    assert package is not None
    (signed,) = Path(package.submodule_search_locations[0]).rglob("httpfs.duckdb_extension")
    whole = signed.read_bytes()
    foreign.write_bytes(whole[:-256] + bytes(256))  # the same program without its signature
    with local(tmp_path, read_only=read_only) as lake:
        for statement in (f"LOAD '{foreign}'", "SET GLOBAL allow_unsigned_extensions = true"):
            with pytest.raises(duckdb.Error, match=r"(?i)signature|allow_unsigned"):
                lake.cursor().execute(statement)
