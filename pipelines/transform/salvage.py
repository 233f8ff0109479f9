"""Reads what can be read of an object that breaks its pick, field by field. No I/O here.

A field of the wrong type becomes None; numbers, flags and texts that only changed their spelling are put right. An odd
object in a list becomes an empty one, so that the others keep their places.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar

import msgspec
from msgspec import inspect

from pipelines.transform.picks import NOTHING
from schemas.bodies import mended

T = TypeVar("T", bound=msgspec.Struct)
Reader = Callable[[Any], Any]

_DECIMAL = re.compile(r"\s*-?\d{1,20}(\.\d{1,20})?\s*")
_INEXACT = 2**53
_TRUTHS = {"true": True, "1": True, "false": False, "0": False}
UNREADABLE = (msgspec.MsgspecError, RecursionError, ValueError)


def salvaged(pick: type[T], value: Any) -> T | None:
    """What can be read of a decoded JSON value as this pick; None where it is no object."""
    found: T | None = _struct_reader(pick)(value)
    return found


def read_as(pick: type[T], raw: msgspec.Raw | bytes | str) -> T | None:
    """JSON as this pick, strictly if it fits and by salvage otherwise; None where it is no object."""
    try:
        strict: T = decoder(pick).decode(raw)
    except UNREADABLE:
        return salvaged(pick, _decoded(raw))
    return strict


def read_inner(pick: type[T], raw: msgspec.Raw) -> T | None:
    """JSON within JSON as this pick: a text that holds it, or else the object itself."""
    try:
        text = decoder(str).decode(raw)
    except UNREADABLE:
        return read_as(pick, raw)
    return read_as(pick, text)


def _decoded(raw: msgspec.Raw | bytes | str) -> Any:
    try:
        return msgspec.json.decode(raw)
    except UNREADABLE:
        better = mended(raw)
    try:
        return None if better is None else msgspec.json.decode(better)
    except UNREADABLE:
        return None


@cache
def decoder(kind: Any) -> msgspec.json.Decoder[Any]:
    """The one decoder of a type."""
    return msgspec.json.Decoder(kind)


@cache
def _struct_reader(pick: type[msgspec.Struct]) -> Reader:
    info = inspect.type_info(pick)
    assert isinstance(info, inspect.StructType)  # noqa: S101
    fields = [(field.name, field.encode_name, _reader(field.type)) for field in info.fields]

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            return None
        found = {name: reader(value[key]) for name, key, reader in fields if value.get(key) is not None}
        return pick(**found)

    return read


def _reader(info: inspect.Type) -> Reader:
    if isinstance(info, inspect.StructType):
        return _struct_reader(info.cls)
    make = _MADE.get(type(info))
    return make(info) if make else _PLAIN[type(info)]


def _union_reader(info: inspect.UnionType) -> Reader:
    # Numbers before flags: is_h265 is a flag for years, and then it is 2.
    kinds = sorted(info.types, key=lambda kind: isinstance(kind, inspect.BoolType))
    if {inspect.StrType, inspect.IntType} <= {type(kind) for kind in kinds}:
        return _identity
    readers = [_reader(kind) for kind in kinds if not isinstance(kind, inspect.NoneType)]
    if len(readers) == 1:
        return readers[0]

    def read(value: Any) -> Any:
        return next((found for reader in readers if (found := reader(value)) is not None), None)

    return read


def _list_reader(info: inspect.ListType) -> Reader:
    reader = _reader(info.item_type)
    kind = info.item_type
    assert isinstance(kind, inspect.StructType)  # noqa: S101
    empty = kind.cls

    def read(value: Any) -> Any:
        if not isinstance(value, list):
            return None
        return [empty() if (found := reader(item)) is None else found for item in value]

    return read


def _tuple_reader(info: inspect.VarTupleType) -> Reader:
    assert isinstance(info.item_type, inspect.StrType)  # noqa: S101

    def read(value: Any) -> Any:
        if isinstance(value, str) and value:
            value = [value]  # one address in place of a list of them
        if not isinstance(value, list):
            return None
        # A number spelled out is a caption as good as any, but leads nowhere, and would come before what does.
        return tuple(item for item in value if isinstance(item, str))

    return read


def _dict_reader(info: inspect.DictType) -> Reader:
    reader = _reader(info.value_type)

    def read(value: Any) -> Any:
        if not isinstance(value, dict):
            return None
        found = {key: reader(item) for key, item in value.items()}
        return {key: item for key, item in found.items() if item is not None}

    return read


def _int_reader(info: inspect.IntType) -> Reader:
    low = -math.inf if info.ge is None else info.ge
    high = math.inf if info.le is None else info.le

    def read(value: Any) -> int | None:
        if isinstance(value, str):
            value = _number_in(value)
        if isinstance(value, float):
            value = round(value) if math.isfinite(value) else None
        return int(value) if isinstance(value, int) and low <= value <= high else None

    return read


def _number_in(text: str) -> int | float | None:
    if not _DECIMAL.fullmatch(text):
        return None
    return float(text) if "." in text else int(text)


def _text(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def _identity(value: Any) -> str | int | None:
    # true is no id, and a float is one only as long as it is exact: beyond that it would name somebody else.
    if isinstance(value, float) and value.is_integer() and abs(value) < _INEXACT:
        return int(value)
    return value if isinstance(value, str | int) and not isinstance(value, bool) else None


def _flag(value: Any) -> bool | None:
    if isinstance(value, str):
        return _TRUTHS.get(value.strip().lower())
    return bool(value) if isinstance(value, bool | int | float) else None


def _raw(value: Any) -> msgspec.Raw:
    try:
        return msgspec.Raw(msgspec.json.encode(value))
    except UNREADABLE:
        return NOTHING


_PLAIN: dict[type[inspect.Type], Reader] = {
    inspect.StrType: _text,
    inspect.BoolType: _flag,
    inspect.RawType: _raw,
    inspect.AnyType: lambda value: value,
}
_MADE: dict[type[inspect.Type], Callable[[Any], Reader]] = {
    inspect.UnionType: _union_reader,
    inspect.ListType: _list_reader,
    inspect.VarTupleType: _tuple_reader,
    inspect.DictType: _dict_reader,
    inspect.IntType: _int_reader,
}
