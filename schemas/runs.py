"""Runs and the lasting facts that changed. No I/O here."""

from __future__ import annotations

from schemas import columns as c
from schemas.table import Kind, Table

RUNS = Table(
    "runs",
    "One run of a job: when, what it was asked, what came of it.",
    Kind.STATE,
    (
        c.key(c.text("run_id", "the run's own id, which begins with its time; the pages that it asked for name it")),
        c.text("flow_run_id", "Prefect's id of the run; NULL when run straight away"),
        c.text("job", "JSON: what was asked, without secrets"),
        c.text("mode", "post, like, one, ..."),
        c.text("target", "the account, post, mix or room"),
        c.time("started_at", "when it began"),
        c.time("ended_at", "when it ended; NULL while under way or cut off"),
        c.text("outcome", "complete, partial, blocked, failed; NULL while under way or cut off"),
        c.text("reason", "what is missing and why, or what to do"),
        c.number("request_count", "requests sent to the web service"),
        c.number("page_count", "pages kept"),
        c.number("new_post_count", "posts that the archive did not know"),
        c.number("changed_post_count", "posts of which a lasting fact changed"),
        c.number("file_count", "files stored"),
        c.number("byte_count", "bytes stored"),
        c.number("missing_count", "wanted files that could not be had"),
        c.number("reject_count", "items that fit no table"),
        c.text("error", "the error that ended it"),
        c.text("settled", "JSON: list of searches for files that it carried to their end; NULL for none"),
        c.time("settled_at", "what pages that were applied from then on promise, the next run has to look for"),
    ),
)

CHANGES = Table(
    "changes",
    "A lasting fact that changed: renamed accounts, edited captions, posts that vanished or came back.",
    Kind.LOG,
    (
        c.key(c.text("table_name", "table of the row that changed")),
        c.key(c.text("row_key", "its key; parts joined by :")),
        c.key(c.text("column_name", "column that changed")),
        c.key(c.OBSERVED_AT),
        c.text("old_value", "as text; NULL where there was none"),
        c.text("new_value", "as text; NULL where there is none now"),
        c.PAGE_ID,
    ),
)
