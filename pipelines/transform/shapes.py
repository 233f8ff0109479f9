"""The fields of a raw answer, as paths: aweme_list[].video.play_addr.uri. No I/O here."""

from __future__ import annotations

from typing import Any

from schemas.bodies import load_json

_MOST = 20_000  # paths of one answer; real ones have a few hundred


def paths_of(body: bytes) -> set[str]:
    """Every field of an answer; keys that are ids stand as {id}. Empty where the answer is no JSON."""
    try:
        answer = load_json(body)
    except ValueError:
        return set()
    found: set[str] = set()
    waiting: list[tuple[str, Any]] = [("", answer)]
    while waiting and len(found) < _MOST:
        at, value = waiting.pop()
        if isinstance(value, dict):
            for key, inner in value.items():
                name = "{id}" if key.isdecimal() else key
                path = f"{at}.{name}" if at else name
                found.add(path)
                if isinstance(inner, dict | list):
                    waiting.append((path, inner))
        elif isinstance(value, list):
            waiting += [(f"{at}[]", inner) for inner in value if isinstance(inner, dict | list)]
    return found
