"""Columns that several tables share: same name, same type, same meaning. No I/O here."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from schemas.table import TEXTS, TIME, Column, Rule


def text(name: str, comment: str, *, tracked: bool = False, required: bool = False) -> Column:
    """A VARCHAR column."""
    return Column(name, pl.String, comment, tracked=tracked, required=required)


def number(name: str, comment: str, *, tracked: bool = False, required: bool = False) -> Column:
    """A BIGINT column."""
    return Column(name, pl.Int64, comment, tracked=tracked, required=required)


def real(name: str, comment: str) -> Column:
    """A DOUBLE column."""
    return Column(name, pl.Float64, comment)


def flag(name: str, comment: str, *, tracked: bool = False, required: bool = False) -> Column:
    """A BOOLEAN column."""
    return Column(name, pl.Boolean, comment, tracked=tracked, required=required)


def time(name: str, comment: str, *, rule: Rule = Rule.LATEST, required: bool = False) -> Column:
    """A TIMESTAMPTZ column in UTC."""
    return Column(name, TIME, comment, rule=rule, required=required)


def texts(name: str, comment: str) -> Column:
    """A VARCHAR[] column."""
    return Column(name, TEXTS, comment)


def key(column: Column) -> Column:
    """The same column as part of its table's key."""
    return replace(column, rule=Rule.KEY, required=True)


AWEME_ID = text("aweme_id", "Douyin's id of the post (作品); its upper bits are the time of creation")
SEC_USER_ID = text("sec_user_id", "Douyin's lasting id of the account (sec_uid)")
UID = text("uid", "Douyin's numeric id of the account, as text")
NICKNAME = text("nickname", "display name as last seen, never sanitised")
PAGE_ID = text("page_id", "raw page that this row was last read from: raw_pages.page_id", required=True)
RUN_ID = text("run_id", "run that wrote the row: runs.run_id", required=True)
OBSERVED_AT = time("observed_at", "when page_id was read: the newest look at this row", rule=Rule.LAST, required=True)
FIRST_SEEN_AT = time("first_seen_at", "when the archive first saw it", rule=Rule.FIRST)
LAST_SEEN_AT = time("last_seen_at", "when the archive last saw it there", rule=Rule.LAST)
GONE_AT = replace(
    time("gone_at", "when it was found to be gone; NULL while it is there", rule=Rule.SINCE), tracked=True
)
CREATED_AT = time("created_at", "when it was published, by Douyin's clock")
LISTING = text("listing", "post, like, collect, mix, feed, follow_feed, friend_feed, related, ...")
OWNER_ID = text("owner_id", "whose listing: sec_user_id, mix_id, aweme_id, or 'self' for the cookie's owner")
LIKE_COUNT = number("like_count", "likes (digg_count)")
COMMENT_COUNT = number("comment_count", "comments")
WIDTH = number("width", "pixels")
HEIGHT = number("height", "pixels")
DURATION_MS = number("duration_ms", "milliseconds; 0 for galleries")
SIZE_BYTES = number("size_bytes", "bytes")
