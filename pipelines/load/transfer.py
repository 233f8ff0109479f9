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
    Unfamiliar,
)
from pipelines.load.extent import Extent
from pipelines.load.hosts import Hosts, Sleep
from pipelines.load.sniff import HEAD_BYTES, FileType, sniff, sniff_as
from pipelines.load.writers import Writer, Written
from schemas.files import Wanted

_WORTH_BYTES = 1 << 14  # what comes at a try makes up for one try in vain for each so many bytes of it
_PATIENCE_S = 60.0  # a host that asks for a longer pause is left to the next run


class Head(Protocol):
    """What a media source says of a file before its bytes."""

    @property
    def total_size(self) -> int | None:
        """Bytes of the whole file, None where unknown."""
        ...

    @property
    def offset(self) -> int:
        """Where the bytes begin."""
        ...

    @property
    def validator(self) -> str | None:
        """Strong ETag or Last-Modified."""
        ...

    @property
    def host(self) -> str:
        """Who sends it."""
        ...


class Source(Protocol):
    """Where files come from; the errors of `fetch` are those of pipelines.errors."""

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


class Refused(Unfamiliar):
    """What came is not what was promised: an error page, another type of file, or nothing at all."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that came whole: where it lies, what it is, and who sent it."""

    written: Written
    type: FileType
    host: str


@dataclass
class Transfer:
    """Gets one wanted file through one writer; its final path is `stem` and the suffix that its bytes ask for."""

    wanted: Wanted
    writer: Writer
    source: Source
    hosts: Hosts
    stem: str
    on_bytes: Callable[[int], None]
    sleep: Sleep = asyncio.sleep
    max_tries: int = 5
    pause_s: float = 0.5
    _type: FileType | None = None
    _extent: Extent = field(default_factory=Extent)
    _ends: set[int] = field(default_factory=set)

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
            self.hosts.hold(_host_of(url), pause)
        elif error.facts.get("http_status") != 416:
            await self.sleep(pause)

    async def _once(self, url: str) -> Arrived:
        writer = self.writer
        async with self.hosts.turn(_host_of(url)):
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
            raise Interrupted(f"{_host_of(url)} sends no end.", host=_host_of(url))
        return reception.arrived

    async def _restart(self) -> None:
        self._type = None
        await self.writer.restart()


class Reception:
    """Takes one answer into the writer, in the threads of the source: `begin`, `take` again and again, `end`.

    What it raises ends the fetch. `type` is known once the first bytes told it, `arrived` after the end. `extent` is
    that of what came before, or of the new beginning. `ends` are where earlier answers stopped without a told length.
    """

    def __init__(
        self, kind: str, stem: str, writer: Writer, known: FileType | None, extent: Extent, ends: set[int]
    ) -> None:
        self.type = known
        self.extent = extent
        self.arrived: Arrived | None = None
        self._kind, self._stem, self._writer, self._ends = kind, stem, writer, ends
        self._head: Head
        self._first = b""
        self._goes_on = False
        self._is_named = False

    def begin(self, head: Head) -> None:
        """The answer begins."""
        self._head = head
        if head.offset == 0:
            self.extent = Extent()
        self._goes_on = head.offset == self._writer.offset and _is_same_version(head, self._writer)
        if head.offset and not self._goes_on:
            self._forget()
            raise Interrupted(f"{head.host} sends another part than was asked for; it begins again.")
        self._is_named = self.type is not None and self._goes_on

    def take(self, piece: memoryview) -> None:
        """Its next bytes."""
        if self._head.total_size is None:  # else its length tells whether it is whole
            self.extent.feed(piece)
        if self._is_named:
            self._writer.take(piece)
            return
        old = self._writer.head if self._goes_on else b""
        if len(old) + len(self._first) + len(piece) < HEAD_BYTES:
            self._first += piece
            return
        self._name(old + self._first + piece[:HEAD_BYTES])
        self._writer.take(piece)

    def end(self) -> None:
        """All of it came."""
        if not self._is_named:
            self._name((self._writer.head if self._goes_on else b"") + self._first)
        size, total, host = self._writer.offset, self._head.total_size, self._head.host
        if total is not None and size < total:
            raise Interrupted(f"{host} stopped after {size} of {total} bytes.", host=host)
        if total is not None and size > total:
            self._forget()
            raise Interrupted(f"{host} sends more bytes than the {total} that it promised.", host=host)
        if self.type is None:
            raise Interrupted(f"{host} sends an empty file.", host=host)
        if total is None:
            self._check_end(size, host)
        self.arrived = Arrived(self._writer.finish(), self.type, host)

    def _check_end(self, size: int, host: str) -> None:
        """Interrupted where the file itself says that it goes on, which nothing else tells."""
        is_known = self.extent.size == size  # not of a part that another process left, or that came with its length
        if is_known and self.extent.lacks_more and size not in self._ends:
            self._ends.add(size)  # what ends there once more is odd, and whole
            raise Interrupted(f"{host} stopped after {size} bytes, before the end of the file.", host=host)

    def _name(self, first: bytes) -> None:
        """Judge the first bytes; only where they are what was promised, they take the place of a part."""
        head = self._head
        if not first:
            raise Interrupted(f"{head.host} sends an empty file.", host=head.host)
        found = sniff_as(self._kind, first)
        if found is None:
            raise _refusal(self._kind, first, head.host)
        if not self._goes_on:
            self._forget()
        self.type, self._is_named = found, True
        self._writer.name(self._stem + found.suffix, head.validator, head.total_size)
        if self._first:
            self._writer.take(memoryview(self._first))

    def _forget(self) -> None:
        self.type = None
        self._writer.forget()


def _is_same_version(head: Head, writer: Writer) -> bool:
    if writer.offset == 0:
        return True
    same_size = writer.total is None or head.total_size is None or writer.total == head.total_size
    return same_size and (head.validator is None or head.validator == writer.validator)


_ARTICLES = dict.fromkeys("aeiou", "an")


def _refusal(kind: str, head: bytes, host: str) -> Refused:
    found = sniff(head)
    if found is None:
        return Refused(f"{host} sends something that is no {kind}: it begins with {head[:8].hex(' ')}.", host=host)
    what = "an error page" if found.family == "page" else "a file"
    return Refused(
        f"{host} sends {what} of type {found.mime} in place of {_ARTICLES.get(kind[0], 'a')} {kind}.", host=host
    )


def _hopelessness(error: ArchiveError) -> int:
    """How little can be done: fresh addresses mend the first, a later run the second, a better program the third."""
    if isinstance(error, Private) and error.facts.get("is_expired"):
        return 0
    for rank, kind in enumerate((Transient, Refused, Absent), 1):
        if isinstance(error, kind):
            return rank * 2
    return 5


def _host_of(url: str) -> str:
    try:
        return urlsplit(url).hostname or ""
    except ValueError:
        return ""
