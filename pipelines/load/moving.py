"""An account's folder in a bucket gets another name: object by object, its files' rows after it, resumable anywhere.

A bucket has no rename. What is under way stands in an object of its own first, then every object is copied, then the
rows follow in one commit, and only then are the old objects removed: whenever a run is killed, each row names an object
that is there, and a run that finds the note can carry it to its end.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from typing import TYPE_CHECKING

import orjson

from pipelines.errors import BadInput
from pipelines.load.legal import legal_name

if TYPE_CHECKING:
    from pipelines.load.lake import Lake
    from pipelines.load.storage import Storage

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
        with await asyncio.to_thread(storage.open_file, note) as file:
            told = orjson.loads(await asyncio.to_thread(file.read))
        await _carry_out(storage, lake, note, told["sec_user_id"], told["old"], told["new"])
    return len(notes)


async def _carry_out(storage: Storage, lake: Lake, note: str, sec_user_id: str, old: str, new: str) -> None:
    moves = await _lacking(storage, old, new)
    await _each(storage.copy, moves)
    await asyncio.to_thread(lake.record_folders, {sec_user_id: new}, moved=True)
    # What another run put under the old name meanwhile comes along.
    await _each(storage.copy, await _lacking(storage, old, new, copied={target for _, target in moves}))
    await _each(storage.remove, [(path,) for path, _ in await storage.list(f"media/{old}")])
    await storage.remove(note)


async def _lacking(storage: Storage, old: str, new: str, *, copied: Collection[str] = ()) -> list[tuple[str, str]]:
    """What is not there under the new name yet, from where and to where; BadInput where other bytes have the name."""
    there = dict(await storage.list(f"media/{new}"))
    found, doubled = [], []
    for path, size in await storage.list(f"media/{old}"):
        target = f"media/{new}/" + path.removeprefix(f"media/{old}/")
        if target not in there:
            found.append((path, target))
        elif there[target] != size:
            raise _in_the_way(path, target)
        elif target not in copied:
            doubled.append((path, target))

    async def check(path: str, target: str) -> None:
        if not await storage.is_same(path, target):
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
