"""JSON with holes: built once from a document, then filled by joining bytes. No I/O here.

A page has 18 posts of some 47 KB; dumping them from dicts would take the time of ten pages. A document marks its holes
with `text` (inside a string), `raw` (in place of a value) and `pair` (in place of a key and its value).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import orjson

_OPEN, _RAW, _PAIR, _CLOSE = "\ue000", "\ue001", "\ue002", "\ue003"
_HOLE = re.compile(
    f'{_OPEN}([a-z_0-9]+){_CLOSE}|"{_RAW}([a-z_0-9]+){_CLOSE}"|"{_PAIR}([a-z_0-9]+){_CLOSE}":0,'.encode()
)


def text(name: str) -> str:
    """A hole inside a string; its value must be escaped for JSON already."""
    return f"{_OPEN}{name}{_CLOSE}"


def raw(name: str) -> str:
    """A hole in place of a whole value; it is filled with JSON."""
    return f"{_RAW}{name}{_CLOSE}"


def pair(name: str) -> dict[str, Any]:
    """A hole in place of `"key":value,`; filled with nothing, the key is absent. Not for the last key of an object."""
    return {f"{_PAIR}{name}{_CLOSE}": 0}


class Template:
    """A document with holes; `names` are those that must be filled."""

    def __init__(self, document: Any) -> None:
        parts = _HOLE.split(orjson.dumps(document))
        # Each hole leaves three groups, two of them None, between the pieces of plain JSON.
        self._pieces: list[bytes] = [parts[0]]
        self._holes: list[tuple[int, str]] = []
        for at in range(1, len(parts), 4):
            name = next(part for part in parts[at : at + 3] if part is not None)
            self._holes.append((len(self._pieces), name.decode()))
            self._pieces += [b"", parts[at + 3]]
        self._at = {name: at for at, name in self._holes}
        self.names = frozenset(self._at)

    def fill(self, values: Mapping[str, bytes]) -> bytes:
        """The document as JSON; KeyError where a hole has no value."""
        return b"".join(self.pieces(values))

    def pieces(self, values: Mapping[str, bytes]) -> list[bytes]:
        """The same, not joined yet: what is part of something larger need not be copied twice."""
        pieces = self._pieces.copy()
        for at, name in self._holes:
            pieces[at] = values[name]
        return pieces

    def around(self, name: str, inner: list[bytes], values: Mapping[str, bytes]) -> list[bytes]:
        """The same with one hole filled by pieces."""
        pieces, at = self.pieces({**values, name: b""}), self._at[name]
        pieces[at : at + 1] = inner
        return pieces


def absent_or(key: str, value: Any) -> bytes:
    """What fills a `pair` hole so that the key is there."""
    return orjson.dumps({key: value})[1:-1] + b","
