"""The table of Douyin's endpoints, and the questions that can be asked of it."""

from __future__ import annotations

import pytest

from pipelines.errors import BadInput
from pipelines.extract.endpoints import ENDPOINTS, OF_LISTING, Cursor, Order, endpoint_of
from pipelines.extract.questions import MODELS, model_of, question
from schemas.listings import LISTINGS

NEEDED = {"comment_reply": {"item_id": "1"}, "search_user_posts": {"keyword": "k", "from_user": "1"}}
NEEDED |= {"locate_post": {"max_cursor": "1", "locate_item_cursor": "1"}, "check_qrcode": {"token": "t"}}
NEEDED |= {"check_login": {"token": "t"}}


def test_every_endpoint_has_a_request_model_and_every_model_an_endpoint():
    assert set(ENDPOINTS) == set(MODELS)


def test_every_listing_of_the_archive_is_read_by_one_operation():
    assert set(OF_LISTING) == set(LISTINGS)


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=lambda e: e.name)
def test_an_endpoint_is_whole(endpoint):
    assert endpoint.path.startswith("/")
    assert endpoint.path.endswith("/")
    assert endpoint.url.startswith("https://")
    assert endpoint.referer.startswith("https://")
    assert not (endpoint.needs_login and endpoint.anonymous)
    assert bool(endpoint.items) >= endpoint.is_listing
    assert endpoint.body_fields is None or endpoint.method == "POST"
    if endpoint.target_field:
        assert endpoint.target_field in model_of(endpoint.name).model_fields
    if endpoint.order is Order.TIME:
        assert endpoint.cursor in (Cursor.MAX_CURSOR, Cursor.CURSOR)


@pytest.mark.parametrize("operation", ENDPOINTS)
def test_every_operation_can_be_asked_about_a_target(operation):
    asked = question(operation, "7", count=5, **NEEDED.get(operation, {}))
    field = ENDPOINTS[operation].target_field
    if field:
        assert getattr(asked, field) == "7"
    if "count" in type(asked).model_fields:
        assert asked.wire()["count"] == "5"


@pytest.mark.parametrize(
    ("operation", "cursor", "sent"),
    [
        ("user_post", "1699231956000", {"max_cursor": "1699231956000"}),
        ("user_collect", "12", {"cursor": "12"}),
        ("post_feed", "4", {"refresh_index": "4"}),
        ("follow_feed", "9,2", {"cursor": "9", "level": "2"}),
        ("friend_feed", "9,2", {"cursor": "9", "level": "2", "pull_type": "2", "refresh_type": "2"}),
        ("post_related", "5,6,", {"filterGids": "5,6,"}),
        ("post_related", None, {"filterGids": "7,"}),
        ("following", "20,8", {"offset": "20", "max_time": "8", "source_type": "1"}),
        ("search_user_posts", "10,2024", {"offset": "10", "search_id": "2024"}),
    ],
)
def test_a_cursor_of_a_page_is_taken_back(operation, cursor, sent):
    wire = question(operation, "7", cursor=cursor, **NEEDED.get(operation, {})).wire()
    assert {name: wire[name] for name in sent} == sent


@pytest.mark.parametrize(
    ("operation", "cursor", "params"),
    [("user_post", "x", {}), ("nonsense", None, {}), ("comment_reply", None, {}), ("user_post", None, {"odd": 1})],
)
def test_a_question_that_cannot_be_asked_is_bad_input(operation, cursor, params):
    with pytest.raises(BadInput):
        question(operation, "7", cursor=cursor, **params)


def test_a_referer_names_the_account_and_quotes_what_is_odd():
    assert endpoint_of("user_like").referer_for("a b/中") == (
        "https://www.douyin.com/user/a%20b%2F%E4%B8%AD?showTab=like"
    )
