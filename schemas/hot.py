"""Douyin's hot board over time. No I/O here."""

from __future__ import annotations

from schemas import columns as c
from schemas.table import Kind, Table

HOT_WORDS = Table(
    "hot_words",
    "A line of the hot board (热榜) at a moment; a row only where it changed since the row before.",
    Kind.SERIES,
    (
        c.key(c.text("board", "hot, or trending for the rising words below it")),
        c.key(c.text("word_id", "sentence_id, or the word itself where Douyin gives none")),
        c.key(c.OBSERVED_AT),
        c.number("position", "place on the board, as Douyin numbers it"),
        c.text("word", "what people search for"),
        c.number("hot_value", "Douyin's measure of heat"),
        c.number("view_count", "views of the posts under it"),
        c.number("video_count", "posts under it"),
        c.number("label", "Douyin's mark: new, hot, first, ..."),
        c.time("event_time", "when it came up, by Douyin's clock"),
        c.text("cover_url", "signed address of its picture as last seen; expires"),
        c.PAGE_ID,
    ),
)
