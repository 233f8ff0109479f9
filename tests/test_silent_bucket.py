"""A bucket whose server takes connections and says nothing, as one whose machine hangs does."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from lakes import frames_of_posts, page
from servers import S3Server

from pipelines.errors import Unreachable
from pipelines.load import patience
from pipelines.load.attach import _access
from pipelines.load.auditing import lost_tables, parquet_problem, table_files
from pipelines.load.lake import Lake
from pipelines.load.storage import Storage
from schemas.catalog import TABLES

pytestmark = pytest.mark.server
ROOT = Path(__file__).parents[1]


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of such a server. So that a test need not wait for minutes, less is waited for."""
    monkeypatch.setattr(patience, "_DUCKDB", {**patience._DUCKDB, "http_timeout": 2, "http_retries": 1})
    monkeypatch.setattr(patience, "_IN_HASTE", {**patience._IN_HASTE, "http_timeout": 1})
    monkeypatch.setattr(patience, "S3FS", {"read_timeout": 1, "retries": {"total_max_attempts": 2}})
    monkeypatch.setattr(patience, "_SENDING", 2)
    with socket.create_server(("127.0.0.1", 0), backlog=256) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


@pytest.fixture
def place(tmp_path: Path, s3_server: S3Server) -> dict[str, str]:
    """An archive in a bucket, with a page and two posts."""
    made = {"catalog": f"sqlite:{tmp_path}/catalog.sqlite", "data_path": f"s3://{s3_server.new_bucket()}/a/tables/"}
    with Lake.open(**made, s3=s3_server.options) as lake:
        lake.keep_page(page("p1", 1), run_id="r1")
        lake.apply(frames_of_posts("p1", 1, ["71", "72"]), ["p1"], run_id="r1")
    return made


def test_it_is_told_as_away_and_no_file_of_the_tables_as_broken(
    place: dict[str, str], s3_server: S3Server, silent: str
) -> None:
    s3 = {**s3_server.options, "endpoint": silent}
    with Lake.open(**place, s3=s3, read_only=True) as lake:
        table, path = next((table, path) for table, path in table_files(lake) if table == "posts")
        for do in (
            lambda: lake.query("SELECT max(caption) FROM posts"),
            lambda: list(lake.raw_pages()),
            lambda: parquet_problem(lake, table, path),
            lambda: lost_tables(lake, TABLES),
        ):
            with pytest.raises(Unreachable, match="The bucket gives no answer: run it again when it does"):
                do()


def test_once_it_was_waited_for_in_vain_it_is_waited_for_less_until_a_commit_goes_well(
    place: dict[str, str], s3_server: S3Server, silent: str
) -> None:
    def waited() -> int:
        (seconds,) = lake._connection.con.execute("SELECT current_setting('http_timeout')").fetchall()[0]
        return int(seconds)

    def move(endpoint: str) -> None:
        for statement in _access({**s3_server.options, "endpoint": endpoint}):
            lake._connection.con.execute(statement)

    with Lake.open(**place, s3=s3_server.options) as lake:
        move(silent)
        assert waited() == 2
        with pytest.raises(Unreachable, match="gives no answer"):
            lake.keep_page(page("p2", 2), run_id="r1")
        assert waited() == 1
        began = time.monotonic()
        with pytest.raises(Unreachable, match="gives no answer"):
            lake.keep_page(page("p2", 2), run_id="r1")
        assert time.monotonic() - began < 10
        move(s3_server.endpoint)
        lake.keep_page(page("p2", 2), run_id="r1")
        assert waited() == 2
        move(silent)
        with pytest.raises(Unreachable, match="gives no answer"):
            lake.pending(everywhere=True)
        assert waited() == 1
        move(s3_server.endpoint)
        assert lake.pending(everywhere=True) == ["p2"]


def test_a_question_about_several_tables_is_given_up_as_soon_as_one_about_a_single_file(
    place: dict[str, str], s3_server: S3Server, silent: str
) -> None:
    sql = "SELECT * FROM " + ", ".join(f"(SELECT count(caption || {n}) FROM posts)" for n in range(8))
    with Lake.open(**place, s3={**s3_server.options, "endpoint": silent}, read_only=True) as lake:
        began = time.monotonic()
        with pytest.raises(Unreachable, match="The bucket gives no answer: run it again when it does"):
            lake.query(sql)
        assert time.monotonic() - began < 8, "twice two seconds; it would be so for each two of them"
    with Lake.open(**place, s3=s3_server.options, read_only=True) as lake:
        assert lake.query(sql).row(0) == (2,) * 8


@pytest.mark.skipif(sys.platform == "win32", reason="no such signal there")
@pytest.mark.parametrize("words", [["status"], ["status", "--fields"], ["sql", "FROM posts_latest"]], ids=" ".join)
def test_ctrl_c_ends_a_question_that_waits_for_it(
    words: list[str], place: dict[str, str], s3_server: S3Server, tmp_path: Path
) -> None:
    (tmp_path / "temporary").mkdir()
    own = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "PYTHONPATH": str(ROOT)}
    own["TMPDIR"] = str(tmp_path / "temporary")
    own |= {"AWEME_ROOT": place["data_path"].removesuffix("/tables/"), "AWEME_CATALOG": place["catalog"]}
    own |= {"AWEME_S3_KEY": s3_server.options["key"], "AWEME_S3_SECRET": s3_server.options["secret"]}
    command = [sys.executable, "-m", "deployments.cli", *words]
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(30)
        own["AWEME_S3_ENDPOINT"] = f"http://127.0.0.1:{server.getsockname()[1]}"
        with subprocess.Popen(command, cwd=tmp_path, env=own, stderr=subprocess.PIPE) as asking:
            try:
                with server.accept()[0]:
                    asking.send_signal(signal.SIGINT)
                    _, said = asking.communicate(timeout=15)
            finally:
                asking.kill()
    assert asking.returncode == 130
    assert b"Traceback" not in said
    assert b"aweme: stopped." in said
    assert not list((tmp_path / "temporary").iterdir())


async def test_storage_gives_it_up_after_a_few_tries(silent: str) -> None:
    storage = Storage.open("s3://bucket/a", s3={"key": "a", "secret": "b", "endpoint": silent, "region": "us-east-1"})
    writer = await storage.write("media/x", "7001:cover:0", is_new=True)
    await writer.begin("media/x/7001.webp")
    await writer.write(b"RIFF")
    asked: list[Any] = [storage.exists("media/a"), storage.measure("media/a"), storage.list(), writer.commit()]
    async with asyncio.timeout(60):
        for one in asked:
            with pytest.raises(Unreachable, match=r"gives no answer|[Tt]imeout") as told:
                await one
            assert told.value.facts["is_silent"]
    storage.close()
