"""A filter of posts as SQL tests on a post `p` and a file `m` that it promises. No I/O here."""

from __future__ import annotations

from typing import Any

from pipelines.errors import BadInput
from schemas.filters import Filter

_MOVING = "m.aweme_id IN (SELECT aweme_id FROM media WHERE kind = 'live_photo')"
_KINDS = {
    "video": "p.image_count IS NULL",
    "image": f"(p.image_count IS NOT NULL AND NOT {_MOVING})",
    "live_photo": f"(p.image_count IS NOT NULL AND {_MOVING})",
}


def check_pattern(pattern: str) -> None:
    """BadInput where captions cannot be searched for it; DuckDB is asked, whose patterns are not Python's."""
    import duckdb

    with duckdb.connect() as con:
        try:
            con.execute("SELECT regexp_matches('', ?)", [pattern])
        except duckdb.Error as error:
            raise bad_pattern(error) from error


def bad_pattern(error: Exception) -> BadInput:
    """What to say where DuckDB refuses a pattern."""
    return BadInput(f"match cannot be searched for: {error}. Write a pattern of RE2, as in --match '猫|狗'.")


def tests_of(posts: Filter) -> tuple[list[str], list[Any]]:
    """The tests, to be joined by AND, and their values in order; none where every post will do."""
    found: list[tuple[str, list[Any]]] = []
    if posts.since is not None:
        found.append(("(p.created_at IS NULL OR p.created_at >= ?)", [posts.since]))
    if posts.until is not None:
        found.append(("(p.created_at IS NULL OR p.created_at < ?)", [posts.until]))
    if posts.kinds:
        found.append((f"({' OR '.join(_KINDS[kind] for kind in posts.kinds)})", []))
    found += [
        (f"p.last_{name} >= ?", [least])
        for name, least in (("like_count", posts.min_likes), ("comment_count", posts.min_comments))
        if least
    ]
    if posts.match:
        found.append(("regexp_matches(p.caption, ?)", [posts.match]))
    if posts.tag:
        tagged = "SELECT aweme_id FROM post_tags WHERE kind = 'hashtag' AND lower(tag_name) = lower(?)"
        found.append((f"m.aweme_id IN ({tagged})", [posts.tag]))
    return [test for test, _ in found], [value for _, values in found for value in values]
