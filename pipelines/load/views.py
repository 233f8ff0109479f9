"""The views for people: what each shows, and its SQL. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

from schemas.posts import COUNTS


@dataclass(frozen=True, slots=True)
class View:
    """A query under a name, with what a row is and what its own columns mean."""

    name: str
    comment: str
    sql: str


def _growth(name: str) -> str:
    before = f"lag({name} IGNORE NULLS) OVER seen"
    return f"{name}, {name} - {before} AS {name.removesuffix('_count')}_growth"


POSTS_LATEST = View(
    "posts_latest",
    "Posts with their newest counts and their author's present name.",
    f"""
SELECT p.* EXCLUDE ({", ".join(f"last_{name}" for name in COUNTS)}),
       {", ".join(f"p.last_{name} AS {name}" for name in COUNTS)},
       p.observed_at AS stats_at, u.nickname AS author, u.unique_id, u.folder
FROM posts p LEFT JOIN users u ON u.sec_user_id = p.sec_user_id
""",
)

POST_GROWTH = View(
    "post_growth",
    "Counts of a post at each observation, and how much each grew since the one before.",
    f"""
SELECT aweme_id, observed_at, date_diff('second', lag(observed_at) OVER seen, observed_at) AS seconds_since_last,
       {", ".join(map(_growth, COUNTS))}
FROM post_stats WINDOW seen AS (PARTITION BY aweme_id ORDER BY observed_at)
""",
)

# A moment without a zone is made a day of in half the time: DuckDB asks a calendar about each that has one.
TAGS_BY_DAY = View(
    "tags_by_day",
    "How often captions hold a hashtag, mention or search word, by the day (UTC) on which their posts were published.",
    """
SELECT kind, tag_id, any_value(tag_name) AS tag_name, make_timestamp(epoch_us(created_at))::DATE AS day,
       count(*) AS use_count
FROM post_tags GROUP BY kind, tag_id, day
""",
)

MISSING_MEDIA = View(
    "missing_media",
    "Files that were promised and are not kept, and why; state is NULL where none was tried.",
    """
SELECT m.media_id, m.aweme_id, m.sec_user_id, m.kind, m.position, f.state, f.attempts, f.error, f.tried_at,
       m.expires_at, m.size_bytes, m.urls
FROM media m LEFT JOIN files f ON f.media_id = m.media_id
WHERE f.state IS DISTINCT FROM 'stored'
""",
)

ACCOUNT_HISTORY = View(
    "account_history",
    "What changed of an account and its posts, in order, under the account's present name.",
    """
SELECT u.sec_user_id, u.nickname, c.observed_at, 'users' AS table_name, c.row_key, c.column_name, c.old_value,
       c.new_value, c.page_id
FROM changes c JOIN users u ON u.sec_user_id = c.row_key WHERE c.table_name = 'users'
UNION ALL
SELECT p.sec_user_id, coalesce(u.nickname, p.nickname) AS nickname, c.observed_at, 'posts' AS table_name, c.row_key,
       c.column_name, c.old_value, c.new_value, c.page_id
FROM changes c JOIN posts p ON p.aweme_id = c.row_key LEFT JOIN users u ON u.sec_user_id = p.sec_user_id
WHERE c.table_name = 'posts'
ORDER BY sec_user_id, observed_at
""",
)

STORAGE_BY_KIND = View(
    "storage_by_kind",
    "Files and bytes kept per kind of file.",
    """
SELECT media_kind AS kind, count(*) AS file_count, coalesce(sum(size_bytes), 0)::BIGINT AS byte_count
FROM files WHERE state = 'stored' GROUP BY media_kind
""",
)

STORAGE_BY_USER = View(
    "storage_by_user",
    "Files and bytes kept per account and kind, and how many promised files are missing.",
    """
SELECT m.sec_user_id, any_value(u.nickname) AS nickname, any_value(u.folder) AS folder, m.kind,
       count(*) FILTER (f.state = 'stored') AS file_count,
       coalesce(sum(f.size_bytes) FILTER (f.state = 'stored'), 0)::BIGINT AS byte_count,
       count(*) FILTER (f.state IS DISTINCT FROM 'stored') AS missing_count
FROM media m LEFT JOIN files f ON f.media_id = m.media_id LEFT JOIN users u ON u.sec_user_id = m.sec_user_id
GROUP BY m.sec_user_id, m.kind
""",
)

VIEWS = (
    POSTS_LATEST,
    POST_GROWTH,
    TAGS_BY_DAY,
    MISSING_MEDIA,
    ACCOUNT_HISTORY,
    STORAGE_BY_KIND,
    STORAGE_BY_USER,
)
