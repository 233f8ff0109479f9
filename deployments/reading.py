"""Opens the archive for commands that only read it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import BadInput

if TYPE_CHECKING:
    import polars as pl

    from pipelines.load.lake import Lake
    from pipelines.settings import Settings


@contextmanager
def open_reader(settings: Settings) -> Iterator[Lake]:
    """The lake, for reading; BadInput that says what to do where there is none yet."""
    from pipelines.house import open_lake

    if settings.catalog.startswith("sqlite:"):
        path = Path(settings.catalog.removeprefix("sqlite:"))
        if not path.exists():
            raise BadInput(
                f"There is no archive at {settings.root} (no catalog {path}). "
                "Name another with --root, or make one: aweme demo, or aweme archive LINK."
            )
    lake = open_lake(settings, read_only=True)
    try:
        yield lake
    finally:
        lake.close()


def json_rows(frame: pl.DataFrame) -> str:
    """A frame as one JSON array of objects; times as ISO 8601 text."""
    import orjson

    return orjson.dumps(frame.to_dicts(), default=str, option=orjson.OPT_UTC_Z).decode()
