"""Files that come at the first try, in threads of their own; test_downloader.py holds what both ways must do."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

import pytest
import pytest_asyncio
from media_hosts import Film, MediaHosts, media_hosts, mp4

from pipelines.extract.media import MediaSource
from pipelines.load.downloader import DouyinDownloader
from pipelines.load.local_writer import LocalWriter
from pipelines.load.round import SETTLING
from pipelines.load.storage import Storage
from schemas.files import Kept, Wanted

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BODY = mp4(2_000_000)
HTML = "<!DOCTYPE html><html></html>"


@pytest.fixture
def hosts() -> Iterator[MediaHosts]:
    with media_hosts() as running:
        yield running


@pytest_asyncio.fixture
async def source(hosts: MediaHosts) -> AsyncIterator[MediaSource]:
    async with MediaSource(upstream=hosts.url, timeout=3, now=lambda: NOW) as opened:
        yield opened


def downloader(source: MediaSource, root: Path, storage: Storage | None = None) -> DouyinDownloader:
    return DouyinDownloader(source=source, storage=storage or Storage.open(str(root)), now=lambda: NOW, pause_s=0)


def wanted(number: int, path: str = "/film", host: str = "v3.douyinvod.com", kind: str = "video") -> Wanted:
    return Wanted(f"{number}:{kind}:0", kind, 0, (f"https://{host}{path}",), aweme_id=str(number), nickname="n")


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(2):
        while not condition():  # noqa: ASYNC110 - no event tells of it
            await asyncio.sleep(0.01)


def sizes(root: Path, pattern: str) -> list[int]:
    return sorted(path.stat().st_size for path in root.rglob(pattern))


def threads() -> list[str]:
    return [one.name for one in threading.enumerate() if one.name.startswith("express")]


@pytest.mark.parametrize(("status", "body"), [("404 Not Found", ""), ("403 No", ""), ("500 Oh", ""), ("200 OK", HTML)])
async def test_an_answer_that_is_no_file_is_asked_for_once(
    hosts: MediaHosts, source: MediaSource, tmp_path: Path, status: str, body: str
) -> None:
    said = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    hosts.films["/film"] = Film(BODY, script=["says:" + said])
    kept: list[Kept] = []
    await downloader(source, tmp_path).download([wanted(1)], on_done=kept.append)
    assert len(kept) == 1
    assert kept[0].state != "stored"
    assert len(hosts.asked("/film")) == 1
    assert sizes(tmp_path, "*.part*") == []


async def test_no_more_files_come_than_may_wait_for_whoever_writes_them_down(
    hosts: MediaHosts, source: MediaSource, tmp_path: Path
) -> None:
    hosts.films["/film"] = Film(mp4(3000))
    may_go_on, kept = asyncio.Event(), list[Kept]()

    async def wait(one: Kept) -> None:
        await may_go_on.wait()
        kept.append(one)

    files = [wanted(number) for number in range(300)]
    task = asyncio.create_task(downloader(source, tmp_path).download(files, on_done=wait))
    count = -1
    while count != len(hosts.log) or count < 8:
        count = len(hosts.log)
        await asyncio.sleep(0.5)
    assert count <= 8 + SETTLING
    may_go_on.set()
    await task
    assert [one.state for one in kept] == ["stored"] * 300
    assert len(hosts.log) == 300


async def test_a_host_with_enough_to_do_holds_up_no_other(
    hosts: MediaHosts, source: MediaSource, tmp_path: Path
) -> None:
    hosts.films["/film"] = Film(mp4(3000))
    hosts.films["/slow"] = Film(BODY, script=["slow:1000"] * 2)
    files = [wanted(number, "/slow", "v26.douyinvod.com") for number in range(6)]
    files += [wanted(number) for number in range(10, 60)]
    kept: list[Kept] = []
    task = asyncio.create_task(downloader(source, tmp_path).download(files, on_done=kept.append, per_host=2))
    await until(lambda: len(kept) == 50)  # the slow ones are given up after three seconds
    assert hosts.busiest["v26.douyinvod.com"] == 2
    await task
    assert {one.state for one in kept} == {"stored"}


async def test_captions_come_with_the_films(hosts: MediaHosts, source: MediaSource, tmp_path: Path) -> None:
    hosts.films["/film"] = Film(BODY)
    files = [wanted(1), Wanted("1:caption:0", "caption", 0, (), aweme_id="1", nickname="n", caption="好汤 \udcff")]
    kept: dict[str, Kept] = {}
    await downloader(source, tmp_path).download(files, on_done=lambda one: kept.update({one.media_id: one}))
    assert (tmp_path / str(kept["1:caption:0"].path)).read_bytes() == "好汤 ?".encode()
    assert kept["1:caption:0"].mime_type == "text/plain"
    assert kept["1:video:0"].source_host == "v3.douyinvod.com"


class OddError(Exception):
    """What nobody expected."""


async def test_an_error_that_nobody_expected_is_raised_and_ends_all_threads(
    hosts: MediaHosts, source: MediaSource, tmp_path: Path
) -> None:
    class Odd(LocalWriter):
        def finish(self) -> None:
            raise OddError

    class OddStorage(Storage):
        def new_local(self, folder: str, key: str) -> LocalWriter:
            known = super().new_local(folder, key)
            return Odd(known.folder, key.replace(":", "_"), self.run, self._mapped, self.full) if "7" in key else known

    hosts.films["/film"] = Film(BODY)
    odd = OddStorage.open(str(tmp_path))
    async with asyncio.timeout(10):
        with pytest.raises(OddError):
            await downloader(source, tmp_path, odd).download([wanted(number) for number in range(60)])
    await until(lambda: not threads())
    assert set(sizes(tmp_path, "*.mp4")) <= {len(BODY)}


async def test_a_cancelled_download_waits_for_its_threads_and_leaves_parts(
    hosts: MediaHosts, source: MediaSource, tmp_path: Path
) -> None:
    hosts.films["/film"] = Film(BODY, script=["slow:1200000"] * 4)
    task = asyncio.create_task(downloader(source, tmp_path).download([wanted(n) for n in range(9)], concurrency=4))
    await until(lambda: len(hosts.log) == 4)
    await asyncio.sleep(0.3)
    began = asyncio.get_running_loop().time()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert asyncio.get_running_loop().time() - began < 2
    await until(lambda: not threads())
    assert sizes(tmp_path, "*.part") == [1_200_000] * 4
    assert len(hosts.log) == 4
    kept: list[Kept] = []
    await downloader(source, tmp_path).download([wanted(n) for n in range(9)], on_done=kept.append)
    assert {one.state for one in kept} == {"stored"}
    assert len([asked for asked in hosts.log if "range" in asked.headers]) == 4


async def test_a_download_of_nothing_ends(source: MediaSource, tmp_path: Path) -> None:
    await downloader(source, tmp_path).download([])
    await until(lambda: not threads())


async def test_bytes_are_told_while_a_long_file_comes(hosts: MediaHosts, source: MediaSource, tmp_path: Path) -> None:
    hosts.films["/film"] = Film(BODY, script=["slow:1500000"])
    told: list[int] = []
    task = asyncio.create_task(downloader(source, tmp_path).download([wanted(1)], on_bytes=told.append))
    await until(lambda: sum(told) == 1_500_000)
    assert not task.done()
    await task  # the host falls silent, and the rest is asked for
    assert sum(told) == len(BODY)


async def test_a_cancellation_waits_for_no_host_that_does_not_answer(tmp_path: Path) -> None:
    with ExitStack() as sockets:
        listener = sockets.enter_context(socket.socket())
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for _ in range(4):  # more than it keeps waiting: nobody else gets through to it
            other = sockets.enter_context(socket.socket())
            other.setblocking(False)
            other.connect_ex(listener.getsockname())
        async with MediaSource(upstream=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=8) as source:
            task = asyncio.create_task(downloader(source, tmp_path).download([wanted(n) for n in range(9)]))
            await asyncio.sleep(0.5)
            assert len(threads()) >= 4
            began = asyncio.get_running_loop().time()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert asyncio.get_running_loop().time() - began < 1
    assert sizes(tmp_path, "*.part") == []


async def test_a_part_is_made_while_its_host_says_nothing_yet_and_not_left_behind(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:  # the system takes connections for it, and nobody answers
        async with MediaSource(upstream=f"http://127.0.0.1:{listener.getsockname()[1]}", timeout=8) as source:
            task = asyncio.create_task(downloader(source, tmp_path).download([wanted(1), wanted(2)]))
            await until(lambda: sizes(tmp_path, "*.part") == [0, 0])
            began = asyncio.get_running_loop().time()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert asyncio.get_running_loop().time() - began < 1
            assert sizes(tmp_path, "*.part*") == []
