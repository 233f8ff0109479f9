"""Answers as they came, and the items that fit no table. No I/O here."""

from __future__ import annotations

from schemas import columns as c
from schemas.table import Kind, Table

RAW_PAGES = Table(
    "raw_pages",
    "One answer of Douyin, verbatim. Failed answers are rows too. Never changed, never dropped.",
    Kind.LOG,
    (
        c.key(c.text("page_id", "the page's own id, which begins with its time; what was read from it names it")),
        c.text("run_id", "run that asked: runs.run_id", required=True),
        c.text("operation", "name in the endpoint table: user_post, post_detail, ...", required=True),
        c.text("target", "what was asked for: an id, or 'self'", required=True),
        c.text("cursor", "cursor that was sent; NULL where the operation has none"),
        c.text("next_cursor", "cursor that the answer leads to"),
        c.flag("has_more", "whether the answer said there is more; NULL where it did not say"),
        c.time("fetched_at", "when the answer was complete", required=True),
        c.number("http_status", "status of the answer"),
        c.number("item_count", "items in the answer"),
        c.text("body", "the answer's body, verbatim"),
        c.text("body_sha256", "hash of the body's UTF-8 bytes, lower-case hex"),
        c.text("outcome", "ok, or the error it was read as", required=True),
    ),
)

APPLIED_PAGES = Table(
    "applied_pages",
    "A raw page whose rows are in the tables; written in the same commit as the rows.",
    Kind.LOG,
    (
        c.key(c.text("page_id", "raw page that was read: raw_pages.page_id")),
        c.RUN_ID,
        c.number("reject_count", "items of the page that fit no table"),
        c.time("applied_at", "when its rows were committed"),
    ),
)

REJECTS = Table(
    "rejects",
    "An item of a page that fits no table, kept with the reason.",
    Kind.LOG,
    (
        c.key(c.text("page_id", "raw page that holds the item: raw_pages.page_id")),
        c.key(c.number("position", "place of the item on its page, from 0")),
        c.key(c.text("table_name", "table that it was meant for")),
        c.text("reason", "why it does not fit", required=True),
        c.text("item", "the item as JSON"),
    ),
)
