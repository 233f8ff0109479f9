"""How a query is written on the wire. No I/O here.

Douyin signs bytes, not values: whatever rewrites a query after it was signed breaks the signature. So everything but
the unreserved characters is percent-encoded here, once, and HTTP libraries find nothing left to change.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from enum import Enum
from typing import Any
from urllib.parse import quote

from schemas.settings import DEFAULT_USER_AGENT

__all__ = ["DEFAULT_USER_AGENT", "encode_query", "encode_raw", "with_parameter"]

# Everything RFC 3986 lets stand in a query, and % for what is encoded already.
_LEGAL = "-._~!$&'()*+,;=:@/?%"
_STRAY_PERCENT = re.compile(r"%(?![0-9A-Fa-f]{2})")


def encode_query(params: Mapping[str, Any]) -> str:
    """`key=value` pairs joined by `&` in the order given, every reserved character percent-encoded.

    True and False are written as Douyin writes them (true, false), None as nothing, lists and dicts as compact JSON.
    """
    return "&".join(f"{_quoted(str(key))}={_quoted(_text(value))}" for key, value in params.items())


def encode_raw(query: str) -> str:
    """A query written by somebody else, with only what may not stand on the wire percent-encoded; `%XX` stays."""
    return quote(_STRAY_PERCENT.sub("%25", query), safe=_LEGAL, errors="replace")


def with_parameter(query: str, name: str, value: str) -> str:
    """The query with one more parameter at its end; no name, no parameter."""
    if not name:
        return query
    # "/" and "=" may stand in a query, and Douyin's own signatures are sent with them as they are.
    pair = f"{_quoted(name)}={quote(value, safe='/=', errors='replace')}"
    return f"{query}&{pair}" if query else pair


def _quoted(text: str) -> str:
    return quote(text, safe="", errors="replace")


def _text(value: Any) -> str:
    if isinstance(value, Enum):
        value = value.value
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return str(value)
