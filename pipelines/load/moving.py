"""An account's folder in a bucket gets another name: object by object, its files' rows after it, resumable anywhere.

A bucket has no rename. What is under way stands in an object of its own first; every object is copied before it is
removed, so whatever moment a crash takes, a run that finds the note can carry it to its end.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import orjson

from pipelines.errors import Interrupted
from pipelines.load.legal import legal_name

if TYPE_CHECKING:
    from pipelines.load.lake import Lake
    from pipelines.load.storage import Storage

NOTES = "renaming"
_AT_ONCE = 8


async def move_in_bucket(storage: Storage, lake: Lake, sec_user_id: str, old: str, new: str) -> None:
    """Move an account's files to another folder; their rows follow in one commit."""
    note = f"{NOTES}/{legal_name(sec_user_id)}.json"
    writer = await storage.write(NOTES, sec_user_id, is_new=True)
    await writer.begin(note)
    await writer.write(orjson.dumps({"sec_user_id": sec_user_id, "old": old, "new": new}))
    await writer.commit()
    await _carry_out(storage, lake, note, sec_user_id, old, new)


async def mend_bucket(storage: Storage, lake: Lake) -> int:
    """Carry moves to their end that a crash cut off; how many there were."""
    notes = [path for path, _ in await storage.list(NOTES)]
    for note in notes:
        with await asyncio.to_thread(storage.open_file, note) as file:
            told = orjson.loads(await asyncio.to_thread(file.read))
        await _carry_out(storage, lake, note, told["sec_user_id"], told["old"], told["new"])
    return len(notes)


async def _carry_out(storage: Storage, lake: Lake, note: str, sec_user_id: str, old: str, new: str) -> None:
    there = dict(await storage.list(f"media/{new}"))
    turns = asyncio.Semaphore(_AT_ONCE)

    async def move(path: str, size: int) -> None:
        target = f"media/{new}/" + path.removeprefix(f"media/{old}/")
        async with turns:
            if target not in there:
                await storage.rename(path, target)
            elif there[target] == size and await storage.sha256_of(target) == await storage.sha256_of(path):
                await storage.remove(path)  # copied before the crash, and not yet removed
            else:
                raise Interrupted(
                    f"{target} is there already and differs from {path}: move one of them away, run again."
                )

    await asyncio.gather(*(move(path, size) for path, size in await storage.list(f"media/{old}")))
    await asyncio.to_thread(lake.record_folders, {sec_user_id: new}, moved=True)
    await storage.remove(note)
