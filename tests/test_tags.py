"""Hashtags, mentions and search words."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from pipelines.transform.picks_of_posts import Post
from pipelines.transform.rows import Batch
from pipelines.transform.tags import POST_TAGS, add_tags, text_at
from schemas.pages import Page


def tags(caption: str, *marks: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Kind, tag_id, start, end and tag_name of every tag of a post without a time."""
    batch = Batch()
    post = msgspec.convert({"aweme_id": "1", "desc": caption, "text_extra": list(marks)}, Post)
    add_tags(batch, post, "1", 0)
    values, width = batch[POST_TAGS], len(POST_TAGS.columns) + 1
    return [tuple(values[at + 1 : at + width - 2]) for at in range(0, len(values), width)]


def test_a_hashtag_has_its_id_its_name_and_its_place() -> None:
    mark = {"type": 1, "start": 2, "end": 5, "hashtag_id": "16", "hashtag_name": "水獭"}
    assert tags("好 #水獭", mark) == [("hashtag", "16", 2, 5, "水獭")]


def test_a_tag_knows_when_its_post_was_published() -> None:
    batch = Batch()
    marks = [{"type": 1, "start": 0, "end": 2, "hashtag_name": "水"}]
    post = msgspec.convert({"aweme_id": "1", "desc": "#水", "create_time": 1690000000, "text_extra": marks}, Post)
    add_tags(batch, post, "1", batch.begin(Page("p", "user_post", "s", None, datetime.now(UTC), 200, b"")))
    (frame,) = batch.frames().values()
    assert frame["created_at"].to_list() == [datetime.fromtimestamp(1690000000, UTC)]


def test_a_mention_is_named_by_the_caption_and_known_by_the_account() -> None:
    mark = {"type": 0, "start": 0, "end": 3, "user_id": "9", "sec_uid": "MS4", "hashtag_name": ""}
    assert tags("@河狸 好", mark) == [("mention", "MS4", 0, 3, "河狸")]
    del mark["sec_uid"]
    assert tags("@河狸 好", mark) == [("mention", "9", 0, 3, "河狸")]


def test_a_search_word_is_its_own_id() -> None:
    mark = {"type": 5, "start": 0, "end": 0, "search_text": "水獭", "search_query_id": "67"}
    assert tags("", mark) == [("search", "水獭", 0, 0, "水獭")]


def test_a_mark_of_an_unknown_kind_is_kept_if_it_says_anything() -> None:
    assert tags("看 https", {"type": 7, "start": 2, "end": 7}, {"type": 8}) == [("other", "https", 2, 7, "https")]


def test_a_mark_without_a_type_is_what_its_fields_make_it() -> None:
    found = tags("", {"hashtag_name": "a"}, {"user_id": 7}, {"search_query_id": "3"})
    assert [tag[:2] for tag in found] == [("hashtag", "a"), ("mention", "7"), ("other", "3")]


@pytest.mark.parametrize("odd", [0, 12, 5, None])
def test_a_type_that_says_another_kind_than_all_the_fields_costs_a_hashtag_nothing(odd: int | None) -> None:
    mark = {"type": odd, "start": 2, "end": 5, "hashtag_id": "16", "hashtag_name": "水獭"}
    assert tags("好 #水獭", mark) == [("hashtag", "16", 2, 5, "水獭")]
    del mark["hashtag_name"]
    assert tags("好 #水獭", mark) == [("hashtag", "16", 2, 5, "水獭")]


@pytest.mark.parametrize("odd", [1, 12, 5, None])
def test_a_type_that_says_another_kind_than_all_the_fields_costs_a_mention_nothing(odd: int | None) -> None:
    mark = {"type": odd, "start": 0, "end": 3, "user_id": "9", "sec_uid": "MS4", "hashtag_name": "", "hashtag_id": "0"}
    assert tags("@河狸 好", mark) == [("mention", "MS4", 0, 3, "河狸")]


@pytest.mark.parametrize(
    ("start", "end", "text"),
    [(0, 2, "🦦"), (3, 6, "#水獭"), (3, 99, "#水獭"), (5, 3, ""), (-2, 3, ""), (None, 3, ""), (1, 3, " ")],
)
def test_places_are_counted_as_douyin_does_in_utf_16(start: int | None, end: int | None, text: str) -> None:
    assert text_at("🦦 #水獭", start, end) == text
