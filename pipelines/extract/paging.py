"""The few facts of an answer's body that paging needs, read without building the rest. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import msgspec

from pipelines.extract.endpoints import Cursor, Endpoint, Path
from schemas.bodies import load_json

_TOP: dict[str, Any] = {
    "status_code": int,
    "status_msg": str,
    "error_code": int,
    "description": str,
    "message": str,
    "verify_ticket": str,
    "has_more": bool | int,
    "max_cursor": int | str,
    "cursor": int | str,
    "offset": int | str,
    "min_time": int | str,
    "level": int | str,
    "user_not_see": int | bool | str,
    "search_nil_info": {"search_nil_type": str},
    "not_login_module": {"guide_login_tip_exist": bool | int},
    "log_pb": {"impr_id": str},
    "filter_detail": {"filter_reason": str, "detail_msg": str, "notice": str},
}
_MESSAGES: dict[str, Any] = {"message": str, "prompts": str, "error_code": int, "description": str}
_FLAGS: dict[str, Any] = {"is_top": bool | int}
_OF_NUMBERS = b"0123456789.eE+-"
_TRUTHS = {"true": 1, "false": 0}
_INEXACT = 2**53
_MOST_SHOWN = 200  # some 4 kB of an address: much more is refused on the way
_ENVELOPE = frozenset(("extra", "log_pb", "not_login_module"))


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a list: its id (None where it has none) and whether it is pinned."""

    id: str | None
    is_pinned: bool = False


class Answer:
    """A parsed body; `get` reads one place of it, and answers None where there is nothing."""

    def __init__(self, root: Any) -> None:
        self._root = root

    def get(self, *path: str) -> Any:
        """The value at a path of names, or None."""
        return _dig(self._root, path)

    def text(self, *path: str) -> str:
        """The value at a path as text; '' where there is none."""
        value = _dig(self._root, path)
        return "" if value is None else str(value)

    def number(self, *path: str) -> int | None:
        """The value at a path as a whole number, or None."""
        return _whole(_dig(self._root, path))

    def entries(self, endpoint: Endpoint) -> list[Entry] | None:
        """The entries of the answer's list in order; None where there is no list, TypeError for what is none."""
        found = _dig(self._root, endpoint.items)
        if isinstance(found, list):
            return [_entry(endpoint, one) for one in found]
        if found:
            raise TypeError(f"{'.'.join(endpoint.items)} is a {type(found).__name__}, not a list")
        return None

    def subject(self, endpoint: Endpoint) -> Entry | None:
        """The one thing of an answer without a list; None where it is missing or empty."""
        found = _dig(self._root, endpoint.subject)
        if found is None or found == {} or not isinstance(found, dict | msgspec.Struct):
            return None
        return Entry(_first(found, endpoint.ids))


def parse(endpoint: Endpoint, body: bytes) -> Answer:
    """The facts of a JSON object; ValueError where the body is no JSON, TypeError where it is no object."""
    try:
        return Answer(_decoder(endpoint).decode(body))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        # A field of an unusual type or half an emoji must not cost the page: read all of it, take what can be taken.
        document = load_json(body)
    if not isinstance(document, dict):
        raise TypeError(f"the answer is a JSON {type(document).__name__}, not an object")
    return Answer(document)


def breaks_off(body: bytes) -> bool:
    """Whether a body is JSON as far as it goes, and has no end."""
    if not body.lstrip().startswith((b"{", b"[")):
        return False
    try:
        msgspec.json.decode(body.rstrip(_OF_NUMBERS))  # half a number is called malformed
    except msgspec.DecodeError as error:
        return "truncated" in str(error)
    except RecursionError:
        pass
    return False


def lists_objects(body: bytes) -> bool:
    """Whether an answer lists objects anywhere but in its envelope: a bare one does not."""
    document = load_json(body)
    waiting = [value for name, value in document.items() if name not in _ENVELOPE]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list) and any(isinstance(item, dict) for item in value):
            return True
        waiting += value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return False


def holds_anything(body: bytes, path: Path) -> bool:
    """Whether anything stands at a path of an answer; nothing is null, [], {}, "" or left out."""
    return bool(_dig(load_json(body), path))


def next_cursor(
    endpoint: Endpoint, answer: Answer, entries: list[Entry], target: str, cursor: str | None
) -> str | None:
    """Where the answer leads, in the form that `questions.question` takes back; None where it does not say."""
    kind = endpoint.cursor
    if kind is Cursor.REFRESH:
        return str(int(cursor or 1) + 1)
    if kind is Cursor.SHOWN:
        return _shown_with(entries, cursor or f"{target},")
    if kind is Cursor.OFFSET_TIME:
        return f"{answer.number('offset') or 0},{answer.number('min_time') or 0}"
    first = answer.number("max_cursor" if kind is Cursor.MAX_CURSOR else "cursor")
    if first is None or kind is Cursor.NONE:
        return None
    if kind is Cursor.SEARCH:
        return f"{first},{answer.text('log_pb', 'impr_id')}"
    return f"{first},{answer.number('level') or 0}" if kind in (Cursor.LEVEL, Cursor.FRIENDS) else str(first)


def _shown_with(entries: list[Entry], before: str) -> str:
    """All ids shown so far, each followed by a comma: Douyin remembers none, and would show the first ones again."""
    ids = dict.fromkeys([*filter(None, before.split(",")), *(entry.id for entry in entries if entry.id)])
    return "".join(f"{one}," for one in list(ids)[-_MOST_SHOWN:])


def _entry(endpoint: Endpoint, one: Any) -> Entry:
    thing = _dig(one, endpoint.item)
    if thing is None:
        return Entry(None)
    return Entry(_first(thing, endpoint.ids), bool(_whole(_dig(thing, ("is_top",)))))


def _first(thing: Any, names: Path) -> str | None:
    for name in names:
        value = _dig(thing, (name,))
        if isinstance(value, float) and value.is_integer() and abs(value) < _INEXACT:
            value = int(value)
        if isinstance(value, str) and "\0" in value:  # no catalog can look for it, so transform takes it for none
            continue
        if isinstance(value, str | int) and not isinstance(value, bool) and value not in ("", "0", 0):
            return str(value)
    return None


def _whole(value: Any) -> int | None:
    if isinstance(value, str):
        value = _TRUTHS.get(value.strip().lower(), value)
    try:
        return None if value is None else int(value)
    except (TypeError, ValueError, OverflowError):
        return None


def _dig(node: Any, path: Path) -> Any:
    for name in path:
        if node is None:
            return None
        node = node.get(name) if isinstance(node, dict) else getattr(node, name, None)
    return node


@cache
def _decoder(endpoint: Endpoint) -> msgspec.json.Decoder[Any]:
    shape: dict[str, Any] = {**_TOP, "data": dict(_MESSAGES)} if not _holds_list_at(endpoint, "data") else dict(_TOP)
    ids = dict.fromkeys(endpoint.ids, int | str)
    if endpoint.subject:
        _grow(shape, endpoint.subject, {**ids, "nickname": str, "user_not_see": int | bool | str})
    if endpoint.items:
        entry: dict[str, Any] = {}
        _grow(entry, endpoint.item, {**ids, **_FLAGS})
        _grow(shape, endpoint.items[:-1], {endpoint.items[-1]: [entry]})
    return msgspec.json.Decoder(_struct(endpoint.name, shape))


def _holds_list_at(endpoint: Endpoint, name: str) -> bool:
    return endpoint.items == (name,)


def _grow(shape: dict[str, Any], path: Path, leaves: dict[str, Any]) -> None:
    for name in path:
        shape = shape.setdefault(name, {})
    shape.update(leaves)


def _struct(name: str, shape: dict[str, Any]) -> Any:
    fields = [(key, _type(f"{name}_{key}", kind), None) for key, kind in shape.items()]
    return msgspec.defstruct(name, fields)


def _type(name: str, kind: Any) -> Any:
    if isinstance(kind, dict):
        return _struct(name, kind) | None
    if isinstance(kind, list):
        return list[_type(name, kind[0])] | None  # type: ignore[misc]
    return kind | None
