"""Covered stretches of a listing with falling time cursors: join, find, write as JSON. No I/O here.

A page asked for at cursor `high` that leads on to cursor `low` covers what lies between; asking again at `low` goes on
exactly where that page ended. So two stretches that touch are one, and a hole is what lies between two of them.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from pipelines.errors import BadInput
from schemas.pages import Stretch

Stretches = tuple[Stretch, ...]


def add(stretches: Stretches, new: Stretch) -> Stretches:
    """The stretches with one more, joined with all that it touches; newest first."""
    apart = [one for one in stretches if one.low > new.high or one.high < new.low]
    joined = [one for one in stretches if one not in apart]
    whole = Stretch(
        high=max(one.high for one in (new, *joined)),
        low=min(one.low for one in (new, *joined)),
        is_end=any(one.is_end for one in (new, *joined)),
        items=sum(one.items for one in (new, *joined)),
    )
    return tuple(sorted((*apart, whole), key=lambda one: -one.high))


def covering(stretches: Iterable[Stretch], cursor: int) -> Stretch | None:
    """The stretch that a cursor lies in; None where nothing there was read."""
    return next((one for one in stretches if one.low <= cursor <= one.high), None)


def encode(stretches: Stretches) -> str:
    """The stretches as JSON text, as `checkpoints.stretches` keeps them."""
    return msgspec.json.encode(stretches).decode()


def decode(text: str | None) -> Stretches:
    """The stretches that JSON text holds; none for NULL or ''. BadInput where it holds something else."""
    if not text:
        return ()
    try:
        return msgspec.json.decode(text, type=tuple[Stretch, ...])
    except msgspec.DecodeError as error:
        raise BadInput(f"checkpoints.stretches cannot be read ({error}); set it to NULL to walk anew") from error
