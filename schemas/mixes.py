"""Mixes (合集): series of posts made by one account. No I/O here."""

from __future__ import annotations

from schemas import columns as c
from schemas.table import Kind, Table

MIXES = Table(
    "mixes",
    "One mix (合集) as last seen.",
    Kind.FACTS,
    (
        c.key(c.text("mix_id", "Douyin's id of the mix")),
        c.text("name", "title of the mix", tracked=True),
        c.text("description", "text of the mix", tracked=True),
        c.SEC_USER_ID,
        c.NICKNAME,
        c.number("mix_type", "Douyin's kind of mix"),
        c.number("episode_count", "episodes so far (statis.updated_to_episode)"),
        c.number("collect_count", "times collected"),
        c.number("play_count", "plays; often 0"),
        c.text("cover_url", "signed address of the cover as last seen; expires"),
        c.CREATED_AT,
        c.time("updated_at", "when the owner last added to it, by Douyin's clock"),
        c.FIRST_SEEN_AT,
        c.LAST_SEEN_AT,
        c.OBSERVED_AT,
        c.PAGE_ID,
    ),
)
