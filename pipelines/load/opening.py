"""The first half of opening an archive: DuckDB with the catalog attached.

Apart from the Lake, whose modules bring polars: DuckDB works a fifth of a second for it, while Python can import those.
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

import duckdb  # noqa: F401 - here, so that it is there before anything else is imported at the same time

from pipelines.load import attach
from pipelines.load.connection import Connection

# A writer's statements are many and small: to share each among threads takes longer than to carry it out, and what is
# read ahead, parsed or downloaded meanwhile has the other cores. Each thread also holds a few whole pages.
_WRITER_THREADS, _READER_THREADS = 1, 2


@dataclass(frozen=True, slots=True)
class Attached:
    """An archive that DuckDB has at hand, for a Lake to be made of."""

    place: attach.Place
    connection: Connection
    read_only: bool
    rng: random.Random


def attached(
    *,
    catalog: str,
    data_path: str,
    read_only: bool = False,
    at: datetime | None = None,
    s3: Mapping[str, str] | None = None,
    busy_timeout_ms: int = 5000,
    memory_limit: str = "160MB",
    threads: int | None = None,
    rng: random.Random | None = None,
) -> Attached:
    """Attach an archive; takes what `Lake.open` takes, and fails as it does."""
    place = attach.place_of(catalog, data_path, s3)
    rng = rng or random.Random()  # noqa: S311 - jitter only
    read_only = read_only or at is not None
    threads = threads or (_READER_THREADS if read_only else _WRITER_THREADS)
    connection = Connection(
        lambda temp: attach.connect(
            place,
            read_only=read_only,
            at=at,
            memory_limit=memory_limit,
            threads=threads,
            temp=temp,
            busy_timeout_ms=busy_timeout_ms,
            rng=rng,
        ),
        asks_first=read_only and place.is_s3,
    )
    return Attached(place, connection, read_only, rng)
