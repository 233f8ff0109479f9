from __future__ import annotations

import json

import pytest
from visitor import Visitor

from deployments.simulator.kinds import SHOWCASE
from deployments.simulator.links import describe, links_in
from deployments.simulator.world import CROWD, World

_REPORT = b'{"magic":538969122,"version":1,"dataType":8,"strData":"fWOd","tspFromClient":1795000000000}'
_TTWID_URL = "https://ttwid.bytedance.com/ttwid/union/register/"
_TTWID_BODY = b'{"region":"cn","aid":1768,"needFid":false,"service":"www.ixigua.com","union":true}'


async def _detail(visitor, aweme_id):
    return (await visitor.ask("aweme/detail", {"aweme_id": aweme_id})).json()


async def _profile(visitor, user=0):
    return (await visitor.ask("user/profile/other", {"sec_user_id": visitor.world.sec_user_id(user)})).json()["user"]


async def test_two_worlds_of_one_seed_answer_byte_for_byte_alike_and_others_do_not():
    def clock():
        return 1_795_000_000.0

    answers = []
    for seed in (1, 1, 2):
        world = World(seed=seed)
        async with Visitor(world, clock=clock) as visitor:
            answers.append((await visitor.ask("aweme/post", {"sec_user_id": world.sec_user_id(0)})).content)
    assert answers[0] == answers[1] != answers[2]


def test_ids_look_like_douyins_and_lead_back_to_their_posts(world):
    for user in (0, 1, CROWD + 5):
        post = world.post(user, 3)
        assert len(post.aweme_id) == 19
        assert post.aweme_id[0] == "7"
        assert int(post.aweme_id) >> 32 == post.created_at
        assert world.find(post.aweme_id) == post
    for wrong in ("", "abc", "7" * 19, "１" * 19, str(int(world.post(0, 3).aweme_id) + 1)):
        assert world.find(wrong) is None
    assert {len(account.sec_user_id) for account in world.accounts} == {55, 76}
    assert all(world.number_of(account.sec_user_id) == account.number for account in world.accounts)


def test_a_world_says_what_it_cannot_be():
    for wrong in ({"users": 0}, {"users": 257}, {"posts": -1}, {"posts": [1] * 300}):
        with pytest.raises(ValueError, match="1 to 256 users"):
            World(**wrong)


def test_every_kind_of_post_stands_in_the_first_account(world):
    shown = [world.post(0, index).kind for index in range(60)]
    assert set(SHOWCASE) <= set(shown)


async def test_new_posts_come_on_top_and_nothing_else_moves(world):
    async with Visitor(world) as visitor:
        before = [page["aweme_list"] for page in await visitor.walk(1)]
        added = world.add_posts(1, 3)
        first = (await visitor.posts(1))["aweme_list"]
        after = [page["aweme_list"] for page in await visitor.walk(1)]
        assert (await _profile(visitor, 1))["aweme_count"] == 63
    assert [post["aweme_id"] for post in first[:3]] == added
    old = {post["aweme_id"] for page in before for post in page}
    assert {post["aweme_id"] for page in after for post in page} == old | set(added)


async def test_a_renamed_account_has_its_name_in_profile_and_posts(world):
    async with Visitor(world) as visitor:
        assert (await _profile(visitor))["nickname"] == "木匠阿福"
        world.rename(0, "")
        assert (await _profile(visitor))["nickname"] == ""
        world.rename(0, '换了"名字"\\')
        assert (await _profile(visitor))["nickname"] == '换了"名字"\\'
        names = {post["author"]["nickname"] for post in (await visitor.posts())["aweme_list"] if post["author"]}
    assert names == {'换了"名字"\\'}


async def test_captions_and_counts_change_on_demand(world):
    aweme_id = world.post(1, 10).aweme_id
    async with Visitor(world) as visitor:
        before = (await _detail(visitor, aweme_id))["aweme_detail"]
        world.edit_caption(aweme_id, "改过的\n文案 #新标签")
        world.bump_stats(aweme_id, 5)
        world.bump_stats(aweme_id, 2)
        after = (await _detail(visitor, aweme_id))["aweme_detail"]
        assert after["desc"] == "改过的\n文案 #新标签"
        assert [tag["hashtag_name"] for tag in after["text_extra"]] == ["新标签"]
        assert after["statistics"]["digg_count"] == before["statistics"]["digg_count"] + 7
        world.edit_caption(aweme_id, None)
        assert (await _detail(visitor, aweme_id))["aweme_detail"]["desc"] is None


async def test_deleted_and_hidden_posts_leave_lists_and_say_why_until_they_come_back(world):
    gone, hidden = world.post(1, 59).aweme_id, world.post(1, 58).aweme_id
    async with Visitor(world) as visitor:
        world.delete(gone, "copyright_foreign")
        world.make_private(hidden)
        listed = {post["aweme_id"] for post in (await visitor.posts(1))["aweme_list"]}
        assert not {gone, hidden} & listed
        assert (await _detail(visitor, gone))["filter_detail"]["filter_reason"] == "copyright_foreign"
        assert (await _detail(visitor, hidden))["filter_detail"]["filter_reason"] == "status_self_see"
        world.restore(gone)
        world.restore(hidden)
        assert {gone, hidden} <= {post["aweme_id"] for post in (await visitor.posts(1))["aweme_list"]}


async def test_closed_accounts_have_no_posts(world):
    async with Visitor(world) as visitor:
        world.make_private(1)
        assert (await _profile(visitor, 1))["secret"] == 1
        assert ((await visitor.posts(1))["aweme_list"], (await visitor.posts(1))["has_more"]) == ([], 0)
        world.delete(world.sec_user_id(1))
        assert (await _profile(visitor, 1))["nickname"] == ""
        assert (await visitor.posts(1))["aweme_list"] == []
        assert (await _detail(visitor, world.post(1, 3).aweme_id))["aweme_detail"] is None
        world.restore(1)
        assert (await visitor.posts(1))["aweme_list"]


def test_changes_to_posts_that_are_not_there_are_refused(world):
    for change in (world.delete, world.make_private, world.bump_stats):
        with pytest.raises(ValueError, match="no post"):
            change("7000000000000000000")
    with pytest.raises(ValueError, match="none of Douyin's reasons"):
        world.delete(world.post(0, 0).aweme_id, "because")


async def test_every_link_of_the_world_leads_where_it_says(world):
    async with Visitor(world) as visitor:
        for what, link in links_in(world):
            url = link[link.index("https://") :].split()[0]
            if "reflow" in url or "live.douyin" in url:
                continue
            hops = 0
            answer = await visitor.send(url)
            while answer.is_redirect:
                hops += 1
                answer = await visitor.send(answer.headers["location"])
            assert answer.status_code == 200, what
            assert hops == (2 if "v.douyin.com" in url else 0), what
            assert answer.url.host == "www.douyin.com"
        dead = await visitor.send("https://v.douyin.com/nosuchcode/")
        assert dead.headers["location"] == "https://www.douyin.com/"


async def _about_a_post(visitor, user):
    """What four operations tell of a post of an account."""
    post, sec = visitor.world.post(user, 3), visitor.world.sec_user_id(user)
    asked = {"keyword": "第", "from_user": visitor.world.uid(user)}
    return [
        (await visitor.ask("mix/aweme", {"mix_id": visitor.world.mix_id(user)})).json()["aweme_list"],
        (await visitor.ask("comment/list", {"aweme_id": post.aweme_id})).json()["comments"],
        (await visitor.ask("home/search/item", asked)).json()["aweme_list"],
        (await visitor.ask("locate/post", {"sec_user_id": sec, "locate_item_id": post.aweme_id})).json()["aweme_list"],
    ]


async def test_no_door_leads_into_a_closed_account(world):
    sec, aweme_id = world.sec_user_id(1), world.post(1, 3).aweme_id
    async with Visitor(world) as visitor:
        assert all(await _about_a_post(visitor, 1))
        world.make_private(1)
        assert not any(await _about_a_post(visitor, 1))
        assert (await _detail(visitor, aweme_id))["filter_detail"]["filter_reason"] == "status_part_see"
        assert (await visitor.ask("user/follower/list", {"sec_user_id": sec})).json()["status_code"] == 2096
        world.delete(1)
        assert not any(await _about_a_post(visitor, 1))
        assert (await visitor.ask("user/follower/list", {"sec_user_id": sec})).json()["status_code"] == 2065
    async with Visitor(world, cookie=world.cookie) as owner:
        world.make_private(0)
        assert all(await _about_a_post(owner, 0))


@pytest.mark.parametrize("path", ["channel/300203", "recommend", "root/live/1", "music/7", "series/7", "hot/7"])
async def test_other_pages_of_the_site_are_there_too(path, world):
    async with Visitor(world) as visitor:
        assert (await visitor.send(f"https://www.douyin.com/{path}")).status_code == 200


async def test_a_share_page_leads_only_desktop_browsers_to_the_site(world):
    url = f"https://www.iesdouyin.com/share/video/{world.post(1, 3).aweme_id}/"
    async with Visitor(world) as visitor:
        assert (await visitor.send(url)).status_code == 302
        phone = {"User-Agent": "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Mobile/15E148"}
        assert (await visitor.send(url, headers=phone)).status_code == 200


async def test_pages_of_live_rooms_are_there_as_their_links_say(world):
    account = world.account(0)
    async with Visitor(world) as visitor:
        page = f"https://live.douyin.com/{account.webcast_id}"
        assert (await visitor.send(page)).status_code == 200
        shared = await visitor.send(f"https://webcast.amemv.com/douyin/webcast/reflow/{account.room_id}")
        assert f'\\"webRid\\":\\"{account.webcast_id}\\"' in shared.text
        assert (await visitor.send("https://webcast.amemv.com/douyin/webcast/reflow/7")).status_code == 404
        visitor.cookie = ""
        denied = await visitor.send(page)
        assert denied.status_code == 444
        assert "Access Denied" in denied.text


def test_describe_gives_a_row_per_link(world):
    rows = describe(world)
    assert len(rows) == len(links_in(world))
    assert {row["account"] for row in rows} == {0, 1, 2}
    json.dumps(rows)


async def test_tokens_are_given_out_fresh_and_of_the_right_length(world):
    async with Visitor(world) as visitor:
        seen = set()
        for path, length in (("/web/report", 128), ("/web/report", 128), ("/web/r/token", 184), ("/web/common", 128)):
            answer = await visitor.send(f"https://mssdk.bytedance.com{path}", method="POST", content=_REPORT)
            token = answer.headers["set-cookie"].partition(";")[0].removeprefix("msToken=")
            assert len(token) == length
            seen.add(token)
        answer = await visitor.send(_TTWID_URL, method="POST", content=_TTWID_BODY)
        assert answer.headers["set-cookie"].startswith("ttwid=1%7C")
        assert answer.json()["message"] == "union register success"
    assert len(seen) == 4


@pytest.mark.parametrize(
    ("url", "body"), [("https://mssdk.bytedance.com/web/report", _REPORT), (_TTWID_URL, _TTWID_BODY)]
)
async def test_tokens_are_for_who_posts_what_the_service_asks_for(url, body, world):
    async with Visitor(world) as visitor:
        assert (await visitor.send(url)).status_code == 405
        for nothing in (b"", b"nonsense", b"{}", b"[]"):
            assert "set-cookie" not in (await visitor.send(url, method="POST", content=nothing)).headers
        assert "set-cookie" in (await visitor.send(url, method="POST", content=body)).headers
