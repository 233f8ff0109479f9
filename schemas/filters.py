"""Which posts a job wants the files of. Their rows are kept in any case. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

POST_KINDS = ("video", "image", "live_photo")
"""What a post is made of: one video, a set of pictures, or a set with moving ones among them."""


@dataclass(frozen=True, slots=True)
class Filter:
    """What a post must be like; None or empty asks nothing. `since` is inside, `until` outside (UTC).

    Counts are compared as last seen; `match` is a regular expression (RE2) looked for in the caption; `tag` is a
    hashtag without its #, upper and lower case alike.
    """

    since: datetime | None = None
    until: datetime | None = None
    kinds: tuple[str, ...] = ()
    min_likes: int | None = None
    min_comments: int | None = None
    match: str | None = None
    tag: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether every post will do."""
        return self == Filter()
