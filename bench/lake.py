"""How long the lake takes: batches into an empty and into a large archive, runs that bring nothing, single pages."""

from __future__ import annotations

import json
import random
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from bench.rows import DAY, PER_OWNER, PER_PAGE, frames
from pipelines.care.maintaining import maintain
from pipelines.house import utc_now
from pipelines.load.lake import Lake
from pipelines.settings import load_settings
from schemas.pages import Checkpoint, Page


def timed(work: Callable[[], Any]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def open_lake(root: Path) -> Lake:
    return Lake.open(catalog=f"sqlite:{root}/catalog.sqlite", data_path=f"{root}/tables/", rng=random.Random(1))


def fill(lake: Lake, posts: int) -> None:
    """An archive of so many posts, an account's worth to a commit."""
    for owner in range(posts // PER_OWNER):
        made, pages = frames(owner * PER_OWNER, PER_OWNER, DAY, owner)
        lake.apply(made, pages, run_id="fill")


def newest(posts: int, count: int, at: datetime) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """The same number of newest posts of each author, `count` in all, as one reads them again to see them grow."""
    owners = posts // PER_OWNER
    each = count // owners
    made = [frames((owner + 1) * PER_OWNER - each, each, at, owner) for owner in range(owners)]
    names = made[0][0]
    return {name: pl.concat([one[name] for one, _ in made]) for name in names}, [
        page for _, ids in made for page in ids
    ]


def keep(lake: Lake, number: int, body: bytes) -> None:
    page = Page(f"{number:09}", "user_post", "author", "0", DAY, 200, body)
    lake.keep_page(page, run_id="bench", checkpoint=Checkpoint("post", "author", cursor=str(number)))


def keep_all(lake: Lake, pages: int, body: bytes) -> None:
    for number in range(1, pages + 1):
        keep(lake, number, body)


def ids_of(owner: int, first: int, count: int) -> list[str]:
    """The ids of an author's posts, oldest first."""
    return frames(owner * PER_OWNER + first, count, DAY, owner)[0]["posts"]["aweme_id"].to_list()


def no_change(root: Path, owner: int, ids: list[str]) -> None:
    """What an incremental run asks of the lake when nothing is new."""
    with open_lake(root) as lake:
        owner_id = f"MS4wLjABAAAA{owner:064}"
        lake.checkpoint("post", owner_id)
        assert len(lake.known_ids("post", owner_id, ids, before=DAY + timedelta(days=1))) == PER_PAGE
        lake.pending()


def run(posts: int = 1_000_000, batch: int = 10_000, pages: int = 40) -> list[dict[str, Any]]:
    """`posts` is the size of the large archive."""
    rows: list[dict[str, Any]] = []

    def note(name: str, seconds: float, count: int | None = None) -> None:
        rows.append({"what": name, "value": seconds * 1000, "unit": "ms"})
        if count:
            rows.append({"what": "the same", "value": count / seconds, "unit": "posts/s"})

    body = json.dumps({"made_up": random.Random(1).randbytes(420_000).hex()}).encode()
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        note("make an archive", timed(lambda: open_lake(root).close()))
        with open_lake(root) as lake:
            new, ids = frames(0, batch, DAY, 0)
            note(f"apply {batch} posts to an empty archive", timed(lambda: lake.apply(new, ids, run_id="a")), batch)
            again, ids = frames(0, batch, DAY + timedelta(days=1), 0)
            note(f"apply the same {batch} posts again", timed(lambda: lake.apply(again, ids, run_id="b")), batch)
            few, ids = frames(10**6 + 1, PER_PAGE, DAY + timedelta(days=1), 1)
            note(f"apply one page of {PER_PAGE} new posts", timed(lambda: lake.apply(few, ids, run_id="c")), PER_PAGE)
            keep(lake, 0, body)
            note("keep a page of 840 kB and its checkpoint", timed(lambda: keep_all(lake, pages, body)) / pages)
            note("read a kept page", timed(lambda: list(lake.raw_pages())) / pages)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with open_lake(root) as lake:
            note(f"fill an archive with {posts} posts", timed(lambda: fill(lake, posts)), posts)
        settings = load_settings({"root": folder, "catalog": f"sqlite:{root}/catalog.sqlite"}, environ={})
        note("maintain it", timed(lambda: maintain(settings, now=utc_now)))
        owner = posts // PER_OWNER // 2
        ids = ids_of(owner, PER_OWNER - PER_PAGE, PER_PAGE)
        note(f"a run without news on {posts} posts", timed(lambda: no_change(root, owner, ids)))
        with open_lake(root) as lake:
            new, ids = frames(posts, batch, DAY + timedelta(days=1), 10**6)
            note(f"apply {batch} new posts of an account to {posts}", timed(lambda: lake.apply(new, ids, run_id="d")))
            again, ids = frames(owner * PER_OWNER + 18, PER_PAGE, DAY + timedelta(days=2), owner)
            note(f"apply a page of known posts to {posts}", timed(lambda: lake.apply(again, ids, run_id="e")))
            again, ids = frames((owner + 1) * PER_OWNER, batch, DAY + timedelta(days=3), owner + 1)
            what = f"apply all {batch} posts of an account again to {posts}"
            note(what, timed(lambda: lake.apply(again, ids, run_id="f")))
            owner_id = f"MS4wLjABAAAA{owner:064}"
            asked: dict[str, Any] = {"kinds": ["video"], "listing": "post", "owner_id": owner_id}
            note("wanted files of an account, 400 of 10000", timed(lambda: lake.wanted(**asked, limit=400)))
            # As one reads them again to see them grow; the rows just deleted are still in the files.
            again, ids = newest(posts, batch, DAY + timedelta(days=4))
            what = f"apply the {batch} newest posts of all accounts again to {posts}"
            note(what, timed(lambda: lake.apply(again, ids, run_id="g")))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.append({"what": "peak memory", "value": peak, "unit": "MB"})
    return rows
