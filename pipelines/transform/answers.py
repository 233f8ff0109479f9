"""An answer of Douyin as its items, each read on its own. No I/O here.

An answer in which everything has its usual type is decoded in one go. Where anything has not, its items are cut apart
first and read one by one, so that an odd item harms none beside it. Both ways give the same picks.
"""

from __future__ import annotations

from typing import Any, Generic, NamedTuple, TypeVar

import msgspec

from pipelines.transform.picks import NOTHING, Subject
from pipelines.transform.salvage import UNREADABLE, decoder, read_as
from schemas.bodies import mended

S = TypeVar("S", bound=Subject)
Raw = msgspec.Raw

_NOTHINGS = (b"null", b"[]", b"{}", b'""')
_NO_JSON = "the answer is no JSON that can be read; look at raw_pages.body"


class Odd(NamedTuple):
    """An item that is none: its place, why, and its JSON (None where the whole answer cannot be read)."""

    position: int
    reason: str
    item: str | None


class Reading(NamedTuple, Generic[S]):
    """The items of an answer with their places, the odd ones, and what stands beside the list."""

    items: list[tuple[int, S]]
    odd: list[Odd]
    beside: dict[str, Raw]


class Shape(Generic[S]):
    """Where the answers of an operation keep their items, and what is picked of each.

    `path` leads to the list, or to the one item where `single`. Items may be wrapped under one of `wrappers`.
    `beside` names what else is wanted of the object that holds the list.
    """

    def __init__(
        self,
        pick: type[S],
        path: tuple[str, ...],
        *,
        wrappers: tuple[str, ...] = (),
        beside: tuple[str, ...] = (),
        single: bool = False,
    ) -> None:
        self.pick = pick
        self.path = path
        self.wrappers = wrappers
        self.beside = beside
        self.single = single
        self._whole = msgspec.json.Decoder(self._type_of_answer())

    def read(self, body: Any) -> Reading[S]:
        """The items of an answer; never raises, whatever the bytes are."""
        try:
            holder = self._whole.decode(body)
        except UNREADABLE:
            return self._one_by_one(body)
        for name in self.path[:-1]:
            holder = getattr(holder, name)
            if holder is None:
                return Reading([], [], {})
        found = getattr(holder, self.path[-1])
        items = self._picked(found)
        if items is None:
            return self._one_by_one(body)
        return Reading(items, [], {name: getattr(holder, name) for name in self.beside})

    def _type_of_answer(self) -> Any:
        item: Any = self.pick
        if self.wrappers:
            fields = [(name, self.pick | None, None) for name in self.wrappers]
            item = msgspec.defstruct("Wrapped", fields, gc=False)
        kind: Any = (item if self.single else list[item]) | None
        beside = [(name, Raw, NOTHING) for name in self.beside]
        for name in reversed(self.path):
            kind = msgspec.defstruct("Answer", [(name, kind, None), *beside], gc=False) | None
            beside = []
        return kind.__args__[0]

    def _picked(self, found: Any) -> list[tuple[int, S]] | None:
        """The items with their places; None where one of them needs a closer look."""
        items = [] if found is None else [found] if self.single else found
        for name in self.wrappers[:1]:
            items = [getattr(item, name) for item in items]
        if any(item is None or item.key() is None for item in items):
            return None
        return list(enumerate(items))

    def _one_by_one(self, body: Any) -> Reading[S]:
        try:
            holder, found = self._dig(body)
        except UNREADABLE:
            better = mended(body)
            if better is None:
                return Reading([], [Odd(0, _NO_JSON, None)], {})
            try:
                holder, found = self._dig(better)
            except UNREADABLE:
                return Reading([], [Odd(0, f"{'.'.join(self.path)} is not where it should be", _shown(better))], {})
        items: list[tuple[int, S]] = []
        odd: list[Odd] = []
        for position, raw in enumerate(found):
            item = self._one(raw)
            if isinstance(item, str):
                odd.append(Odd(position, item, _shown(raw)))
            else:
                items.append((position, item))
        return Reading(items, odd, {name: holder.get(name, NOTHING) for name in self.beside})

    def _dig(self, body: Any) -> tuple[dict[str, Raw], list[Raw]]:
        """The object that holds the list, and the list cut apart."""
        holder: dict[str, Raw] = {}
        found: Any = body
        for name in self.path:
            holder = decoder(dict[str, Raw]).decode(found)
            found = holder.get(name, NOTHING)
            if _compact(found) in _NOTHINGS:
                return holder, []
        return holder, [found] if self.single else decoder(list[Raw]).decode(found)

    def _one(self, raw: Raw) -> S | str:
        item = read_as(self.pick, self._unwrapped(raw))
        if item is None:
            return "no object"
        if item.key() is None:
            return "no usable id"
        return item

    def _unwrapped(self, raw: Raw) -> Raw:
        if not self.wrappers:
            return raw
        try:
            fields = decoder(dict[str, Raw]).decode(raw)
        except UNREADABLE:
            return raw
        return next((fields[name] for name in self.wrappers if _compact(fields.get(name, NOTHING)) != b"null"), raw)


def _compact(raw: Raw | bytes) -> bytes:
    """JSON without white space, if short; what is longer is not nothing."""
    whole = bytes(raw)
    return b"".join(whole.split()) if len(whole) < 64 else whole


def _shown(raw: Raw | bytes) -> str:
    return bytes(raw).decode("utf-8", "replace")


def cut(raw: Raw) -> list[Raw]:
    """The items of a list, unread; none where it is no list."""
    try:
        found: list[Raw] = decoder(list[Raw]).decode(raw)
    except UNREADABLE:
        return []
    return found
