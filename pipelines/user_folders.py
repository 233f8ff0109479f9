"""The folder that the developer interface gives an account: the archive's own, or one under a path of the caller's."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import NotFound
from pipelines.renaming import own_folder

if TYPE_CHECKING:
    from pipelines.databases import AsyncUserDB
    from pipelines.settings import Settings


async def user_folder(kwargs: Mapping[str, Any], sec_user_id: str, former: str | None, db: AsyncUserDB) -> Path:
    """The folder of an account whose profile is kept: one of its own under `path`, or the archive's; made or renamed.

    `former` is the nickname that the archive knew before. Raises NotFound where the profile told no such account.
    """
    from pipelines.load.naming import create_or_rename_user_folder

    now = await db.get_user_info(sec_user_id)
    if not now:
        raise NotFound(f"Douyin told nothing of the account {sec_user_id}; check the link in a browser.")
    nickname = now.get("nickname") or sec_user_id
    if is_of_archive(kwargs.get("path"), db.settings):
        return await asyncio.to_thread(own_folder, db.settings, db.lake, sec_user_id, nickname)
    return await asyncio.to_thread(create_or_rename_user_folder, kwargs, {"nickname": former}, nickname)


def is_of_archive(path: Any, settings: Settings) -> bool:
    """Whether a `path` means the archive's own media: none is given, or the archive's root on this machine is."""
    if settings.is_s3:
        return False
    is_path = isinstance(path, str | os.PathLike)
    return not path or (is_path and Path(path).expanduser().resolve() == Path(settings.root).resolve())
