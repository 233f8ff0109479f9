"""What a script reads of an answer."""

from __future__ import annotations

import json

import duckdb

from deployments.reading import json_rows
from pipelines.load.asking import ask, frame


def test_numbers_stay_numbers_and_bytes_become_digits() -> None:
    with duckdb.connect() as con:
        asked = "SELECT sum(i) AS likes, 12.5::DECIMAL(8, 2) AS share, '\\xFFa'::BLOB AS bytes"
        (row,) = json.loads(json_rows(frame(ask(con, f"{asked} FROM range(4) t(i)", ()))))
    assert row == {"likes": 6, "share": 12.5, "bytes": "ff61"}
