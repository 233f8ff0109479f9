"""Rows of a made-up archive, column by column, with values as often as those of captured posts have them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl

from schemas.catalog import BY_NAME
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
    others one of ten thousand: of 65 captured posts 35 have one of their own. Columns have values as often as in those.
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
    chance = index.hash(5) % 10_000 / 10_000
    raw = pl.DataFrame(
        {"aweme_id": aweme_id, "page_id": page, "noise": noise, "music_id": music_id, "chance": chance}
    ).with_columns(**seen, created_at=(second * 1_000_000).cast(TIME), sec_user_id=pl.lit(owner_id))
    few, some, most = (pl.col("chance") < share for share in (0.02, 0.22, 0.75))

    def now_and_then(test: pl.Expr, value: pl.Expr) -> pl.Expr:
        return pl.when(test).then(value)

    posts = raw.with_columns(
        uid=pl.lit(f"{owner + 10**10}"),
        caption=pl.lit("a caption of the usual length, with a #tag ") + pl.col("noise"),
        nickname=pl.lit("somebody"),
        aweme_type=pl.lit(0),
        media_type=now_and_then(most, pl.lit(4)),
        is_top=pl.lit(value=False),
        mix_id=now_and_then(few, pl.col("music_id")),
        mix_episode=now_and_then(few, pl.lit(7)),
        is_prohibited=pl.lit(value=False),
        is_deleted=pl.lit(value=False),
        private_status=pl.lit(0),
        part_see=pl.lit(0),
        region=now_and_then(most, pl.lit("CN")),
        last_like_count=pl.lit(at.day) + pl.int_range(pl.len()),
        last_comment_count=pl.lit(at.day) + pl.int_range(pl.len()) % 99,
        last_share_count=pl.lit(at.day) + pl.int_range(pl.len()) % 77,
        last_collect_count=pl.lit(at.day) + pl.int_range(pl.len()) % 55,
        last_play_count=pl.lit(0),
        last_admire_count=pl.lit(0),
        duration_ms=pl.lit(15_000),
        width=pl.lit(1080),
        height=pl.lit(1920),
        share_url=pl.lit("https://www.iesdouyin.com/share/video/") + pl.col("aweme_id"),
    )
    stats = raw.with_columns(
        like_count=pl.lit(at.day) + pl.int_range(pl.len()),
        comment_count=pl.lit(at.day) + pl.int_range(pl.len()) % 99,
        share_count=pl.lit(at.day) + pl.int_range(pl.len()) % 77,
        collect_count=pl.lit(at.day) + pl.int_range(pl.len()) % 55,
        play_count=pl.lit(0),
        admire_count=pl.lit(0),
    )
    entries = raw.with_columns(
        listing=pl.lit("post"),
        owner_id=pl.lit(owner_id),
        position=pl.int_range(pl.len()) % PER_PAGE,
        cursor=pl.lit("0"),
        is_top=pl.lit(value=False),
    )
    is_film = pl.col("kind") == "video"
    media = raw.join(pl.DataFrame({"kind": KINDS}), how="cross").with_columns(
        media_id=pl.col("aweme_id") + ":" + pl.col("kind") + ":0",
        position=pl.lit(0),
        source_uri=now_and_then(pl.col("kind") != "caption", pl.lit("tos-cn-v-0015/") + pl.col("noise")),
        urls=now_and_then(
            pl.col("kind") != "caption",
            pl.concat_list(
                pl.lit(f"https://v3-web.example/{at:%m%d}/") + pl.col("noise") + pl.lit("x" * 250),
                pl.lit(f"https://v26-web.example/{at:%m%d}/") + pl.col("noise") + pl.lit("y" * 250),
            ),
        ),
        expires_at=now_and_then(pl.col("kind").is_in(KINDS[:3]), pl.lit(at + timedelta(days=14))),
        width=now_and_then(pl.col("kind").is_in(KINDS[:3]), pl.lit(1080)),
        height=now_and_then(pl.col("kind").is_in(KINDS[:3]), pl.lit(1920)),
        duration_ms=now_and_then(pl.col("kind").is_in(("video", "music")), pl.lit(15_000)),
        size_bytes=now_and_then(is_film, pl.lit(3_000_000)),
        bit_rate=now_and_then(is_film, pl.lit(1_200_000)),
        fps=now_and_then(is_film, pl.lit(30)),
        codec=now_and_then(is_film, pl.lit("h265")),
        format=now_and_then(pl.col("kind").is_in(KINDS[:3]), pl.lit("mp4")),
        quality=now_and_then(is_film, pl.lit("normal_1080_0")),
    )
    music = raw.with_columns(
        title=pl.lit("a sound of ") + pl.col("noise"),
        author=pl.lit("somebody"),
        album=now_and_then(few, pl.lit("an album")),
        owner_id=now_and_then(pl.col("chance") < 0.94, pl.lit(f"{owner + 10**10}")),
        owner_nickname=now_and_then(pl.col("chance") < 0.94, pl.lit("somebody")),
        duration_ms=pl.lit(15_000),
        play_url=now_and_then(most, pl.lit("https://sf-cdn.example/obj/") + pl.col("noise") + pl.lit(".mp3")),
        cover_url=pl.lit("https://p3.example/aweme/") + pl.col("noise") + pl.lit(".jpeg"),
        is_original=pl.lit(value=False),
        is_original_sound=pl.lit(value=True),
        is_commerce_music=pl.lit(value=False),
        is_author_deleted=pl.lit(value=False),
        status=pl.lit(1),
        offline_reason=now_and_then(some, pl.lit("")),
    )
    users = raw.with_columns(
        uid=pl.lit(f"{owner + 10**10}"),
        nickname=pl.lit("somebody"),
        bio=now_and_then(some, pl.lit("somebody's words")),
        is_ban=now_and_then(most, pl.lit(value=False)),
        is_canceled=pl.lit(value=False),
    )
    tags = raw.with_columns(
        kind=pl.lit("hashtag"), tag_id=pl.lit("42"), tag_name=pl.lit("tag"), start=pl.lit(36), end=pl.lit(40)
    )
    made = {
        "posts": posts,
        "post_stats": stats,
        "users": users,
        "listing_entries": entries,
        "music": music,
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
