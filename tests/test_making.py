"""How the tables of a new archive are made, in several commits, and what a cut between them leaves."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from lakes import at, frames_of_posts, local, page

from pipelines.load.lake import Lake
from schemas.catalog import BY_NAME, TABLES
from schemas.pages import Checkpoint

META = "__ducklake_metadata_archive.ducklake_"
LIMITS = f"""SELECT table_name, m.value FROM {META}metadata m JOIN {META}table t ON t.table_id = m.scope_id
    WHERE m.key = 'data_inlining_row_limit' AND t.end_snapshot IS NULL"""


def use(lake: Lake) -> None:
    """Do what a run does that brings one post, and look at what it wrote."""
    lake.start_run(run_id="r1", mode="post", target="author", started_at=at(0))
    lake.keep_page(page("p1"), run_id="r1", checkpoint=Checkpoint("post", "author", cursor="1", started_at=at(1)))
    lake.apply(frames_of_posts("p1", 1, ["71"]), ["p1"], run_id="r1")
    assert lake.query("SELECT run_id FROM runs").item() == "r1"
    assert lake.query("SELECT aweme_id, caption FROM posts_latest").rows() == [("71", "hello")]


def waiting(lake: Lake) -> set[str]:
    """Tables that have a row which stands in the catalog."""
    tables = lake.query(
        f"SELECT i.table_name, t.table_name FROM {META}inlined_data_tables i JOIN {META}table t USING (table_id)"
    ).rows()
    meta = META.removesuffix("ducklake_")
    return {name for place, name in tables if lake.query(f"SELECT count(*) FROM {meta}{place}").item()}


def test_rows_of_runs_and_checkpoints_wait_in_the_catalog_and_no_others_do(tmp_path: Path) -> None:
    with local(tmp_path) as lake:
        use(lake)
        assert waiting(lake) == {"runs", "checkpoints"}
        limits = dict(lake.query(LIMITS).rows())
        assert limits == {name: "100" if name in ("runs", "checkpoints") else "0" for name in BY_NAME}


def test_where_rows_wait_was_made_with_the_newest_tables(tmp_path: Path) -> None:
    """Else each process that reads them has DuckLake read all tables a second time."""
    with local(tmp_path) as lake:
        use(lake)
        newest = lake.query(f"SELECT max(schema_version) FROM {META}snapshot").item()
        assert lake.query(f"SELECT DISTINCT schema_version FROM {META}inlined_data_tables").rows() == [(newest,)]
        known = f"SELECT count(*) FROM {META}schema_versions WHERE schema_version = {newest}"
        assert lake.query(known).item() == 2


@pytest.mark.parametrize("made", [0, 1, 2, 3])
def test_a_making_that_was_cut_off_is_finished_by_the_next_program(
    made: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit, left = Lake.commit, [made]

    def cut(self: Lake, work: Callable[..., Any]) -> Any:
        if not left[0]:
            raise KeyboardInterrupt
        left[0] -= 1
        return commit(self, work)

    with monkeypatch.context() as patch:
        patch.setattr(Lake, "commit", cut)
        with pytest.raises(KeyboardInterrupt):
            local(tmp_path)
    with local(tmp_path) as lake:
        use(lake)
        assert waiting(lake) == {"runs", "checkpoints"}
        told = "SELECT table_name, comment FROM duckdb_tables() WHERE database_name = 'archive'"
        tables = dict(lake.query(told).rows())
        assert tables == {table.name: table.comment for table in TABLES}
        sorted_tables = lake.query(f"SELECT count(DISTINCT table_id) FROM {META}sort_info").item()
        ordered = [table for table in TABLES if table.sorted_by and table.name not in ("runs", "checkpoints")]
        assert sorted_tables == len(ordered)
