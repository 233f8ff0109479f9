"""Files from loopback into a folder, hashed and synced; beside `curl --parallel`, which does neither; memory of each.

One server process for both, and as many files at a time. Server and client share the cores: the rates are of both.
A disk may take its time to sync what curl leaves to the system. So curl is timed once more until its files are synced
too, and both clients where syncing costs nothing, in memory, if this machine has a folder there. What the disk can do
at most, for whoever syncs, is told as well.
"""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

AT_ONCE = 8
TIMES = 3
CASES = ((1_000_000, 200), (20_000, 2_000))
IN_MEMORY = Path("/dev/shm")
MP4 = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"


def serve(size: int, port: int) -> None:
    """A server that has one file behind every address."""
    import uvicorn

    body = (MP4 + bytes(range(251)) * (size // 251 + 1))[:size]
    headers = [(b"content-length", b"%d" % size), (b"etag", b'"v1"'), (b"content-type", b"video/mp4")]

    async def app(_scope: Any, _receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})

    uvicorn.run(app, port=port, log_level="critical", lifespan="off", access_log=False, http="h11")


async def get(url: str, size: int, count: int, root: str) -> dict[str, Any]:
    """Our own client: seconds, seconds of CPU, and the peak of its memory."""
    from pipelines.extract.media import MediaSource
    from pipelines.load.downloader import DouyinDownloader
    from pipelines.load.storage import Storage
    from schemas.files import Kept, Wanted

    wanted = (
        Wanted(f"{n}:video:0", "video", 0, (f"https://v3.douyinvod.com/{n}",), aweme_id=str(n), nickname="n")
        for n in range(count)
    )
    kept: list[Kept] = []
    storage = Storage.open(root)
    async with MediaSource(upstream=url) as source:
        began, cpu = time.perf_counter(), time.process_time()
        downloader = DouyinDownloader(source=source, storage=storage, now=lambda: datetime.now(UTC))
        await downloader.download(wanted, on_done=kept.append, concurrency=AT_ONCE, per_host=AT_ONCE)
        seconds, cpu = time.perf_counter() - began, time.process_time() - cpu
    if [one.state for one in kept] != ["stored"] * count or sum(one.size_bytes or 0 for one in kept) != size * count:
        raise AssertionError("not every file came")
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"seconds": seconds, "cpu": cpu, "peak_mb": peak}


def ours(url: str, size: int, count: int, root: Path) -> dict[str, Any]:
    command = [sys.executable, "-m", "bench.download", "get", url, str(size), str(count), str(root)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def curls(url: str, size: int, count: int, root: Path) -> dict[str, Any]:
    """Curl: seconds until it ends, and until the disk has its files too."""
    lines = "".join(f'url = "{url}/{n}"\noutput = "{root}/{n}"\n' for n in range(count))
    config = root / "curl.config"
    config.write_text(lines, "utf-8")
    command = ["curl", "--silent", "--parallel", "--parallel-max", str(AT_ONCE), "--config", str(config)]
    began = time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    seconds = time.perf_counter() - began
    for path in (*(root / str(n) for n in range(count)), root):
        handle = os.open(path, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)
    synced = time.perf_counter() - began
    if sum((root / str(n)).stat().st_size for n in range(count)) != size * count:
        raise AssertionError("curl did not get every file")
    return {"seconds": seconds, "synced": synced}


def synced(size: int, count: int) -> float:
    """Seconds to write and sync the same bytes, as many files at a time, and do nothing else."""
    body = os.urandom(size)

    def keep(path: str) -> None:
        handle = os.open(path, os.O_CREAT | os.O_WRONLY)
        os.write(handle, body)
        os.fsync(handle)
        os.close(handle)

    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(AT_ONCE) as threads:
        began = time.perf_counter()
        list(threads.map(keep, [f"{folder}/{number}" for number in range(count)]))
        return time.perf_counter() - began


@contextmanager
def served(size: int) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "bench.download", "serve", str(size), str(port)])
    try:
        for _ in range(200):
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def run() -> list[dict[str, Any]]:
    has_curl = shutil.which("curl") is not None
    if not has_curl:
        print("curl is not installed: no yardstick", file=sys.stderr)
    rows: list[dict[str, Any]] = []
    for size, count in CASES:
        with served(size) as url:
            for place in (None, IN_MEMORY) if os.access(IN_MEMORY, os.W_OK) else (None,):
                rows += compared(url, size, count, place, has_curl=has_curl)
    return rows


def compared(url: str, size: int, count: int, place: Path | None, *, has_curl: bool) -> list[dict[str, Any]]:
    """The best of a few tries of each, taken in turn."""
    mine, curl = [], []
    with ExitStack() as tries:

        def folder() -> Path:
            # Kept until all have ended: ext4 looks through the files deleted lately for each that is made, which
            # would take a quarter of the time, and nobody who archives has just deleted as many.
            return Path(tries.enter_context(tempfile.TemporaryDirectory(dir=place)))

        for _ in range(TIMES):
            mine.append(ours(url, size, count, folder()))
            if has_curl:
                curl.append(curls(url, size, count, folder()))
    best = min(mine, key=lambda one: one["seconds"])
    what = f"{count:,} files of {size:,} bytes{', in memory' if place else ''}"

    def line(what: str, name: str, key: str) -> dict[str, Any]:
        value = size * count / 1e6 / best["seconds"]
        row: dict[str, Any] = {"what": what, "value": value, "unit": "MB/s"}
        if curl:
            yardstick = size * count / 1e6 / min(one[key] for one in curl)
            row |= {"yardstick": f"{name}: {yardstick:,.0f} MB/s", "ratio": value / yardstick}
        return row

    rows = [line(what, "curl --parallel", "seconds")]
    if place is None:
        disk = size * count / 1e6 / min(synced(size, count) for _ in range(TIMES))
        rows += [
            line("  the same", "curl --parallel, then synced", "synced"),
            {"what": "  the disk: the same bytes written and synced", "value": disk, "unit": "MB/s"},
            {"what": f"{what}: CPU", "value": best["cpu"] / count * 1e3, "unit": "ms a file"},
            {"what": f"{what}: peak memory", "value": best["peak_mb"], "unit": "MB", "yardstick": "350 MB"},
        ]
    return rows


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["serve", size, port]:
            serve(int(size), int(port))
        case ["get", url, size, count, root]:
            print(json.dumps(asyncio.run(get(url, int(size), int(count), root))))
