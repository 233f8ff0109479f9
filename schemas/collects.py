"""Folders into which the cookie's owner sorts what they collect (收藏夹). No I/O here."""

from __future__ import annotations

from schemas import columns as c
from schemas.table import Kind, Table

COLLECTS = Table(
    "collects",
    "One collect folder (收藏夹) as last seen; listing_entries has its posts.",
    Kind.FACTS,
    (
        c.key(c.text("collects_id", "Douyin's id of the folder")),
        c.text("name", "title of the folder", tracked=True),
        c.UID,
        c.NICKNAME,
        c.number("item_count", "posts in it (total_number)"),
        c.number("play_count", "plays"),
        c.number("followed_count", "accounts that follow it"),
        c.number("status", "Douyin's state of the folder"),
        c.text("cover_url", "signed address of the cover as last seen; expires"),
        c.CREATED_AT,
        c.time("last_collected_at", "when something was last put in, by Douyin's clock"),
        c.FIRST_SEEN_AT,
        c.LAST_SEEN_AT,
        c.OBSERVED_AT,
        c.PAGE_ID,
    ),
)
