"""The views for people, asked over made-up rows."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest
from lakes import at, begin, frame, frames_of_posts, local

from deployments.commands.demo import QUERIES
from deployments.commands.sql import EPILOG
from pipelines.load.views import VIEWS
from schemas.files import Kept


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    root = tmp_path_factory.mktemp("viewed")
    begin(root)
    with local(root) as opened:
        opened.apply(frames_of_posts("p1", 1, ["71", "72"]), ["p1"], run_id="r1")
        opened.apply(frames_of_posts("p4", 4, ["71"], caption="edited"), ["p4"], run_id="r1")
        renamed = {"sec_user_id": "author", "nickname": "Beth", "observed_at": at(5), "page_id": "p5"}
        opened.apply({"users": frame("users", renamed)}, ["p5"], run_id="r1")
        opened.keep_files(
            [
                Kept("71:video:0", "stored", 1, at(6), size_bytes=7),
                Kept("72:video:0", "failed", 2, at(6), error="503"),
            ]
        )
    return root


@pytest.fixture
def lake(made, tmp_path):
    """An archive of some changes: a copy for each test."""
    shutil.copytree(made, tmp_path / "root")
    with local(tmp_path / "root") as opened:
        yield opened


TOLD = (Path(__file__).parents[1] / "README.md").read_text("utf-8") + EPILOG
QUESTIONS = re.findall(r'^\s*aweme sql .*?"((?:SELECT|FROM|SHOW) .*?)"', TOLD, re.MULTILINE)


@pytest.mark.parametrize("sql", sorted(set(QUESTIONS)))
def test_what_readme_and_help_ask_is_answered(lake, sql):
    answer = lake.query(sql)
    assert answer.height
    assert "comment" not in answer.columns or answer["comment"].null_count() == 0


def test_a_hashtag_that_stands_in_a_caption_twice_is_one_post_to_the_demo(lake):
    tag = {
        "aweme_id": "71",
        "kind": "hashtag",
        "tag_id": "9",
        "tag_name": "日常",
        "observed_at": at(1),
        "page_id": "p6",
    }
    lake.apply({"post_tags": frame("post_tags", {**tag, "start": 0}, {**tag, "start": 4})}, ["p6"], run_id="r1")
    (sql,) = [sql for title, sql in QUERIES if title == "Hashtags"]
    assert lake.query(sql).rows() == [("日常", 1)]


def test_each_view_says_what_it_shows(lake):
    rows = lake.query("SELECT view_name, comment FROM duckdb_views() WHERE database_name = 'archive'").rows()
    assert {view.name: view.comment for view in VIEWS}.items() <= dict(rows).items()


def test_posts_come_with_their_newest_counts_and_their_authors_present_name(lake):
    rows = lake.query("SELECT aweme_id, caption, like_count, stats_at, author FROM posts_latest ORDER BY 1").rows()
    assert rows == [("71", "edited", 4, at(4), "Beth"), ("72", "hello", 1, at(1), "Beth")]


def test_a_count_that_the_newest_look_left_out_is_the_last_known(lake):
    row = {"aweme_id": "71", "observed_at": at(9), "last_comment_count": 3, "page_id": "p9"}
    lake.apply({"posts": frame("posts", row)}, ["p9"], run_id="r1")
    found = lake.query("SELECT like_count, comment_count FROM posts_latest WHERE aweme_id = '71'").row(0)
    assert found == (4, 3)


def test_storage_is_told_by_kind_without_a_look_at_what_was_promised(lake):
    assert lake.query("FROM storage_by_kind").rows() == [("video", 1, 7)]


def test_growth_is_told_per_observation(lake):
    sql = (
        "SELECT like_count, like_growth, seconds_since_last FROM post_growth WHERE aweme_id = '71' ORDER BY observed_at"
    )
    assert lake.query(sql).rows() == [(1, None, None), (4, 3, 3 * 3600)]


def test_a_tags_course_over_time_is_told_by_day(lake):
    tag = {"kind": "hashtag", "tag_id": "9", "tag_name": "日常", "start": 0, "observed_at": at(90), "page_id": "p8"}
    days = {"73": at(0), "74": at(23.9), "75": at(24), "76": None}
    rows = [{**tag, "aweme_id": one, "created_at": created_at} for one, created_at in days.items()]
    lake.apply({"post_tags": frame("post_tags", *rows)}, ["p8"], run_id="r1")
    found = lake.query("SELECT tag_name, day::VARCHAR, use_count FROM tags_by_day WHERE tag_id = '9' ORDER BY day")
    assert found.rows() == [("日常", "2026-01-01", 2), ("日常", "2026-01-02", 1), ("日常", None, 1)]


def test_missing_media_are_those_not_stored_with_what_stood_in_the_way(lake):
    rows = lake.query("SELECT media_id, state, error FROM missing_media WHERE kind = 'video'").rows()
    assert rows == [("72:video:0", "failed", "503")]
    assert lake.query("SELECT count(*) FROM missing_media").item() == 5


def test_the_history_of_an_account_tells_of_it_and_of_its_posts_in_order(lake):
    rows = lake.query("SELECT table_name, column_name, old_value, new_value FROM account_history").rows()
    assert rows == [("posts", "caption", "hello", "edited"), ("users", "nickname", "Ann", "Beth")]


def test_the_history_of_an_account_bears_its_present_name_throughout(lake):
    gone = {"aweme_id": "71", "observed_at": at(4.5), "gone_at": at(4.5), "nickname": "Ann", "page_id": "p7"}
    lake.apply({"posts": frame("posts", gone)}, ["p7"], run_id="r1")
    rows = lake.query("SELECT column_name, nickname FROM account_history").rows()
    assert rows == [("caption", "Beth"), ("gone_at", "Beth"), ("nickname", "Beth")], "gone before it was renamed"


def test_storage_is_told_per_account_and_kind(lake):
    sql = "SELECT nickname, file_count, byte_count, missing_count FROM storage_by_user WHERE kind = 'video'"
    assert lake.query(sql).rows() == [("Beth", 1, 7, 1)]
