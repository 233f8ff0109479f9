"""Opens the archive for commands that only read it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import polars as pl

    from pipelines.load.lake import Lake
    from pipelines.settings import Settings

_BEYOND_JSON = 2**63


@contextmanager
def open_reader(settings: Settings, *, at: datetime | None = None) -> Iterator[Lake]:
    """The lake, for reading, as it is or as it was; BadInput that says what to do where there is none yet."""
    from pipelines.house import need_catalog, open_lake

    need_catalog(settings)
    lake = open_lake(settings, read_only=True, at=at)
    try:
        yield lake
    finally:
        lake.close()


def json_rows(frame: pl.DataFrame) -> str:
    """A frame as one JSON array of objects; times as ISO 8601 text, numbers as numbers, bytes as hexadecimal digits."""
    import orjson
    import polars as pl

    # orjson takes whole numbers up to 64 bits, and asks nobody about larger ones.
    frame = frame.cast({pl.Int128: pl.String}) if pl.Int128 in frame.dtypes else frame
    return orjson.dumps(frame.to_dicts(), default=_plain, option=orjson.OPT_UTC_Z).decode()


def _plain(value: Any) -> int | float | str:
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, Decimal):  # a sum of counts is one to DuckDB, and no reader of JSON expects a text there
        if value != value.to_integral_value():
            return float(value)
        return int(value) if abs(value) < _BEYOND_JSON else f"{value:f}"
    return str(value)
