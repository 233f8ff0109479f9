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

from pipelines.care.maintaining import maintain
from pipelines.house import utc_now
from pipelines.load.lake import Lake
from pipelines.settings import load_settings
from schemas.catalog import BY_NAME
from schemas.pages import Checkpoint, Page
from schemas.table import TIME

DAY = datetime(2026, 1, 1, tzinfo=UTC)
BEGAN = int((DAY - timedelta(days=400)).timestamp())
PER_PAGE = 18
PER_OWNER = 10_000
KINDS = ("video", "cover", "dynamic_cover", "music", "caption")


def frames(first: int, count: int, at: datetime, owner: int) -> tuple[dict[str, pl.DataFrame], list[str]]:
    """What pages of `count` posts of one author become, column by column, and the ids of those pages.

    Posts of an author are 50 minutes apart and all authors post at the same times, as their ids tell, which begin with
    the second: so between two ids of one author lie some of all others. Half the posts have a sound of their own, the
    others one of ten thousand: of 65 captured posts 35 have one of their own.
    """
    index = pl.int_range(first, first + count, eager=True)
    second = BEGAN + index % PER_OWNER * 3000 + index // PER_OWNER * 17 % 3000
    aweme_id = _snowflake(second, index)
    page = (index // PER_PAGE).cast(pl.String).str.zfill(9) + f"-{at:%m%d}-{owner}"
    noise = index.hash(7).cast(pl.String)
    sound = (index.hash(3) % 10_000).cast(pl.Int64)
    music_id = _snowflake(second + 20, index).zip_with(index % 2 == 0, _snowflake(BEGAN - sound * 1000, sound))
    owner_id = f"MS4wLjABAAAA{owner:064}"
    seen = {"observed_at": pl.lit(at), "first_seen_at": pl.lit(at), "last_seen_at": pl.lit(at)}
    raw = pl.DataFrame({"aweme_id": aweme_id, "page_id": page, "noise": noise, "music_id": music_id}).with_columns(
        **seen, created_at=(second * 1_000_000).cast(TIME), sec_user_id=pl.lit(owner_id)
    )
    posts = raw.with_columns(
        caption=pl.lit("a caption of the usual length, with a #tag ") + pl.col("noise"),
        nickname=pl.lit("somebody"),
        last_like_count=pl.lit(at.day) + pl.int_range(pl.len()),
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
    )
    made = {
        "posts": posts,
        "post_stats": stats,
        "users": raw.with_columns(nickname=pl.lit("somebody")),
        "listing_entries": entries,
        "music": raw.with_columns(title=pl.lit("a sound")),
        "post_tags": tags,
        "media": media,
    }
    return {name: _fit(name, frame) for name, frame in made.items()}, page.unique(maintain_order=True).to_list()


def _snowflake(second: pl.Series, seed: pl.Series) -> pl.Series:
    """Ids as Douyin gives them: the second in front, then what tells those of one second apart."""
    return (second.cast(pl.Int64) * 2**32 + (seed.hash(11) % 2**32).cast(pl.Int64)).cast(pl.String)


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
            seconds = timed(lambda: [keep(lake, n, body) for n in range(1, pages + 1)])
            note("keep a page of 840 kB and its checkpoint", seconds / pages)
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
            again, ids = newest(posts, batch, DAY + timedelta(days=3))
            what = f"apply the {batch} newest posts of all accounts again to {posts}"
            note(what, timed(lambda: lake.apply(again, ids, run_id="f")))
            again, ids = frames((owner + 1) * PER_OWNER, batch, DAY + timedelta(days=4), owner + 1)
            what = f"apply all {batch} posts of an account again to {posts}"
            note(what, timed(lambda: lake.apply(again, ids, run_id="g")))
            owner_id = f"MS4wLjABAAAA{owner:064}"
            asked = {"kinds": ["video"], "listing": "post", "owner_id": owner_id}
            note("wanted files of an account, 400 of 10000", timed(lambda: lake.wanted(**asked, limit=400)))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    rows.append({"what": "peak memory", "value": peak, "unit": "MB"})
    return rows
