"""An answer of Douyin becomes a Page, or the error that fits: a case for every row of what is known to go wrong."""

from __future__ import annotations

import pickle
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import (
    Absent,
    ArchiveError,
    BadInput,
    Deleted,
    Interrupted,
    LoginExpired,
    NotFound,
    Private,
    RateLimited,
    SignatureRefused,
    Unfamiliar,
    Unreachable,
    VerificationAsked,
)
from pipelines.extract.endpoints import ENDPOINTS
from pipelines.extract.pages import read
from schemas.pages import Page

SHARED = Path(__file__).parents[2] / "shared"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


def page_of(
    operation: str, body: Any, *, status: int = 200, headers: dict[str, str] | None = None, cursor: str | None = None
) -> Page:
    raw = body if isinstance(body, bytes) else orjson.dumps(body)
    return read(
        ENDPOINTS[operation], status, headers or {}, raw, target="t", cursor=cursor, fetched_at=NOW, page_id="p"
    )


def refused(operation: str, body: Any, **kwargs: Any) -> ArchiveError:
    with pytest.raises(ArchiveError) as caught:
        page_of(operation, body, **kwargs)
    error = caught.value
    page = error.facts["page"]
    assert page.outcome == type(error).__name__
    assert page.error == str(error)
    assert page.body == (body if isinstance(body, bytes) else orjson.dumps(body))
    assert page.http_status == error.facts["http_status"] == kwargs.get("status", 200)
    assert pickle.loads(pickle.dumps(error)).facts == error.facts
    assert len(str(error)) > 20
    return error


POST = {"status_code": 0, "aweme_list": [{"aweme_id": "1", "is_top": 1}, {"aweme_id": "2", "is_top": 0}]}
CAPTCHA = "<html><head><title>验证码中间页</title></head></html>".encode()


@pytest.mark.parametrize(
    ("name", "status", "headers", "body", "kind"),
    [
        ("200 with an empty body", 200, {}, b"", RateLimited),
        ("200 with blanks", 200, {}, b" \n\t ", RateLimited),
        ("204", 204, {}, b"", RateLimited),
        ("444 with an empty body", 444, {}, b"", RateLimited),
        ("444 with a body", 444, {}, b"no", RateLimited),
        ("403", 403, {}, b"no", VerificationAsked),
        ("403 with an empty body", 403, {}, b"", VerificationAsked),
        ("500", 500, {}, b"no", Unreachable),
        ("502", 502, {}, b"<html>bad gateway</html>", Unreachable),
        ("504 with an empty body", 504, {}, b"", Unreachable),
        ("404", 404, {}, b"no", NotFound),
        ("404 as a web page", 404, {}, b"<html>404</html>", NotFound),
        ("429", 429, {}, b"", RateLimited),
        ("408", 408, {}, b"", Unreachable),
        ("401", 401, {}, b"{}", LoginExpired),
        ("503", 503, {}, b"", Unreachable),
        ("503 that says how long", 503, {"retry-after": "3"}, b"", RateLimited),
        ("302 to nowhere", 302, {}, b"", Unreachable),
        ("302 to a login", 302, {"location": "https://www.douyin.com/passport/web/login"}, b"", LoginExpired),
        (
            "302 to a captcha",
            302,
            {"location": "https://rmc.bytedance.com/verifycenter/captcha"},
            b"",
            VerificationAsked,
        ),
        ("302 to elsewhere", 302, {"location": "https://www.douyin.com/"}, b"", Unfamiliar),
        ("302 to no address", 302, {"location": "http://[::1/login"}, b"", LoginExpired),
        ("418", 418, {}, b"no", Unfamiliar),
        ("a captcha page", 200, {}, CAPTCHA, VerificationAsked),
        ("a challenge page", 200, {}, b"\xef\xbb\xbf <html><script>byted_acrawler.init()", VerificationAsked),
        ("a challenge machine", 200, {}, b"<html><script>var _$jsvmprt=1", VerificationAsked),
        ("a nonce", 200, {"set-cookie": "__ac_nonce=0abc; Path=/"}, b"<html></html>", VerificationAsked),
        ("access denied", 444, {}, b"<html><title>Access Denied</title></html>", VerificationAsked),
        ("another web page", 200, {}, b"<!doctype html><p>hello", Unfamiliar),
        ("broken JSON", 200, {}, b'{"status_code":0,}', Unfamiliar),
        ("JSON that breaks off", 200, {}, b'{"status_code":0,', Interrupted),
        ("text", 200, {}, b"hello", Unfamiliar),
        ("JSON null", 200, {}, b"null", Unfamiliar),
        ("a JSON list", 200, {}, b"[]", Unfamiliar),
        ("a JSON number", 200, {}, b"5", Unfamiliar),
        ("a bare object", 200, {}, b"{}", LoginExpired),
        ("Argus", 403, {}, b"Blocked by ArgusSecurityPlugin Uifid Not Found", SignatureRefused),
        ("Argus with 200", 200, {}, b" Blocked by ArgusSecurityPlugin Sign Invalid", SignatureRefused),
        ("an Argus header", 403, {"argus_security_code": "3"}, b"", SignatureRefused),
        ("a slider", 200, {"x-vc-bdturing-parameters": "e30="}, b"{}", VerificationAsked),
        ("a slider by its other name", 200, {"bdturing-verify": "e30="}, b"", VerificationAsked),
        ("a passport decision", 200, {"x-tt-verify-passport-decision": "x"}, b"{}", VerificationAsked),
        ("an abort", 200, {"x-whale-throughput-abort-data": "x"}, b"", VerificationAsked),
        ("a ticket", 200, {}, b'{"status_code":0,"verify_ticket":"x"}', VerificationAsked),
        ("a search check", 200, {}, b'{"search_nil_info":{"search_nil_type":"verify_check"}}', VerificationAsked),
    ],
)
def test_every_refusal_has_its_error(name, status, headers, body, kind):
    assert type(refused("user_post", body, status=status, headers=headers)) is kind, name


def test_wherever_an_answer_breaks_off_it_is_asked_for_again():
    whole = '{"status_code":0,"aweme_list":[{"desc":"木匠\\n\\u6728","x":[-1.5e3,true,null]}],"has_more":0}'.encode()
    for size in range(1, len(whole)):
        assert type(refused("user_post", whole[:size])) is Interrupted, whole[:size]


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (302, {"location": "http://wifi.hotel.example/login?back=douyin.com"}),
        (307, {"location": "http://192.168.1.1/portal/verify"}),
        (302, {"location": "//notdouyin.com/passport"}),
        (511, {}),
    ],
)
def test_a_network_that_wants_a_login_is_not_taken_for_douyin(status, headers):
    error = refused("user_post", b"<html>Welcome to our hotel</html>", status=status, headers=headers)
    assert type(error) is Unreachable
    assert "browser on this machine" in str(error)
    assert "aweme login" not in str(error)


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (4, Unreachable),
        (5, BadInput),
        (8, LoginExpired),
        (2053, NotFound),
        (2065, NotFound),
        (2096, Private),
        (2149, NotFound),
        (2154, LoginExpired),
        (2483, LoginExpired),
        (10011, BadInput),
        (30003, Deleted),
        (2156, RateLimited),
        (4031, VerificationAsked),
        (987654, Unfamiliar),
    ],
)
def test_every_status_code_has_its_error_and_keeps_what_douyin_said(code, kind):
    error = refused("user_post", {"status_code": code, "status_msg": "说明", "aweme_list": [], "has_more": 0})
    assert type(error) is kind
    assert error.facts["status_code"] == code
    assert "说明" in str(error)


def test_a_status_code_speaks_in_an_answer_with_another_status_too():
    assert type(refused("user_post", {"status_code": 2065}, status=400)) is NotFound
    assert type(refused("user_post", {"status_code": 8}, status=403)) is LoginExpired


@pytest.mark.parametrize("body", [{"status_code": 0}, {"status_code": 0, "aweme_list": [], "has_more": 0}])
def test_a_success_that_douyin_never_tells_of_is_no_end_of_a_list_and_no_missing_login(body):
    error = refused("user_post", body, status=201)
    assert type(error) is Unfamiliar
    assert "201" in str(error)
    assert type(refused("user_post", {"status_code": 8}, status=201)) is LoginExpired, (
        "a reason in the body comes first"
    )


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("status_self_see", Private),
        ("status_part_see", Private),
        ("status_deleted", Deleted),
        ("status_delete", Deleted),
        ("status_audit_not_pass", Deleted),
        ("status_reviewing", Private),
        ("core_dep", Unreachable),
        ("copyright_foreign", Private),
        ("copyright_geo_filter", Private),
        ("cross_border_violation", Private),
        ("content_classification", Private),
        ("SYSTEM_ITEM_NOT_EXIST", NotFound),
        ("something_new", Absent),
    ],
)
@pytest.mark.parametrize("shape", [{"aweme_detail": None}, {}])
def test_every_filter_reason_has_its_error_and_is_kept_word_for_word(reason, kind, shape):
    words = {"filter_reason": reason, "detail_msg": "看不了", "notice": "抱歉"}
    error = refused("post_detail", {"status_code": 0, "filter_detail": words, **shape})
    assert type(error) is kind
    assert {name: error.facts[name] for name in words} == words


def test_no_post_and_no_reason_is_unfamiliar_and_not_gone():
    assert type(refused("post_detail", {"status_code": 0, "aweme_detail": None})) is Unfamiliar
    assert type(refused("post_detail", {"status_code": 0})) is Unfamiliar


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("7", 7.0),
        ("0", 0.0),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90.0),
        ("soon", None),
        ("Thu, 01 Jan 2026 00:01:00 +99999999999999", None),
        ("Thu, 01 Jan 99999999999999999999 00:01:00 GMT", None),
        ("9" * 400, None),
    ],
)
def test_retry_after_is_read_as_seconds_or_as_a_date(text, seconds):
    assert refused("user_post", b"", status=429, headers={"retry-after": text}).facts["retry_after_s"] == seconds


@pytest.mark.parametrize(("text", "told"), [("90", "in 90 seconds"), ("900", "in 15 minutes"), ("soon", "later")])
def test_a_person_is_told_when_to_run_again(text, told):
    assert f"run again {told}" in str(refused("user_post", b"", status=429, headers={"retry-after": text}))


def test_a_date_that_is_past_means_no_wait():
    past = format_datetime(NOW - timedelta(hours=1), usegmt=True)
    assert refused("user_post", b"", status=503, headers={"retry-after": past}).facts["retry_after_s"] == 0.0


def test_a_page_of_posts_says_where_it_leads_and_which_posts_are_pinned():
    page = page_of("user_post", POST | {"max_cursor": 1699231956000, "has_more": 1})
    assert (page.outcome, page.next_cursor, page.has_more) == ("ok", "1699231956000", True)
    assert (page.item_count, page.item_ids, page.unpinned_ids) == (2, ("1", "2"), ("2",))
    assert not page.login_wall


@pytest.mark.parametrize("has_more", [0, False])
@pytest.mark.parametrize("items", [{"aweme_list": []}, {"aweme_list": None}, {}])
def test_a_list_ends_only_where_the_answer_says_so(has_more, items):
    page = page_of("user_post", {"status_code": 0, "has_more": has_more, "max_cursor": 0, **items})
    assert (page.has_more, page.item_count) == (False, 0)


def test_a_bare_answer_behind_a_login_wall_asks_for_a_login():
    assert type(refused("user_post", {"status_code": 0})) is LoginExpired
    assert type(refused("user_collect", {"status_code": 0})) is LoginExpired


@pytest.mark.parametrize(
    "answer",
    [
        {"aweme_list": {"0": {"aweme_id": "1"}}, "has_more": 0},
        {"aweme_list": "moved", "has_more": 0},
        {"data": {"aweme_list": [{"aweme_id": "1"}], "has_more": 0}},
        {"items": [[{"aweme_id": "1"}]]},
    ],
)
def test_a_list_in_a_new_place_or_shape_is_neither_an_end_nor_a_login_wall(answer):
    assert type(refused("user_post", {"status_code": 0, **answer})) is Unfamiliar


def test_what_stands_around_every_answer_makes_a_bare_one_no_other():
    around = {"log_pb": {"impr_id": "1"}, "extra": {"fatal_item_ids": [{}]}, "time_list": ["2023·11"], "max_cursor": 0}
    assert type(refused("user_post", {"status_code": 0, **around})) is LoginExpired


@pytest.mark.parametrize("items", [{"aweme_list": []}, {"aweme_list": None, "max_cursor": 0}])
def test_an_empty_list_without_a_word_on_more_is_no_end(items):
    kind = Unfamiliar if items["aweme_list"] is not None else LoginExpired
    assert type(refused("user_post", {"status_code": 0, **items})) is kind
    assert type(refused("user_mix", {"status_code": 0, **items})) is Unfamiliar


def test_posts_without_a_word_on_more_are_kept():
    page = page_of("user_mix", {"status_code": 0, "aweme_list": [{"aweme_id": "1"}], "cursor": 20})
    assert (page.has_more, page.next_cursor, page.item_count) == (None, "20", 1)


def test_a_login_wall_beside_the_posts_is_told():
    page = page_of("user_post", POST | {"has_more": 0, "not_login_module": {"guide_login_tip_exist": True}})
    assert page.login_wall
    assert page.item_count == 2
    page = page_of("user_post", POST | {"has_more": 0, "not_login_module": {"guide_login_tip_exist": False}})
    assert not page.login_wall


@pytest.mark.parametrize(
    ("operation", "body", "cursor", "leads_to", "ids"),
    [
        ("user_collect", {"aweme_list": [{"aweme_id": 5}], "cursor": "12"}, None, "12", ("5",)),
        ("follow_feed", {"data": [{"aweme": {"aweme_id": "5"}}], "cursor": 9, "level": 2}, None, "9,2", ("5",)),
        ("friend_feed", {"data": [{"aweme": None}, {}], "cursor": 9}, None, "9,0", ()),
        ("post_feed", {"aweme_list": [{"aweme_id": "5"}]}, None, "2", ("5",)),
        ("post_feed", {"aweme_list": [{"aweme_id": "5"}]}, "2", "3", ("5",)),
        ("post_related", {"aweme_list": [{"aweme_id": "5"}, {"aweme_id": "6"}]}, "t,", "t,5,6,", ("5", "6")),
        ("post_related", {"aweme_list": [{"aweme_id": "5"}, {"aweme_id": "6"}]}, "t,5,", "t,5,6,", ("5", "6")),
        ("post_comment", {"comments": [{"cid": "5"}], "cursor": 20}, None, "20", ("5",)),
        ("comment_reply", {"comments": [{"cid": "5"}], "cursor": 3}, None, "3", ("5",)),
        ("following", {"followings": [{"sec_uid": "s"}], "offset": 0, "min_time": 8}, None, "0,8", ("s",)),
        ("followers", {"followers": [{"uid": 6}], "offset": 20, "min_time": 8}, None, "20,8", ("6",)),
        ("collects_list", {"collects_list": [{"collects_id": 6}], "cursor": "20"}, None, "20", ("6",)),
        ("collects_posts", {"aweme_list": [{"aweme_id": "5"}], "cursor": "20"}, None, "20", ("5",)),
        ("collected_music", {"mc_list": [{"id": 5, "mid": "5"}], "cursor": 20}, None, "20", ("5",)),
        ("collected_mixes", {"mix_infos": [{"mix_id": "5"}], "cursor": 12}, None, "12", ("5",)),
        (
            "search_user_posts",
            {"aweme_list": [{"item": {"aweme_id": "5"}}], "cursor": 10, "log_pb": {"impr_id": "20"}},
            None,
            "10,20",
            ("5",),
        ),
    ],
)
def test_every_listing_pages_in_its_own_way(operation, body, cursor, leads_to, ids):
    page = page_of(operation, {"status_code": 0, "has_more": True, **body}, cursor=cursor)
    assert (page.next_cursor, page.item_ids, page.has_more) == (leads_to, ids, True)


def test_related_posts_that_were_shown_are_named_as_far_as_an_address_may_be_long():
    shown = "".join(f"{number}," for number in range(1, 201))
    page = page_of("post_related", {"status_code": 0, "aweme_list": [{"aweme_id": "201"}], "has_more": 1}, cursor=shown)
    assert page.next_cursor == "".join(f"{number}," for number in range(2, 202))


def test_an_odd_item_costs_neither_its_page_nor_its_neighbours():
    odd = {
        "status_code": 0,
        "has_more": 1,
        "max_cursor": 5,
        "aweme_list": [None, 7, {"aweme_id": []}, {"aweme_id": "2"}],
    }
    page = page_of("user_post", odd)
    assert (page.item_count, page.item_ids, page.unpinned_ids) == (4, ("2",), ("2",))


@pytest.mark.parametrize(
    "item",
    [
        b'{"aweme_id":"2","desc":"\\ud83e"}',
        b'{"aweme_id":"2","desc":"\xff"}',
        b'{"aweme_id":"2","is_top":"0","desc":"\xff"}',
        b'{"aweme_id":"2","desc":"two\nlines"}',
        b'{"aweme_id":"2","is_top":NaN}',
        b'{"aweme_id":"2","is_top":1e400}',
        b'{"aweme_id":"2","duration":' + b"9" * 5000 + b"}",
    ],
)
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"])
def test_what_strict_readers_refuse_costs_no_page(mark, item):
    body = b'{"status_code":0,"has_more":1,"max_cursor":5,"aweme_list":[{"aweme_id":"1"},%b,{"aweme_id":"3"}]}' % item
    page = page_of("user_post", mark + body)
    assert (page.item_ids, page.unpinned_ids, page.next_cursor) == (("1", "2", "3"), ("1", "2", "3"), "5")


@pytest.mark.parametrize("depth", [600, 800, 2_000, 50_000])
def test_what_is_nested_too_deeply_costs_no_page_unless_it_breaks_off(depth):
    body = b'{"has_more":1,"aweme_list":[{"aweme_id":"1","x":' + b'[{"y":' * depth + b"1" + b"}]" * depth
    assert page_of("user_post", body + b'},{"aweme_id":"2"}]}').item_ids == ("1", "2")
    assert type(refused("user_post", body[:-1] + b"}]}")) is Unfamiliar


@pytest.mark.parametrize("nobody", [True, 1.5, 7300000000000000001.0, "0", 0, [], {"id": "1"}])
def test_what_is_no_id_names_nobody(nobody):
    items = [{"aweme_id": nobody}, {"aweme_id": "2"}, {"aweme_id": 3.0}]
    assert page_of("user_post", {"has_more": 1, "max_cursor": 5, "aweme_list": items}).item_ids == ("2", "3")


@pytest.mark.parametrize(("mark", "is_pinned"), [("0", False), ("false", False), ([], False), ("1", True), (1.0, True)])
def test_a_pin_is_known_in_every_spelling(mark, is_pinned):
    answer = {"has_more": 1, "max_cursor": 5, "aweme_list": [{"aweme_id": "1", "is_top": mark}]}
    assert page_of("user_post", answer).unpinned_ids == (() if is_pinned else ("1",))


def test_numbers_as_text_are_numbers():
    page = page_of("user_post", {"status_code": "0", "has_more": "1", "max_cursor": "5", "aweme_list": []})
    assert (page.has_more, page.next_cursor) == (True, "5")


@pytest.mark.parametrize(
    ("operation", "body", "ids"),
    [
        ("user_profile", {"user": {"sec_uid": "s", "uid": "1", "nickname": "n"}}, ("s",)),
        ("post_detail", {"aweme_detail": {"aweme_id": "5"}}, ("5",)),
        ("live", {"data": {"data": [{"id_str": "5"}], "user": {}}}, ("5",)),
        ("live", {"data": {"data": [], "user": {}}}, ()),
        ("live", {"data": {"data": [], "prompts": "直播已结束"}}, ()),
        ("live_room_id", {"data": {"room": {"id": 5}}}, ("5",)),
        ("follow_live", {"data": {"data": [{"web_rid": "5"}], "message": "x"}}, ("5",)),
        ("hot_board", {"data": {"word_list": [{"sentence_id": "5", "word": "w"}], "trending_list": None}}, ("5",)),
        ("check_login", {"has_login": True}, ()),
        ("login_qrcode", {"data": {"token": "x"}, "message": "success", "error_code": 0}, ()),
    ],
)
def test_answers_without_pages_are_read_too(operation, body, ids):
    page = page_of(operation, body)
    assert (page.outcome, page.item_ids, page.next_cursor, page.has_more) == ("ok", ids, None, None)


@pytest.mark.parametrize(
    ("operation", "body", "kind"),
    [
        ("user_profile", {"status_code": 0, "user": {}}, Unfamiliar),
        ("user_profile", {"status_code": 0}, Unfamiliar),
        ("user_profile", {"user": {"uid": "1", "nickname": "", "user_not_see": 1}}, NotFound),
        ("user_profile", {"user": {"uid": "1", "nickname": ""}, "user_not_see": True}, NotFound),
        ("live", {"status_code": 10011, "data": {"prompts": "Request params error"}}, BadInput),
        ("live", {"status_code": 0, "data": None}, Unfamiliar),
        ("live", {"status_code": 0, "data": {"prompts": "房间不存在"}}, NotFound),
        ("live_room_id", {"status_code": 30003, "data": {"message": "room has finished"}}, Deleted),
        ("live_room_id", {"status_code": 0, "data": {}}, Unfamiliar),
        ("live_room_id", {"status_code": 0, "data": {"prompts": "直播已结束"}}, Deleted),
        ("live_room_id", {"status_code": 0, "data": {"message": "room has finished", "prompts": ""}}, Deleted),
        ("live_room_id", {"status_code": 0, "data": {"room": None, "prompts": "房间不存在"}}, NotFound),
        ("live", {"status_code": 0, "data": {"prompts": "直播已结束"}}, Deleted),
        ("follow_live", {"status_code": 0}, LoginExpired),
        ("login_qrcode", {"error_code": 2046, "data": {}, "message": "error"}, VerificationAsked),
        ("login_qrcode", {"data": {"error_code": 4031}, "message": "error"}, VerificationAsked),
        ("login_qrcode", {"data": {}, "message": "error", "description": "no"}, Unfamiliar),
    ],
)
def test_answers_without_pages_are_refused_too(operation, body, kind):
    assert type(refused(operation, body)) is kind


@pytest.mark.parametrize(
    ("date", "told"),
    [
        ("Thu, 01 Jan 2026 00:04:00 GMT", None),
        ("Wed, 31 Dec 2025 22:00:00 GMT", "clock is 120 minutes ahead"),
        ("Thu, 01 Jan 2026 00:06:00 GMT", "clock is 6 minutes behind"),
        ("yesterday", None),
    ],
)
@pytest.mark.parametrize("body", [b"", b"Blocked by ArgusSecurityPlugin"])
def test_a_clock_that_is_wrong_is_told_where_a_signature_may_be_refused(date, told, body):
    text = str(refused("user_post", body, headers={"date": date}))
    assert (told in text) if told else ("clock" not in text)


def test_a_pause_until_a_moment_counts_by_the_clock_of_who_asks_for_it():
    headers = {"date": "Tue, 01 Dec 2026 00:00:00 GMT", "retry-after": "Tue, 01 Dec 2026 00:00:30 GMT"}
    assert refused("user_post", b"", status=429, headers=headers).facts["retry_after_s"] == 30


@pytest.mark.parametrize("nothing", [None, [], {}, ""])
@pytest.mark.parametrize(
    ("operation", "kind"), [("live", Unfamiliar), ("follow_live", LoginExpired), ("hot_board", Unfamiliar)]
)
def test_nothing_is_no_answer_in_whichever_way_it_is_spelled(operation, nothing, kind):
    assert type(refused(operation, {"status_code": 0, "data": nothing})) is kind


@pytest.mark.parametrize("code", [30003, 0])
def test_what_douyin_says_of_an_ended_room_is_told(code):
    error = refused("live_room_id", {"status_code": code, "data": {"prompts": "直播已结束"}})
    assert "直播已结束" in str(error)


@given(operation=st.sampled_from(sorted(ENDPOINTS)), status=st.sampled_from([200, 201, 400, 444]), data=st.data())
def test_no_json_whatever_makes_anything_but_a_page_or_an_error_of_ours(operation, status, data):
    leaf = st.none() | st.booleans() | st.integers(-5, 2**63) | st.text(max_size=5)
    names = st.sampled_from(
        ["status_code", "has_more", "aweme_list", "data", "user", "room", "cursor", "max_cursor", "aweme_id", "item"]
    )
    tree = st.recursive(leaf, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=4))
    body = orjson.dumps(data.draw(tree))
    try:
        page = page_of(operation, body, status=status)
    except ArchiveError as error:
        page = error.facts["page"]
    assert page.body == body


CAPTURES = {
    "aweme_post": "user_post",
    "aweme_favorite": "user_like",
    "comment_list": "post_comment",
    "comment_reply_list": "comment_reply",
    "user_follower_list": "followers",
    "user_following_list": "following",
}


@pytest.mark.parametrize("folder", CAPTURES)
def test_real_answers_are_pages(folder):
    files = sorted((SHARED / "captures" / folder).glob("*.json"))
    if not files:
        pytest.skip("the captures are not here")
    for file in files:
        body = file.read_bytes()
        if b'"has_more"' not in body[-2000:] + body[:2000]:
            continue  # a single item cut out of its page
        page = page_of(CAPTURES[folder], body)
        assert page.item_count == len(page.item_ids) > 0
        assert page.next_cursor
        assert page.has_more is not None


def test_a_real_answer_for_a_hidden_post_keeps_its_reason():
    file = SHARED / "captures" / "aweme_detail" / "deleted-202307.json"
    if not file.exists():
        pytest.skip("the captures are not here")
    error = refused("post_detail", file.read_bytes())
    assert type(error) is Private
    assert error.facts["filter_reason"] == "status_self_see"
