"""Small Parquet files are joined while an archive grows; rows, history and readers do not notice."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from pipelines.load.lake import Lake
from pipelines.load.tidying import MANY
from schemas.pages import Checkpoint, Page

DAY = datetime(2026, 1, 1, tzinfo=UTC)


def open_lake(root: Path, **options: Any) -> Lake:
    return Lake.open(catalog=f"sqlite:{root}/catalog.sqlite", data_path=f"{root}/tables/", **options)


def body(number: int) -> bytes:
    return f'{{"page": {number}, "text": "{"木匠" * number}"}}'.encode()


def page(number: int) -> Page:
    return Page(f"{number:016d}-x", "user_post", "sec", None, DAY + timedelta(seconds=number), 200, body(number))


def parquet(root: Path) -> set[Path]:
    return set(root.rglob("raw_pages/*.parquet"))


def test_pages_kept_one_by_one_end_in_few_files_with_the_same_rows(tmp_path: Path) -> None:
    with open_lake(tmp_path) as lake:
        for number in range(MANY - 1):
            lake.keep_page(page(number), run_id="r", checkpoint=Checkpoint("post", "sec", cursor=str(number)))
        assert lake.tidy() == [], "few files stay as they are"
        before = lake.query("SELECT * FROM raw_pages ORDER BY page_id")
        lake.keep_page(page(MANY), run_id="r")
        assert lake.tidy() == ["raw_pages"]
        files = lake.query(
            "SELECT file_count FROM ducklake_table_info('archive') WHERE table_name = 'raw_pages'"
        ).item()
        assert files == 1
        after = lake.query("SELECT * FROM raw_pages ORDER BY page_id")
        assert after.head(MANY - 1).equals(before)
        kept = [one for some in lake.raw_pages() for one in some]
        assert [one.body for one in kept] == [*map(body, range(MANY - 1)), body(MANY)]


def test_an_archive_is_seen_as_it_was_before_files_were_joined(tmp_path: Path) -> None:
    with open_lake(tmp_path) as lake:
        for number in range(MANY // 2):
            lake.keep_page(page(number), run_id="r")
        time.sleep(0.01)
        moment = datetime.now(UTC)
        for number in range(MANY // 2, MANY):
            lake.keep_page(page(number), run_id="r")
        assert lake.tidy() == ["raw_pages"]
    with open_lake(tmp_path, at=moment) as lake:
        assert lake.query("SELECT count(*) FROM raw_pages").item() == MANY // 2


def test_joined_files_stay_for_readers_of_the_last_hour_and_then_go(tmp_path: Path) -> None:
    with open_lake(tmp_path) as lake:
        for number in range(MANY):
            lake.keep_page(page(number), run_id="r")
        single = parquet(tmp_path)
        lake.tidy()
        assert single < parquet(tmp_path)
    later = datetime.now(UTC) + timedelta(hours=2)
    with open_lake(tmp_path, now=lambda: later) as lake:
        for number in range(MANY, 2 * MANY):
            lake.keep_page(page(number), run_id="r")
        lake.tidy()
        assert not single & parquet(tmp_path)
        assert lake.query("SELECT count(*) FROM raw_pages").item() == 2 * MANY
