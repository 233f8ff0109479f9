"""Made-up pages and rows for the tests of the lake; imported by subprocesses too."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import polars as pl

from pipelines.load.lake import Lake
from schemas.catalog import BY_NAME
from schemas.pages import Page

DAY = datetime(2026, 1, 1, tzinfo=UTC)
EMPTY: Path | None = None
"""Where a session of pytest keeps an archive without a row, made when first needed."""


def at(hour: float) -> datetime:
    return DAY + timedelta(hours=hour)


def begin(root: Path | str) -> None:
    """Put an archive without a row there, for tests that are not about its making, which takes half a second.

    In processes that a test starts nobody says where to keep one: they make their own, as a user's would.
    """
    if EMPTY is not None:
        if not EMPTY.exists():
            EMPTY.mkdir()
            local(EMPTY).close()
        shutil.copytree(EMPTY, root, dirs_exist_ok=True)


def local(root: Path | str, **options: Any) -> Lake:
    return Lake.open(catalog=f"sqlite:{root}/catalog.sqlite", data_path=f"{root}/tables/", **options)


def page(
    page_id: str, hour: float = 0, *, operation: str = "user_post", outcome: str = "ok", body: bytes = b"{}"
) -> Page:
    return Page(page_id, operation, "author", "0", at(hour), 200, body, outcome=outcome, has_more=True, item_count=1)


def frame(table: str, *rows: dict[str, Any]) -> pl.DataFrame:
    declared = BY_NAME[table]
    return pl.DataFrame([{name: row.get(name) for name in declared.names} for row in rows], schema=declared.schema)


def frames_of_posts(page_id: str, hour: float, ids: list[str], **values: Any) -> dict[str, pl.DataFrame]:
    """What a page that showed these posts of one author becomes; `values` are columns of posts."""
    seen = {"page_id": page_id, "observed_at": at(hour), "first_seen_at": at(hour), "last_seen_at": at(hour)}
    post = {**seen, "sec_user_id": "author", "caption": "hello", "created_at": at(-100), **values}
    post.setdefault("last_like_count", int(hour))
    entry = {**seen, "listing": "post", "owner_id": "author"}
    media = {**seen, "sec_user_id": "author", "size_bytes": 10}
    urls = {"video": ["https://a/1", "https://b/2"], "cover": ["https://a/1", "https://b/2"]}
    kinds = [("video", 0), ("cover", 0), ("caption", 0)]
    return {
        "posts": frame("posts", *({**post, "aweme_id": i} for i in ids)),
        "post_stats": frame("post_stats", *({**seen, "aweme_id": i, "like_count": int(hour)} for i in ids)),
        "users": frame("users", *({**seen, "sec_user_id": "author", "nickname": "Ann"} for _ in ids)),
        "listing_entries": frame("listing_entries", *({**entry, "aweme_id": i} for i in ids)),
        "media": frame(
            "media",
            *(
                {
                    **media,
                    "aweme_id": i,
                    "media_id": f"{i}:{kind}:{n}",
                    "kind": kind,
                    "position": n,
                    "urls": urls.get(kind),
                }
                for i in ids
                for kind, n in kinds
            ),
        ),
    }
