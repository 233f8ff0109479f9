"""An archived account's folder follows its present name, where the settings say so."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pipelines.renaming import mend, own_folder

if TYPE_CHECKING:
    from pipelines.run import Run


async def follow_name(run: Run, sec_user_id: str, nickname: str) -> None:
    """Rename the folder of an account whose profile shows another name than its folder, its files' rows with it."""
    settings, storage = run.house.settings, run.house.storage
    if not nickname or not settings.renames_folders:
        return
    from pipelines.load.accounts import own_folder_name
    from pipelines.load.moving import move_in_bucket
    from pipelines.load.naming import folder_name

    lake = await run.house.lake()
    folders = await run.house.on_lake(lake.folders)
    old = folders.pop(sec_user_id, None)
    new = own_folder_name(nickname, sec_user_id, set(folders.values()))
    if old is None or old == new or (not settings.is_s3 and new != folder_name(nickname, sec_user_id)):
        return  # a namesake to the last letter of the id keeps the folder that it has
    await run.apply()
    if settings.is_s3:
        await move_in_bucket(storage, lake, sec_user_id, old, new)
    else:
        await run.house.on_lake(own_folder, settings, lake, sec_user_id, nickname)
    run.house.on_event("notice", text=f"The account is now called {nickname}; its folder is {new}.")


async def mend_renames(run: Run) -> None:
    """Carry to its end what a crash cut off in the middle of a renaming, whatever the settings say by now."""
    settings = run.house.settings
    if settings.is_s3:
        from pipelines.load.moving import mend_bucket

        await mend_bucket(run.house.storage, await run.house.lake())
        return
    lake = await run.house.lake()
    await run.house.on_lake(mend, settings, lake)
