"""Finding the stored rows of a batch: the same rows however large the tables are and however few are looked for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import polars as pl
import pytest
from lakes import at, frame, frames_of_posts, local

from pipelines.load import stored
from schemas.catalog import BY_NAME

OLD = [f"7000{number:015}" for number in range(40)]
NEW = [f"7100{number:015}" for number in range(5)]
ODD = [f"7200{number:015}" for number in range(3)]


def batch(page_id: str, hour: float, ids: list[str], **values: Any) -> dict[str, pl.DataFrame]:
    """A page of an account's posts, each liked by two accounts, with two tags, one of which stands twice."""
    made = frames_of_posts(page_id, hour, ids, **values)
    seen = {"page_id": page_id, "observed_at": at(hour), "first_seen_at": at(hour), "last_seen_at": at(hour)}
    likes = [{**seen, "listing": "like", "owner_id": owner, "aweme_id": one} for owner in ("ben", "cat") for one in ids]
    avatar = {**seen, "media_id": "author:avatar:0", "sec_user_id": "author", "kind": "avatar", "position": 0}
    tag = {**seen, "kind": "hashtag", "tag_name": values.get("caption", "hello")}
    tags = [
        {**tag, "aweme_id": one, "tag_id": tag_id, "start": start}
        for one in ids
        for tag_id, start in (("1", 0), ("2", 5), ("1", 9))
    ]
    return {
        **made,
        "listing_entries": pl.concat([made["listing_entries"], frame("listing_entries", *likes)]),
        "media": pl.concat([made["media"], frame("media", avatar)]),
        "post_tags": frame("post_tags", *tags),
        "user_stats": frame("user_stats", {**seen, "sec_user_id": "author", "follower_count": int(hour)}),
    }


def part_of(frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    """The same without some rows, so that what is left out shares each of its values with what is not."""
    odd = pl.col("aweme_id").str.ends_with("1")
    return {
        **frames,
        "listing_entries": frames["listing_entries"].filter((pl.col("owner_id") == "ben") == odd),
        "post_tags": frames["post_tags"].filter((pl.col("tag_id") == "2") == odd),
    }


def without_addresses(frames: dict[str, pl.DataFrame]) -> dict[str, pl.DataFrame]:
    none = pl.lit(None, BY_NAME["media"].schema["urls"]).alias("urls")
    return {**frames, "media": frames["media"].with_columns(none)}


BATCHES = [
    ("p1", batch("p1", 1, OLD)),
    ("p2", batch("p2", 2, OLD[20:] + NEW, caption="edited")),
    ("p3", batch("p3", 3, OLD, is_top=True)),
    ("p0", batch("p0", 0.5, OLD[:3], caption="first")),  # comes late
    ("p4", part_of(batch("p4", 4, OLD[:2] + NEW[:1]))),
    # Posts whose account was not told, or was told otherwise, and files of which no address is told any more.
    ("p5", batch("p5", 5, ODD, sec_user_id=None)),
    ("p6", without_addresses(batch("p6", 6, [*ODD, OLD[0]]))),
    ("p7", batch("p7", 7, [*ODD, *OLD[:2]], sec_user_id="another")),
    ("p8", batch("p8", 8, [*ODD, *OLD[:2]])),
    ("p9", batch("p9", 9, OLD[2:4], sec_user_id=None)),
]


def rows_after_all(root: Path) -> dict[str, list[dict[str, Any]]]:
    root.mkdir()
    with local(root) as lake:
        for page_id, frames in BATCHES:
            lake.apply(frames, [page_id], run_id="run")
        names = [*BATCHES[0][1], "changes"]
        return {
            name: lake.query(f'SELECT * FROM "{name}"').sort(BY_NAME[name].key, nulls_last=True).to_dicts()
            for name in names
        }


@pytest.mark.parametrize("few", [0, 30, 10_000])
@pytest.mark.parametrize("small", [0, 10_000])
def test_rows_are_found_however_the_search_is_narrowed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: int, few: int
) -> None:
    usual = rows_after_all(tmp_path / "usual")
    monkeypatch.setattr(stored, "_SMALL", small)
    monkeypatch.setattr(stored, "_FEW", few)
    found = rows_after_all(tmp_path / "other")
    assert found == usual
    assert {row["sec_user_id"] for row in found["posts"]} == {"author"}
    assert all((row["urls"] is None) == (row["kind"] in ("caption", "avatar")) for row in found["media"])
    assert {name: len(rows) for name, rows in found.items()} == {
        "posts": 48,
        "post_stats": 130,
        "users": 1,
        "listing_entries": 144,
        "media": 145,
        "post_tags": 144,
        "user_stats": 10,
        "changes": len(usual["changes"]),
    }
    assert found["changes"]
