"""Maintenance: fewer files, the same rows, and the past within its keep."""

from __future__ import annotations

import json
import os
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from archives import ask, copied, one, settings_for
from click.testing import CliRunner
from lakes import begin, frames_of_posts, page

from deployments.cli import cli
from pipelines.care.maintaining import maintain, with_room
from pipelines.errors import BadInput
from pipelines.house import open_lake, utc_now
from pipelines.settings import Settings, load_settings


def later(days: float) -> Any:
    return lambda: datetime.now(UTC) + timedelta(days=days)


def write(settings: Settings, first: int, count: int) -> None:
    with open_lake(settings) as lake:
        lake.start_run(run_id=f"r{first}")
        for number in range(first, first + count):
            name = f"p{number:04d}"
            lake.keep_page(page(name, number), run_id=f"r{first}")
            lake.apply(frames_of_posts(name, number, ["71", f"8{number:04d}"]), [name], run_id=f"r{first}")
        lake.end_run(f"r{first}", outcome="complete")


@pytest.fixture(scope="module")
def small_files(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    made = settings_for(tmp_path_factory.mktemp("small files") / "root", "http://127.0.0.1:9")
    begin(made.root)
    write(made, 0, 12)
    return made


@pytest.fixture
def settings(tmp_path: Path, small_files: Settings) -> Settings:
    """An archive of a dozen commits, each in files of its own: a copy for each test."""
    return copied(small_files, tmp_path / "root")


TABLES = ("raw_pages", "posts", "post_stats", "media", "listing_entries", "users", "runs", "applied_pages", "files")


def rows(settings: Settings) -> list[Any]:
    with open_lake(settings, read_only=True) as lake:
        return [lake.query(f"SELECT * FROM {table} ORDER BY ALL").rows() for table in TABLES]


def raw_files(settings: Settings) -> dict[str, tuple[int, bytes]]:
    files = Path(settings.root).rglob("raw_pages/*.parquet")
    return {str(file): (file.stat().st_mtime_ns, file.read_bytes()) for file in files}


def test_many_small_files_become_few_and_every_row_stays(settings: Settings) -> None:
    before, raw = rows(settings), raw_files(settings)
    done = maintain(settings, now=utc_now)
    files = {row["table"]: row["files"] for row in done.before["tables"]}
    now = {row["table"]: row["files"] for row in done.after["tables"]}
    assert files["posts"] == 12
    assert (now["posts"], now["post_stats"], now["listing_entries"]) == (1, 1, 1)
    assert len(raw) == 12
    assert raw_files(settings) == raw, "raw pages are never touched"
    assert now["runs"] == 1, "rows that waited in the catalog are written"
    assert sum(row["deletions"] for row in done.after["tables"]) == 0
    assert rows(settings) == before
    assert done.snapshots_expired == 0
    assert set(done.after["queries_ms"]) == set(done.before["queries_ms"])


def test_rows_lie_as_they_are_looked_for_in_joined_files_whatever_the_order_in_which_they_came(
    settings: Settings,
) -> None:
    with open_lake(settings) as lake:
        lake.apply(frames_of_posts("late", 99, ["91", "11", "51"], sec_user_id="zoe"), ["late"], run_id="r99")
        lake.apply(frames_of_posts("later", 100, ["90", "10", "50"]), ["later"], run_id="r99")
    maintain(settings, now=utc_now)
    for table, columns in (
        ("posts", "sec_user_id, aweme_id"),
        ("listing_entries", "aweme_id"),
        ("post_stats", "aweme_id"),
    ):
        ((file,),) = ask(settings, f"SELECT data_file FROM ducklake_list_files('archive', '{table}')")
        keys = ask(settings, f"SELECT {columns} FROM read_parquet('{file}')")
        assert keys == sorted(keys), table
        assert len(keys) > 12


def test_the_past_can_be_asked_until_it_is_let_go(settings: Settings) -> None:
    then = datetime.now(UTC)
    write(settings, 20, 3)
    word = ["sql", "--root", settings.root, "--json", "--at", then.isoformat(), "SELECT count(*) AS n FROM posts"]
    assert json.loads(run_cli(*word).output) == [{"n": 13}]
    maintain(settings, now=utc_now)
    assert json.loads(run_cli(*word).output) == [{"n": 13}]
    done = maintain(settings, now=later(40))
    assert done.snapshots_expired > 10
    assert done.files_removed > 10
    told = run_cli(*word)
    assert "remembers nothing of that moment" in str(told.exception)
    assert one(settings, "SELECT count(*) FROM posts") == 16
    assert one(settings, "SELECT count(*) FROM raw_pages") == 15


def test_it_is_told_of_which_version_the_past_is(settings: Settings) -> None:
    then = datetime.now(UTC)
    time.sleep(1.1)
    write(settings, 20, 3)
    told = run_cli("sql", "--root", settings.root, "--at", then.isoformat(), "SELECT count(*) AS n FROM posts")
    newest = "SELECT max(snapshot_time) FROM ducklake_snapshots('archive')"
    made_at = one(settings, f"{newest} WHERE snapshot_time < '{then}'")
    assert f"as of {made_at:%Y-%m-%d %H:%M:%S} UTC" in told.stderr


def test_snapshots_younger_than_what_is_kept_stay_though_they_are_of_the_same_day(settings: Settings) -> None:
    done = maintain(settings, now=later(0.05), keep_days=0.1)
    assert done.snapshots_expired == 0
    assert maintain(settings, now=later(0.2), keep_days=0.1).snapshots_expired > 10


def test_what_was_known_within_the_days_that_are_kept_is_shown_though_nothing_was_written_in_them(
    settings: Settings,
) -> None:
    then = utc_now()
    before = one(settings, "SELECT count(*) FROM posts")
    write(settings, 20, 3)
    assert maintain(settings, now=lambda: then + timedelta(days=30)).snapshots_expired > 10
    with open_lake(settings, at=then) as lake:
        assert lake.query("SELECT count(*) FROM posts").item() == before


def test_no_file_of_the_present_is_removed(settings: Settings) -> None:
    before = rows(settings)
    for days in (0, 40, 80):
        maintain(settings, now=later(days), keep_days=0)
        assert rows(settings) == before
    on_disk = {path.name for path in (Path(settings.root) / "tables").rglob("*.parquet")}
    with open_lake(settings, read_only=True) as lake:
        from pipelines.load.auditing import table_files

        assert on_disk == {Path(path).name for _, path in table_files(lake)}


@pytest.mark.parametrize("name", ["a*b", "a?b", "a[x]b"])
def test_an_archive_whose_name_is_a_pattern_takes_no_file_of_one_that_fits_it(tmp_path: Path, name: str) -> None:
    odd, neighbour = (settings_for(tmp_path / folder, "http://127.0.0.1:9") for folder in (name, "axb"))
    for settings in (odd, neighbour):
        begin(settings.root)
        write(settings, 0, 2)
    before = [rows(odd), rows(neighbour)]
    maintain(odd, now=later(40), keep_days=0)
    assert [rows(odd), rows(neighbour)] == before


def test_parts_of_downloads_are_removed_once_they_are_old(settings: Settings) -> None:
    folder = Path(settings.root) / "media" / "x"
    folder.mkdir(parents=True)
    for name in (".a.part", ".a.part.json", ".b.part", "kept.mp4"):
        (folder / name).write_bytes(b"x")
        if name != ".b.part":
            os.utime(folder / name, (1_700_000_000, 1_700_000_000))
    assert maintain(settings, now=utc_now).parts_removed == 2
    assert sorted(path.name for path in folder.iterdir()) == [".b.part", "kept.mp4"]


def test_a_run_may_write_meanwhile(settings: Settings) -> None:
    failed: list[BaseException] = []

    def writing() -> None:
        try:
            for start in range(100, 160, 10):
                write(settings, start, 3)
        except BaseException as error:  # noqa: BLE001 - told below
            failed.append(error)

    run = threading.Thread(target=writing)
    run.start()
    while run.is_alive():
        maintain(settings, now=utc_now, keep_days=0)
    run.join()
    assert failed == []
    assert one(settings, "SELECT count(*) FROM raw_pages") == 12 + 18
    assert one(settings, "SELECT count(*) FROM posts") == 1 + 12 + 18


def run_cli(*words: str) -> Any:
    return CliRunner().invoke(cli, list(words), standalone_mode=False)


def test_maintenance_takes_more_memory_than_a_run_unless_a_person_chose_how_much(tmp_path: Path) -> None:
    assert with_room(load_settings({"root": str(tmp_path)}, environ={})).memory_limit == "512MB"
    usual = load_settings({}, environ={}).memory_limit
    for own in (usual, "96MB", "4GB"):
        assert with_room(load_settings({"memory_limit": own}, environ={})).memory_limit == own
        assert with_room(load_settings({}, environ={"AWEME_MEMORY_LIMIT": own})).memory_limit == own
        (tmp_path / "aweme.toml").write_text(f'memory_limit = "{own}"')
        environ = {"AWEME_CONFIG": str(tmp_path / "aweme.toml")}
        assert with_room(load_settings({}, environ=environ)).memory_limit == own


def test_a_limit_of_ones_own_is_in_force_while_maintenance_goes_on(settings: Settings) -> None:
    told = CliRunner(env={"AWEME_MEMORY_LIMIT": "much"}).invoke(
        cli, ["maintain", "--root", settings.root], standalone_mode=False
    )
    assert isinstance(told.exception, BadInput)
    assert "memory_limit cannot be 'much'" in str(told.exception), "DuckDB was told this limit, and no other"


def test_the_command_prints_before_and_after(settings: Settings) -> None:
    shown = run_cli("maintain", "--root", settings.root)
    assert shown.exception is None, shown.exception
    assert "raw_pages" in shown.output
    assert "can be asked" in shown.output
    told = json.loads(run_cli("maintain", "--root", settings.root, "--json").output)
    assert {"before", "after", "snapshots_expired", "files_removed", "parts_removed"} <= set(told)
