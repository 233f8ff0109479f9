"""Posts, their counts over time, and the hashtags and mentions in their captions. No I/O here."""

from __future__ import annotations

from dataclasses import replace

from schemas import columns as c
from schemas.table import Kind, Rule, Table

COUNTS = ("like_count", "comment_count", "share_count", "collect_count", "play_count", "admire_count")
"""The counts of a post that Douyin gives."""

POSTS = Table(
    "posts",
    "One post (作品) as last seen. Rows of gone posts stay for ever.",
    Kind.FACTS,
    (
        c.key(c.AWEME_ID),
        c.SEC_USER_ID,
        c.UID,
        c.NICKNAME,
        c.number("aweme_type", "Douyin's kind of post: 0 video, 68 image set, 101 live card, ..."),
        c.number("media_type", "4 video, 2 image set, 42 live photo set; NULL before mid 2023"),
        c.text("caption", "the post's text (desc); '' where the author wrote none", tracked=True),
        c.text("title", "item_title of newer posts", tracked=True),
        c.CREATED_AT,
        c.DURATION_MS,
        c.flag("is_top", "pinned to the top of the author's page", tracked=True),
        c.text("mix_id", "the mix (合集) that it belongs to"),
        c.number("mix_episode", "its number within the mix"),
        c.text("music_id", "its sound: music.music_id"),
        c.flag("is_prohibited", "barred by Douyin", tracked=True),
        c.flag("is_deleted", "marked as deleted (status.is_delete)", tracked=True),
        c.number("private_status", "0 public, 1 private, 2 friends", tracked=True),
        c.number("part_see", "1 where only some may see it", tracked=True),
        c.flag("is_ad", "marked as an advertisement"),
        c.text("region", "two-letter region that Douyin gives"),
        c.text("share_url", "address that the app's share button gives"),
        c.WIDTH,
        c.HEIGHT,
        c.number("image_count", "pictures in the set; NULL for videos"),
        *(c.number(f"last_{name}", f"{name} as last known; its history is post_stats") for name in COUNTS),
        c.FIRST_SEEN_AT,
        c.LAST_SEEN_AT,
        c.GONE_AT,
        replace(
            c.text("gone_reason", "why it is gone, in Douyin's own word (filter_reason)", tracked=True),
            rule=Rule.REPLACE,
        ),
        c.OBSERVED_AT,
        c.PAGE_ID,
    ),
    lies_by=("sec_user_id",),
)

POST_STATS = Table(
    "post_stats",
    "Counts of a post at a moment; a row only where one of them changed since the row before.",
    Kind.SERIES,
    (
        c.key(c.AWEME_ID),
        c.key(c.OBSERVED_AT),
        c.LIKE_COUNT,
        c.COMMENT_COUNT,
        c.number("share_count", "shares"),
        c.number("collect_count", "times collected (收藏)"),
        c.number("play_count", "plays; Douyin's web service always says 0"),
        c.number("admire_count", "admirations (赞赏)"),
        c.PAGE_ID,
    ),
)

POST_TAGS = Table(
    "post_tags",
    "A hashtag, mention or search word in a caption, with its place. One may stand in a caption twice; those of a "
    "former caption stay, with an older observed_at than the post's.",
    Kind.FACTS,
    (
        c.key(c.AWEME_ID),
        c.key(c.text("kind", "hashtag, mention, search, or other")),
        c.key(c.text("tag_id", "hashtag_id, the mentioned sec_user_id, or the text itself")),
        c.key(c.number("start", "first place in the caption; Douyin counts in UTF-16, where an emoji takes two")),
        c.number("end", "one past the last place in the caption"),
        c.text("tag_name", "hashtag without #, or the mentioned name"),
        c.time("created_at", "when the post was published: a tag's course over time needs no join"),
        c.OBSERVED_AT,
        c.PAGE_ID,
    ),
    lies_by=("page_id",),
)
