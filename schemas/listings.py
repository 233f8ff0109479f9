"""Which listing showed which post, and how far each listing was read. No I/O here."""

from __future__ import annotations

from schemas import columns as c
from schemas.table import Kind, Table

LISTINGS = (
    "post",
    "like",
    "collect",
    "mix",
    "feed",
    "follow_feed",
    "friend_feed",
    "related",
    "collects",
    "search",
)

LISTING_ENTRIES = Table(
    "listing_entries",
    "A listing showed a post.",
    Kind.FACTS,
    (
        c.key(c.LISTING),
        c.key(c.OWNER_ID),
        c.key(c.AWEME_ID),
        c.number("position", "place within the page that last showed it, from 0"),
        c.text("cursor", "cursor of the page that last showed it"),
        c.flag("is_top", "pinned there when last shown"),
        c.FIRST_SEEN_AT,
        c.LAST_SEEN_AT,
        c.GONE_AT,
        c.OBSERVED_AT,
        c.PAGE_ID,
    ),
)

CHECKPOINTS = Table(
    "checkpoints",
    "How far a listing was read: where to go on, what is covered, and how the last walk ended.",
    Kind.STATE,
    (
        c.key(c.LISTING),
        c.key(c.OWNER_ID),
        c.text("cursor", "where a cut walk goes on; NULL when none is under way"),
        c.flag("is_full", "the walk under way, or the last one, was to go to the end"),
        c.text("newest_aweme_id", "newest unpinned post that the listing has shown"),
        c.number("item_count", "items read in the walk under way, or the last one"),
        c.number("page_count", "pages read in the walk under way, or the last one"),
        c.time("started_at", "when that walk began"),
        c.time("finished_at", "when it ended; NULL while under way or cut off"),
        c.time("full_walk_at", "when a full walk last reached the end"),
        c.text("stretches", "JSON: covered stretches of the listing, newest first: [{high, low, is_end, items}]"),
        c.text("verdict", "complete, partial or unknown"),
        c.text("reason", "what is missing and why, where not complete"),
        c.time("updated_at", "when this row was written"),
    ),
)
