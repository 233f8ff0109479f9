"""Sentences for people."""

from __future__ import annotations

from schemas.jobs import Mode, Summary, things_of
from schemas.wording import counted


def test_one_thing_is_told_in_the_singular() -> None:
    assert [counted(count, "raw pages") for count in (0, 1, 2)] == ["0 raw pages", "1 raw page", "2 raw pages"]
    assert {counted(1, things_of(mode)) for mode in Mode} == {
        "1 post",
        "1 comment",
        "1 item",
        "1 sound",
        "1 mix",
        "1 account",
        "1 word",
    }
    assert Summary("r", Mode.ONE, "t", posts_seen=1, new_posts=1).seen == "1 post seen, 1 new, 0 changed"
