"""The older versions of the tables are, the further apart they stay; the present never changes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.load import tidying
from pipelines.load.lake import Lake
from pipelines.load.thinning import superseded
from schemas.files import Kept
from schemas.pages import Checkpoint

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)


def ago(**span: float) -> datetime:
    return NOW - timedelta(**span)


def kept(moments: list[datetime], now: datetime = NOW) -> list[datetime]:
    gone = set(superseded(sorted(enumerate(moments), key=lambda version: version[::-1]), now))
    return [moment for number, moment in enumerate(moments) if number not in gone]


def test_every_version_of_the_last_hour_stays() -> None:
    moments = [ago(minutes=minutes) for minutes in range(59, -1, -1)]
    assert kept(moments) == moments


def test_what_was_the_newest_within_the_last_hour_stays_however_old_it_is() -> None:
    moments = [NOW.replace(hour=9), NOW.replace(hour=11, minute=5), NOW.replace(hour=11, minute=50)]
    assert kept(moments) == moments, "a reader may have begun with it at 11:49"


def test_of_each_hour_of_the_last_day_the_last_version_stays() -> None:
    moments = [NOW.replace(hour=hour, minute=minute) for hour in (8, 9, 10) for minute in (0, 20, 40)]
    assert kept(moments) == [NOW.replace(hour=hour, minute=40) for hour in (8, 9, 10)]


def test_of_each_earlier_day_the_last_version_stays_so_that_a_date_shows_what_it_always_showed() -> None:
    moments = [datetime(2026, 3, day, hour, tzinfo=UTC) for day in (1, 2, 5) for hour in (0, 9, 23)]
    assert kept(moments) == [datetime(2026, 3, day, 23, tzinfo=UTC) for day in (1, 2, 5)]


def test_the_newest_version_stays_however_old_it_is() -> None:
    assert kept([ago(days=400, hours=1), ago(days=400)]) == [ago(days=400)]
    assert kept([]) == []


@given(st.lists(st.integers(0, 40 * 86400), max_size=60), st.integers(0, 30 * 86400))
def test_thinning_again_and_again_keeps_what_thinning_once_keeps(seconds: list[int], later: int) -> None:
    moments = [ago(seconds=second) for second in sorted(seconds, reverse=True)]
    then = NOW + timedelta(seconds=later)
    twice, once = kept(kept(moments), then), kept(moments, then)
    assert twice == once
    for day in {moment.date() for moment in moments}:
        of_day = [moment for moment in moments if moment.date() == day]
        assert of_day[-1] in once, "what a day ended with can be asked for"


@given(st.lists(st.integers(0, 4 * 86400), min_size=1, max_size=80, unique=True), st.integers(0, 86400))
def test_dates_hours_of_the_last_day_and_moments_of_the_last_hour_show_what_they_showed_whatever_the_clocks_said(
    seconds: list[int], set_back: int
) -> None:
    moments = [NOW + timedelta(seconds=set_back, microseconds=1) - timedelta(seconds=second) for second in seconds]
    left = kept(moments)
    assert moments[-1] in left, "the newest, which may bear an older moment than others"
    dates = [datetime(2026, 3, day, tzinfo=UTC) for day in range(6, 11)]
    hours = [NOW.replace(minute=0) - timedelta(hours=hour) for hour in range(24)]
    for asked in [*dates, *hours, *(ago(seconds=second) for second in range(0, 3600, 60))]:
        assert shown(left, asked) == shown(moments, asked)


def shown(moments: list[datetime], asked: datetime) -> datetime | None:
    """What `--at` shows: DuckLake goes by the moments that versions bear."""
    return max((moment for moment in moments if moment <= asked), default=None)


def open_lake(root: Path, **options: Any) -> Lake:
    return Lake.open(catalog=f"sqlite:{root}/catalog.sqlite", data_path=f"{root}/tables/", **options)


def keep(lake: Lake, tries: int) -> None:
    lake.keep_files([Kept("1:video:0", "failed", tries, NOW)])


def parquet(root: Path) -> set[Path]:
    return set(root.rglob("files/*.parquet"))


def test_files_that_only_old_versions_show_go_where_there_are_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tidying, "MANY_REPLACED", 10)
    monkeypatch.setattr(tidying, "MANY_VERSIONS", 8)
    with open_lake(tmp_path) as lake:
        for tries in range(1, 13):
            keep(lake, tries)
        lake.tidy()
        replaced = parquet(tmp_path)
        assert len(replaced) == 12, "within an hour everything stays"
        versions = lake.query("SELECT count(*) FROM ducklake_snapshots('archive')").item()
    moment = datetime.now(UTC)
    day_after = moment + timedelta(days=2)
    with open_lake(tmp_path, now=lambda: day_after) as lake:
        lake.tidy()
        assert lake.query("SELECT count(*) FROM ducklake_snapshots('archive')").item() < versions - 10
        assert len(parquet(tmp_path) & replaced) == 1
        assert lake.query("SELECT attempts FROM files").item() == 12
    with open_lake(tmp_path, at=moment) as lake:
        assert lake.query("SELECT attempts FROM files").item() == 12, "what the day ended with"


def test_of_very_many_versions_each_call_lets_some_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("MANY_REPLACED", 2), ("MANY_VERSIONS", 2), ("AT_MOST_VERSIONS", 4)):
        monkeypatch.setattr(tidying, name, value)
    count = "SELECT count(*) FROM ducklake_snapshots('archive')"
    with open_lake(tmp_path, now=lambda: datetime.now(UTC) + timedelta(days=2)) as lake:
        for tries in range(1, 10):
            keep(lake, tries)
        left = lake.query(count).item()
        for _ in range(2):
            lake.tidy()
            assert lake.query(count).item() == left - 4
            left -= 4
        assert lake.query("SELECT attempts FROM files").item() == 9


def test_rows_that_wait_in_the_catalog_are_written_where_they_are_many(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in (("MANY_REPLACED", 0), ("MANY_VERSIONS", 4), ("MANY_WAITING", 9)):
        monkeypatch.setattr(tidying, name, value)
    with open_lake(tmp_path, now=lambda: datetime.now(UTC) + timedelta(days=2)) as lake:
        for number in range(10):
            lake.save_checkpoint(Checkpoint("post", "sec", cursor=str(number)))
        lake.start_run(run_id="r1", job="archive", started_at=NOW)
        before = {table: lake.query(f"FROM {table}") for table in ("checkpoints", "runs")}
        lake.tidy()
        files = "SELECT file_count FROM ducklake_table_info('archive') WHERE table_name = ?"
        assert (lake.query(files, ["checkpoints"]).item(), lake.query(files, ["runs"]).item()) == (1, 0)
        for table, rows in before.items():
            assert lake.query(f"FROM {table}").equals(rows)
        lake.save_checkpoint(Checkpoint("post", "sec", cursor="11"))
        assert lake.query("SELECT cursor FROM checkpoints").rows() == [("11",)]


def test_few_versions_are_left_alone_however_old(tmp_path: Path) -> None:
    with open_lake(tmp_path, now=lambda: datetime.now(UTC) + timedelta(days=9)) as lake:
        for tries in range(1, 13):
            keep(lake, tries)
        before = lake.query("SELECT count(*) FROM ducklake_snapshots('archive')").item()
        lake.tidy()
        assert lake.query("SELECT count(*) FROM ducklake_snapshots('archive')").item() == before
