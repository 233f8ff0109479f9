"""Sounds that posts use. No I/O here."""

from __future__ import annotations

from schemas import columns as c
from schemas.table import Kind, Table

MUSIC = Table(
    "music",
    "One sound as last seen.",
    Kind.FACTS,
    (
        c.key(c.text("music_id", "Douyin's id of the sound (mid)")),
        c.text("title", "title", tracked=True),
        c.text("author", "name of the author", tracked=True),
        c.text("album", "album of catalogue songs"),
        c.text("owner_id", "uid of the account that made it; NULL for catalogue songs"),
        c.text("owner_nickname", "name of that account"),
        c.SEC_USER_ID,
        c.number("duration_ms", "milliseconds"),
        c.text("play_url", "address of the sound; NULL where it is not available"),
        c.text("cover_url", "address of its picture"),
        c.flag("is_original", "original, by Douyin's mark"),
        c.flag("is_original_sound", "made with the post"),
        c.flag("is_commerce_music", "from the commercial library"),
        c.flag("is_author_deleted", "its author is gone"),
        c.number("status", "1 usable"),
        c.text("offline_reason", "why it is not available, in Douyin's words (offline_desc)"),
        c.FIRST_SEEN_AT,
        c.LAST_SEEN_AT,
        c.OBSERVED_AT,
        c.PAGE_ID,
    ),
)
