"""Opens the archive for commands that only read it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import BadInput

if TYPE_CHECKING:
    import polars as pl

    from pipelines.load.lake import Lake
    from pipelines.settings import Settings


def need_archive(settings: Settings) -> None:
    """BadInput that says what to do where there is no archive yet: whoever opens it for writing would make one."""
    _need_catalog(settings)
    if not settings.catalog.startswith("sqlite:"):
        from pipelines.house import open_lake

        open_lake(settings, read_only=True).close()


def _need_catalog(settings: Settings) -> None:
    if settings.catalog.startswith("sqlite:"):
        path = Path(settings.catalog.removeprefix("sqlite:"))
        if not path.exists():
            raise BadInput(
                f"There is no archive at {settings.root} (no catalog {path}). "
                "Name another with --root, or make one: aweme demo, or aweme archive LINK."
            )


@contextmanager
def open_reader(settings: Settings, *, at: datetime | None = None) -> Iterator[Lake]:
    """The lake, for reading, as it is or as it was; BadInput that says what to do where there is none yet."""
    from pipelines.house import open_lake

    _need_catalog(settings)
    lake = open_lake(settings, read_only=True, at=at)
    try:
        yield lake
    finally:
        lake.close()


def json_rows(frame: pl.DataFrame) -> str:
    """A frame as one JSON array of objects; times as ISO 8601 text."""
    import orjson

    return orjson.dumps(frame.to_dicts(), default=str, option=orjson.OPT_UTC_Z).decode()
