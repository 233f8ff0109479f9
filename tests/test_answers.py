"""Answers are read item by item: nothing raises, nothing is lost, nothing rubs off on its neighbours."""

from __future__ import annotations

import copy
import json
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lakes import local

from pipelines.extract.endpoints import endpoint_of
from pipelines.extract.pages import read
from pipelines.transform.answers import Shape
from pipelines.transform.frames import frames_of
from pipelines.transform.picks_of_posts import Post
from pipelines.transform.salvage import salvaged
from schemas.pages import Page

GOLDEN = Path(__file__).parent / "golden"
NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
OPERATIONS = sorted({json.loads(path.read_text("utf-8"))["operation"] for path in GOLDEN.glob("*.json")})
CASES = [json.loads(path.read_text("utf-8")) for path in sorted(GOLDEN.glob("*.json"))]
POSTS = [
    post
    for case in CASES
    for post in case["answer"].get("aweme_list", ())
    if isinstance(post, dict) and post.get("aweme_id")
]

any_text = st.text(st.characters(exclude_categories=()), max_size=6)
any_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.integers(10**17, 10**25) | st.floats() | any_text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(any_text, inner, max_size=3),
    max_leaves=8,
)


def frames(answer: Any, operation: str = "user_post") -> Any:
    body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
    return frames_of([Page("p", operation, "target", "0", NOW, 200, body)])


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Every place within a JSON value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, item in inner for place in places(item, (*path, key)))]


def replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    changed = copy.copy(value)
    changed[path[0]] = replaced(value[path[0]], path[1:], new)
    return changed


def of_posts(found: Any, wanted: set[str]) -> dict[str, list[Any]]:
    """The rows of some posts, table by table, in any order."""
    return {
        table: sorted(rows, key=repr)
        for table, frame in found.items()
        if "aweme_id" in frame.columns and (rows := [row for row in frame.to_dicts() if row["aweme_id"] in wanted])
    }


PLACES = [places(post) for post in POSTS]


@cache
def unchanged() -> Any:
    return frames({"aweme_list": POSTS})


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["operation"])
@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_anything_in_any_place_of_an_answer_never_raises(case: dict[str, Any], data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(places(case["answer"])))
    frames(replaced(case["answer"], place, data.draw(any_json)), case["operation"])


@settings(max_examples=200, deadline=None)
@given(data=st.data())
def test_an_odd_field_costs_only_itself_and_its_neighbours_keep_their_rows(data: st.DataObject) -> None:
    number = data.draw(st.integers(0, len(POSTS) - 1))
    place = data.draw(st.sampled_from(PLACES[number]))
    changed = [*POSTS]
    changed[number] = replaced(POSTS[number], place, data.draw(any_json))
    found = frames({"aweme_list": changed})
    rejected = found["rejects"].height if "rejects" in found else 0
    assert found["posts"].height + rejected == len(POSTS)
    if place[:1] not in ((), ("aweme_id",)):
        assert rejected == 0
    others = {str(post["aweme_id"]) for post in POSTS} - {str(POSTS[number]["aweme_id"])}
    assert of_posts(found, others) == of_posts(unchanged(), others)


@settings(max_examples=200, deadline=None)
@given(items=st.lists(any_json | st.sampled_from(POSTS), max_size=6))
def test_every_item_is_a_row_or_a_reject(items: list[Any]) -> None:
    found = frames({"aweme_list": items})
    heights = [found[table].height if table in found else 0 for table in ("posts", "rejects")]
    assert sum(heights) == len(items)
    if "rejects" in found:
        taken = set(found["listing_entries"]["position"]) if "listing_entries" in found else set()
        assert set(found["rejects"]["position"]) == set(range(len(items))) - taken


@pytest.mark.parametrize("operation", OPERATIONS)
@settings(max_examples=30, deadline=None)
@given(body=st.binary(max_size=60) | any_json.map(lambda value: json.dumps(value).encode()))
def test_an_answer_of_anything_at_all_never_raises(operation: str, body: bytes) -> None:
    frames(body, operation)


@settings(max_examples=200, deadline=None)
@given(post=st.sampled_from(POSTS), data=st.data())
def test_reading_in_one_go_and_one_by_one_give_the_same(post: dict[str, Any], data: st.DataObject) -> None:
    place = data.draw(st.sampled_from(places(post)))
    changed = replaced(post, place, data.draw(any_json))
    if not isinstance(changed, dict):
        return
    alone = frames({"aweme_list": [changed]})
    beside_an_odd_one = frames({"aweme_list": [changed, None]})
    wanted = set(alone["posts"]["aweme_id"]) if "posts" in alone else set()
    assert of_posts(alone, wanted) == of_posts(beside_an_odd_one, wanted)


@pytest.mark.parametrize("post", POSTS, ids=lambda post: str(post["aweme_id"]))
def test_salvage_reads_a_well_formed_post_as_the_strict_way_does(post: dict[str, Any]) -> None:
    body = json.dumps(post).encode()
    try:
        strict = msgspec.json.decode(body, type=Post)
    except msgspec.ValidationError:
        return

    def shown(pick: Any) -> Any:
        if isinstance(pick, msgspec.Struct):
            return {name: shown(getattr(pick, name)) for name in pick.__struct_fields__}
        if isinstance(pick, msgspec.Raw):
            return msgspec.json.decode(pick)
        return [shown(item) for item in pick] if isinstance(pick, list | tuple) else pick

    def as_rows(pick: Any) -> Any:
        return json.loads(json.dumps(shown(pick)).replace("true", "1").replace("false", "0"))

    def as_texts(value: Any) -> Any:
        return json.loads(json.dumps(as_rows(value)), parse_int=str)

    assert as_texts(salvaged(Post, json.loads(body))) == as_texts(strict)


@pytest.mark.parametrize(
    ("broken", "kept"),
    [
        (b'{"aweme_list":[{"aweme_id":"1","desc":"\\ud83d"},{"aweme_id":"2","desc":"b"}]}', ["\ufffd", "b"]),
        (b'{"aweme_list":[{"aweme_id":"1","desc":"a","x":NaN},{"aweme_id":"2","desc":"b"}]}', ["a", "b"]),
        (b'\xef\xbb\xbf{"aweme_list":[{"aweme_id":"1","desc":"a"}]}', ["a"]),
        (b'{"aweme_list":[{"aweme_id":"1","desc":"a\xff"}]}', ["a\ufffd"]),
        (b'{"aweme_list":[{"aweme_id":"1","desc":"a\xe4\xb8 \\\\xe4"}]}', ["a\ufffd \\xe4"]),
        (b'{"aweme_list":[{"aweme_id":"1","desc":"a\\xe4\\xb8 \\\\xe4"}]}', ["a\ufffd \\xe4"]),
        (b'{"aweme_list":[{"aweme_id":"1","desc":"a\nb\x02"}]}', ["a\nb\x02"]),
        (b'{"aweme_list":[{"aweme_id":"1","desc":"a","create_time":1e400},{"aweme_id":"2","desc":"b"}]}', ["a", "b"]),
        (b'{"aweme_list":[{"aweme_id":"1","desc":"a","duration":' + b"9" * 5000 + b"}]}", ["a"]),
    ],
    ids=[
        "half a surrogate",
        "NaN",
        "byte-order mark",
        "broken UTF-8",
        "half a letter",
        "half a letter as raw pages keep it",
        "control characters",
        "an infinite number",
        "an endless number",
    ],
)
def test_what_strict_readers_refuse_is_read_all_the_same(broken: bytes, kept: list[str]) -> None:
    assert frames(broken)["posts"]["caption"].to_list() == kept


@pytest.mark.parametrize("body", [b"", b"<html>", b'{"aweme_list":[{"aweme_id":"1"', b"[]", b"7"])
def test_an_answer_that_cannot_be_read_is_one_reject(body: bytes) -> None:
    rejects = frames(body)["rejects"].to_dicts()
    assert [(row["position"], row["table_name"]) for row in rejects] == [(0, "posts")]


@pytest.mark.parametrize("depth", [40, 60, 600, 800, 2_000, 50_000])
@pytest.mark.parametrize("name", ["x", "music", "desc", "statistics"])
def test_what_is_nested_too_deeply_costs_only_itself(depth: int, name: str) -> None:
    deep = b'[{"y]":["]\\"}"],"z":' * depth + b"1" + b"}]" * depth
    body = b'{"aweme_list":[{"aweme_id":"1","%b":%b,"region":"CN"},{"aweme_id":"2"}]}' % (name.encode(), deep)
    found = frames(body)
    assert found["posts"].select("aweme_id", "region").rows() == [("1", "CN"), ("2", None)]
    assert "rejects" not in found


@pytest.mark.parametrize("depth", [600, 50_000])
def test_an_answer_nested_too_deeply_that_breaks_off_is_one_reject(depth: int) -> None:
    body = b'{"aweme_list":[{"aweme_id":"1","x":' + b'[{"y":' * depth + b"1" + b"}]" * (depth - 1) + b"}]}"
    assert frames(body)["rejects"].height == 1


@pytest.mark.parametrize("nothing", [b"{}", b'{"aweme_list":null}', b'{"aweme_list":{}}', b'{"aweme_list":""}'])
def test_nothing_in_any_spelling_is_no_item_and_no_reject(nothing: bytes) -> None:
    assert frames(nothing) == {}


def test_a_list_that_is_none_is_one_reject() -> None:
    assert frames(b'{"aweme_list":{"0":{"aweme_id":"1"}}}')["rejects"].height == 1


def test_ids_beyond_the_range_of_floats_are_exact() -> None:
    body = b'{"aweme_list":[{"aweme_id":9007199254740993,"music":{"id":98765432109876543210,"title":7}}]}'
    row = frames(body)["posts"].to_dicts()[0]
    assert (row["aweme_id"], row["music_id"]) == ("9007199254740993", "98765432109876543210")


@pytest.mark.parametrize("nobody", [True, False, 1.5, 7300000000000000001.0, "0", 0, [], {}])
def test_what_is_no_id_names_nobody_and_exact_numbers_do(nobody: Any) -> None:
    odd = {"aweme_id": nobody, "author": {"uid": "9"}}
    found = frames({"aweme_list": [odd, {"aweme_id": 12.0, "author": {"uid": nobody}, "author_user_id": 7}]})
    assert found["posts"]["aweme_id"].to_list() == ["12"]
    assert found["posts"]["uid"].to_list() == ["7"]
    assert found["rejects"]["position"].to_list() == [0]


def test_an_id_that_no_catalog_can_look_for_names_nobody_and_stops_no_batch(tmp_path: Path) -> None:
    odd = "7\0"
    named = {"author": {"sec_uid": odd, "uid": odd}, "music": {"mid": odd}, "mix_info": {"mix_id": odd}}
    tags = [{"type": 0, "start": 0, "end": 1, "sec_uid": odd}, {"type": 1, "hashtag_name": "a\0"}]
    items = [{"aweme_id": odd}, {"aweme_id": "1", "desc": "a\0b", "text_extra": tags, **named}, {"aweme_id": "2"}]
    body = json.dumps({"aweme_list": items, "has_more": 0}).encode()
    with local(tmp_path) as lake:
        for number in (1, 2):
            found = read(endpoint_of("user_post"), 200, {}, body, target="t", cursor="0", fetched_at=NOW, page_id="p")
            assert found.item_ids == ("1", "2")
            one = replace(found, page_id=f"p{number}", fetched_at=NOW.replace(second=number))
            lake.keep_page(one, run_id="r")
            assert lake.apply(frames_of([one]), [one.page_id], run_id="r").rejects == 1
        assert lake.query("SELECT caption, sec_user_id, uid, music_id, mix_id FROM posts ORDER BY aweme_id").rows() == [
            ("a\0b", None, None, None, None),
            (None,) * 5,
        ]
        assert lake.query("SELECT kind, tag_id FROM post_tags ORDER BY kind").rows() == [
            ("hashtag", "a\0"),
            ("mention", "a"),
        ]


@pytest.mark.parametrize(
    ("answer", "operation"),
    [
        ({"comments": [{"cid": "7\0"}]}, "post_comment"),
        ({"followers": [{"sec_uid": "7\0"}]}, "followers"),
        ({"mc_list": [{"mid": "7\0"}]}, "collected_music"),
        ({"data": {"word_list": [{"word": "7\0"}]}}, "hot_board"),
        ({"data": {"data": [{"id_str": "7\0"}]}}, "live"),
    ],
)
def test_an_item_of_such_an_id_is_a_reject(answer: Any, operation: str) -> None:
    assert set(frames(answer, operation)) == {"rejects"}


@pytest.mark.parametrize("moment", [253_402_214_400, 253_402_300_799, 253_402_300_800, 10**30, -1, 1e300])
def test_a_moment_that_some_clock_cannot_show_is_none(moment: float) -> None:
    assert frames({"aweme_list": [{"aweme_id": "1", "create_time": moment}]})["posts"]["created_at"].to_list() == [None]


def test_beside_the_list_stands_what_else_was_wanted() -> None:
    shape = Shape(Post, ("aweme_list",), beside=("mix_info",))
    for body in (b'{"aweme_list":[{"aweme_id":"1"}],"mix_info":{"a":1}}', b'{"aweme_list":[null],"mix_info":{"a":1}}'):
        assert bytes(shape.read(body).beside["mix_info"]) == b'{"a":1}'
