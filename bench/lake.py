"""How long the lake takes: batches into an empty and into a large archive, runs that bring nothing, single pages."""

from __future__ import annotations

import json
import random
import resource
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.load.lake import Lake
from schemas.catalog import BY_NAME
from schemas.pages import Checkpoint, Page

DAY = datetime(2026, 1, 1, tzinfo=UTC)
PER_PAGE = 18
PER_OWNER = 10_000
KINDS = ("video", "cover", "dynamic_cover", "music", "caption")


def frames(first: int, count: int, at: datetime, owner: int) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """What pages of `count` posts of one author become, column by column, and the ids of those pages."""
    index = pl.int_range(first, first + count, eager=True)
    aweme_id = (7_000_000_000_000_000_000 + index * 1_000_000_000_003).cast(pl.String)
    page = (index // PER_PAGE).cast(pl.String).str.zfill(9) + f"-{at:%m%d}-{owner}"
    noise = index.hash(7).cast(pl.String)
    owner_id = f"MS4wLjABAAAA{owner:064}"
    seen = {"observed_at": pl.lit(at), "first_seen_at": pl.lit(at), "last_seen_at": pl.lit(at)}
    raw = pl.DataFrame(
        {"aweme_id": aweme_id, "page_id": page, "noise": noise, "number": index % PER_OWNER}
    ).with_columns(**seen, sec_user_id=pl.lit(owner_id))
    posts = raw.with_columns(
        caption=pl.lit("a caption of the usual length, with a #tag ") + pl.col("noise"),
        nickname=pl.lit("somebody"),
        created_at=pl.lit(DAY - timedelta(days=400)) + pl.duration(minutes=50) * pl.col("number"),
        music_id=pl.col("noise"),
        duration_ms=pl.lit(15_000),
        width=pl.lit(1080),
        height=pl.lit(1920),
        share_url=pl.lit("https://www.iesdouyin.com/share/video/") + pl.col("aweme_id"),
    )
    stats = raw.with_columns(like_count=pl.lit(at.day) + pl.int_range(pl.len()), comment_count=pl.lit(at.day))
    entries = raw.with_columns(
        listing=pl.lit("post"), owner_id=pl.lit(owner_id), position=pl.int_range(pl.len()) % PER_PAGE
    )
    media = raw.join(pl.DataFrame({"kind": KINDS}), how="cross").with_columns(
        media_id=pl.col("aweme_id") + ":" + pl.col("kind") + ":0",
        position=pl.lit(0),
        source_uri=pl.lit("tos-cn-v-0015/") + pl.col("noise"),
        urls=pl.concat_list(
            pl.lit(f"https://v3-web.example/{at:%m%d}/") + pl.col("noise") + pl.lit("x" * 250),
            pl.lit(f"https://v26-web.example/{at:%m%d}/") + pl.col("noise") + pl.lit("y" * 250),
        ),
        size_bytes=pl.lit(3_000_000),
    )
    tags = raw.with_columns(
        kind=pl.lit("hashtag"),
        tag_id=pl.lit("42"),
        start=pl.lit(36),
        end=pl.lit(40),
        created_at=pl.lit(DAY - timedelta(days=400)) + pl.duration(minutes=50) * pl.col("number"),
    )
    made = {
        "posts": posts,
        "post_stats": stats,
        "users": raw.with_columns(nickname=pl.lit("somebody")),
        "listing_entries": entries,
        "music": raw.with_columns(music_id=pl.col("noise"), title=pl.lit("a sound")),
        "post_tags": tags,
        "media": media,
    }
    return {name: _fit(name, frame) for name, frame in made.items()}, page.unique(maintain_order=True).to_list()


def _fit(name: str, frame: pl.DataFrame) -> pl.DataFrame:
    schema = BY_NAME[name].schema
    columns = [
        (pl.col(column) if column in frame.columns else pl.lit(None)).cast(dtype).alias(column)
        for column, dtype in schema.items()
    ]
    return frame.select(columns)


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


def keep(lake: Lake, number: int, body: bytes) -> None:
    page = Page(f"{number:09}", "user_post", "author", "0", DAY, 200, body)
    lake.keep_page(page, run_id="bench", checkpoint=Checkpoint("post", "author", cursor=str(number)))


def no_change(root: Path, owner: int) -> None:
    """What an incremental run asks of the lake when nothing is new."""
    with open_lake(root) as lake:
        owner_id = f"MS4wLjABAAAA{owner:064}"
        first = 7_000_000_000_000_000_000 + owner * PER_OWNER * 1_000_000_000_003
        ids = [str(first + n * 1_000_000_000_003) for n in range(PER_PAGE)]
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
            seconds = timed(lambda: [keep(lake, n, body) for n in range(1, pages + 1)])
            note("keep a page of 840 kB and its checkpoint", seconds / pages)
            note("read a kept page", timed(lambda: list(lake.raw_pages())) / pages)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        with open_lake(root) as lake:
            note(f"fill an archive with {posts} posts", timed(lambda: fill(lake, posts)), posts)
        note(f"a run without news on {posts} posts", timed(lambda: no_change(root, posts // PER_OWNER // 2)))
        with open_lake(root) as lake:
            owner = posts // PER_OWNER // 3
            new, ids = frames(posts, batch, DAY + timedelta(days=1), 10**6)
            note(f"apply {batch} new posts to {posts}", timed(lambda: lake.apply(new, ids, run_id="d")), batch)
            again, ids = frames(owner * PER_OWNER, batch, DAY + timedelta(days=2), owner)
            note(f"apply {batch} known posts to {posts}", timed(lambda: lake.apply(again, ids, run_id="e")), batch)
            owner_id = f"MS4wLjABAAAA{owner:064}"
            asked = {"kinds": ["video"], "listing": "post", "owner_id": owner_id}
            note("wanted files of an account, 400 of 10000", timed(lambda: lake.wanted(**asked, limit=400)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.append({"what": "peak memory", "value": peak, "unit": "MB"})
    return rows
