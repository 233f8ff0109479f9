"""One file from its addresses into storage: every address is tried, a cut stream goes on, an error page is never kept.

A transfer ends in a `Written` or in the error that tells why not: `Absent` (nowhere to be had), `Refused` (what came is
not what was promised), `Private` with `is_expired` (ask for fresh addresses), or a `Transient` one (worth another run).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
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
from pipelines.load.hosts import Hosts, Sleep
from pipelines.load.sniff import HEAD_BYTES, FileType, sniff, sniff_as
from pipelines.load.writers import Writer, Written
from schemas.files import Wanted

_PATIENCE_S = 60.0  # a host that asks for a longer pause is left to the next run


class Answer(Protocol):
    """A file that begins to come, as a media source gives it."""

    @property
    def total_size(self) -> int | None:
        """Bytes of the whole file, None where unknown."""
        ...

    @property
    def offset(self) -> int:
        """Where the chunks begin."""
        ...

    @property
    def validator(self) -> str | None:
        """Strong ETag or Last-Modified."""
        ...

    @property
    def host(self) -> str:
        """Who sends it."""
        ...

    @property
    def chunks(self) -> AsyncIterator[bytes]:
        """The bytes."""
        ...


class Source(Protocol):
    """Where files come from; the errors of `open` are those of pipelines.errors."""

    def open(self, url: str, *, offset: int = 0, validator: str | None = None) -> AbstractAsyncContextManager[Answer]:
        """Ask for a file, from `offset` on where it is still the version of `validator`."""
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
                # A stream that made progress may break off any number of times.
                if self.writer.is_broken:
                    raise
                tries = 1 if self.writer.offset > before else tries + 1
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
            try:
                async with self.source.open(url, offset=writer.offset, validator=writer.validator) as answer:
                    await self._take(answer)
                    return await self._complete(answer)
            except Interrupted as error:
                if error.facts.get("http_status") == 416:
                    await self._restart()
                raise

    async def _take(self, answer: Answer) -> None:
        goes_on = answer.offset == self.writer.offset and _is_same_version(answer, self.writer)
        if answer.offset and not goes_on:
            await self._restart()
            raise Interrupted(f"{answer.host} sends another part than was asked for; it begins again.")
        if self._type is None or not goes_on:
            await self._begin(answer, goes_on=goes_on)
        async for chunk in answer.chunks:
            self.on_bytes(len(chunk))
            await self.writer.write(chunk)

    async def _begin(self, answer: Answer, *, goes_on: bool) -> None:
        """Read the first bytes; only where they are what was promised, they take the place of a part."""
        old = self.writer.head if goes_on else b""
        head = b""
        while len(old) + len(head) < HEAD_BYTES and (chunk := await anext(answer.chunks, b"")):
            head += chunk
        self.on_bytes(len(head))
        if not old + head:
            raise Interrupted(f"{answer.host} sends an empty file.", host=answer.host)
        found = sniff_as(self.wanted.kind, old + head)
        if found is None:
            raise _refusal(self.wanted.kind, old + head, answer.host)
        if not goes_on:
            await self._restart()
        self._type = found
        await self.writer.begin(self.stem + found.suffix, validator=answer.validator, total=answer.total_size)
        if head:
            await self.writer.write(head)

    async def _complete(self, answer: Answer) -> Arrived:
        size, total = self.writer.offset, answer.total_size
        if total is not None and size < total:
            raise Interrupted(f"{answer.host} stopped after {size} of {total} bytes.", host=answer.host)
        if total is not None and size > total:
            await self._restart()
            raise Interrupted(f"{answer.host} sends more bytes than the {total} that it promised.", host=answer.host)
        if self._type is None:
            raise Interrupted(f"{answer.host} sends an empty file.", host=answer.host)
        return Arrived(await self.writer.commit(), self._type, answer.host)

    async def _restart(self) -> None:
        self._type = None
        await self.writer.restart()


def _is_same_version(answer: Answer, writer: Writer) -> bool:
    if writer.offset == 0:
        return True
    same_size = writer.total is None or answer.total_size is None or writer.total == answer.total_size
    return same_size and (answer.validator is None or answer.validator == writer.validator)


def _refusal(kind: str, head: bytes, host: str) -> Refused:
    found = sniff(head)
    if found is None:
        return Refused(f"{host} sends something that is no {kind}: it begins with {head[:8].hex(' ')}.", host=host)
    what = "an error page" if found.family == "page" else "a file"
    return Refused(f"{host} sends {what} of type {found.mime} in place of a {kind}.", host=host)


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
