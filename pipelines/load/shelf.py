"""What lies in storage already, remembered for one round of downloads: finished files, and parts of dead processes."""

from __future__ import annotations

import asyncio

from pipelines.load.local_writer import part_name
from pipelines.load.storage import Storage, part_key


class Shelf:
    """Looks each local folder through once; a bucket is asked for one file at a time, since its lists are slow."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._folders: dict[str, asyncio.Task[frozenset[str]]] = {}

    async def find(self, stem: str, suffixes: tuple[str, ...]) -> str | None:
        """The first of the paths `stem + suffix` that is there; None where there is none."""
        if not self._storage.is_local:
            return await self._storage.find(stem, suffixes)
        folder, _, name = stem.rpartition("/")
        names = await self._names(folder)
        return next((stem + suffix for suffix in suffixes if name + suffix in names), None)

    async def has_part(self, folder: str, key: str) -> bool:
        """Whether a dead process left a part of this file."""
        return self._storage.is_local and part_name(part_key(key)) in await self._names(folder)

    async def _names(self, folder: str) -> frozenset[str]:
        if folder not in self._folders:
            self._folders[folder] = asyncio.create_task(self._storage.names(folder))
        return await asyncio.shield(self._folders[folder])
