"""Raw pages become frames: golden answers, real captures, and whatever else may come."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from deployments.simulator.render import Renderer
from deployments.simulator.world import World
from pipelines.extract.endpoints import ENDPOINTS
from pipelines.transform.frames import _READERS, frames_of
from schemas.catalog import BY_NAME
from schemas.pages import Page

GOLDEN = sorted((Path(__file__).parent / "golden").glob("*.json"))
CAPTURES = Path(__file__).parents[2] / "shared" / "captures"
NOW = datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
OF_THE_PAGE = {"page_id", "observed_at", "first_seen_at", "last_seen_at"}

needs_captures = pytest.mark.skipif(not CAPTURES.is_dir(), reason="the captures are not beside this checkout")


def page(answer: Any, operation: str = "user_post", target: str = "sec", **more: Any) -> Page:
    body = answer if isinstance(answer, bytes) else json.dumps(answer, ensure_ascii=False).encode()
    return Page("page-1", operation, target, more.pop("cursor", "0"), NOW, 200, body, **more)


def plain(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows as a golden file has them: without NULLs and without what they owe to their page."""
    return [
        {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in row.items()
            if value is not None and name not in OF_THE_PAGE
        }
        for row in rows
    ]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_a_made_up_answer_becomes_the_rows_written_beside_it(path: Path) -> None:
    case = json.loads(path.read_text("utf-8"))
    frames = frames_of([page(case["answer"], case["operation"], case["target"], outcome=case["outcome"])])
    assert {table: plain(frame.to_dicts()) for table, frame in frames.items()} == case["rows"]


def without_their_post(frames: dict[str, pl.DataFrame]) -> list[str]:
    """Rows of posts of which `posts` has no row: a merge looks for them where the post is stored."""
    posts = set(frames["posts"]["aweme_id"]) if "posts" in frames else set()
    return [
        f"{name}: {aweme_id}"
        for name in ("post_stats", "post_tags", "listing_entries", "media")
        for aweme_id in (frames[name]["aweme_id"].drop_nulls() if name in frames else ())
        if aweme_id not in posts
    ]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_what_belongs_to_a_post_comes_with_its_row(path: Path) -> None:
    case = json.loads(path.read_text("utf-8"))
    frames = frames_of([page(case["answer"], case["operation"], case["target"], outcome=case["outcome"])])
    assert not without_their_post(frames)


def of_rows_that_never_have_it(frames: dict[str, pl.DataFrame]) -> list[str]:
    """Values of columns in rows that, as declared, never have one: a merge does not look for stored ones."""
    return [
        f"{name}.{column.name}: {value}"
        for name, frame in frames.items()
        for column in BY_NAME[name]
        if column.never_of
        for value in frame.filter(pl.col(column.never_of[0]) == column.never_of[1])[column.name].drop_nulls()
    ]


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_rows_have_no_value_in_a_column_of_which_is_declared_that_they_never_have_one(path: Path) -> None:
    case = json.loads(path.read_text("utf-8"))
    frames = frames_of([page(case["answer"], case["operation"], case["target"], outcome=case["outcome"])])
    assert not of_rows_that_never_have_it(frames)


@pytest.mark.parametrize("path", GOLDEN, ids=lambda path: path.stem)
def test_every_frame_has_exactly_the_declared_columns_and_its_required_ones_are_filled(path: Path) -> None:
    case = json.loads(path.read_text("utf-8"))
    frames = frames_of([page(case["answer"], case["operation"], case["target"], outcome=case["outcome"])])
    for name, frame in frames.items():
        table = BY_NAME[name]
        assert frame.schema == table.schema
        for column in table:
            if column.required:
                assert frame[column.name].null_count() == 0, f"{name}.{column.name}"


def test_rows_of_many_pages_carry_the_page_that_they_came_from() -> None:
    pages = [
        Page(f"page-{n}", "user_post", "sec", None, NOW.replace(second=n), 200, body)
        for n in range(60)
        for body in [json.dumps({"aweme_list": [{"aweme_id": f"{1000 + n}"}]}).encode()]
    ] * 2
    posts = frames_of(pages)["posts"]
    assert posts.height == 120
    for row in posts.to_dicts():
        number = int(row["aweme_id"]) - 1000
        assert row["page_id"] == f"page-{number}"
        assert row["observed_at"] == row["first_seen_at"] == row["last_seen_at"] == NOW.replace(second=number)


def test_a_body_may_be_text_or_any_buffer() -> None:
    body = b'{"aweme_list":[{"aweme_id":"1","desc":"x"}]}'
    for form in (body, bytearray(body), memoryview(body), body.decode(), b"\xef\xbb\xbf" + body):
        made = Page("p", "user_post", "sec", None, NOW, 200, form)  # type: ignore[arg-type]
        assert frames_of([made])["posts"]["caption"].to_list() == ["x"]


@pytest.mark.parametrize("outcome", ["RateLimited", "LoginExpired", "Unfamiliar", "Deleted"])
@pytest.mark.parametrize("operation", ["user_post", "user_profile", "post_comment", "live", "hot_board", "following"])
def test_an_answer_that_failed_gives_nothing(operation: str, outcome: str) -> None:
    answer = {"aweme_list": [{"aweme_id": "1"}], "user": {"sec_uid": "s"}, "comments": [{"cid": "1"}]}
    assert frames_of([page(answer, operation, outcome=outcome)]) == {}


def test_every_operation_is_read_but_those_of_a_login() -> None:
    of_a_login = {"login_qrcode", "check_qrcode", "check_login", "query_user"}
    assert set(ENDPOINTS) - set(_READERS) == of_a_login


def test_operations_that_carry_no_rows_give_nothing() -> None:
    assert frames_of([page({"data": {"status": "1"}}, "check_qrcode")]) == {}
    assert frames_of([]) == {}


@pytest.mark.parametrize("outcome", ["Deleted", "Private", "Absent", "NotFound"])
def test_a_post_that_is_not_there_any_more_is_a_row_that_says_so(outcome: str) -> None:
    answer = {"aweme_detail": None, "filter_detail": {"aweme_id": "12", "filter_reason": "status_deleted"}}
    row = frames_of([page(answer, "post_detail", "12", outcome=outcome)])["posts"].to_dicts()[0]
    assert (row["aweme_id"], row["gone_at"], row["gone_reason"]) == ("12", NOW, "status_deleted")
    assert row["caption"] is None
    assert row["last_seen_at"] is None


def test_a_post_of_which_douyin_knows_nothing_is_named_after_what_was_asked_for() -> None:
    for body in (b'{"status_code":2053}', b"<html>", b"", b"null"):
        row = frames_of([page(body, "post_detail", "12", outcome="NotFound")])["posts"].to_dicts()[0]
        assert (row["aweme_id"], row["gone_at"], row["gone_reason"]) == ("12", NOW, None)


def test_a_service_that_fails_behind_the_service_makes_no_post_gone() -> None:
    answer = {"aweme_detail": None, "filter_detail": {"aweme_id": "12", "filter_reason": "core_dep"}}
    assert frames_of([page(answer, "post_detail", "12")]) == {}
    assert frames_of([page(answer, "post_detail", "12", outcome="Unreachable")]) == {}


def test_a_broadcast_that_has_finished_is_a_row_with_its_status() -> None:
    answer = {"status_code": 30003, "data": {"message": "room has finished"}}
    row = frames_of([page(answer, "live_room_id", "74", outcome="Deleted")])["lives"].to_dicts()[0]
    assert (row["room_id"], row["status"]) == ("74", 4)


def test_a_lasting_room_number_without_a_broadcast_leads_to_the_last_one() -> None:
    answer = {"data": {"data": [], "enter_room_id": "74", "user": {"sec_uid": "s", "id_str": "9"}, "room_status": 2}}
    row = frames_of([page(answer, "live", "123")])["lives"].to_dicts()[0]
    assert (row["room_id"], row["webcast_id"], row["sec_user_id"], row["status"]) == ("74", "123", "s", 4)


@pytest.mark.parametrize("nothing", [None, [], {}, "", 0])
def test_what_stands_beside_a_room_stands_in_however_the_room_spells_nothing(nothing: Any) -> None:
    room = {"id_str": "74", "status": 4, "owner": nothing, "partition_road_map": nothing, "stats": nothing}
    beside = {"user": {"sec_uid": "s"}, "partition_road_map": {"partition": {"title": "t"}}}
    frames = frames_of([page({"data": {"data": [room | {"user_count_str": "0"}], **beside}}, "live", "123")])
    row = frames["lives"].to_dicts()[0]
    assert (row["sec_user_id"], row["partition_title"]) == ("s", "t")
    assert "live_stats" not in frames


@pytest.mark.parametrize("nothing", [{}, {"sec_uid": "", "nickname": "", "id_str": "0"}, {"sec_uid": [], "id": 1.5}])
def test_what_a_room_leaves_out_of_its_anchor_stands_beside_it(nothing: dict[str, Any]) -> None:
    beside = {"id_str": "9", "sec_uid": "s", "nickname": "河狸", "web_rid": "5"}
    shown = {"data": [{"id_str": "74", "status": 2, "owner": {"avatar_thumb": {}, **nothing}}], "user": beside}
    frames = frames_of([page({"data": shown}, "live", "123")])
    (row,) = frames["lives"].to_dicts()
    assert [row[name] for name in ("sec_user_id", "uid", "nickname", "webcast_id")] == ["s", "9", "河狸", "5"]
    assert frames["users"].select("sec_user_id", "uid", "nickname").rows() == [("s", "9", "河狸")]


@pytest.mark.parametrize("other", [{"id_str": "8"}, {"sec_uid": "t"}])
def test_somebody_else_beside_a_room_is_not_its_anchor(other: dict[str, Any]) -> None:
    beside = {"id_str": "9", "sec_uid": "s", "nickname": "河狸"}
    shown = {"data": [{"id_str": "74", "status": 2, "owner": other}], "user": beside}
    (row,) = frames_of([page({"data": shown}, "live", "123")])["lives"].to_dicts()
    assert (row["sec_user_id"], row["uid"], row["nickname"]) == (other.get("sec_uid"), other.get("id_str"), None)


@pytest.mark.parametrize(
    ("room", "likes"),
    [
        ({"like_count": 3236, "stats": {"like_count": 0}}, 3236),
        ({"like_count": 0, "stats": {"like_count": 5}}, 5),
        ({"stats": {"like_count": 0, "user_count_str": "9"}}, 0),
        ({"like_count": 0}, 0),
        ({"stats": {"like_count_str": "1.2万"}}, 12_000),
        ({"stats": {"user_count_str": "9"}}, None),
    ],
)
def test_likes_of_a_room_are_counted_wherever_they_stand_and_zero_is_a_count(room: dict[str, Any], likes: Any) -> None:
    frames = frames_of([page({"data": {"data": [{"id_str": "74", "status": 2, **room}]}}, "live", "123")])
    assert frames["live_stats"]["like_count"].to_list() == [likes]


@pytest.mark.parametrize("nothing", [{}, {"reply_id": "0"}, {"reply_id": None, "root_comment_id": ""}])
def test_a_reply_that_does_not_name_its_thread_is_of_the_one_that_was_asked_for(nothing: dict[str, Any]) -> None:
    replies = [{"cid": "8", **nothing}, {"cid": "9", "reply_id": "6", "reply_to_reply_id": "8"}, {"cid": "7"}]
    rows = frames_of([page({"comments": replies}, "comment_reply", "7")])["comments"]
    assert rows.select("comment_id", "parent_id", "root_id").rows() == [
        ("8", "7", "7"),
        ("9", "8", "6"),
        ("7", None, None),
    ]


@pytest.mark.parametrize("size", ["origin_url", "medium_url", "download_url", "crop_url", "thumb_url"])
def test_a_picture_in_a_comment_is_kept_in_any_size_that_has_an_address(size: str) -> None:
    nowhere = {name: {"uri": "p", "url_list": []} for name in ("origin_url", "medium_url", "thumb_url")}
    picture = {**nowhere, size: {"uri": "p", "url_list": ["https://p3.test/1.webp"]}}
    comments = frames_of([page({"comments": [{"cid": "1", "image_list": [picture]}]}, "post_comment")])["comments"]
    assert comments["image_urls"].to_list() == [["https://p3.test/1.webp"]]


@pytest.mark.parametrize("nowhere", [None, {}, {"url_list": []}, {"url_list": [""]}, {"url_list": [None, ""]}])
def test_a_cover_without_an_address_gives_way_to_the_other(nowhere: Any) -> None:
    video = {"origin_cover": nowhere, "cover": {"url_list": ["https://a/1.webp"]}}
    media = frames_of([page({"aweme_list": [{"aweme_id": "1", "video": video}]})])["media"]
    assert media.select("media_id", "urls").rows() == [("1:cover:0", ["https://a/1.webp"])]


@pytest.mark.parametrize("odd", [None, "a", 1, {}, [], {"uri": "", "url_list": [""], "video": None}, {"video": {}}])
def test_a_list_of_pictures_that_holds_none_hides_no_film(odd: Any) -> None:
    post = {"aweme_id": "1", "images": [odd], "video": {"play_addr": {"uri": "v0", "url_list": ["https://v3.test/1"]}}}
    media = frames_of([page({"aweme_list": [post]})])["media"]
    assert media.select("media_id", "urls").rows() == [("1:video:0", ["https://v3.test/1"])]
    post["images"] = [odd, {"url_list": ["https://p3.test/2.webp"]}]
    media = frames_of([page({"aweme_list": [post]})])["media"]
    assert media["media_id"].to_list() == ["1:image:2"]


@pytest.mark.parametrize("odd", [None, "a", 1, {}, []])
def test_a_list_of_pictures_that_holds_none_is_no_set(odd: Any) -> None:
    posts = [{"aweme_id": "1", "images": [odd]}, {"aweme_id": "2", "images": [odd, {"uri": "p"}]}]
    found = frames_of([page({"aweme_list": posts})])["posts"]
    assert found.sort("aweme_id")["image_count"].to_list() == [None, 2]


def test_a_picture_without_other_addresses_is_kept_with_its_watermark() -> None:
    marked = {"uri": "p", "url_list": [], "download_url_list": ["https://p3.test/marked.webp", ""]}
    plain = {**marked, "url_list": ["https://p3.test/plain.webp"]}
    media = frames_of([page({"aweme_list": [{"aweme_id": "1", "images": [marked, plain]}]})])["media"]
    assert media.sort("position")["urls"].to_list() == [marked["download_url_list"][:1], plain["url_list"]]


@pytest.mark.parametrize("music", [None, {}, {"id": 5, "duration": 9, "play_url": {"uri": "", "url_list": []}}])
@pytest.mark.parametrize("images", [None, [{"url_list": ["https://p3.test/1.webp"]}]])
@pytest.mark.parametrize("address", ["https://sf3.test/1.mp3", "https://sf3-cdn-tos.douyinstatic.com/obj/lists-9/aBcD"])
def test_the_sound_of_a_gallery_is_kept_from_the_place_of_its_film(music: Any, images: Any, address: str) -> None:
    sound = {"uri": address, "url_list": [address, "https://sf6.test/1.mp3"]}
    post = {"aweme_id": "1", "images": images, "video": {"play_addr": sound, "duration": 0}, "music": music}
    media = frames_of([page({"aweme_list": [post]})])["media"].filter(pl.col("kind") != "image")
    length = 9_000 if music else None
    assert media.select("media_id", "source_uri", "urls", "duration_ms").rows() == [
        ("1:music:0", sound["uri"], sound["url_list"], length)
    ]
    own = {"id": 5, "play_url": {"uri": "own", "url_list": ["https://sf3.test/own.mp3"]}}
    media = frames_of([page({"aweme_list": [{**post, "music": own}]})])["media"].filter(pl.col("kind") == "music")
    assert media["source_uri"].to_list() == ["own"]


def test_one_address_in_place_of_a_list_is_that_address() -> None:
    film, picture, sound = "https://v3.test/1", "https://p3.test/1.webp", "https://sf3.test/1.mp3"
    video = {"play_addr": {"uri": "v0", "url_list": film}, "origin_cover": {"url_list": picture}}
    post = {"aweme_id": "1", "video": video, "music": {"id": 5, "play_url": {"url_list": sound}}}
    media = frames_of([page({"aweme_list": [post]})])["media"]
    assert dict(media.select("kind", "urls").rows()) == {"video": [film], "cover": [picture], "music": [sound]}
    film_beside_an_endless_number = b'{"aweme_list":[{"aweme_id":"1","video":{"play_addr":{"url_list":["u",1e400]}}}]}'
    assert frames_of([page(film_beside_an_endless_number)])["media"]["urls"].to_list() == [["u"]]


@pytest.mark.parametrize("odd", [0, 5, 1.5, True, None, {}, ["https://a/2"]])
def test_what_is_no_text_among_addresses_is_left_out(odd: Any) -> None:
    address = {"uri": "u", "url_list": [odd, "https://a/1"]}
    post = {"aweme_id": "1", "author": {"sec_uid": "s", "avatar_larger": address}, "images": [address]}
    post |= {"music": {"mid": "5", "play_url": address, "cover_hd": address}, "video": {"origin_cover": address}}
    frames = frames_of([page({"aweme_list": [post]})])
    assert frames["media"]["urls"].to_list() == [["https://a/1"]] * 3
    assert frames["music"].select("play_url", "cover_url").rows() == [("https://a/1", "https://a/1")]
    assert frames["users"]["avatar_url"].to_list() == ["https://a/1"]


@pytest.mark.parametrize("nothing", [None, [], {}, ""])
def test_a_mix_of_nobody_is_its_posts_authors(nothing: Any) -> None:
    post = {"aweme_id": "1", "author": {"sec_uid": "s"}, "mix_info": {"mix_id": "5", "author": nothing}}
    assert frames_of([page({"aweme_list": [post]})])["mixes"]["sec_user_id"].to_list() == ["s"]


def test_a_last_room_that_cannot_be_read_is_none() -> None:
    assert frames_of([page(b'{"data":{"data":[],"enter_room_id":"\xff"}}', "live", "123")]) == {}


def test_addresses_of_a_live_room_come_from_the_newer_place_where_the_older_one_is_empty() -> None:
    data = {"data": {"origin": {"main": {"flv": "https://a/1.flv", "hls": "https://a/1.m3u8"}}, "ao": {}}}
    for stream_data in (json.dumps(data), data):
        stream = {"flv_pull_url": {}, "live_core_sdk_data": {"pull_data": {"stream_data": stream_data}}}
        answer = {"data": {"data": [{"id_str": "74", "status": 2, "stream_url": stream}]}}
        row = frames_of([page(answer, "live", "123")])["lives"].to_dicts()[0]
        assert json.loads(row["flv_urls"]) == {"origin": "https://a/1.flv"}
        assert json.loads(row["hls_urls"]) == {"origin": "https://a/1.m3u8"}


@pytest.mark.parametrize(
    ("operation", "listing", "owner"),
    [
        ("user_post", "post", "t"),
        ("user_like", "like", "t"),
        ("user_collect", "collect", "self"),
        ("user_mix", "mix", "t"),
        ("post_feed", "feed", "self"),
        ("post_related", "related", "t"),
        ("collects_posts", "collects", "t"),
        ("follow_feed", "follow_feed", "self"),
        ("friend_feed", "friend_feed", "self"),
        ("search_user_posts", "search", "t"),
    ],
)
def test_every_listing_says_whose_it_is(operation: str, listing: str, owner: str) -> None:
    post = {"aweme_id": "1", "is_top": 1}
    wrapped = {"search_user_posts": {"item": post}, "follow_feed": {"aweme": post}, "friend_feed": {"aweme": post}}
    items = [wrapped.get(operation, post)]
    entry = frames_of([page({"aweme_list": items, "data": items}, operation, "t", cursor="7")])["listing_entries"]
    row = entry.to_dicts()[0]
    assert (row["listing"], row["owner_id"], row["aweme_id"]) == (listing, owner, "1")
    assert (row["position"], row["cursor"], row["is_top"]) == (0, "7", True)


def test_locating_a_post_shows_posts_without_their_places_in_the_listing() -> None:
    assert set(frames_of([page({"aweme_list": [{"aweme_id": "1"}]}, "locate_post")])) == {"posts"}


def posts_in(path: Path) -> list[Any]:
    answer = json.loads(path.read_bytes())
    if "aweme_list" in answer:
        return list(answer["aweme_list"])
    if "aweme_detail" in answer:
        return [answer["aweme_detail"]] if answer["aweme_detail"] else []
    return [answer]


def captured(*folders: str) -> list[Any]:
    paths = [path for folder in folders for path in sorted((CAPTURES / folder).glob("*.json"))]
    return [pytest.param(path, id=f"{path.parent.name}/{path.stem}") for path in paths]


@needs_captures
@pytest.mark.parametrize("path", captured("aweme_post", "aweme_favorite", "aweme_detail", "aweme_object_by_type"))
def test_every_captured_post_becomes_rows_with_what_it_has(path: Path) -> None:
    posts = posts_in(path)
    frames = frames_of([page({"aweme_list": posts})]) if posts else {}
    assert "rejects" not in frames
    if not posts:
        return
    assert not without_their_post(frames)
    assert not of_rows_that_never_have_it(frames)
    rows = {row["aweme_id"]: row for row in frames["posts"].to_dicts()}
    assert list(rows) == [post["aweme_id"] for post in posts]
    for post in posts:
        row = rows[post["aweme_id"]]
        assert row["caption"] == post["desc"]
        assert row["created_at"].timestamp() == post["create_time"]
        assert row["sec_user_id"] == post["author"]["sec_uid"]
        assert row["music_id"] == post["music"]["mid"]
        assert row["image_count"] == (len(post["images"]) if post["images"] else None)
    assert frames["post_stats"]["like_count"].to_list() == [post["statistics"]["digg_count"] for post in posts]
    assert frames["listing_entries"]["position"].to_list() == list(range(len(posts)))
    media = frames["media"]
    promised = {row["media_id"]: row for row in media.to_dicts()}
    for post in posts:
        kind = "image:1" if post["images"] else "video:0"
        assert promised[f"{post['aweme_id']}:{kind}"]["urls"]
        assert promised[f"{post['aweme_id']}:cover:0"]["urls"]
        assert (f"{post['aweme_id']}:music:0" in promised) == bool(post["music"]["play_url"]["url_list"])
        if not post["images"]:
            best = max(
                entry["play_addr"]["width"] * entry["play_addr"]["height"] for entry in post["video"]["bit_rate"]
            )
            film = promised[f"{post['aweme_id']}:video:0"]
            assert film["width"] * film["height"] == best
            assert film["expires_at"] is not None


@needs_captures
@pytest.mark.parametrize("path", captured("aweme_detail"))
def test_every_captured_detail_is_a_post_or_says_why_it_is_gone(path: Path) -> None:
    frames = frames_of([page(path.read_bytes(), "post_detail", "1")])
    row = frames["posts"].to_dicts()[0]
    assert (row["gone_at"] is not None) == path.stem.startswith("deleted")
    assert (row["gone_reason"] is not None) == path.stem.startswith("deleted")


@needs_captures
def test_every_captured_profile_becomes_an_account_with_its_counts() -> None:
    users: list[Any] = []
    for path in sorted((CAPTURES / "user_profile").glob("*.json")):
        answer = json.loads(path.read_bytes())
        users += answer if isinstance(answer, list) else [answer["user"]]
    frames = frames_of([page({"user": user}, "user_profile", "asked-for") for user in users])
    assert "rejects" not in frames
    for user, row in zip(users, frames["users"].to_dicts(), strict=True):
        assert row["sec_user_id"] in user["share_info"]["share_url"]
        assert row["unique_id"] == (user["unique_id"] or None)
        assert row["short_id"] == (user["short_id"] if user["short_id"] != "0" else None)
        assert row["age"] == (None if user["user_age"] == -1 else user["user_age"])
        assert row["ip_location"] == user.get("ip_location")
        assert row["profile_seen_at"] == NOW
    counts = frames["user_stats"]
    assert counts["follower_count"].to_list() == [user["follower_count"] for user in users]
    assert counts["total_favorited"].to_list() == [user["total_favorited"] for user in users]
    assert frames["media"].height == len(users)


def test_a_profile_that_does_not_name_itself_is_the_one_that_was_asked_for() -> None:
    frames = frames_of([page({"user": {"uid": "7", "nickname": "x"}}, "user_profile", "sec")])
    assert frames["users"]["sec_user_id"].to_list() == ["sec"]


def test_an_empty_profile_is_no_account() -> None:
    assert frames_of([page({"user": {}}, "user_profile")]) == {}
    assert set(frames_of([page({"user": {"nickname": "", "room_id": 0}}, "user_profile")])) == {"rejects"}


@needs_captures
@pytest.mark.parametrize(
    ("path", "operation", "table", "key"),
    [
        ("comment_list/202305.json", "post_comment", "comments", "comments"),
        ("comment_reply_list/202305.json", "comment_reply", "comments", "comments"),
        ("user_follower_list/fans-2023.json", "followers", "follows", "followers"),
        ("user_following_list/following-2023.json", "following", "follows", "followings"),
    ],
)
def test_every_captured_list_becomes_a_row_per_item(path: str, operation: str, table: str, key: str) -> None:
    body = (CAPTURES / path).read_bytes()
    items = json.loads(body)[key]
    replies = sum(len(item.get("reply_comment") or ()) for item in items)
    frames = frames_of([page(body, operation, "t")])
    assert "rejects" not in frames
    assert frames[table].height == len(items) + replies


@needs_captures
@pytest.mark.parametrize(
    ("path", "operation", "status"),
    [
        ("webcast_web_enter/live-202507.json", "live", 2),
        ("webcast_web_enter/notlive-202507.json", "live", 4),
        ("webcast_reflow_info/ended-202312.json", "live_room_id", 4),
    ],
)
def test_every_captured_room_becomes_a_broadcast_with_its_status(path: str, operation: str, status: int) -> None:
    frames = frames_of([page((CAPTURES / path).read_bytes(), operation, "t")])
    row = frames["lives"].to_dicts()[0]
    assert "rejects" not in frames
    assert row["status"] == status
    assert row["sec_user_id"]
    assert row["nickname"]


@needs_captures
def test_a_captured_live_card_leads_to_its_room() -> None:
    rawdata = (CAPTURES / "webcast_room_in_aweme" / "type101-rawdata-2023.json").read_text("utf-8")
    frames = frames_of([page({"aweme_list": [{"aweme_id": "1", "aweme_type": 101, "rawdata": rawdata}]}, "post_feed")])
    assert frames["lives"]["status"].to_list() == [2]
    assert frames["posts"].height == 1


@pytest.mark.parametrize("prefix", ["", "mix_"])
def test_a_mix_is_told_by_either_of_its_names(prefix: str) -> None:
    facts = {"desc": "雨", "create_time": 1_700_000_000, "update_time": 1_700_000_060}
    mix = {"mix_id": "7", "mix_name": "合集", **{prefix + name: value for name, value in facts.items()}}
    mixes = frames_of([page({"aweme_list": [{"aweme_id": "1", "mix_info": mix}]})])["mixes"]
    found = mixes.select("description", pl.col("created_at", "updated_at").dt.epoch("s")).rows()
    assert found == [("雨", 1_700_000_000, 1_700_000_060)]


@pytest.mark.parametrize("other", [{}, {"dynamic_cover": None}, {"dynamic_cover": {"uri": "d", "url_list": []}}])
def test_a_moving_cover_is_promised_by_either_of_its_names(other: dict[str, Any]) -> None:
    video = {"animated_cover": {"uri": "a", "url_list": ["https://p3.test/a.webp"]}, **other}
    media = frames_of([page({"aweme_list": [{"aweme_id": "1", "video": video}]})])["media"]
    assert media.select("media_id", "source_uri").rows() == [("1:dynamic_cover:0", "a")]
    video["dynamic_cover"] = {"uri": "d", "url_list": ["https://p3.test/d.webp"]}
    media = frames_of([page({"aweme_list": [{"aweme_id": "1", "video": video}]})])["media"]
    assert media["source_uri"].to_list() == ["d"]


@pytest.mark.parametrize("beside", [{}, {"rawdata": ""}, {"rawdata": "{}"}, {"rawdata": "no room"}])
def test_a_live_card_may_have_its_room_in_a_cell_of_its_own(beside: dict[str, str]) -> None:
    card = {"aweme_id": "1", "aweme_type": 101, "cell_room": {"rawdata": '{"id_str":"7","status":2}'}, **beside}
    frames = frames_of([page({"aweme_list": [card]}, "post_feed")])
    assert frames["lives"].select("room_id", "status").rows() == [("7", 2)]
    assert "rejects" not in frames


@pytest.mark.parametrize("pack", ["post", "favorite", "detail", "feed"])
def test_every_post_of_the_made_up_douyin_becomes_a_row_in_every_pack(pack: str) -> None:
    world = World(seed=11, users=2, posts=90)
    renderer = Renderer(world, 1_790_000_000)
    kinds: set[str] = set()
    for account in world.accounts:
        posts = [world.post(account.number, index) for index in range(world.total(account.number))]
        frames = frames_of([page(b'{"aweme_list":' + renderer.posts(posts, pack) + b"}")])
        assert "rejects" not in frames
        assert frames["posts"].height == len(posts)
        assert not without_their_post(frames)
        kinds |= set(frames["media"]["kind"])
    assert {"video", "image", "live_photo", "music", "cover", "caption"} <= kinds
