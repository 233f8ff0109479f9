"""Live broadcasts and their counts over time. No I/O here."""

from __future__ import annotations

from schemas import columns as c
from schemas.table import Kind, Table

LIVES = Table(
    "lives",
    "One broadcast as last seen; each broadcast has a room_id of its own.",
    Kind.FACTS,
    (
        c.key(c.text("room_id", "Douyin's id of this broadcast")),
        c.text("webcast_id", "the anchor's lasting room number (web_rid)"),
        c.SEC_USER_ID,
        c.UID,
        c.NICKNAME,
        c.text("title", "title", tracked=True),
        c.number("status", "2 live, 4 ended", tracked=True),
        c.text("cover_url", "signed address of the cover as last seen"),
        c.text("partition_title", "subject of the room"),
        c.text("sub_partition_title", "narrower subject of the room"),
        c.time("started_at", "when it began, by Douyin's clock"),
        c.time("ended_at", "when it ended, by Douyin's clock"),
        c.text("stream_id", "id of the stream"),
        c.text("flv_urls", "JSON: quality to FLV address, as last seen; expires"),
        c.text("hls_urls", "JSON: quality to HLS address, as last seen; expires"),
        c.FIRST_SEEN_AT,
        c.LAST_SEEN_AT,
        c.OBSERVED_AT,
        c.PAGE_ID,
    ),
)

LIVE_STATS = Table(
    "live_stats",
    "Counts of a broadcast at a moment; a row only where one of them changed since the row before.",
    Kind.SERIES,
    (
        c.key(c.text("room_id", "the broadcast: lives.room_id")),
        c.key(c.OBSERVED_AT),
        c.number("user_count", "viewers now, read from the text beside it"),
        c.text("user_count_text", "as Douyin shows it: 1.2万, 1w+"),
        c.number("total_user_count", "viewers so far, read from the text beside it"),
        c.text("total_user_count_text", "as Douyin shows it"),
        c.LIKE_COUNT,
        c.PAGE_ID,
    ),
)
