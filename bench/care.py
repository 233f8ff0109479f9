"""Care of an archive: verify beside sha256sum in parallel, rebuild beside the transform and commit of a first run."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from bench.job import aweme
from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.care.rebuilding import rebuild
from pipelines.care.verifying import verify
from pipelines.house import open_lake, utc_now
from pipelines.load.rawpages import READABLE
from pipelines.settings import Settings, load_settings
from pipelines.transform.frames import frames_of
from schemas.files import Kept


def run(posts: int = 4000, files: int = 300, file_bytes: int = 2_000_000) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        settings = load_settings({"root": f"{folder}/a"}, environ={})
        return [*_verify(settings, files, file_bytes), *_rebuild(settings, posts, Path(folder))]


def _verify(settings: Settings, files: int, size: int) -> list[dict[str, Any]]:
    import hashlib

    media = Path(settings.root) / "media" / "x"
    media.mkdir(parents=True)
    rows, now = [], utc_now()
    for number in range(files):
        body = os.urandom(size)
        (media / f"{number}.mp4").write_bytes(body)
        digest = hashlib.sha256(body).hexdigest()
        path = f"media/x/{number}.mp4"
        rows.append(Kept(f"{number}:video:0", "stored", 1, now, path, size, digest, stored_at=now))
    with open_lake(settings) as lake:
        lake.keep_files(rows)
    command = f"find {media} -type f -print0 | xargs -0 -P {os.cpu_count()} -n 16 sha256sum > /dev/null"
    subprocess.run(command, shell=True, check=True)  # both read from memory
    began = time.perf_counter()
    subprocess.run(command, shell=True, check=True)
    beside = files * size / 1e6 / (time.perf_counter() - began)
    found = verify(settings, now=utc_now)
    assert not found.problems
    rate = files * size / 1e6 / found.seconds
    what = f"verify {files} files of {size / 1e6:.0f} MB"
    return [
        {"what": what, "value": rate, "unit": "MB/s", "yardstick": f"sha256sum {beside:,.0f}", "ratio": rate / beside}
    ]


def _rebuild(settings: Settings, posts: int, folder: Path) -> list[dict[str, Any]]:
    with Simulator(World(seed=5, users=1, posts=posts)) as simulator:
        environ = {"AWEME_ROOT": settings.root, "AWEME_UPSTREAM": simulator.url, "AWEME_MIN_INTERVAL": "0"}
        aweme("archive", simulator.world.accounts[0].home, "--media", "none", "--json", environ=environ)
    first = replace(settings, root=f"{folder}/b", catalog=f"sqlite:{folder}/b/catalog.sqlite")
    with open_lake(settings, read_only=True) as lake, open_lake(first) as other:
        pages = [page for batch in lake.raw_pages(where=READABLE) for page in batch]
        began = time.perf_counter()
        for start in range(0, len(pages), 25):
            batch = pages[start : start + 25]
            other.apply(frames_of(batch), [page.page_id for page in batch], run_id="first")
        beside = posts / (time.perf_counter() - began)
    began = time.perf_counter()
    rebuild(settings)
    rate = posts / (time.perf_counter() - began)
    told = f"first run's transform and commit {beside:,.0f}"
    return [
        {"what": f"rebuild {posts} posts", "value": rate, "unit": "posts/s", "yardstick": told, "ratio": rate / beside}
    ]
