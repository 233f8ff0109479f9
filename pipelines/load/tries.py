"""What a first try may come to: a file came, storage would not take it, or it is to be tried again. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from pipelines.errors import ArchiveError
from pipelines.load.local_writer import LocalWriter
from pipelines.load.reception import Arrived
from pipelines.load.transfer import Attempt
from schemas.files import Wanted


@dataclass(frozen=True, slots=True)
class Try:
    """A wanted file, and what came of its first address, where that was asked already."""

    wanted: Wanted
    begun: Attempt | None = None


@dataclass(frozen=True, slots=True)
class Came:
    """A file that came and waits for its final name."""

    wanted: Wanted
    tried_at: datetime
    writer: LocalWriter
    arrived: Arrived


@dataclass(frozen=True, slots=True)
class Lost:
    """A file that storage would not take."""

    wanted: Wanted
    tried_at: datetime
    problem: ArchiveError
