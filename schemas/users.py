"""Accounts and their counts over time. No I/O here."""

from __future__ import annotations

from dataclasses import replace

from schemas import columns as c
from schemas.table import Kind, Rule, Table

USERS = Table(
    "users",
    "One account as last seen; lists and older posts tell its handles and bio, too, the rest only its profile.",
    Kind.FACTS,
    (
        c.key(c.SEC_USER_ID),
        c.UID,
        c.text("short_id", "numeric 抖音号; NULL when Douyin says 0", tracked=True),
        c.text("unique_id", "抖音号 chosen by the owner; may change", tracked=True),
        replace(c.NICKNAME, tracked=True),
        c.text("bio", "the account's own text (signature)", tracked=True),
        c.text("avatar_url", "signed address of the avatar as last seen; expires"),
        c.text("avatar_uri", "lasting name of the avatar picture", tracked=True),
        c.number("gender", "0 unknown, 1 male, 2 female", tracked=True),
        c.number("age", "NULL when hidden (Douyin says -1)"),
        c.text("ip_location", "IP属地 label", tracked=True),
        c.text("country", "as the owner says"),
        c.text("province", "as the owner says", tracked=True),
        c.text("city", "as the owner says", tracked=True),
        c.text("school_name", "as the owner says", tracked=True),
        c.text("custom_verify", "Douyin's verification of a person", tracked=True),
        c.text("enterprise_verify_reason", "Douyin's verification of an organisation", tracked=True),
        c.number("verification_type", "Douyin's kind of verification"),
        c.flag("is_ban", "banned", tracked=True),
        c.flag("is_block", "blocks the viewer"),
        c.flag("is_blocked", "blocked by the viewer"),
        c.flag("is_star", "star account"),
        c.flag("is_secret", "private account (secret)", tracked=True),
        c.flag("is_canceled", "closed by its owner (user_canceled)", tracked=True),
        c.flag("has_open_likes", "likes are open to see (show_favorite_list)", tracked=True),
        c.number("live_status", "1 while live"),
        c.text("room_id", "live room as last named; lives.status says whether it is live"),
        replace(c.text("last_aweme_id", "newest post that the archive has seen of the account"), rule=Rule.LAST),
        c.text("folder", "folder under media/ that keeps the account's files"),
        c.FIRST_SEEN_AT,
        c.LAST_SEEN_AT,
        c.time("profile_seen_at", "when its profile was last read; NULL while only known from posts", rule=Rule.LAST),
        c.OBSERVED_AT,
        c.PAGE_ID,
    ),
)

USER_STATS = Table(
    "user_stats",
    "Counts of an account at a moment; a row only where one of them changed since the row before.",
    Kind.SERIES,
    (
        c.key(c.SEC_USER_ID),
        c.key(c.OBSERVED_AT),
        c.number("follower_count", "followers on Douyin"),
        c.number("mplatform_followers_count", "followers on all platforms of the house"),
        c.number("following_count", "accounts followed"),
        c.number("aweme_count", "posts, by Douyin's count"),
        c.number("favoriting_count", "posts liked by the account"),
        c.number("total_favorited", "likes received"),
        c.number("mix_count", "mixes"),
        c.PAGE_ID,
    ),
)
