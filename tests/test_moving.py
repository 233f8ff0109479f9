"""Accounts in a bucket that get another name: their files move with it or stay, and a kill loses nothing."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from archives import archive, ask, one, settings_for
from fsspec.implementations.local import LocalFileSystem

from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.errors import Unreachable
from pipelines.house import open_lake, open_storage
from pipelines.load.moving import mend_bucket, move_in_bucket
from pipelines.load.storage import Storage
from pipelines.renaming import own_folder
from pipelines.settings import Settings

pytestmark = pytest.mark.server
Make = Callable[..., Settings]


@pytest.fixture
def world() -> World:
    return World(seed=4, users=2, posts=8)


@pytest.fixture
def make(tmp_path: Path, simulator: Simulator, s3_server: Any) -> Make:
    """Settings of one archive in a bucket of its own, catalog beside it."""
    keys = {f"s3_{name}": s3_server.options[name] for name in ("endpoint", "key", "secret", "region")}
    place = {"catalog": f"sqlite:{tmp_path}/catalog.sqlite", **keys, "media": "cover,caption"}
    root = f"s3://{s3_server.new_bucket()}/a"
    return lambda **more: settings_for(more.pop("root", root), simulator.url, **(place | more))


def kept(settings: Settings) -> dict[str, str]:
    """Every stored file: media_id to path; each is read under that path and held to its hash."""
    storage = open_storage(settings)
    found = {}
    for media_id, path, sha256 in ask(settings, "SELECT media_id, path, sha256 FROM files WHERE state = 'stored'"):
        body = storage._fs.cat_file(storage.full(path))
        assert hashlib.sha256(body).hexdigest() == sha256, path
        found[media_id] = path
    storage.close()
    return found


def objects(settings: Settings, folder: str = "media") -> set[str]:
    storage = open_storage(settings)
    start, listed = len(storage.full("x")) - 1, storage._fs.find(storage.full(folder), detail=True)
    found = {name[start:] for name, info in listed.items() if info["type"] == "file"}
    storage.close()
    return found


def folders(paths: set[str]) -> set[str]:
    return {path.split("/")[1] for path in paths}


def test_files_move_with_the_name_where_the_setting_says_so(make: Make, world: World) -> None:
    settings, home = make(rename_folders=True), world.accounts[0].home
    archive(settings, home)
    archive(settings, world.accounts[1].home)
    before = kept(settings)
    world.rename(0, "新名字 #1?")
    world.add_posts(0, 2)
    assert archive(settings, home).outcome == "complete"
    after = kept(settings)
    assert set(after) > set(before)
    assert objects(settings) == set(after.values()), "nothing is left under the old name, and nothing is doubled"
    (folder,) = [name for name in folders(objects(settings)) if name.startswith("新名字")]
    assert one(settings, "SELECT folder FROM users WHERE sec_user_id = ?", world.accounts[0].sec_user_id) == folder
    other = one(settings, "SELECT folder FROM users WHERE sec_user_id = ?", world.accounts[1].sec_user_id)
    for media_id, path in before.items():
        assert after[media_id].rpartition("/")[2] == path.rpartition("/")[2]
        assert after[media_id].startswith(f"media/{other if path.startswith(f'media/{other}/') else folder}/")
    assert objects(settings, "renaming") == set(), "no note is left"


def test_files_stay_where_they_are_by_default(make: Make, world: World) -> None:
    settings, home = make(), world.accounts[0].home
    archive(settings, home)
    before = kept(settings)
    world.rename(0, "新名字")
    world.add_posts(0, 2)
    archive(settings, home)
    after = kept(settings)
    assert before.items() < after.items(), "old files stay under their paths"
    assert len(folders(set(after.values()))) == 1, "and new ones come to them"


def test_accounts_that_take_each_others_name_do_not_mix(make: Make, world: World) -> None:
    settings = make(rename_folders=True)
    accounts = world.accounts
    for account in accounts:
        archive(settings, account.home)
    before = kept(settings)
    world.rename(0, accounts[1].nickname)
    world.rename(1, accounts[0].nickname)
    for account in accounts:
        archive(settings, account.home)
    after = kept(settings)
    assert set(after) == set(before)
    assert objects(settings) == set(after.values())
    authors = "SELECT count(DISTINCT folder), count(*) FROM users WHERE folder IS NOT NULL"
    assert ask(settings, authors) == [(2, 2)]


def test_another_file_in_the_way_stops_a_move_before_anything_is_touched(make: Make, world: World) -> None:
    settings, home, sec = make(rename_folders=True), world.accounts[0].home, world.accounts[0].sec_user_id
    archive(settings, home)
    before = kept(settings)
    name = min(before.values()).rpartition("/")[2]
    stray = f"media/新名字_{sec[-8:]}/{name}"
    storage = open_storage(settings)
    storage._fs.pipe_file(storage.full(stray), b"somebody's own")
    world.rename(0, "新名字")
    stopped = archive(settings, home)
    assert stopped.outcome == "failed"
    assert "differs" in stopped.reason
    assert kept(settings) == before
    assert objects(settings) == {*before.values(), stray}
    assert storage._fs.cat_file(storage.full(stray)) == b"somebody's own"
    storage._fs.rm_file(storage.full(stray))
    storage.close()
    assert archive(settings, home).outcome == "complete", "moved away, the next run goes on"
    assert folders(objects(settings)) == {f"新名字_{sec[-8:]}"}


def test_two_runs_may_move_the_same_files_at_once(make: Make, world: World) -> None:
    settings, home, sec = make(rename_folders=True), world.accounts[0].home, world.accounts[0].sec_user_id
    archive(settings, home)
    before = kept(settings)
    (old,) = folders(set(before.values()))
    storage = open_storage(settings)

    async def both() -> None:
        with open_lake(settings) as lake:
            await asyncio.gather(*(move_in_bucket(storage, lake, sec, old, "new") for _ in range(2)))

    asyncio.run(both())
    storage.close()
    after = kept(settings)
    assert set(after) == set(before)
    assert objects(settings) == set(after.values())
    assert folders(objects(settings)) == {"new"}
    assert objects(settings, "renaming") == set()


@pytest.mark.parametrize("place", ["disk", "bucket"])
def test_files_that_come_while_another_run_renames_the_folder_follow(
    make: Make, world: World, tmp_path: Path, place: str
) -> None:
    more = {"root": str(tmp_path / "root"), "catalog": None} if place == "disk" else {}
    settings, sec = make(rename_folders=True, download_concurrency=1, **more), world.accounts[0].sec_user_id
    files: list[str] = []

    async def moved(lake: Any, old: str) -> None:
        storage = open_storage(settings)
        await move_in_bucket(storage, lake, sec, old, "new")
        storage.close()

    def meanwhile(name: str, **_facts: Any) -> None:
        files.extend([name] * (name == "file"))
        if name == "file" and len(files) == 3:
            with open_lake(settings) as lake:
                if settings.is_s3:
                    old = lake.folders()[sec]
                    with ThreadPoolExecutor(1) as thread:
                        thread.submit(lambda: asyncio.run(moved(lake, old))).result()
                else:
                    own_folder(settings, lake, sec, "new")

    assert archive(settings, world.accounts[0].home, on_event=meanwhile).outcome == "complete"
    assert len(files) > 3
    after = kept(settings)
    assert len(after) == len(files)
    assert set(after.values()) == objects(settings)
    assert folders(objects(settings)) == {one(settings, "SELECT folder FROM users WHERE sec_user_id = ?", sec)}


KILLED = """
import json, os, signal, sys
from archives import archive, settings_for
import pipelines.load.lake as lake
import pipelines.load.storage as storage
moment, copy, copied = sys.argv[3], storage.Storage.copy, []
async def deadly(self, old, new):
    await copy(self, old, new)
    copied.append(new)
    if moment == "while copying" and len(copied) == 3:
        os.kill(os.getpid(), signal.SIGKILL)
storage.Storage.copy = deadly
class Deadly(lake.Lake):
    def record_folders(self, folders, *, moved=False):
        if moved and moment == "before the rows":
            os.kill(os.getpid(), signal.SIGKILL)
        super().record_folders(folders, moved=moved)
        if moved and moment == "after the rows":
            os.kill(os.getpid(), signal.SIGKILL)
lake.Lake = Deadly
options = json.loads(sys.argv[1])
archive(settings_for(options.pop("root"), options.pop("upstream"), **options), sys.argv[2])
"""


def start(settings: Settings, home: str, moment: str) -> subprocess.Popen[bytes]:
    names = ("root", "upstream", "catalog", "rename_folders")
    told = {name: getattr(settings, name) for name in names} | {"media": ",".join(settings.media)}
    told |= {f"s3_{name}": value for name, value in settings.s3.items()}
    environ = {**os.environ, "PYTHONPATH": f"{Path(__file__).parent}{os.pathsep}{Path(__file__).parents[1]}"}
    command = [sys.executable, "-c", KILLED, json.dumps(told), home, moment]
    return subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize(
    ("moment", "stays_on"),
    [("while copying", True), ("before the rows", True), ("after the rows", True), ("before the rows", False)],
)
def test_a_move_that_was_killed_is_carried_to_its_end_by_the_next_run(
    make: Make, world: World, moment: str, stays_on: bool
) -> None:
    settings, home, sec = make(rename_folders=True), world.accounts[0].home, world.accounts[0].sec_user_id
    archive(settings, home)
    before = kept(settings)
    world.rename(0, "新名字")
    process = start(settings, home, moment)
    assert process.wait(60) == -signal.SIGKILL
    copied = len(objects(settings, f"media/新名字_{sec[-8:]}"))
    assert 3 <= copied < len(before) if moment == "while copying" else copied == len(before)
    assert objects(settings, "renaming"), "it died in the middle"
    assert set(kept(settings)) == set(before), "whenever it dies, every row names a file that is there"
    if stays_on:
        world.rename(0, "又一个名字")
    # A move that was begun is finished, whatever the setting says meanwhile.
    later = make(rename_folders=stays_on)
    assert archive(later, home).outcome == "complete"
    after = kept(later)
    assert set(after) == set(before)
    assert objects(later) == set(after.values())
    assert folders(objects(later)) == {f"{'又一个名字' if stays_on else '新名字'}_{sec[-8:]}"}
    assert objects(later, "renaming") == set()


async def test_a_bucket_that_goes_away_while_a_move_is_looked_up_is_told_as_such(tmp_path: Path) -> None:
    class Away(LocalFileSystem):  # type: ignore[misc]
        """Tells what is there, and then nothing more."""

        def open(self, *_args: Any, **_more: Any) -> Any:
            raise OSError(104, "Connection reset by peer")

    (tmp_path / "renaming").mkdir()
    (tmp_path / "renaming" / "account.json").write_text("{}")
    storage = Storage("s3://bucket/a", Away, str(tmp_path), is_local=False)
    with pytest.raises(Unreachable, match="Connection reset"), open_lake(settings_for(tmp_path / "root", "")) as lake:
        await mend_bucket(storage, lake)
