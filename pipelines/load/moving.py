"""An account's folder in a bucket gets another name: object by object, its files' rows after it, resumable anywhere.

A bucket has no rename. What is under way stands in an object of its own first, then every object is copied, then the
rows follow in one commit, and only then are the old objects removed: whenever a run is killed, each row names an object
that is there, and a run that finds the note can carry it to its end. Two runs may do so at once, and a third may be
getting files of the account meanwhile: it brings along what it put under the old name (`followed`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import orjson

from pipelines.errors import BadInput, NotFound
from pipelines.load.legal import legal_name

if TYPE_CHECKING:
    from pipelines.load.lake import Lake
    from pipelines.load.storage import Files, Storage
    from schemas.files import Kept

NOTES = "renaming"
_AT_ONCE = 8


async def move_in_bucket(storage: Storage, lake: Lake, sec_user_id: str, old: str, new: str) -> None:
    """Move an account's files to another folder; their rows follow in one commit.

    Raises BadInput where another file stands in the way, before anything is written.
    """
    await _lacking(storage, old, new)
    note = f"{NOTES}/{legal_name(sec_user_id)}.json"
    writer = await storage.write(NOTES, sec_user_id, is_new=True)
    await writer.begin(note)
    await writer.write(orjson.dumps({"sec_user_id": sec_user_id, "old": old, "new": new}))
    await writer.commit()
    await _carry_out(storage, lake, note, sec_user_id, old, new)


async def mend_bucket(storage: Storage, lake: Lake) -> int:
    """Carry moves to their end that a crash cut off; how many there were. Costs one look into a folder."""
    notes = [path for path, _ in await storage.list(NOTES)]
    for note in notes:
        try:
            told = orjson.loads(await storage.run(_read, storage, note))
        except NotFound:
            continue  # another run carried it to its end
        await _carry_out(storage, lake, note, told["sec_user_id"], told["old"], told["new"])
    return len(notes)


def _read(storage: Storage, path: str) -> bytes:
    return b"".join(storage.pieces(path))


async def _carry_out(storage: Storage, lake: Lake, note: str, sec_user_id: str, old: str, new: str) -> None:
    moves = await _lacking(storage, old, new)
    await _each(partial(_brought, storage), moves)
    await asyncio.to_thread(lake.record_folders, {sec_user_id: new}, moved=True)
    # What another run put under the old name meanwhile comes along.
    late = await storage.list(f"media/{old}")
    copied = {target for _, target in moves}
    await _each(partial(_brought, storage), await _lacking(storage, old, new, copied=copied, listed=late))
    # Only what was looked at goes: what came since was copied by nobody.
    await _each(storage.remove, [(path,) for path, _ in late])
    await storage.remove(note)


async def followed(storage: Storage, rows: Sequence[Kept], renamed: Mapping[str, str]) -> list[Kept]:
    """The rows of files that were got while their account's folder got another name, each with the path of its file."""
    return [await _followed(storage, row, renamed) for row in rows]


async def _followed(storage: Storage, row: Kept, renamed: Mapping[str, str]) -> Kept:
    top, old, rest = (row.path or "").split("/", 2) if row.path and row.path.count("/") > 1 else ("", "", "")
    if not row.path or old not in renamed:
        return row
    target = f"{top}/{renamed[old]}/{rest}"
    try:
        await _brought(storage, row.path, target)
        await storage.remove(row.path)
    except (BadInput, NotFound):
        return row  # another file has the name: it stays where it is
    return replace(row, path=target)


async def _brought(storage: Storage, old: str, new: str) -> None:
    """Put a file (in a bucket: a copy) under its new name, unless another run did so just now."""
    try:
        # A copy on a disk grows under its final name, where a crash would leave half of it.
        await (storage.rename if storage.is_local else storage.copy)(old, new)
    except (BadInput, NotFound):
        if not await storage.exists(new):
            raise
        if await storage.exists(old) and not await _is_same(storage, old, new):
            raise _in_the_way(old, new) from None


async def _is_same(storage: Storage, old: str, new: str) -> bool:
    try:
        return await storage.is_same(old, new)
    except NotFound:
        return True  # it was brought to its end, and removed, this very moment


async def _lacking(
    storage: Storage, old: str, new: str, *, copied: Collection[str] = (), listed: Files | None = None
) -> list[tuple[str, str]]:
    """What is not there under the new name yet, from where and to where; BadInput where other bytes have the name."""
    there = dict(await storage.list(f"media/{new}"))
    found, doubled = [], []
    for path, size in await storage.list(f"media/{old}") if listed is None else listed:
        target = f"media/{new}/" + path.removeprefix(f"media/{old}/")
        if target not in there:
            found.append((path, target))
        elif there[target] != size:
            raise _in_the_way(path, target)
        elif target not in copied:
            doubled.append((path, target))

    async def check(path: str, target: str) -> None:
        if not await _is_same(storage, path, target):
            raise _in_the_way(path, target)

    await _each(check, doubled)
    return found


def _in_the_way(path: str, target: str) -> BadInput:
    return BadInput(f"{target} is there already and differs from {path}: move one of them away, then run again.")


async def _each(work: Callable[..., Awaitable[None]], lots: Sequence[tuple[str, ...]]) -> None:
    """Do the work for each, a few at once; all of it has ended when the first that failed is raised."""
    turns = asyncio.Semaphore(_AT_ONCE)

    async def one(lot: tuple[str, ...]) -> None:
        async with turns:
            await work(*lot)

    for done in await asyncio.gather(*map(one, lots), return_exceptions=True):
        if isinstance(done, BaseException):
            raise done
