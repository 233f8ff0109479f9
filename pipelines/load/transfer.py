"""One file from its addresses into storage: every address is tried, a cut stream goes on, an error page is never kept.

A transfer ends in a `Written` or in the error that tells why not: `Absent` (nowhere to be had), `Refused` (what came is
not what was promised), `Private` with `is_expired` (ask for fresh addresses), or a `Transient` one (worth another run).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol
from urllib.parse import urlsplit

from pipelines.errors import (
    Absent,
    ArchiveError,
    Interrupted,
    NotFound,
    Private,
    RateLimited,
    Transient,
)
from pipelines.load.extent import Extent
from pipelines.load.hosts import Hosts, Sleep
from pipelines.load.reception import Arrived, Reception, Refused
from pipelines.load.sniff import FileType, sniff_as
from pipelines.load.writers import Writer
from schemas.files import Wanted

_WORTH_BYTES = 1 << 14  # what comes at a try makes up for one try in vain for each so many bytes of it
_PATIENCE_S = 60.0  # a host that asks for a longer pause is left to the next run


class Source(Protocol):
    """Where files come from; the errors of `fetch` are those of pipelines.errors."""

    def courier(self) -> Courier | None:
        """Somebody who brings them without an event loop, for one round of downloads, if there is such a way."""
        ...

    async def fetch(
        self,
        url: str,
        receiver: Reception,
        *,
        offset: int = 0,
        validator: str | None = None,
        on_bytes: Callable[[int], None],
    ) -> None:
        """Give a file to `receiver`, from `offset` on where it is still the version of `validator`."""
        ...


class Courier(Protocol):
    """The same in the thread of whoever asks, for whole files."""

    def fetch(
        self, url: str, receiver: Reception, on_bytes: Callable[[int], None], meanwhile: Callable[[], None]
    ) -> None:
        """Give a file to `receiver`; nothing of it where this one has to go by `Source.fetch`.

        `meanwhile` is called while the host finds the file, for each time it is asked.
        """
        ...

    def cut(self) -> None:
        """Break off what is under way, and fetch nothing any more."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """An address that was asked in vain: why, and what is known of the bytes that came; see `Reception`."""

    problem: ArchiveError
    extent: Extent
    ends: set[int]


@dataclass
class Transfer:
    """Gets one wanted file through one writer; its final path is `stem` and the suffix that its bytes ask for.

    `begun` is what came of the first address, where it was asked already.
    """

    wanted: Wanted
    writer: Writer
    source: Source
    hosts: Hosts
    stem: str
    on_bytes: Callable[[int], None]
    sleep: Sleep = asyncio.sleep
    max_tries: int = 5
    pause_s: float = 0.5
    begun: Attempt | None = None
    _type: FileType | None = None
    _extent: Extent = field(default_factory=Extent)
    _ends: set[int] = field(default_factory=set)

    def __post_init__(self) -> None:
        if self.begun is not None:
            self._extent, self._ends = self.begun.extent, self.begun.ends

    async def run(self, urls: tuple[str, ...]) -> Arrived:
        """Try every address in turn; raises the most hopeful of their errors."""
        if arrived := await self._whole_part():
            return arrived
        if not urls:
            raise NotFound("Douyin gives no address for it.")
        errors: list[ArchiveError] = []
        for url in urls:
            try:
                return await self._from(url)
            except ArchiveError as error:
                if self.writer.is_broken:
                    raise  # storage failed, not the address
                errors.append(error)
        raise min(errors, key=_hopelessness)

    async def _from(self, url: str) -> Arrived:
        tries = 0
        while True:
            before = self.writer.offset
            try:
                return await self._once(url)
            except (RateLimited, Interrupted) as error:
                # A stream that goes on well may break off any number of times, one that comes in crumbs may not: a
                # film of them would take weeks, and the next run goes on where this one stops.
                if self.writer.is_broken:
                    raise
                tries = max(tries - max(self.writer.offset - before, 0) // _WORTH_BYTES, 0) + 1
                if tries >= self.max_tries:
                    raise
                await self._pause(url, error, tries)

    async def _whole_part(self) -> Arrived | None:
        """The file, where an earlier process had every byte of it and only the final name was missing."""
        writer = self.writer
        found = sniff_as(self.wanted.kind, writer.head) if writer.head else None
        if found is None or not writer.validator or writer.offset != writer.total:
            return None
        await writer.begin(self.stem + found.suffix, validator=writer.validator, total=writer.total)
        return Arrived(await writer.commit(), found, "")

    async def _pause(self, url: str, error: ArchiveError, tries: int) -> None:
        asked = error.facts.get("retry_after_s")
        if asked is not None and asked > _PATIENCE_S:
            raise error
        pause = self.pause_s * 2 ** (tries - 1) if asked is None else float(asked)
        if isinstance(error, RateLimited):
            self.hosts.hold(host_of(url), pause)
        elif error.facts.get("http_status") != 416:
            await self.sleep(pause)

    async def _once(self, url: str) -> Arrived:
        if self.begun is not None:
            problem, self.begun = self.begun.problem, None
            raise problem
        writer = self.writer
        async with self.hosts.turn(host_of(url)):
            if writer.offset and not writer.validator:
                await self._restart()
            reception = Reception(self.wanted.kind, self.stem, writer, self._type, self._extent, self._ends)
            try:
                await self.source.fetch(
                    url, reception, offset=writer.offset, validator=writer.validator, on_bytes=self.on_bytes
                )
            except Interrupted as error:
                if error.facts.get("http_status") == 416:
                    await self._restart()
                raise
            finally:
                self._type, self._extent = reception.type, reception.extent
        if reception.arrived is None:
            raise Interrupted(f"{host_of(url)} sends no end.", host=host_of(url))
        return reception.arrived

    async def _restart(self) -> None:
        self._type = None
        await self.writer.restart()


def _hopelessness(error: ArchiveError) -> int:
    """How little can be done: fresh addresses mend the first, a later run the second, a better program the third."""
    if isinstance(error, Private) and error.facts.get("is_expired"):
        return 0
    for rank, kind in enumerate((Transient, Refused, Absent), 1):
        if isinstance(error, kind):
            return rank * 2
    return 5


def host_of(url: str) -> str:
    """The host of an address; "" where it cannot be read."""
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
