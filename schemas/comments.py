"""Comments on posts and their replies. No I/O here."""

from __future__ import annotations

from dataclasses import replace

from schemas import columns as c
from schemas.table import Kind, Table

COMMENTS = Table(
    "comments",
    "One comment or reply as last seen.",
    Kind.FACTS,
    (
        c.key(c.text("comment_id", "Douyin's id of the comment (cid)")),
        c.AWEME_ID,
        c.text("parent_id", "comment that it answers; NULL at the top level"),
        c.text("root_id", "top-level comment of its thread; NULL at the top level"),
        c.SEC_USER_ID,
        c.UID,
        c.NICKNAME,
        c.text("text", "what was written; '' for picture comments", tracked=True),
        c.CREATED_AT,
        replace(c.LIKE_COUNT, comment="likes as last seen"),
        c.number("reply_count", "replies as last seen"),
        c.text("ip_label", "IP属地 label"),
        c.texts("image_urls", "pictures in the comment, one address each"),
        c.flag("is_author_liked", "liked by the post's author"),
        c.flag("is_pinned", "stands on top"),
        c.FIRST_SEEN_AT,
        c.LAST_SEEN_AT,
        c.OBSERVED_AT,
        c.PAGE_ID,
    ),
)
