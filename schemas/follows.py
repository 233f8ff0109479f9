"""Who follows whom, as follower and following lists show it. No I/O here."""

from __future__ import annotations

from schemas import columns as c
from schemas.table import Kind, Table

FOLLOWS = Table(
    "follows",
    "A list of an account showed another account.",
    Kind.FACTS,
    (
        c.key(c.text("sec_user_id", "whose list")),
        c.key(c.text("direction", "following: it follows the other; follower: the other follows it")),
        c.key(c.text("other_sec_user_id", "the account in the list: users.sec_user_id")),
        c.number("position", "place within the page that last showed it, from 0"),
        c.FIRST_SEEN_AT,
        c.LAST_SEEN_AT,
        c.OBSERVED_AT,
        c.PAGE_ID,
    ),
)
