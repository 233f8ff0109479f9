"""The lake on a real DuckLake catalog in a folder."""

from __future__ import annotations

import asyncio
import contextlib
import random
import shutil
import sqlite3
from collections.abc import Iterator
from dataclasses import fields
from itertools import chain
from pathlib import Path

import duckdb
import polars as pl
import pytest
from archives import settings_for
from lakes import at, begin, frame, frames_of_posts, local, page
from pyarrow import parquet

from pipelines.errors import BadInput, Blocked, LakeBusy, Unreachable
from pipelines.house import open_lake
from pipelines.load import complaints, migrate, promises
from pipelines.load.lake import Lake
from schemas.catalog import BY_NAME, TABLES
from schemas.files import Kept, Wanted
from schemas.pages import Checkpoint, Stretch
from schemas.posts import COUNTS


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    begin(tmp_path)
    with local(tmp_path, now=lambda: at(0), rng=random.Random(1)) as opened:
        yield opened


def count(lake: Lake, table: str, where: str = "true") -> int:
    return lake.query(f"SELECT count(*) FROM {table} WHERE {where}").item()


def test_every_table_and_column_explains_itself(lake):
    tables = dict(lake.query("SELECT table_name, comment FROM duckdb_tables() WHERE database_name = 'archive'").rows())
    assert tables == {table.name: table.comment for table in TABLES}
    columns = lake.query(
        "SELECT c.table_name, c.column_name, c.comment FROM duckdb_columns() c JOIN duckdb_tables() t "
        "USING (database_name, table_name) WHERE t.database_name = 'archive'"
    ).rows()
    assert {(t.name, c.name, c.comment) for t in TABLES for c in t} == set(columns)


def test_a_page_and_its_checkpoint_are_kept_as_they_came(lake):
    mark = Checkpoint(
        "post", "author", cursor="17", item_count=3, started_at=at(1), stretches=(Stretch(9, 4), Stretch(3, 1, True))
    )
    body = '{"desc":"合集 \\u0000 🎬","id":7123456789012345678}'.encode()
    lake.keep_page(page("p1", body=body), run_id="r1", checkpoint=mark)
    assert lake.checkpoint("post", "author") == mark
    assert lake.checkpoint("like", "author") is None
    (kept,) = next(lake.raw_pages())
    assert kept == page("p1", body=body)
    assert lake.query("SELECT run_id, target FROM raw_pages").rows() == [("r1", "author")]


def test_a_body_that_is_no_text_is_kept_readable(lake):
    lake.keep_page(page("p1", body=b"<html>\xc4\xe3", outcome="Unfamiliar"), run_id="r1")
    assert lake.query("SELECT body FROM raw_pages").item() == "<html>\\xc4\\xe3"


def test_a_checkpoint_has_one_row_however_often_it_moves(lake):
    for n in range(5):
        lake.keep_page(page(f"p{n}", n), run_id="r1", checkpoint=Checkpoint("post", "author", cursor=str(n)))
    lake.save_checkpoint(Checkpoint("post", "author", verdict="complete"))
    assert lake.query("SELECT cursor, verdict, updated_at FROM checkpoints").rows() == [(None, "complete", at(0))]


def test_pages_are_read_in_order_and_never_more_bytes_at_once_than_asked(lake):
    for n in range(30):
        lake.keep_page(page(f"p{29 - n:02}", 29 - n, body=b"x" * (1000 + 200 * (n % 7))), run_id="r1")
    batches = list(lake.raw_pages(max_bytes=5000))
    assert [one.page_id for batch in batches for one in batch] == [f"p{n:02}" for n in range(30)]
    assert all(sum(len(one.body) for one in batch) <= 5000 for batch in batches)
    assert [[one.page_id for one in batch] for batch in lake.raw_pages(["p07", "p03"])] == [["p03", "p07"]]
    assert [one.page_id for batch in lake.raw_pages(where="page_id < 'p02'") for one in batch] == ["p00", "p01"]
    assert list(lake.raw_pages([])) == []
    assert [len(batch) for batch in lake.raw_pages(["p01", "p02"], max_bytes=1)] == [1, 1]


def test_pages_wait_until_they_are_applied_and_only_those_that_can_be_read(lake):
    lake.start_run(run_id="r1", started_at=at(0))
    lake.start_run(run_id="r2", started_at=at(0))
    lake.keep_page(page("p1", 1), run_id="r1")
    lake.keep_page(page("p2", 2, outcome="RateLimited"), run_id="r1")
    lake.keep_page(page("p3", 3, operation="post_detail", outcome="Deleted"), run_id="r1")
    lake.keep_page(page("p4", 4), run_id="r2")
    assert lake.pending() == ["p1", "p3", "p4"]
    lake.apply(frames_of_posts("p1", 1, ["71"]), ["p1"], run_id="r1")
    assert lake.pending() == ["p3", "p4"]
    lake.end_run("r2", ended_at=at(5), outcome="complete")
    assert lake.pending() == ["p3"]
    assert lake.pending("r2") == ["p4"]
    assert lake.pending(everywhere=True) == ["p3", "p4"]


def test_a_batch_becomes_rows_in_every_table(lake):
    applied = lake.apply(frames_of_posts("p1", 1, ["71", "72"]), ["p1"], run_id="r1")
    assert (applied.new_posts, applied.changed_posts, applied.rejects) == (2, 0, 0)
    assert applied.rows["media"] == 6
    assert lake.query("SELECT aweme_id, caption FROM posts ORDER BY ALL").rows() == [("71", "hello"), ("72", "hello")]
    assert lake.query("SELECT urls FROM media WHERE media_id = '71:video:0'").item().to_list() == [
        "https://a/1",
        "https://b/2",
    ]
    assert count(lake, "users") == 1
    again = lake.apply(frames_of_posts("p2", 2, ["72", "73"], caption="edited"), ["p2"], run_id="r1")
    assert (again.new_posts, again.changed_posts) == (1, 1)
    assert lake.query("SELECT row_key, old_value, new_value FROM changes").rows() == [("72", "hello", "edited")]
    assert lake.query("SELECT observed_at, like_count FROM post_stats WHERE aweme_id = '72' ORDER BY 1").rows() == [
        (at(1), 1),
        (at(2), 2),
    ]
    seen = lake.query("SELECT first_seen_at, last_seen_at, page_id FROM posts WHERE aweme_id = '72'").row(0)
    assert seen == (at(1), at(2), "p2")


def test_a_page_that_was_applied_is_passed_over(lake):
    both = {
        name: pl.concat([one, two])
        for (name, one), two in zip(
            frames_of_posts("p1", 1, ["71"]).items(), frames_of_posts("p2", 2, ["72"]).values(), strict=True
        )
    }
    lake.apply(frames_of_posts("p1", 1, ["71"]), ["p1"], run_id="r1")
    applied = lake.apply(both, ["p1", "p2"], run_id="r2")
    assert applied.new_posts == 1
    assert lake.apply(both, ["p1", "p2"], run_id="r3").rows == {}
    assert lake.query("SELECT page_id, run_id FROM applied_pages ORDER BY ALL").rows() == [("p1", "r1"), ("p2", "r2")]
    assert count(lake, "posts") == 2
    assert count(lake, "post_stats") == 2


def test_many_posts_read_again_have_one_row_each_and_keep_what_no_later_look_told(lake):
    old, new = [f"7{n:03}" for n in range(300)], [f"8{n:03}" for n in range(20)]
    lake.apply(frames_of_posts("p1", 1, old, title="told once", mix_id="m1"), ["p1"], run_id="r1")
    applied = lake.apply(frames_of_posts("p2", 3, old + new, mix_id="m2"), ["p2"], run_id="r1")
    assert (applied.new_posts, applied.rows["posts"], applied.rows["media"]) == (20, 320, 960)
    late = lake.apply(frames_of_posts("p3", 2, old, mix_id="m3", uid="filled in"), ["p3"], run_id="r1")
    assert late.new_posts == 0
    assert [count(lake, name) for name in ("posts", "media", "listing_entries")] == [320, 960, 320]
    rows = lake.query("SELECT DISTINCT title, mix_id, uid, first_seen_at, last_seen_at, page_id FROM posts ORDER BY 1")
    assert rows.rows() == [
        ("told once", "m2", "filled in", at(1), at(3), "p2"),
        (None, "m2", None, at(3), at(3), "p2"),
    ]
    assert count(lake, "post_stats") == 300 * 3 + 20


@pytest.mark.parametrize("count_of_posts", [2, 150])
def test_a_file_that_a_post_promises_again_after_a_while_has_one_row(lake, count_of_posts):
    ids = [f"7{n:03}" for n in range(count_of_posts)]
    for hour, kinds in enumerate([("video", "cover", "caption"), ("video",), ("video", "cover", "caption")], 1):
        frames = frames_of_posts(f"p{hour}", hour, ids)
        frames["media"] = frames["media"].filter(pl.col("kind").is_in(kinds))
        lake.apply(frames, [f"p{hour}"], run_id="r1")
    rows = lake.query("SELECT count(*), count(DISTINCT media_id), min(first_seen_at), min(last_seen_at) FROM media")
    assert rows.row(0) == (3 * count_of_posts, 3 * count_of_posts, at(1), at(3))


def test_rejects_are_counted_by_page(lake):
    rejects = frame("rejects", {"page_id": "p1", "position": 3, "table_name": "posts", "reason": "no id", "item": "{}"})
    assert lake.apply({"rejects": rejects}, ["p1", "p2"], run_id="r1").rejects == 1
    assert lake.query("SELECT page_id, reject_count FROM applied_pages ORDER BY 1").rows() == [("p1", 1), ("p2", 0)]


def test_a_late_observation_of_a_series_is_put_in_its_place(lake):
    def seen(hour, likes, page_id):
        row = {"aweme_id": "71", "observed_at": at(hour), "like_count": likes, "page_id": page_id}
        lake.apply({"post_stats": frame("post_stats", row)}, [page_id], run_id="r1")

    seen(1, 10, "a")
    seen(9, 30, "b")
    seen(5, 20, "c")
    seen(6, 20, "d")
    seen(9, 31, "e")
    rows = lake.query("SELECT observed_at, like_count FROM post_stats ORDER BY 1").rows()
    assert rows == [(at(1), 10), (at(5), 20), (at(9), 30)]


def test_a_late_observation_of_a_series_takes_the_place_of_the_next_one_that_tells_the_same(lake):
    """Of two runs at once, the one that asked first may be the last to make rows."""

    def seen(hour, likes, page_id):
        row = {"aweme_id": "71", "observed_at": at(hour), "like_count": likes, "page_id": page_id}
        lake.apply({"post_stats": frame("post_stats", row)}, [page_id], run_id="r1")

    seen(1, 10, "a")
    seen(6, 20, "b")
    seen(9, 30, "c")
    seen(5, 20, "d")
    rows = "SELECT observed_at, like_count, page_id FROM post_stats ORDER BY 1"
    assert lake.query(rows).rows() == [(at(1), 10, "a"), (at(5), 20, "d"), (at(9), 30, "c")]
    seen(0, 10, "e")
    assert lake.query(rows).rows() == [(at(0), 10, "e"), (at(5), 20, "d"), (at(9), 30, "c")]


def test_nothing_of_a_failed_batch_is_kept(lake):
    bad = frames_of_posts("p1", 1, ["71"])
    bad["media"] = bad["media"].with_columns(pl.lit(None, dtype=pl.String).alias("kind"))
    with pytest.raises(duckdb.Error):
        lake.apply(bad, ["p1"], run_id="r1")
    assert count(lake, "posts") == 0
    lake.apply(frames_of_posts("p1", 1, ["71"]), ["p1"], run_id="r1")
    assert count(lake, "media") == 3


def test_known_ids_are_those_that_the_listing_showed_before(lake):
    lake.apply(frames_of_posts("p1", 1, ["71", "72"]), ["p1"], run_id="r1")
    assert lake.known_ids("post", "author", ["71", "72", "73"], before=at(2)) == {"71", "72"}
    assert lake.known_ids("post", "author", ["71"], before=at(1)) == set()
    assert lake.known_ids("like", "author", ["71"], before=at(2)) == set()
    assert lake.known_ids("post", "author", [], before=at(2)) == set()


def test_entries_that_a_full_walk_did_not_show_are_gone_until_they_return(lake):
    lake.apply(frames_of_posts("p1", 1, ["71", "72"]), ["p1"], run_id="r1")
    lake.apply(frames_of_posts("p2", 5, ["72"]), ["p2"], run_id="r2")
    assert lake.mark_gone("post", "author", not_seen_since=at(4), gone_at=at(6)) == ["71"]
    assert lake.mark_gone("post", "author", not_seen_since=at(4), gone_at=at(7)) == []
    assert lake.query("SELECT gone_at FROM listing_entries WHERE aweme_id = '71'").item() == at(6)
    lake.apply(frames_of_posts("p3", 8, ["71"]), ["p3"], run_id="r3")
    assert count(lake, "listing_entries", "gone_at IS NOT NULL") == 0
    told = lake.query("SELECT row_key, column_name, old_value IS NULL AS went FROM changes ORDER BY observed_at")
    assert told.rows() == [("post:author:71", "gone_at", True), ("post:author:71", "gone_at", False)]


def kept(media_id: str, state: str = "stored", attempts: int = 1, **values) -> Kept:
    return Kept(media_id, state, attempts, at(3), **values)


def test_wanted_are_promised_files_that_are_not_kept(lake):
    lake.apply(frames_of_posts("p1", 1, ["71", "72"], uid="9"), ["p1"], run_id="r1")
    asked = {"kinds": ["video", "caption"], "listing": "post", "owner_id": "author"}
    found = lake.wanted(**asked)
    assert [one.media_id for one in found] == ["72:caption:0", "72:video:0", "71:caption:0", "71:video:0"]
    assert found[1] == Wanted(
        "72:video:0",
        "video",
        0,
        ("https://a/1", "https://b/2"),
        "72",
        "author",
        "9",
        "Ann",
        None,
        "hello",
        at(-100),
        None,
        10,
    )
    lake.keep_files(
        [kept("72:video:0", path="media/Ann/72.mp4"), kept("72:caption:0", "failed", 4), kept("71:caption:0", "absent")]
    )
    assert [(one.media_id, one.attempts) for one in lake.wanted(**asked)] == [("72:caption:0", 4), ("71:video:0", 0)]
    assert [one.media_id for one in lake.wanted(**asked, max_attempts=4)] == ["71:video:0"]
    assert [one.media_id for one in lake.wanted(**asked, retry_failed=False)] == ["71:video:0"]
    assert [one.media_id for one in lake.wanted(**asked, exclude={"72:caption:0"})] == ["71:video:0"]
    assert [one.media_id for one in lake.wanted(**asked, limit=1)] == ["72:caption:0"]
    assert [one.media_id for one in lake.wanted(kinds=["cover"], aweme_ids=["71"])] == ["71:cover:0"]
    assert lake.wanted(kinds=["video"], listing="like", owner_id="author") == []


@pytest.mark.parametrize(("hours", "is_over"), [(1.0, False), (-1.0, True)])
def test_an_address_that_was_over_when_it_was_seen_is_tried_all_the_same(
    tmp_path: Path, hours: float, is_over: bool
) -> None:
    """So it looks where this machine's clock is ahead of Douyin's: details of every post would be asked for in vain."""
    frames = frames_of_posts("p", 5, ["71"])
    ends = (pl.col("observed_at") + pl.duration(minutes=round(60 * hours))).alias("expires_at")
    frames["media"] = frames["media"].with_columns(ends)
    with local(tmp_path) as lake:
        lake.apply(frames, ["p"], run_id="r")
        [wanted] = lake.wanted(kinds=["video"])
    assert wanted.expires_at == (None if is_over else at(5 + hours))


def test_wanted_of_a_listing_include_the_owners_avatar(lake):
    row = {
        "media_id": "author:avatar:0",
        "sec_user_id": "author",
        "kind": "avatar",
        "position": 0,
        "observed_at": at(1),
        "page_id": "p",
    }
    lake.apply({"media": frame("media", row)}, ["p"], run_id="r1")
    assert [one.media_id for one in lake.wanted(kinds=["avatar"], listing="post", owner_id="author")] == [
        "author:avatar:0"
    ]


def test_a_search_of_many_posts_is_cut_into_parts_that_miss_nothing(lake, monkeypatch):
    monkeypatch.setattr("pipelines.load.promises._PART", 5)
    ids = [f"7{number:03}{'0' * 15}" for number in range(23)] + ["71", "odd"]
    lake.apply(frames_of_posts("p1", 1, ids), ["p1"], run_id="r1")
    for asked in ({}, {"listing": "post", "owner_id": "author"}):
        search = {"kinds": ["video", "cover"], **asked}
        parts = lake.wanted_parts(**search)
        assert len(parts) == 5
        found = [lake.wanted_ids(**search, part=part) for part in parts]
        assert all(found)
        assert sorted(chain.from_iterable(found)) == sorted(lake.wanted_ids(**search))
        assert sum(map(len, found)) == 50


def test_the_query_for_wanted_fills_every_field():
    assert {field.name for field in fields(Wanted)} == set(promises._COLUMNS)


def test_addresses_are_those_last_seen(lake):
    lake.apply(frames_of_posts("p1", 1, ["71"]), ["p1"], run_id="r1")
    assert lake.media_urls("71:video:0").urls == ("https://a/1", "https://b/2")
    assert lake.media_urls("72:video:0") is None


def test_the_newest_row_of_a_file_replaces_the_others(lake):
    lake.keep_files([kept("m", "failed", 1, error="503"), kept("m", "stored", 2, path="media/a.mp4", size_bytes=5)])
    lake.keep_files([kept("m", "stored", 3, path="media/b.mp4", size_bytes=6)])
    lake.keep_files([])
    assert lake.query("SELECT state, attempts, path, size_bytes, error FROM files").rows() == [
        ("stored", 3, "media/b.mp4", 6, None)
    ]


def test_files_follow_when_a_folder_is_renamed(lake):
    lake.apply(frames_of_posts("p1", 1, ["71"]), ["p1"], run_id="r1")
    lake.record_folders({"author": "Ann"})
    lake.keep_files([kept("71:video:0", path="media/Ann/a.mp4"), kept("x", path="media/Anna/b.mp4")])
    lake.record_folders({"author": "Ann_2"}, moved=True)
    assert lake.folders() == {"author": "Ann_2"}
    assert sorted(lake.query("SELECT path FROM files")["path"]) == ["media/Ann_2/a.mp4", "media/Anna/b.mp4"]
    lake.apply(frames_of_posts("p2", 2, ["71"]), ["p2"], run_id="r1")
    assert lake.folders() == {"author": "Ann_2"}


def test_a_run_keeps_what_it_was_told_at_its_start(lake):
    lake.start_run(run_id="r1", mode="post", started_at=at(0))
    lake.end_run("r1", outcome="complete", ended_at=at(1), page_count=3)
    assert lake.query("SELECT mode, outcome, page_count, started_at FROM runs").rows() == [
        ("post", "complete", 3, at(0))
    ]
    with pytest.raises(BadInput, match="no column pages"):
        lake.end_run("r1", pages=3)


def test_a_query_that_cannot_be_answered_says_why(lake):
    with pytest.raises(BadInput, match="posst"):
        lake.query("SELECT * FROM posst")
    with pytest.raises(BadInput, match=r"(?i)could not convert"):
        lake.query("SELECT CAST('x' AS INTEGER)")


@pytest.mark.parametrize("value", ["'infinity'::TIMESTAMPTZ", "'-infinity'::DATE", "DATE '10000-01-01'"])
def test_a_moment_that_no_calendar_has_is_said_and_ends_no_program(lake, value):
    with pytest.raises(BadInput, match="cast it to VARCHAR"):
        lake.query(f"SELECT {value} AS a")
    assert lake.query(f"SELECT {value}::VARCHAR AS a").height == 1


def test_the_first_and_the_last_day_are_answered(lake):
    row = lake.query("SELECT DATE '0001-01-01', TIMESTAMP '9999-12-31 23:59:59', NULL::DATE, TIMESTAMP_NS '2020-01-01'")
    assert [str(value) for value in row.row(0)] == ["0001-01-01", "9999-12-31 23:59:59", "None", "2020-01-01 00:00:00"]


def test_types_that_frames_have_not_come_as_text(lake):
    row = lake.query("SELECT INTERVAL 2 DAY AS i, 5::HUGEINT AS h, sum(1) AS s, NULL::UUID AS u, [1] AS l").row(
        0, named=True
    )
    assert row == {"i": "2 days, 0:00:00", "h": 5, "s": 1, "u": None, "l": [1]}


def test_large_answers_come_in_batches(lake):
    sizes = [batch.num_rows for batch in lake.query_arrow("SELECT * FROM range(5000)", rows=1000)]
    assert sum(sizes) == 5000
    assert len(sizes) > 1


def test_stats_count_rows_files_and_bytes(lake):
    lake.apply(frames_of_posts("p1", 1, ["71"]), ["p1"], run_id="r1")
    lake.keep_files([kept("71:video:0", size_bytes=5)])
    held = lake.stats()
    assert held["rows"]["media"] == 3
    assert held["stored"] == {"video": {"count": 1, "bytes": 5}}
    assert held["files"] > 0
    assert held["table_bytes"] > 0


def test_the_statements_it_prints_open_it_in_plain_duckdb(lake):
    lake.apply(frames_of_posts("p1", 1, ["71"]), ["p1"], run_id="r1")
    statements = [one for one in lake.attach_sql() if not one.startswith(("INSTALL", "LOAD"))]
    with duckdb.connect() as con:
        from pipelines.load.attach import _load

        for name in ("ducklake", "sqlite_scanner"):
            _load(con, name)
        for statement in statements:
            con.execute(statement)
        assert con.execute("SELECT caption FROM posts_latest").fetchall() == [("hello",)]
        with pytest.raises(duckdb.Error, match="read-only"):
            con.execute("DELETE FROM posts")


async def test_threads_may_write_and_read_at_once(lake):
    def keep(n):
        lake.apply(frames_of_posts(f"p{n}", n, [f"7{n}"]), [f"p{n}"], run_id="r1")
        return count(lake, "posts")

    seen = await asyncio.gather(*(asyncio.to_thread(keep, n) for n in range(6)))
    assert max(seen) == 6
    assert count(lake, "media") == 18
    assert count(lake, "users") == 1


def test_opening_for_reading_where_nothing_is_says_so(tmp_path):
    with pytest.raises(BadInput, match="no archive"):
        local(tmp_path, read_only=True)
    assert list(tmp_path.iterdir()) == []


def test_an_archive_for_reading_refuses_to_write(tmp_path):
    local(tmp_path).close()
    with local(tmp_path, read_only=True) as reader, pytest.raises(BadInput, match="reading only"):
        reader.start_run(run_id="r1")


def test_an_archive_may_be_moved(tmp_path):
    (tmp_path / "a").mkdir()
    with local(tmp_path / "a") as lake:
        lake.apply(frames_of_posts("p1", 1, ["71"]), ["p1"], run_id="r1")
    (tmp_path / "a").rename(tmp_path / "b")
    with local(tmp_path / "b") as lake:
        assert count(lake, "posts") == 1
        lake.apply(frames_of_posts("p2", 2, ["72"]), ["p2"], run_id="r1")
    assert not (tmp_path / "a").exists()


def test_nothing_but_the_archive_is_left_in_its_folder(tmp_path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "a").mkdir()
    with contextlib.chdir(tmp_path / "elsewhere"), local(tmp_path / "a") as lake:
        lake.query("SELECT * FROM range(3000000) ORDER BY random()")
    assert list((tmp_path / "elsewhere").iterdir()) == []
    assert {one.name for one in (tmp_path / "a").iterdir()} <= {"catalog.sqlite", "catalog.sqlite.lock", "tables"}


def test_the_files_of_the_tables_open_in_other_programs(tmp_path):
    ids = [f"7{number:018}" for number in range(2000)]
    with local(tmp_path) as lake:
        lake.keep_page(page("p1"), run_id="r1", checkpoint=Checkpoint("post", "author"))
        lake.apply(frames_of_posts("p1", 1, ids, caption="日常 🎬"), ["p1"], run_id="r1")
        rows = {name: count(lake, name) for name in ("raw_pages", "posts", "post_stats", "media", "listing_entries")}
    for name, number in rows.items():
        (file,) = (tmp_path / "tables" / "main" / name).rglob("*.parquet")
        by_arrow, by_polars = parquet.read_table(file), pl.read_parquet(file)
        assert by_arrow.num_rows == by_polars.height == number
        assert by_arrow.to_pylist() == by_polars.to_dicts()
        packed = parquet.read_metadata(file).row_group(0).column(0).compression
        assert packed == ("ZSTD" if name == "raw_pages" else "LZ4"), (
            "what is asked is quick to read, what is kept small"
        )
    assert by_polars["aweme_id"].sort().to_list() == ids


def test_an_older_archive_gets_what_it_lacks_and_keeps_its_rows(tmp_path):
    with local(tmp_path) as lake:
        lake.apply(frames_of_posts("p1", 1, ["71"]), ["p1"], run_id="r1")
        lake.keep_files([kept("71:video:0", "stored")])
        tag = {"aweme_id": "71", "kind": "hashtag", "tag_id": "5", "start": 0, "page_id": "p1b", "observed_at": at(1)}
        lake.apply({"post_tags": frame("post_tags", tag)}, ["p1b"], run_id="r1")
        for statement in (
            "ALTER TABLE posts DROP COLUMN region",
            "DROP VIEW posts_latest",
            "DROP VIEW storage_by_kind",
            *(f"ALTER TABLE posts DROP COLUMN last_{name}" for name in COUNTS),
            "ALTER TABLE files DROP COLUMN media_kind",
            "ALTER TABLE post_tags DROP COLUMN created_at",
            "DROP VIEW post_growth",
            "DROP TABLE rejects",
            "CREATE OR REPLACE VIEW archive_version AS SELECT 1 AS version, 'older' AS fingerprint",
        ):
            lake.cursor().execute(statement)
    with local(tmp_path) as lake:
        assert migrate.found_version(lake.cursor()) == (migrate.VERSION, migrate.fingerprint())
        assert lake.query("SELECT region, caption FROM posts").rows() == [(None, "hello")]
        assert count(lake, "post_growth") == 1
        assert lake.query("SELECT like_count FROM posts_latest").item() == 1, "counts come from their history"
        assert lake.query("SELECT kind FROM storage_by_kind").item() == "video"
        assert lake.query("SELECT created_at FROM post_tags").item() == at(-100), "times come from the posts"
        lake.apply(frames_of_posts("p2", 2, ["71"], region="CN"), ["p2"], run_id="r1")
        assert lake.query("SELECT region FROM posts").item() == "CN"


def test_an_upgrade_writes_only_comments_that_lack_or_read_otherwise(tmp_path):
    tags = "SELECT count(*) FROM __ducklake_metadata_archive.ducklake_column_tag"
    with local(tmp_path) as lake:
        before = lake.query(tags).item()
        for statement in (
            "COMMENT ON COLUMN posts.caption IS 'an older text'",
            "COMMENT ON TABLE posts IS 'another'",
            "ALTER TABLE posts DROP COLUMN region",
            "CREATE OR REPLACE VIEW archive_version AS SELECT 1 AS version, 'older' AS fingerprint",
        ):
            lake.cursor().execute(statement)
    with local(tmp_path) as lake:
        assert lake.query(tags).item() == before + 3, "the older text, the present one, and that of the new column"
        told = "SELECT column_name, comment FROM duckdb_columns() WHERE database_name = 'archive' AND table_name = ?"
        for table in BY_NAME.values():
            assert dict(lake.query(told, [table.name]).rows()) == {one.name: one.comment for one in table}
        sql = "SELECT comment FROM duckdb_tables() WHERE database_name = 'archive' AND table_name = 'posts'"
        assert lake.query(sql).item() == BY_NAME["posts"].comment


def test_a_newer_archive_is_refused(tmp_path):
    with local(tmp_path) as lake:
        lake.cursor().execute("CREATE OR REPLACE VIEW archive_version AS SELECT 99 AS version, 'x' AS fingerprint")
    for read_only in (False, True):
        with pytest.raises(BadInput, match=r"version 99.*upgrade"):
            local(tmp_path, read_only=read_only)


def test_an_archive_with_unknown_columns_is_refused(tmp_path):
    with local(tmp_path) as lake:
        lake.cursor().execute("ALTER TABLE posts ADD COLUMN mood VARCHAR")
        lake.cursor().execute("CREATE OR REPLACE VIEW archive_version AS SELECT 1 AS version, 'x' AS fingerprint")
    with pytest.raises(BadInput, match=r"posts\.mood.*upgrade"):
        local(tmp_path)


def test_a_writer_that_never_gets_its_turn_says_who_is_in_the_way(tmp_path):
    with local(tmp_path, wait_s=0.2) as lake:
        other = sqlite3.connect(f"{tmp_path}/catalog.sqlite.lock", isolation_level=None)
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(LakeBusy, match="Another run"):
            lake.start_run(run_id="r1")
        other.close()
        lake.start_run(run_id="r1")
        assert count(lake, "runs") == 1


def test_secrets_show_in_no_message_and_no_statement(tmp_path):
    s3 = {"key": "AKIDEXAMPLE", "secret": "hush-hush", "endpoint": "http://127.0.0.1:9"}
    with pytest.raises(Unreachable) as caught:
        Lake.open(catalog="postgresql://me:swordfish@127.0.0.1:9/db", data_path="s3://b/tables/", s3=s3)
    assert "swordfish" not in str(caught.value)
    assert "swordfish" not in repr(caught.value.__cause__)
    from pipelines.load.attach import attach_sql, place_of

    shown = "".join(attach_sql(place_of("postgresql://me:swordfish@127.0.0.1:9/db", "s3://b/tables/", s3)))
    shown += repr(place_of("postgres:dbname=x password=swordfish", "s3://b/tables/", s3))
    shown += "".join(attach_sql(place_of("postgres:dbname=x password=swordfish host=h", "s3://b/tables/", s3)))
    assert not any(word in shown for word in ("swordfish", "hush-hush", "AKIDEXAMPLE"))


@pytest.mark.parametrize("read_only", [True, False])
@pytest.mark.parametrize("table", ["ducklake_snapshot", "ducklake_macro"])
def test_a_catalog_that_was_not_made_to_its_end_says_what_to_do(tmp_path, table, read_only):
    place = {"catalog": f"sqlite:{tmp_path}/catalog.sqlite", "data_path": f"{tmp_path}/tables/"}
    Lake.open(**place).close()
    with contextlib.closing(sqlite3.connect(tmp_path / "catalog.sqlite")) as catalog:
        catalog.execute(f"DROP TABLE {table}")
    with pytest.raises(BadInput, match="lacks tables of its own") as caught:
        Lake.open(**place, read_only=read_only)
    assert f"remove {tmp_path}/catalog.sqlite" in str(caught.value)
    assert "archive something first" not in str(caught.value)


@pytest.mark.parametrize("words", ["pasword=swordfish", "password=a swordfish", "password='swordfish"])
def test_a_catalog_spelt_wrongly_is_refused_without_its_password(tmp_path, words):
    with pytest.raises(Unreachable) as caught:
        Lake.open(catalog=f"postgres:host=127.0.0.1 port=9 {words}", data_path=f"{tmp_path}/tables/")
    assert "swordfish" not in str(caught.value)
    assert "port=9" in str(caught.value)


def test_no_folder_is_named_after_a_catalog_on_a_server(tmp_path):
    (tmp_path / "here").mkdir()
    words = "postgres:host=/nowhere/at/all user=me password='sword/fish' dbname=x"
    with contextlib.chdir(tmp_path / "here"), pytest.raises(Unreachable):
        open_lake(settings_for(tmp_path / "root", "", catalog=words))
    assert not list((tmp_path / "here").iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no device that is always full")
def test_a_full_disk_asks_a_person_and_the_archive_goes_on_once_there_is_room(lake):
    for do in (lake.commit, lake.alone):
        with pytest.raises(Blocked, match="make room"):
            do(lambda con: con.execute("COPY (SELECT 1) TO '/dev/full'"))
    lake.keep_page(page("p1"), run_id="r")
    assert lake.query("SELECT count(*) FROM raw_pages").item() == 1


def test_nothing_is_written_where_the_disk_of_the_tables_is_away(tmp_path):
    root, away = tmp_path / "root", tmp_path / "away"
    where = {"catalog": f"sqlite:{tmp_path}/catalog.sqlite", "data_path": f"{root}/tables/"}
    with Lake.open(**where) as lake:
        lake.keep_page(page("p1"), run_id="r")
        root.rename(away)
        root.mkdir()  # its mount point
        with pytest.raises(Blocked, match="mount its disk"):
            lake.keep_page(page("p2"), run_id="r")
    for read_only in (True, False):
        with pytest.raises(Blocked, match="mount its disk"):
            Lake.open(**where, read_only=read_only)
    assert not list(root.iterdir())
    root.rmdir()
    away.rename(root)
    with Lake.open(**where) as lake:
        lake.keep_page(page("p2"), run_id="r")
        assert lake.query("SELECT page_id FROM raw_pages ORDER BY ALL").rows() == [("p1",), ("p2",)]


def test_a_catalog_that_is_gone_in_the_middle_is_not_begun_anew(tmp_path):
    root, away = tmp_path / "root", tmp_path / "away"
    begin(root)
    with local(root) as lake:
        lake.keep_page(page("p1"), run_id="r")
        root.rename(away)
        root.mkdir()  # the mount point of its disk
        with pytest.raises(Blocked, match="mount its disk"):
            lake.keep_page(page("p2"), run_id="r")
        assert not list(root.iterdir())
        with pytest.raises(Blocked, match="is gone: mount its disk"):
            lake.pending("r")
    shutil.rmtree(root)
    away.rename(root)
    with local(root) as lake:
        lake.keep_page(page("p2"), run_id="r")
        assert lake.query("SELECT page_id FROM raw_pages ORDER BY ALL").rows() == [("p1",), ("p2",)]


def test_a_folder_called_conflict_is_no_conflict_of_writers(tmp_path):
    root = tmp_path / "conflict" / "busy"
    begin(root)
    with local(root) as lake:
        lake.keep_page(page("p1"), run_id="r")
        next((root / "tables").rglob("*.parquet")).unlink()
        for do in (lake.commit, lake.alone):
            with pytest.raises(Blocked, match="missing or damaged"):
                do(lambda con: con.execute("SELECT max(length(body)) FROM raw_pages").fetchall())


def test_a_full_disk_is_named_where_sqlite_does_not_name_it():
    told = complaints.known(duckdb.Error("Failed to commit: database or disk is full"), "/mnt/small/catalog.sqlite")
    assert str(told).startswith("The disk of the catalog /mnt/small/catalog.sqlite is full: make room")


def test_a_catalog_that_sqlite_cannot_open_is_no_matter_of_rights_alone(tmp_path):
    begin(tmp_path)
    lock = tmp_path / "catalog.sqlite.lock"
    lock.unlink()
    lock.symlink_to(tmp_path / "gone" / "lock")  # as where no file can be opened any more
    with local(tmp_path) as lake, pytest.raises(Blocked, match=r"catalog\.sqlite cannot be opened: .*ulimit -n"):
        lake.keep_page(page("p1"), run_id="r")
