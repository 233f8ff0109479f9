"""Counts in sentences for people."""

from __future__ import annotations

_ONE = {"mixes": "mix", "bodies": "body"}


def counted(count: int, things: str) -> str:
    """The count and its things, which are given in the plural: 2 new posts, 1 new post."""
    *before, noun = things.split(" ")
    one = " ".join([*before, _ONE.get(noun, noun.removesuffix("s"))])
    return f"{count} {one if count == 1 else things}"
