from __future__ import annotations

import json

import pytest
from visitor import Visitor


@pytest.fixture
async def owner(world):
    """Someone logged in as account 0."""
    async with Visitor(world, cookie=world.cookie) as visitor:
        yield visitor


async def _pages(visitor, path, key, params, cursor="cursor", first=0):
    pages, at = [], first
    while True:
        page = (await visitor.ask(path, params | {cursor: at})).json()
        pages.append(page)
        at = page[key]
        if not page["has_more"]:
            return pages


def _all(pages, key):
    return [item for page in pages for item in page[key]]


async def test_collected_posts_page_by_microseconds(owner, world):
    pages = await _pages(owner, "aweme/listcollection", "cursor", {"count": 10})
    items = _all(pages, "aweme_list")
    assert len(items) == len({item["aweme_id"] for item in items}) == world.collected
    assert all(len(str(page["cursor"])) == 16 for page in pages)


async def test_folders_and_their_posts(owner):
    folders = (await owner.ask("collects/list", {"cursor": 0, "count": 2})).json()
    assert (folders["cursor"], folders["has_more"], folders["total_number"]) == ("2", True, 3)
    for folder in folders["collects_list"]:
        assert folder["collects_id_str"] == str(folder["collects_id"])
        asked = {"collects_id": folder["collects_id_str"], "count": 10}
        items = _all(await _pages(owner, "collects/video/list", "cursor", asked), "aweme_list")
        assert len(items) == folder["total_number"]
    nothing = (await owner.ask("collects/video/list", {"collects_id": "1"})).json()
    assert (nothing["aweme_list"], nothing["has_more"]) == ([], 0)


async def test_collected_sounds_and_mixes(owner, world):
    sounds = _all(await _pages(owner, "music/listcollection", "cursor", {"count": 20}), "mc_list")
    assert len(sounds) == 25
    assert all(sound["id_str"] == sound["mid"] == str(sound["id"]) for sound in sounds)
    assert min(sound["duration"] for sound in sounds) >= 5_000
    mixes = (await owner.ask("mix/listcollection")).json()
    assert len(mixes["mix_infos"]) == 5
    first = mixes["mix_infos"][0]
    page = (await owner.ask("mix/aweme", {"mix_id": first["mix_id"], "cursor": 0, "count": 20})).json()
    assert page["aweme_list"][0]["author"]["sec_uid"] == first["author"]["sec_uid"]


async def test_a_mix_is_told_by_episode(owner, world):
    items = _all(await _pages(owner, "mix/aweme", "cursor", {"mix_id": world.mix_id(1), "count": 4}), "aweme_list")
    assert [item["mix_info"]["statis"]["current_episode"] for item in items] == [1, 2, 3, 4, 5, 6]
    for wrong in ("7" * 19, "x", world.post(0, 0).aweme_id):
        nothing = (await owner.ask("mix/aweme", {"mix_id": wrong})).json()
        assert (nothing["aweme_list"], nothing["has_more"]) == ([], 0)


async def test_comments_and_replies_hang_together(owner, world):
    aweme_id = world.post(1, 20).aweme_id
    pages = await _pages(owner, "comment/list", "cursor", {"aweme_id": aweme_id, "count": 20})
    comments = _all(pages, "comments")
    assert len(pages[0]["comments"]) == 19
    assert pages[0]["cursor"] == 20
    assert len({comment["cid"] for comment in comments}) == len(comments) >= pages[0]["total"] - len(pages)
    assert any(comment["text"] == "" and comment["image_list"] for comment in comments)
    asked = max(comments, key=lambda comment: comment["reply_comment_total"])
    params = {"item_id": aweme_id, "comment_id": asked["cid"], "count": 3}
    replies = _all(await _pages(owner, "comment/list/reply", "cursor", params), "comments")
    assert len(replies) == asked["reply_comment_total"] > 3
    assert {reply["reply_id"] for reply in replies} == {asked["cid"]}
    assert replies[2]["reply_to_reply_id"] == replies[1]["cid"]
    nothing = (await owner.ask("comment/list", {"aweme_id": "7" * 19})).json()
    assert (nothing["comments"], nothing["has_more"]) == (None, 0)


async def test_the_feed_is_different_each_time_and_has_live_cards_ads_and_107s(owner):
    answers = [(await owner.ask("tab/feed", {"count": 10, "refresh_index": at})).json() for at in (1, 2)]
    one, two = ({item["aweme_id"] for item in answer["aweme_list"]} for answer in answers)
    assert not one & two
    items = answers[0]["aweme_list"] + answers[1]["aweme_list"]
    types = {item["aweme_type"] for item in items}
    assert {101, 107} <= types
    live = next(item for item in items if item["aweme_type"] == 101)
    assert json.loads(live["rawdata"])["status"] == 2
    assert not {"create_time", "desc", "statistics", "status", "video", "music"} & set(live)
    assert any(item.get("is_ads") for item in items)
    assert "max_cursor" not in answers[0]


async def test_the_feed_of_followed_accounts_wraps_its_posts(owner):
    items = _all(await _pages(owner, "follow/feed", "cursor", {"count": 20, "level": 1}), "data")
    assert len({item["aweme"]["aweme_id"] for item in items}) == len(items) == 60


async def test_the_feed_of_friends_wraps_its_posts_and_denies_its_own_second_page(owner):
    first = (await owner.ask("familiar/feed", {"cursor": 0, "level": 1})).json()
    assert first["has_more"] == 0
    rest = await _pages(owner, "familiar/feed", "cursor", {"level": 1}, first=first["cursor"])
    items = _all([first, *rest], "data")
    assert len({item["aweme"]["aweme_id"] for item in items}) == len(items) == 30


async def test_related_posts_leave_out_what_was_shown(owner, world):
    aweme_id, shown = world.post(0, 5).aweme_id, []
    while True:
        asked = {"aweme_id": aweme_id, "count": 20, "filterGids": ",".join([aweme_id, *shown])}
        page = (await owner.ask("aweme/related", asked)).json()
        shown += [item["aweme_id"] for item in page["aweme_list"]]
        if page["has_more"] is False:
            break
    assert len(shown) == len(set(shown)) >= 44


@pytest.mark.parametrize(("path", "key"), [("user/following/list", "followings"), ("user/follower/list", "followers")])
async def test_people_are_listed_by_offset_or_by_time(path, key, owner, world):
    sec = world.sec_user_id(1)
    mixed = await _pages(owner, path, "offset", {"sec_user_id": sec, "source_type": 4, "count": 20}, "offset")
    timed = await _pages(owner, path, "min_time", {"sec_user_id": sec, "source_type": 1, "count": 20}, "max_time")
    assert [page["has_more"] for page in mixed] == [True, True, False]
    names = [[person["sec_uid"] for person in _all(pages, key)] for pages in (mixed, timed)]
    assert names[0] == names[1]
    assert len(mixed[0][key]) == 19
    hidden = (await owner.ask(path, {"sec_user_id": world.sec_user_id(2)})).json()
    assert hidden["status_code"] == 2096


async def test_the_oldest_come_first_where_they_are_asked_for(owner, world):
    asked = {"sec_user_id": world.sec_user_id(1), "count": 20}
    newest = await _pages(owner, "user/following/list", "min_time", asked | {"source_type": 1}, "max_time")
    oldest = await _pages(owner, "user/following/list", "max_time", asked | {"source_type": 3}, "min_time")
    assert [page["has_more"] for page in oldest] == [True, True, False]
    names = [[person["sec_uid"] for person in _all(pages, "followings")] for pages in (newest, oldest)]
    assert names[1] == names[0][::-1]


async def test_an_offset_below_the_first_is_the_first(owner, world):
    asked = {"sec_user_id": world.sec_user_id(1), "source_type": 4, "count": 20}
    one, two = [(await owner.ask("user/following/list", asked | {"offset": at})).json() for at in (0, -5)]
    assert (two["followings"], two["offset"]) == (one["followings"], 20)


async def test_lists_of_people_tell_less_than_a_profile(owner, world):
    post = world.post(1, 20)
    followed = (await owner.ask("user/following/list", {"sec_user_id": world.sec_user_id(1)})).json()
    remarks = (await owner.ask("comment/list", {"aweme_id": post.aweme_id})).json()
    for person in (followed["followings"][0], remarks["comments"][0]["user"]):
        assert {"uid", "sec_uid", "nickname", "short_id", "unique_id"} <= set(person)
        assert not {"ip_location", "city", "gender", "user_age", "school_name"} & set(person)
    assert {"signature", "follower_count"} <= set(followed["followings"][0])
    assert not {"signature", "follower_count", "avatar_larger"} & set(remarks["comments"][0]["user"])
    assert set(remarks["extra"]) == {"now", "logid", "fatal_item_ids"}
    assert remarks["extra"]["now"] > 10**12


async def test_search_in_an_account_goes_on_by_its_search_id(owner, world):
    asked = {"keyword": "同一秒", "from_user": world.uid(0), "count": 1}
    first = (await owner.ask("home/search/item", asked | {"offset": 0, "search_id": ""})).json()
    assert (len(first["aweme_list"]), first["cursor"], first["has_more"]) == (1, 1, 1)
    assert (await owner.ask("home/search/item", asked | {"offset": 1, "search_id": "wrong"})).json()["status_code"] == 5
    more = asked | {"offset": 1, "search_id": first["log_pb"]["impr_id"]}
    second = (await owner.ask("home/search/item", more)).json()
    assert "同一秒" in second["aweme_list"][0]["item"]["desc"]
    assert second["has_more"] == 0
    owner.cookie = world.visitor_cookie
    assert (await owner.ask("home/search/item", more)).json()["status_code"] == 2483


async def test_a_post_is_located_in_its_list(owner, world):
    for index in (59, 33, 20, 0):
        post = world.post(1, index)
        asked = {"sec_user_id": world.sec_user_id(1), "locate_item_id": post.aweme_id, "count": 10}
        page = (await owner.ask("locate/post", asked)).json()
        assert post.aweme_id in {item["aweme_id"] for item in page["aweme_list"]}
        assert page["locate_item_cursor"] == post.created_at * 1000
    nothing = (await owner.ask("locate/post", {"sec_user_id": world.sec_user_id(1), "locate_item_id": "1"})).json()
    assert nothing["has_locate_item"] is False


async def test_unknown_posts_and_users_are_told_apart_from_gone_ones(owner):
    assert (await owner.ask("aweme/detail", {"aweme_id": "7" * 19})).json()["status_code"] == 2053
    stranger = {"sec_user_id": "MS4wLjABAAAA" + "x" * 43}
    assert (await owner.ask("user/profile/other", stranger)).json()["status_code"] == 2065
    posts = (await owner.ask("aweme/post", stranger)).json()
    assert (posts["status_code"], posts["aweme_list"], posts["has_more"]) == (0, [], 0)


async def test_an_account_goes_by_one_id_where_one_is_asked_for(owner, world):
    sec, uid = world.sec_user_id(1), world.uid(1)
    assert (await owner.ask("user/profile/other", {"sec_user_id": uid})).json()["status_code"] == 2065
    assert (await owner.ask("aweme/post", {"sec_user_id": uid})).json()["aweme_list"] == []
    searched = {"keyword": "第", "from_user": sec}
    assert (await owner.ask("home/search/item", searched)).json()["status_code"] == 5
    for wrong in ({"sec_user_id": uid}, {"user_id": sec}):
        assert (await owner.ask("user/following/list", wrong)).json()["status_code"] == 5
    assert (await owner.ask("user/following/list", {"user_id": uid})).json()["status_code"] == 0


async def test_profiles_leave_things_out_as_the_service_does(owner, world):
    world.add_posts(1, 2)
    users = [
        (await owner.ask("user/profile/other", {"sec_user_id": world.sec_user_id(number)})).json()["user"]
        for number in (0, 1, 2, 256, 257, 258, 259, 260, 261)
    ]
    assert users[1]["aweme_count"] == 62
    assert {"ip_location" in user for user in users} == {True, False}
    assert any(user["unique_id"] == "" and user["short_id"] != "0" for user in users)
    assert [(user["live_status"], str(user["room_id"])) for user in users[:3]] == [
        (1, world.account(0).room_id),
        (0, "0"),  # its broadcast is over
        (1, world.account(2).room_id),
    ]
    assert users[0]["mix_count"] == 2
    assert users[0]["mplatform_followers_count"] >= users[0]["follower_count"]
