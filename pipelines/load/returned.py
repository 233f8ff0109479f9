"""Posts that came back: what could not be had of their files while they were gone is looked for again."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl

from pipelines.load.passing import shown

if TYPE_CHECKING:
    import duckdb


def look_again(con: duckdb.DuckDBPyConnection, changes: pl.DataFrame) -> None:
    """Let the files of posts that these changes call back be tried anew; while a post is gone, hosts deny its files."""
    is_back = (pl.col("table_name") == "posts") & (pl.col("column_name") == "gone_at") & pl.col("new_value").is_null()
    back = changes.filter(is_back).select(pl.col("row_key").alias("aweme_id"))
    if back.is_empty():
        return
    with shown(con, "back", back):
        con.execute(
            """UPDATE files SET state = 'failed', attempts = 0 WHERE state <> 'stored'
            AND media_id IN (SELECT media_id FROM media WHERE aweme_id IN (SELECT aweme_id FROM back))"""
        )
