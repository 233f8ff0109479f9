"""The tools and the crawler of the spec, row by row, against the made-up Douyin."""

from __future__ import annotations

import io
import random
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_force import in_force
from pydantic import BaseModel

from deployments.simulator.rooms import LiveRoom, Rooms
from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.errors import ArchiveError, BadInput
from pipelines.extract.crawler import DouyinCrawler
from pipelines.extract.fetchers import AwemeIdFetcher, MixIdFetcher, SecUserIdFetcher, WebCastIdFetcher
from pipelines.extract.pacing import Pace
from pipelines.extract.qrcode import show_qrcode
from pipelines.extract.signing import XBogusManager
from pipelines.extract.tokens import TokenManager, VerifyFpManager
from pipelines.handler import fetch_one_video
from pipelines.load.naming import (
    create_or_rename_user_folder,
    create_user_folder,
    extract_desc_from_share_desc,
    format_file_name,
    get_request_sizes,
    rename_user_folder,
)
from pipelines.transform.interface import LIVE, PROFILE, count_at, detail_dict, named, post_dict, text_at
from schemas import requests as r


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(World(seed=1, users=2, posts=30)) as running:
        account = running.world.accounts[0]
        running.app.state["rooms"] = Rooms([LiveRoom(account.webcast_id, account.room_id, 0, time.time() - 5, 600)])
        yield running


@pytest.fixture(autouse=True)
def archive(simulator: Simulator, tmp_path: Path) -> Iterator[None]:
    with in_force(simulator, tmp_path / "archive"):
        yield


@pytest.fixture
def account(simulator: Simulator) -> Any:
    return simulator.world.accounts[0]


def test_tokens_are_made_by_name(simulator: Simulator) -> None:
    assert len(TokenManager.gen_real_msToken(upstream=simulator.url)) > 100
    assert TokenManager.gen_false_msToken().endswith("==")
    assert TokenManager.gen_ttwid(upstream=simulator.url).startswith("1")
    assert VerifyFpManager.gen_verify_fp().startswith("verify_")
    assert VerifyFpManager.gen_s_v_web_id().startswith("verify_")


async def test_what_takes_no_settings_asks_the_stand_in_of_the_environment(
    simulator: Simulator, account: Any, tmp_path: Path
) -> None:
    with in_force(simulator, tmp_path):
        assert TokenManager.gen_ttwid().startswith("1")
        assert len(TokenManager.gen_real_msToken()) > 100
        assert await SecUserIdFetcher.get_sec_user_id(account.short_link) == account.sec_user_id
        async with DouyinCrawler({"cookie": simulator.world.cookie}) as crawler:
            answer = await crawler.fetch_user_profile(r.UserProfile(sec_user_id=account.sec_user_id))
            assert answer["user"]["sec_uid"] == account.sec_user_id
    with in_force(simulator, tmp_path, AWEME_UPSTREAM="http://127.0.0.1:9"):
        assert TokenManager.gen_ttwid(upstream=simulator.url).startswith("1"), "what is given comes first"


def test_addresses_are_signed_by_both_names() -> None:
    base = "https://www.douyin.com/aweme/v1/web/aweme/detail/"
    for name in ("to_complete_endpoint", "model_2_endpoint"):
        address = getattr(XBogusManager, name)(base, {"aweme_id": "1", "msToken": "a="})
        assert address.startswith(f"{base}?aweme_id=1&msToken=a%3D&X-Bogus=")
    with pytest.raises(TypeError):
        XBogusManager.to_complete_endpoint(base, "aweme_id=1")  # type: ignore[arg-type]


async def test_ids_are_found_one_by_one_and_in_lists(simulator: Simulator, account: Any) -> None:
    way: Any = {"upstream": simulator.url}
    post = simulator.world.post(0, 5).aweme_id
    link, room = f"https://www.douyin.com/video/{post}", f"https://live.douyin.com/{account.webcast_id}"
    assert await SecUserIdFetcher.get_sec_user_id(account.short_link, **way) == account.sec_user_id
    assert await AwemeIdFetcher.get_aweme_id(link) == post
    assert await WebCastIdFetcher.get_webcast_id(room) == account.webcast_id
    users = await SecUserIdFetcher.get_all_sec_user_id([account.home, "nothing", account.share_text], **way)
    assert [users[0], users[2]] == [account.sec_user_id] * 2
    assert isinstance(users[1], ArchiveError)
    assert (await AwemeIdFetcher.get_all_aweme_id([link, link])) == [post, post]
    assert (await WebCastIdFetcher.get_all_webcast_id([room])) == [account.webcast_id]


async def test_a_mix_is_found_from_its_link_and_from_a_post_of_it(simulator: Simulator) -> None:
    mix_id = simulator.world.mix_id(0)
    of_mix = f"https://www.douyin.com/collection/{mix_id}/1"
    of_post = f"https://www.douyin.com/video/{simulator.world.episode(0, 0, 1).aweme_id}"
    assert await MixIdFetcher.get_mix_id(of_mix) == mix_id
    assert await MixIdFetcher.get_mix_id(of_post, detail=fetch_one_video) == mix_id
    assert await MixIdFetcher.get_all_mix_id([of_post, of_mix], detail=fetch_one_video) == [mix_id, mix_id]


async def test_a_mix_is_found_from_a_post_of_it_with_nothing_but_its_link(simulator: Simulator) -> None:
    mix_id = simulator.world.mix_id(0)
    posts = [f"https://www.douyin.com/video/{simulator.world.episode(0, 0, number).aweme_id}" for number in (1, 2)]
    assert await MixIdFetcher.get_mix_id(posts[0]) == mix_id
    gone = "https://www.douyin.com/video/7298145681699622182"
    *found, missing = await MixIdFetcher.get_all_mix_id([*posts, gone])
    assert found == [mix_id, mix_id]
    assert isinstance(missing, ArchiveError)
    with in_force(simulator, Path("unused"), AWEME_UPSTREAM="http://127.0.0.1:9"):
        assert await MixIdFetcher.get_mix_id(posts[0], upstream=simulator.url) == mix_id, "what is given comes first"


def test_the_two_tools_that_have_had_their_day_say_so_and_work() -> None:
    with pytest.warns(DeprecationWarning, match="get_request_sizes"):
        assert get_request_sizes(20, 105) == [20, 20, 20, 20, 20, 5]
    with pytest.warns(DeprecationWarning, match="extract_desc"):
        assert extract_desc_from_share_desc("a b", "1.2 x a b and more https://v") == "a b and more"
    with pytest.warns(DeprecationWarning, match="get_request_sizes"), pytest.raises(BadInput):
        get_request_sizes(0, 10)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (1700000000, "2023-11-15 06-13-20"),
        ("1700000000", "2023-11-15 06-13-20"),
        *((odd, "") for odd in (None, 0, "", "soon", [], {}, 253_402_300_799, 10**30, -(10**13), 1e300)),
    ],
)
def test_a_post_of_any_moment_is_a_dict(seconds: object, text: str) -> None:
    assert post_dict({"aweme_id": "1", "create_time": seconds}, has_more=0, max_cursor=0)["create_time"] == text


@pytest.mark.parametrize(
    ("found", "text", "count"),
    [("12", "12", 12), (12, "12", 12), ("x", "x", None), (-1, "-1", None), ("9" * 5000, "9" * 5000, None)]
    + [(odd, "", None) for odd in (None, True, 1.5, [], {}, ["x"])],
)
def test_texts_and_counts_are_read_in_any_spelling(found: object, text: str, count: int | None) -> None:
    answer = {"user": {"nickname": found}}
    assert (text_at(answer, "user.nickname"), count_at(answer, "user.nickname")) == (text, count)


@pytest.mark.parametrize(
    ("room", "likes"),
    [
        ({"like_count": 3236, "stats": {"like_count": 0}}, 3236),
        ({"stats": {"like_count": 0}}, 0),
        ({"like_count": 7, "stats": {"like_count_str": "1.2万", "like_count": 0}}, "1.2万"),
        ({"like_count": 7, "stats": {"like_count_str": ""}}, 7),
        ({"stats": {"like_count_str": ""}}, ""),
        ({}, None),
    ],
)
def test_the_likes_of_a_room_are_not_the_zero_beside_them(room: dict[str, Any], likes: object) -> None:
    assert named({"data": {"data": [room]}}, LIVE)["like_count"] == likes


def test_an_empty_name_of_a_room_hides_no_anchor_beside_it() -> None:
    beside = {"nickname": "雨", "sec_uid": "MS4", "id_str": "5"}
    road = {"partition": {"id_str": "7", "title": "聊天"}}
    room = {"owner": {"nickname": "", "sec_uid": "", "id_str": ""}, "partition_road_map": {"partition": {"title": ""}}}
    found = named({"data": {"data": [room], "user": beside, "partition_road_map": road}}, LIVE)
    assert [found[key] for key in ("nickname_raw", "sec_user_id", "user_id", "partition_title")] == [
        "雨",
        "MS4",
        "5",
        "聊天",
    ]


def test_mentions_and_search_words_are_no_hashtags_of_a_post() -> None:
    marks = [
        {"type": 1, "hashtag_id": "9", "hashtag_name": "猫"},
        {"type": 0, "sec_uid": "MS4", "user_id": "5"},
        {"type": 5, "search_text": "狗"},
        None,
        {"type": 1, "hashtag_id": "10", "hashtag_name": "雨"},
    ]
    found = detail_dict({"aweme_detail": {"aweme_id": "1", "text_extra": marks}})
    assert (found["hashtag_ids"], found["hashtag_names"]) == ('["9", "10"]', '["猫", "雨"]')
    nothing = detail_dict({"aweme_detail": {"aweme_id": "1", "text_extra": marks[1:3]}})
    assert (nothing["hashtag_ids"], nothing["hashtag_names"]) == ("[]", "[]")


def test_an_id_that_came_as_a_number_is_the_same_id_as_text() -> None:
    number = 7298145681699622999  # past 2^53
    person = {"uid": number, "sec_uid": "MS4", "short_id": 0, "unique_id": 123456}
    aweme = {
        "aweme_id": number,
        "author": person,
        "mix_info": {"mix_id": number},
        "music": {"id": number, "mid": number, "owner_id": number},
        "text_extra": [{"hashtag_id": number}],
        "comment_gid": number,
    }
    listed = post_dict(aweme, has_more=0, max_cursor=0)
    detail = detail_dict({"aweme_detail": aweme})
    assert (listed["aweme_id"], listed["uid"]) == (str(number), str(number))
    assert [detail[key] for key in ("aweme_id", "uid", "mix_id", "music_mid", "music_owner_id")] == [str(number)] * 5
    assert (detail["short_id"], detail["unique_id"], detail["hashtag_ids"]) == ("0", "123456", f'["{number}"]')
    assert (detail["comment_gid"], detail["music_id"]) == (number, number), "numbers in the spec, with all their digits"
    profile = named({"user": {**person, "room_id": number}}, PROFILE)
    assert [profile[key] for key in ("uid", "short_id", "room_id")] == [str(number), "0", number]
    nothing = post_dict({"aweme_id": None, "author": {"uid": True}}, has_more=0, max_cursor=0)
    assert (nothing["aweme_id"], nothing["uid"]) == (None, True), "what is no id stays what it was"


async def test_names_and_folders_follow_a_template_and_a_nickname(account: Any, tmp_path: Path) -> None:
    post = {"create_time": "2024-01-01 08-00-00", "desc": "雨", "aweme_id": "7"}
    assert format_file_name("{create}_{desc}_{aweme_id}", post, {}, 200) == "2024-01-01 08-00-00_雨_7"
    kwargs = {"path": str(tmp_path), "mode": "post"}
    first = create_user_folder(kwargs, "旧")
    assert first == tmp_path / "douyin" / "post" / "旧"
    second = rename_user_folder(first, "中")
    third = create_or_rename_user_folder(kwargs, {"nickname": "中"}, "新")
    assert (second.name, third.name) == ("中", "新")
    assert [one.name for one in third.parent.iterdir()] == ["新"]


def test_a_code_is_drawn_on_the_terminal_or_opened_as_an_image() -> None:
    drawn, opened = io.StringIO(), []
    show_qrcode("https://www.douyin.com/", out=drawn)
    show_qrcode("https://www.douyin.com/", show_image=True, open_image=opened.append)
    assert drawn.getvalue().count("\n") > 10
    assert opened[0].endswith(".png")


@pytest.fixture
def questions(simulator: Simulator, account: Any) -> dict[str, tuple[BaseModel, str]]:
    post = simulator.world.post(0, simulator.world.total(0) - 2)
    cursor = str((post.created_at + 1) * 1000)
    return {
        "fetch_user_profile": (r.UserProfile(sec_user_id=account.sec_user_id), "user"),
        "fetch_user_post": (r.UserPost(sec_user_id=account.sec_user_id), "aweme_list"),
        "fetch_user_like": (r.UserLike(sec_user_id=account.sec_user_id), "aweme_list"),
        "fetch_user_collect": (r.UserCollect(), "aweme_list"),
        "fetch_user_mix": (r.UserMix(mix_id=simulator.world.mix_id(0)), "aweme_list"),
        "fetch_post_detail": (r.PostDetail(aweme_id=post.aweme_id), "aweme_detail"),
        "fetch_post_comment": (r.PostComment(aweme_id=post.aweme_id), "comments"),
        "fetch_post_feed": (r.PostFeed(), "aweme_list"),
        "fetch_follow_feed": (r.FollowFeed(), "data"),
        "fetch_friend_feed": (r.FriendFeed(), "data"),
        "fetch_post_related": (r.PostRelated(aweme_id=post.aweme_id), "aweme_list"),
        "fetch_live": (r.UserLive(web_rid=account.webcast_id), "data"),
        "fetch_live_room_id": (r.UserLive2(room_id=account.room_id), "data"),
        "fetch_follow_live": (r.FollowUserLive(), "data"),
        "fetch_locate_post": (
            r.PostLocate(
                sec_user_id=account.sec_user_id,
                max_cursor=cursor,
                locate_item_cursor=cursor,
                locate_item_id=post.aweme_id,
            ),
            "aweme_list",
        ),
        "fetch_login_qrcode": (r.LoginGetQr(), "data"),
    }


async def test_all_18_methods_of_the_crawler_answer_by_name(
    simulator: Simulator, questions: dict[str, tuple[BaseModel, str]]
) -> None:
    kwargs = {"cookie": simulator.world.cookie, "headers": {}, "proxies": {"http": None, "https": None}}
    at_once = Pace(random.Random(1), min_interval_s=0)
    async with DouyinCrawler(kwargs, upstream=simulator.url, pace=at_once) as crawler:
        answers = {name: await getattr(crawler, name)(asked) for name, (asked, _) in questions.items()}
        for name, (_, key) in questions.items():
            assert answers[name][key], name
        token = answers["fetch_login_qrcode"]["data"]["token"]
        poll = await crawler.fetch_check_qrcode(r.LoginCheckQr(token=token))
        assert poll.json()["data"]["status"]
        assert isinstance(await crawler.fetch_check_login(r.LoginCheckQr(token=token)), dict)
    assert len(questions) + 2 == 18
