"""How finished files get their final names: many in a round, each with its own luck."""

from __future__ import annotations

import asyncio
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from media_hosts import Film, MediaHosts, media_hosts, mp4

from pipelines.errors import Transient
from pipelines.extract.media import MediaSource
from pipelines.load.downloader import DouyinDownloader
from pipelines.load.settling import Settling
from pipelines.load.storage import Storage
from pipelines.load.writers import Writer
from schemas.files import Kept, Wanted

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.fixture
def hosts() -> Iterator[MediaHosts]:
    with media_hosts() as running:
        yield running


async def begun(storage: Storage, name: str) -> Writer:
    writer = await storage.write("a", name)
    await writer.begin(f"a/{name}.mp4", validator='"v1"', total=6)
    await writer.write(b"abcdef")
    return writer


class Disk:
    """Syncs files as the tests want it, by name; syncs of folders are noted by name, too."""

    def __init__(self, sync: Callable[[str], object]) -> None:
        self._sync = sync
        self.files: list[str] = []
        self.folders: list[str] = []

    def __call__(self, handle: int) -> None:
        path = Path(f"/proc/self/fd/{handle}").readlink()
        if path.is_dir():
            self.folders.append(path.name)
            return
        self.files.append(path.name)
        self._sync(path.name)


needs_proc = pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="names of open files are read from /proc")


@needs_proc
async def test_files_that_wait_for_the_disk_are_settled_together(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = threading.Event()
    disk = Disk(lambda _: may_end.wait(10))
    monkeypatch.setattr(os, "fsync", disk)
    storage = Storage.open(str(tmp_path))
    writers = [await begun(storage, f"f{number}") for number in range(9)]
    commits = [asyncio.create_task(writer.commit()) for writer in writers]
    while not disk.files:  # noqa: ASYNC110 - the other side is a thread
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.2)
    assert not any(name.endswith(".mp4") for name in await storage.names("a")), "no name before the bytes are safe"
    may_end.set()
    assert {written.size_bytes for written in await asyncio.gather(*commits)} == {6}
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == [f"f{number}.mp4" for number in range(9)]
    assert sorted(disk.files) == [f".f{number}.part" for number in range(9)]
    assert disk.folders.count("a") <= 3, "nine files in a few rounds"


@needs_proc
async def test_the_disk_has_the_names_of_new_folders_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced = list[Path]()
    monkeypatch.setattr(os, "fsync", lambda handle: synced.append(Path(f"/proc/self/fd/{handle}").readlink()))
    storage = Storage.open(str(tmp_path))
    writer = await storage.write("media/account/post", "film")
    await writer.begin("media/account/post/film.mp4")
    await writer.write(b"abcdef")
    await writer.commit()
    folders = ["media/account/post", "media/account", "media", ""]
    assert {tmp_path / folder for folder in folders} <= set(synced)


@needs_proc
async def test_a_file_that_cannot_be_synced_does_not_cost_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def sync(name: str) -> None:
        if name == ".f1.part":
            raise OSError(5, "Input/output error")

    monkeypatch.setattr(os, "fsync", Disk(sync))
    storage = Storage.open(str(tmp_path))
    writers = [await begun(storage, f"f{number}") for number in range(3)]
    done = await asyncio.gather(*(writer.commit() for writer in writers), return_exceptions=True)
    assert [type(one).__name__ for one in done] == ["Written", "Transient", "Written"]
    assert "Input/output error" in str(done[1])
    assert writers[1].is_broken
    await writers[1].abort()
    assert sorted(path.name for path in (tmp_path / "a").glob("*.mp4")) == ["f0.mp4", "f2.mp4"]


@needs_proc
async def test_more_is_downloaded_while_files_wait_for_the_disk(
    tmp_path: Path, hosts: MediaHosts, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = threading.Event()
    monkeypatch.setattr(os, "fsync", Disk(lambda _: may_end.wait(20)))
    kept: list[Kept] = []
    posts = []
    for number in range(80):
        hosts.films[f"/{number}"] = Film(mp4(20_000, seed=number))
        address = (f"https://v3.douyinvod.com/{number}",)
        posts.append(Wanted(f"{number}:video:0", "video", 0, address, aweme_id=str(number), nickname="n"))
    async with MediaSource(upstream=hosts.url) as source:
        downloader = DouyinDownloader(source=source, storage=Storage.open(str(tmp_path)), now=lambda: NOW)
        work = asyncio.create_task(downloader.download(posts, on_done=kept.append, concurrency=2))
        while len(hosts.log) < 50:  # noqa: ASYNC110 - the other side is a thread
            await asyncio.sleep(0.01)
        await asyncio.sleep(0.2)
        assert len(hosts.log) == 50, "two at a time, and 48 wait for the disk"
        assert max(hosts.busiest.values()) <= 2
        assert not kept
        may_end.set()
        await work
    assert {one.state for one in kept} == {"stored"}
    assert len(kept) == 80


@needs_proc
async def test_who_is_cancelled_while_the_disk_writes_waits_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    may_end = threading.Event()
    disk = Disk(lambda _: may_end.wait(10))
    monkeypatch.setattr(os, "fsync", disk)
    writer = await begun(Storage.open(str(tmp_path)), "film")
    task = asyncio.create_task(writer.commit())
    while not disk.files:  # noqa: ASYNC110 - the other side is a thread
        await asyncio.sleep(0.01)
    task.cancel()
    await asyncio.sleep(0.1)
    assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    await writer.pause()
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["film.mp4"]


async def test_nobody_waits_for_ever_for_rounds_that_are_over() -> None:
    async def fail(*_: Any) -> Any:
        raise Transient("the threads are gone")

    settling = Settling(fail)
    with pytest.raises(Transient, match="the threads are gone"):
        await settling.settle(None)  # type: ignore[arg-type]

    async def hang(*_: Any) -> Any:
        await asyncio.sleep(60)

    settling = Settling(hang)
    waiting = [asyncio.create_task(settling.settle(None)) for _ in range(3)]  # type: ignore[arg-type]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    for task in asyncio.all_tasks() - {asyncio.current_task()}:
        task.cancel()
    done = await asyncio.wait_for(asyncio.gather(*waiting, return_exceptions=True), 5)
    assert {type(one) for one in done} == {asyncio.CancelledError}


@pytest.mark.skipif(os.name == "nt", reason="folders with open files are not renamed there")
async def test_a_folder_that_gets_another_name_meanwhile_keeps_its_files_together(tmp_path: Path) -> None:
    storage = Storage.open(str(tmp_path))
    writers = [await begun(storage, f"f{number}") for number in range(3)]
    for writer in writers:
        await writer.write(bytes(2 << 20))
    (tmp_path / "a").rename(tmp_path / "b")
    await writers[0].commit()
    await writers[1].pause()
    await writers[2].abort()
    assert sorted(path.name for path in (tmp_path / "b").iterdir()) == [".f1.part", ".f1.part.json", "f0.mp4"]
    assert not (tmp_path / "a").exists()
