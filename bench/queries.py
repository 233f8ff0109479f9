"""Questions of a researcher, each from a new cursor, on a large archive that was maintained; beside 150 ms."""

from __future__ import annotations

import tempfile
from datetime import timedelta
from pathlib import Path
from typing import Any

from bench.lake import fill, ids_of, open_lake, timed
from bench.rows import DAY, PER_OWNER
from pipelines.care.maintaining import maintain
from pipelines.house import utc_now
from pipelines.load.lake import Lake
from pipelines.settings import load_settings

LIMIT_MS = 150
OBSERVED = 10  # observations of each post
TIMES = 3

QUESTIONS = {
    "newest posts of an account": """
        SELECT created_at, caption FROM posts WHERE sec_user_id = '{owner}' ORDER BY created_at DESC LIMIT 20""",
    "most liked posts of an account": """
        SELECT aweme_id, caption, like_count FROM posts_latest
        WHERE sec_user_id = '{owner}' ORDER BY like_count DESC LIMIT 10""",
    "growth of one post": "FROM post_growth WHERE aweme_id = '{post}' ORDER BY observed_at",
    "growth of an account by day": """
        SELECT observed_at::DATE AS day, max(follower_count) AS followers, max(total_favorited) AS likes
        FROM user_stats WHERE sec_user_id = '{owner}' GROUP BY ALL ORDER BY day""",
    "likes of all posts of an account by day": """
        SELECT s.observed_at::DATE AS day, sum(s.like_count) AS likes FROM post_stats s JOIN posts p USING (aweme_id)
        WHERE p.sec_user_id = '{owner}' GROUP BY ALL ORDER BY day""",
    "top posts of a tag": """
        SELECT p.aweme_id, p.author, p.like_count FROM post_tags t JOIN posts_latest p USING (aweme_id)
        WHERE t.tag_id = '77' ORDER BY p.like_count DESC LIMIT 10""",
    "top posts of a tag of one account": """
        SELECT p.aweme_id, p.like_count FROM post_tags t JOIN posts_latest p USING (aweme_id)
        WHERE t.tag_id = '42' AND p.sec_user_id = '{owner}' ORDER BY p.like_count DESC LIMIT 10""",
    "posts of a tag by month": """
        SELECT date_trunc('month', created_at) AS month, count(*) AS posts
        FROM post_tags WHERE tag_id = '42' GROUP BY ALL ORDER BY month""",
    "uses of a tag by month": """
        SELECT date_trunc('month', day) AS month, sum(use_count) AS uses
        FROM tags_by_day WHERE tag_id = '42' GROUP BY ALL ORDER BY month""",
    "storage by kind": "FROM storage_by_kind ORDER BY byte_count DESC",
    "captions with a word": "SELECT count(*) FROM posts WHERE contains(caption, '12345')",
    "what vanished last month": """
        SELECT owner_id, count(*) AS posts FROM listing_entries
        WHERE gone_at >= TIMESTAMPTZ '2026-01-01' - INTERVAL 30 DAY GROUP BY ALL""",
    "most used sounds": "SELECT music_id, count(*) AS posts FROM posts GROUP BY ALL ORDER BY posts DESC LIMIT 10",
    "bytes promised by kind of one account": """
        SELECT kind, count(*) AS files, sum(size_bytes) AS bytes
        FROM media WHERE sec_user_id = '{owner}' GROUP BY ALL""",
}


def run(posts: int = 1_000_000) -> list[dict[str, Any]]:
    with tempfile.TemporaryDirectory() as folder:
        with open_lake(Path(folder)) as lake:
            fill(lake, posts)
            _observe(lake)
            _tag_and_keep(lake)
            stats = lake.query("SELECT count(*) FROM post_stats").item()
        own = {"root": folder, "catalog": f"sqlite:{folder}/catalog.sqlite"}
        maintain(load_settings(own, environ={}), now=utc_now)
        owner = posts // PER_OWNER // 2
        words = {"owner": f"MS4wLjABAAAA{owner:064}", "post": ids_of(owner, PER_OWNER // 2, 1)[0]}
        with Lake.open(
            catalog=f"sqlite:{folder}/catalog.sqlite", data_path=f"{folder}/tables/", read_only=True
        ) as lake:
            return [_line(lake, what, sql.format(**words), posts, stats) for what, sql in QUESTIONS.items()]


def _observe(lake: Lake) -> None:
    """Further observations of every post, a commit each, and a year of each account."""
    for day in range(1, OBSERVED):
        at = (DAY + timedelta(days=day)).isoformat()
        sql = f"""INSERT INTO post_stats SELECT * REPLACE (TIMESTAMPTZ '{at}' AS observed_at,
        like_count + {day} AS like_count) FROM post_stats WHERE observed_at = TIMESTAMPTZ '{DAY.isoformat()}'
        ORDER BY aweme_id"""
        lake.commit(lambda con, sql=sql: con.execute(sql))  # type: ignore[misc]
    accounts = f"""INSERT INTO user_stats (sec_user_id, observed_at, follower_count, total_favorited, page_id)
        SELECT sec_user_id, TIMESTAMPTZ '{DAY.isoformat()}' + INTERVAL 1 DAY * day, 1000 + day, 5000 + 3 * day, page_id
        FROM users, range(365) days(day)"""
    lake.commit(lambda con: con.execute(accounts))


def _tag_and_keep(lake: Lake) -> None:
    """A rarer tag on every post beside the one that all have, and a kept file for everything promised."""
    tags = (
        "INSERT INTO post_tags SELECT * REPLACE ((hash(aweme_id) % 200)::VARCHAR AS tag_id, 50 AS start) FROM post_tags"
    )
    lake.commit(lambda con: con.execute(tags))
    files = """INSERT INTO files (media_id, state, attempts, path, size_bytes, sha256, media_kind)
        SELECT media_id, 'stored', 1, 'media/somebody/' || media_id, size_bytes, sha256(media_id), kind FROM media
        ORDER BY media_id"""
    lake.commit(lambda con: con.execute(files))


def _line(lake: Lake, what: str, sql: str, posts: int, stats: int) -> dict[str, Any]:
    took = min(timed(lambda: lake.query(sql)) for _ in range(TIMES)) * 1000
    size = f"{posts / 1e6:g}M posts, {stats / 1e6:g}M stats"
    return {
        "what": f"{what} ({size})",
        "value": took,
        "unit": "ms",
        "yardstick": f"{LIMIT_MS} ms",
        "ratio": took / LIMIT_MS,
    }
