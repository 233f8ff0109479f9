"""Opens the archive for commands that only read it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import polars as pl

    from pipelines.load.lake import Lake
    from pipelines.settings import Settings


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
    """A frame as one JSON array of objects; times as ISO 8601 text."""
    import orjson

    return orjson.dumps(frame.to_dicts(), default=str, option=orjson.OPT_UTC_Z).decode()
