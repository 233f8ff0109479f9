"""Opens the archive for commands that only read it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import wait
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, TypeVar

from pipelines.aside import aside

if TYPE_CHECKING:
    import polars as pl

    from pipelines.load.lake import Lake
    from pipelines.settings import Settings

T = TypeVar("T")
_BEYOND_JSON = 2**63
_LISTENS_S = 0.2
_ENDS_S = 3.0


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


def listening(lake: Lake, ask: Callable[[Lake], T]) -> T:
    """What is asked of the lake, in a thread: where Python waits for DuckDB itself, it hears of Ctrl-C only then.

    A question that waits for a bucket cannot be broken off: DuckDB lets it wait to its end. It is left behind.
    """
    answer = aside(ask, lake)
    try:
        while wait([answer], timeout=_LISTENS_S).not_done:
            pass  # the signal may go to the other thread, and this one has to look for it
    except KeyboardInterrupt:
        lake.break_off()
        if wait([answer], timeout=_ENDS_S).not_done:
            lake.break_off(is_left=True)
        raise
    return answer.result()


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
