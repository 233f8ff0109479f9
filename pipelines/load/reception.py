"""One answer of a host on its way into storage: is it what was asked for, what was promised, and whole?"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from pipelines.errors import Interrupted, Unfamiliar
from pipelines.load.extent import Extent
from pipelines.load.sniff import HEAD_BYTES, FileType, sniff, sniff_as
from pipelines.load.writers import Writer, Written


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


class Refused(Unfamiliar):
    """What came is not what was promised: an error page, another type of file, or nothing at all."""


@dataclass(frozen=True, slots=True)
class Arrived:
    """A file that came whole: where it lies, what it is, and who sent it."""

    written: Written
    type: FileType
    host: str


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
        self.is_begun = False
        self.ends = ends
        self._kind, self._stem, self._writer = kind, stem, writer
        self._head: Head
        self._first = b""
        self._goes_on = False
        self._is_named = False

    def begin(self, head: Head) -> None:
        """The answer begins."""
        self.is_begun = True
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
        if is_known and self.extent.lacks_more and size not in self.ends:
            self.ends.add(size)  # what ends there once more is odd, and whole
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
