"""Pages to committed tables: from memory, and from raw_pages as after a cut; beside orjson.loads on the same bytes."""

from __future__ import annotations

import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

POSTS = 10_000


def run(posts: int = POSTS) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        size, pages, parse_s = fill(Path(folder), posts)
        # In a process of its own: its peak memory is then its own.
        done = subprocess.run([sys.executable, "-m", "bench.pipeline", folder], capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(done.stderr[-2000:])
        found = json.loads(done.stdout)
    mbs, yard = size / found["seconds"] / 1e6, size / parse_s / 1e6
    rate = posts / found["seconds"]
    return [
        *from_memory(2 * posts),
        {"what": f"{posts} posts, {pages} raw pages read and committed", "value": rate, "unit": "posts/s"},
        {"what": "the same", "value": mbs, "unit": "MB/s", "yardstick": "orjson.loads", "ratio": mbs / yard},
        {"what": "orjson.loads on the same bytes", "value": yard, "unit": "MB/s"},
        {"what": "peak memory, of raw pages", "value": found["peak_mb"], "unit": "MB", "yardstick": "350 MB"},
    ]


def from_memory(posts: int) -> list[dict[str, Any]]:
    """Pages that are at hand into the tables, and how long each half takes on its own."""
    import orjson

    from bench.lake import open_lake
    from bench.transform import NOW, PER_PAGE, bodies_of
    from pipelines.batches import batches_of
    from schemas.pages import Page

    bodies, _ = bodies_of(posts)
    when = datetime.fromtimestamp(NOW, UTC)
    pages = [
        Page(f"p{n:06}", "user_post", "sec", None, when + timedelta(seconds=n), 200, b) for n, b in enumerate(bodies)
    ]
    lots = [pages[at : at + PER_PAGE * 2] for at in range(0, len(pages), PER_PAGE * 2)]

    def parsed() -> float:
        began = time.perf_counter()
        for body in bodies:
            orjson.loads(body)
        return time.perf_counter() - began

    def committed() -> tuple[float, float]:
        """Seconds of the whole, and of the commits."""
        with tempfile.TemporaryDirectory() as folder, open_lake(Path(folder)) as lake:
            began, commits = time.perf_counter(), 0.0
            for batch in batches_of(lots):
                at = time.perf_counter()
                lake.apply(batch.frames(), batch.page_ids, run_id="bench")
                commits += time.perf_counter() - at
            return time.perf_counter() - began, commits

    before = parsed()
    whole, commits = committed()
    yard = (before + parsed()) / 2  # the machine may be quicker at one time than at another
    megabytes = sum(map(len, bodies)) / 1e6
    beside = {"yardstick": "orjson.loads", "ratio": yard / whole}
    return [
        {"what": f"{posts} posts in memory to committed tables", "value": posts / whole, "unit": "posts/s", **beside},
        {"what": "the same", "value": megabytes / whole, "unit": "MB/s", "yardstick": f"{megabytes / yard:.0f} MB/s"},
        {"what": "  of which transform", "value": posts / (whole - commits), "unit": "posts/s"},
        {"what": "  of which merge and commit", "value": posts / commits, "unit": "posts/s"},
    ]


def measure(folder: Path) -> dict[str, float]:
    from deployments.memory import keep_little

    keep_little()  # as every command does
    began = time.perf_counter()
    asyncio.run(finish(folder))
    took = time.perf_counter() - began
    return {"seconds": took, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def settings(folder: Path, upstream: str = "http://127.0.0.1:1") -> Any:
    from pipelines.settings import load_settings

    own = {"root": str(folder), "upstream": upstream, "media": "none", "min_interval": 0.0}
    return load_settings(own, environ={})


def fill(folder: Path, posts: int) -> tuple[int, int, float]:
    """Keep the raw pages of a made-up account; their bytes, their number, and orjson's seconds for them."""
    from deployments.simulator.server import Simulator
    from deployments.simulator.world import World

    with Simulator(World(seed=9, users=1, posts=posts, quirks=False)) as simulator:
        return asyncio.run(read(folder, simulator.url, simulator.world.accounts[0].sec_user_id))


async def read(folder: Path, upstream: str, owner: str) -> tuple[int, int, float]:
    import orjson

    from pipelines.extract.listings import walk
    from pipelines.extract.questions import question
    from pipelines.house import make_crawler, open_lake, utc_now

    size, count, parse_s = 0, 0, 0.0
    chosen = settings(folder, upstream)
    with open_lake(chosen) as lake:
        lake.start_run(run_id="cut-off", started_at=utc_now())
        async with make_crawler(chosen) as crawler:

            async def ask(cursor: str | None, size: int) -> Any:
                asked = question("user_post", owner, cursor=cursor, count=size)
                return await crawler.ask("user_post", asked, target=owner, cursor=cursor)

            async def known(_ids: Any) -> set[str]:
                return set()

            async for page, _ in walk(ask, operation="user_post", owner_id=owner, known=known, now=utc_now):
                lake.keep_page(page, run_id="cut-off")
                size, count = size + len(page.body), count + 1
                began = time.perf_counter()
                orjson.loads(page.body)
                parse_s += time.perf_counter() - began
    return size, count, parse_s


async def finish(folder: Path) -> None:
    from pipelines.house import open_house
    from pipelines.run import Run
    from schemas.jobs import ArchiveJob

    async with open_house(settings(folder)) as house:
        begun = await Run.begin(house, ArchiveJob(), mode="post", target="bench", flow_run_id=None)
        await begun.finish_earlier()


if __name__ == "__main__":
    print(json.dumps(measure(Path(sys.argv[1]))))
