"""An archive that an older version of the program wrote is exported and compared like any other."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest
from archives import ask, copied, one, settings_for
from lakes import begin, frames_of_posts, page

from pipelines.care.exporting import export
from pipelines.care.rebuilding import rebuild
from pipelines.care.verifying import verify
from pipelines.errors import BadInput, Blocked
from pipelines.house import open_lake, utc_now
from pipelines.load import migrate
from pipelines.settings import Settings
from schemas.posts import COUNTS

AGED = (
    *(f"ALTER TABLE posts DROP COLUMN last_{name}" for name in COUNTS),
    "ALTER TABLE post_tags DROP COLUMN created_at",
    "DROP VIEW posts_latest",
    "CREATE OR REPLACE VIEW archive_version AS SELECT 1 AS version, 'older' AS fingerprint",
)


@pytest.fixture(scope="module")
def aged(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    settings = settings_for(tmp_path_factory.mktemp("aged") / "archive", "http://127.0.0.1:9")
    begin(settings.root)
    with open_lake(settings) as lake:
        lake.keep_page(page("p1", 1), run_id="r1")
        lake.apply(frames_of_posts("p1", 1, ["71", "72"]), ["p1"], run_id="r1")
        for statement in AGED:
            lake.cursor().execute(statement)
    return settings


@pytest.fixture
def older(tmp_path: Path, aged: Settings) -> Settings:
    """An archive that lacks what came since: a copy for each test."""
    return copied(aged, tmp_path / "archive")


@pytest.mark.parametrize("shape", ["parquet", "csv", "xlsx", "duckdb", "html"])
def test_every_form_of_an_export_has_what_the_archive_lacked(older: Settings, tmp_path: Path, shape: str) -> None:
    done = export(older, tmp_path / "out", shape, now=utc_now)
    assert done.files
    if shape == "duckdb":
        with duckdb.connect(str(tmp_path / "out" / "archive.duckdb"), read_only=True) as con:
            assert con.execute("SELECT like_count FROM posts_latest").fetchall() == [(1,), (1,)]
    if shape == "csv":
        header = (tmp_path / "out" / "posts.csv").read_text("utf-8").partition("\n")[0]
        assert "last_like_count" in header.split(",")


@pytest.mark.parametrize("shape", ["csv", "duckdb", "html"])
def test_an_archive_that_lacks_nothing_is_exported_as_it_is_though_another_version_wrote_it(
    tmp_path: Path, shape: str
) -> None:
    settings = settings_for(tmp_path / "archive", "http://127.0.0.1:9")
    begin(settings.root)
    with open_lake(settings) as lake:
        lake.keep_page(page("p1", 1), run_id="r1")
        lake.apply(frames_of_posts("p1", 1, ["71", "72"]), ["p1"], run_id="r1")
        for statement in (AGED[-1], "ALTER TABLE posts ADD COLUMN mood VARCHAR"):
            lake.cursor().execute(statement)
    assert export(settings, tmp_path / "out", shape, now=utc_now).files
    assert one(settings, "SELECT fingerprint FROM archive_version") == "older", "nothing was written"


def test_a_dry_rebuild_of_it_compares_and_changes_no_row(older: Settings) -> None:
    before = ask(older, "SELECT aweme_id, caption, page_id FROM posts ORDER BY ALL")
    told = rebuild(older, dry_run=True)
    assert {table.table for table in told.tables} >= {"posts", "post_tags"}
    assert ask(older, "SELECT aweme_id, caption, page_id FROM posts ORDER BY ALL") == before
    assert one(older, "SELECT fingerprint FROM archive_version") == migrate.fingerprint()


def test_where_it_cannot_be_brought_up_to_date_that_is_said(older: Settings, tmp_path: Path) -> None:
    with open_lake(older) as lake:
        for statement in ("ALTER TABLE posts ADD COLUMN mood VARCHAR", *AGED):
            lake.cursor().execute(statement)
    with pytest.raises(BadInput, match=r"older version .* cannot be brought up to date: .*posts\.mood"):
        export(older, tmp_path / "out", "csv", now=utc_now)


def test_a_disk_that_is_full_in_the_middle_of_it_is_said_so(older: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    full = "SELECT error('Could not write file: No space left on device')"
    with monkeypatch.context() as patch:
        patch.setitem(migrate._FILLED, "posts.last_like_count", full)
        with pytest.raises(Blocked, match="The disk is full: make room"):
            open_lake(older)
    assert one(older, "SELECT fingerprint FROM archive_version") == "older", "nothing was written"
    open_lake(older).close()
    assert ask(older, "SELECT last_like_count FROM posts") == [(1,), (1,)]


@pytest.fixture
def shut(older: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    """The same on a disk that may only be read, where a writer learns it at its first statement."""

    def refused(_con: duckdb.DuckDBPyConnection, _place: str) -> None:
        raise duckdb.TransactionException("Failed to insert config option: attempt to write a readonly database")

    monkeypatch.setattr(migrate, "make_tables", refused)
    return older


def test_it_is_verified_on_a_disk_that_may_only_be_read(shut: Settings) -> None:
    done = verify(shut, now=utc_now)
    assert (done.problems, done.table_files > 0) == ([], True)
    assert one(shut, "SELECT fingerprint FROM archive_version") == "older"


def test_why_it_cannot_be_exported_there_is_said(shut: Settings, tmp_path: Path) -> None:
    with pytest.raises(Blocked, match=r"older version .* cannot be brought up to date: .* may not be written here"):
        export(shut, tmp_path / "out", "csv", now=utc_now)
