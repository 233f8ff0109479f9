"""Bodies of answers as plain values, also those that strict JSON readers refuse. No I/O here."""

from __future__ import annotations

import json
import math
import re
from typing import Any

import orjson

# How bytes that are no UTF-8 stand in a body that was kept as text. After an even number of backslashes it is one.
_LOST = re.compile(r"(?:\\x[0-9a-f]{2})+|\\.", re.DOTALL)
_MOST_DIGITS = 400  # no number of Douyin's has more than twenty
_MARKS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', re.DOTALL)
_DEEPEST = 100  # Douyin's own answers go down to fifteen


def load_json(body: bytes | bytearray | memoryview | str) -> Any:
    """An answer's body as plain values, 64-bit integers exact; ValueError where it is no JSON."""
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        better = mended(body)
        if better is None:
            raise ValueError(str(error)) from error
        return orjson.loads(better)


def mended(body: Any) -> bytes | None:
    """JSON without what strict readers refuse; None where it is no JSON.

    That is: a byte-order mark, bytes that are no UTF-8, half surrogates, control characters within texts, NaN, numbers
    that are infinite or endless, and what is nested more deeply than any reader goes.
    """
    text = body if isinstance(body, str) else bytes(body).decode("utf-8", "backslashreplace")
    text = _LOST.sub(_as_read, text.removeprefix("\ufeff"))
    try:
        whole = _rewritten(text)
    except ValueError:
        return None
    except RecursionError:
        try:
            whole = _rewritten(_shallow(text))
        except (ValueError, RecursionError):
            return None
    return whole.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").encode()


def _rewritten(text: str) -> str:
    value = json.loads(
        text,
        strict=False,
        parse_constant=lambda _: None,
        parse_float=_finite,
        parse_int=lambda digits: int(digits) if len(digits) < _MOST_DIGITS else None,
    )
    return json.dumps(value, ensure_ascii=False)


def _shallow(text: str) -> str:
    """JSON with null in the place of every list and object below the deepest level that is read."""
    pieces, depth, done = list[str](), 0, 0
    for mark in _MARKS.finditer(text):
        if mark[0] in "[{":
            depth += 1
            if depth == _DEEPEST + 1:
                pieces += text[done : mark.start()], "null"
                done = len(text)
        elif mark[0] in "]}":
            if depth == _DEEPEST + 1:
                done = mark.end()
            depth -= 1
    return "".join((*pieces, text[done:]))


def _as_read(found: re.Match[str]) -> str:
    return "\ufffd" if found[0].startswith("\\x") else found[0]


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None
