"""Every table of the archive in one tuple, in the order in which they are documented. No I/O here."""

from __future__ import annotations

from schemas.collects import COLLECTS
from schemas.comments import COMMENTS
from schemas.follows import FOLLOWS
from schemas.hot import HOT_WORDS
from schemas.listings import CHECKPOINTS, LISTING_ENTRIES
from schemas.lives import LIVE_STATS, LIVES
from schemas.media import FILES, MEDIA
from schemas.mixes import MIXES
from schemas.music import MUSIC
from schemas.posts import POST_STATS, POST_TAGS, POSTS
from schemas.raw import APPLIED_PAGES, RAW_PAGES, REJECTS
from schemas.runs import CHANGES, RUNS
from schemas.table import Table
from schemas.users import USER_STATS, USERS

TABLES: tuple[Table, ...] = (
    RAW_PAGES,
    APPLIED_PAGES,
    POSTS,
    POST_STATS,
    POST_TAGS,
    USERS,
    USER_STATS,
    CHANGES,
    LISTING_ENTRIES,
    COLLECTS,
    FOLLOWS,
    MIXES,
    MUSIC,
    COMMENTS,
    LIVES,
    LIVE_STATS,
    HOT_WORDS,
    MEDIA,
    FILES,
    CHECKPOINTS,
    RUNS,
    REJECTS,
)

BY_NAME: dict[str, Table] = {table.name: table for table in TABLES}
