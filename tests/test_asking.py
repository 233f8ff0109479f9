"""Questions of people: each way to ask wrongly is an error of ours, in DuckDB's words."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from pipelines.errors import BadInput, Unreachable
from pipelines.load.asking import ask


@pytest.mark.parametrize(
    ("sql", "error", "told"),
    [
        ("SELEC 1", BadInput, "cannot be answered"),
        ("SELECT 'x'::INT", BadInput, "cannot be answered"),
        ("SELECT '\udcff'", BadInput, "UTF-8"),
        ("LOAD no_such_extension", Unreachable, "cannot be read"),
        ("  -- nothing", BadInput, "no statement"),
    ],
)
def test_a_question_that_cannot_be_answered_is_an_error_of_ours(sql: str, error: type[Exception], told: str) -> None:
    with duckdb.connect() as con, pytest.raises(error, match=told):
        ask(con, sql, ())


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with duckdb.connect() as con, pytest.raises(Unreachable, match="nowhere"):
        ask(con, f"FROM '{tmp_path}/nowhere.parquet'", ())
