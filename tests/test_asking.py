"""Questions of people: each way to ask wrongly is an error of ours, in DuckDB's words."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import duckdb
import pytest

from deployments.reading import json_rows
from pipelines.errors import BadInput, Unreachable
from pipelines.load.asking import ask, frame


@pytest.mark.parametrize(
    ("sql", "error", "told"),
    [
        ("SELEC 1", BadInput, "cannot be answered"),
        ("SELECT 'x'::INT", BadInput, "cannot be answered"),
        ("SELECT '\udcff'", BadInput, "UTF-8"),
        ("LOAD no_such_extension", Unreachable, "cannot be read"),
        ("  -- nothing", BadInput, "no statement"),
        ("FROM locked_posts", BadInput, "locked_posts does not exist"),
        ("SELECT 1 WHERE 'blocked' = nosuch", BadInput, "nosuch"),
    ],
)
def test_a_question_that_cannot_be_answered_is_an_error_of_ours(sql: str, error: type[Exception], told: str) -> None:
    with duckdb.connect() as con, pytest.raises(error, match=told):
        ask(con, sql, ())


@pytest.mark.parametrize("column", ["1", "to_days(1)", "MAP {1: 2}"])
def test_a_question_that_cannot_be_answered_in_a_late_row_is_an_error_of_ours_as_well(column: str) -> None:
    late = "CASE WHEN i < 900000 THEN 1 ELSE error('too late') END"
    with duckdb.connect() as con:
        answer = ask(con, f"SELECT {column} AS x, {late} AS y FROM range(1000000) t(i)", ())
        # Now and then DuckDB itself does not say why: see below.
        with pytest.raises(BadInput, match=r"(?s)The query cannot be answered: .*(too late|broke it off)"):
            frame(answer)


def test_a_question_that_duckdb_broke_off_is_an_error_of_ours() -> None:
    with duckdb.connect() as con:
        answer = ask(con, "SELECT i, hash(i::TEXT) AS x FROM range(100000000) t(i)", ())
        breaking = threading.Timer(0.3, con.interrupt)
        breaking.start()
        with pytest.raises(BadInput, match="DuckDB broke it off"):
            frame(answer)
        breaking.join()


@pytest.mark.parametrize(
    ("sql", "shown"),
    [
        ("[INTERVAL 1 DAY]", '["1 day, 0:00:00"]'),
        ("{'a': INTERVAL 1 DAY, 'b': [1]}", '{"a": "1 day, 0:00:00", "b": [1]}'),
        ("MAP {2: 'two', 4: '四'}", '{"2": "two", "4": "四"}'),
        ("[340282366920938463463374607431768211455::UHUGEINT]", "[340282366920938463463374607431768211455]"),
        ("union_value(k := 1)", "1"),
        ("[1, NULL]", [1, None]),
    ],
)
def test_what_polars_has_not_becomes_text_however_deep_it_lies(sql: str, shown: object) -> None:
    with duckdb.connect() as con:
        assert frame(ask(con, f"SELECT {sql} AS x", ())).to_dicts() == [{"x": shown}]


@pytest.mark.parametrize("names", [("a", "a"), ("a", "A", "a_1", "a", "b", "A"), ("x_1", "x", "x", "X_1")])
def test_columns_of_one_name_are_all_shown_whatever_type_they_have(names: tuple[str, ...]) -> None:
    with duckdb.connect() as con:
        plain, text = (
            frame(ask(con, "SELECT " + ", ".join(f'{value} AS "{name}"' for name in names), ()))
            for value in ("1", "INTERVAL 1 DAY")
        )
    assert text.columns == plain.columns
    assert len(set(text.columns)) == len(names)


@pytest.mark.parametrize("sql", ["['infinity'::TIMESTAMPTZ]", "{'a': DATE '10000-01-01'}", "DATE '10000-01-01'"])
def test_a_moment_beyond_the_calendar_is_told_however_deep_it_lies(sql: str) -> None:
    with duckdb.connect() as con, pytest.raises(BadInput, match="after 9999"):
        frame(ask(con, f"SELECT {sql} AS x", ()))


@pytest.mark.parametrize(
    "sql",
    [
        "age('2024-03-01'::TIMESTAMP, '2023-01-01'::TIMESTAMP)",
        "INTERVAL '-1 year -2 months 3 days'",
        "INTERVAL '13 months -00:00:01.5'",
        "INTERVAL '0 days'",
        "INTERVAL '1 day 30 hours 0.000001 seconds'",
        "to_days(1700000000)",
        "NULL::INTERVAL",
    ],
)
def test_a_span_is_shown_as_duckdb_writes_it(sql: str) -> None:
    with duckdb.connect() as con:
        [(span, text, beside)] = frame(ask(con, f"SELECT {sql} AS x, ({sql})::VARCHAR AS y, 1 AS x", ())).rows()
    assert (span, beside) == (text, 1)


@pytest.mark.parametrize("sql", ["[to_days(1700000000)]", "[to_years(-9000000)]"])
def test_a_span_that_python_has_not_is_told(sql: str) -> None:
    with duckdb.connect() as con:
        with pytest.raises(BadInput, match="cast it to VARCHAR"):
            frame(ask(con, f"SELECT {sql} AS x", ()))
        assert frame(ask(con, f"SELECT {sql}::VARCHAR AS x", ())).height == 1


def test_a_number_beyond_64_bits_is_text_in_json() -> None:
    with duckdb.connect() as con:
        asked = frame(ask(con, f"SELECT {2**127 - 1}::HUGEINT AS n, INTERVAL 1 DAY AS d, 5::HUGEINT AS few", ()))
    assert json.loads(json_rows(asked)) == [{"n": str(2**127 - 1), "d": "1 day, 0:00:00", "few": 5}]


def test_a_file_that_is_not_there_is_told(tmp_path: Path) -> None:
    with duckdb.connect() as con, pytest.raises(Unreachable, match="nowhere"):
        ask(con, f"FROM '{tmp_path}/nowhere.parquet'", ())
