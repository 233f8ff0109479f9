from __future__ import annotations

import pytest
from visitor import Visitor

from deployments.simulator.addresses import Asset, music_url
from deployments.simulator.gates import GATES, LIVE, REFLOW, WEB
from deployments.simulator.routes import routes
from deployments.simulator.world import World

_LOGIN = {gate.operation for gate in GATES.values() if gate.needs_login}


def _params(world):
    post = world.post(0, 0)
    return {
        "sec_user_id": world.sec_user_id(0),
        "aweme_id": post.aweme_id,
        "item_id": post.aweme_id,
        "comment_id": "1",
        "mix_id": world.mix_id(0),
        "collects_id": "7300000000000000001",
        "keyword": "第",
        "from_user": world.uid(0),
        "locate_item_id": post.aweme_id,
    }


@pytest.mark.parametrize(
    ("path", "operation"), [(path, gate.operation) for (host, path), gate in GATES.items() if host == WEB]
)
async def test_every_operation_answers_a_browser_that_is_logged_in(path, operation, world):
    async with Visitor(world, cookie=world.cookie) as visitor:
        answer = await visitor.ask(path, _params(world))
        assert answer.status_code == 200
        assert answer.json().get("status_code", 0) == 0, answer.text[:200]
        assert visitor.app.log[-1].operation == operation


@pytest.mark.parametrize(
    ("path", "operation"), [(path, gate.operation) for (host, path), gate in GATES.items() if host == WEB]
)
async def test_operations_that_need_a_login_say_so_to_visitors(path, operation, world):
    async with Visitor(world) as visitor:
        answer = (await visitor.ask(path, _params(world))).json()
        refused = answer == {"status_code": 8, "status_msg": "用户未登录"}
        assert refused == (operation in _LOGIN)


@pytest.mark.parametrize("path", [path for (host, path), gate in GATES.items() if host == WEB and gate.needs_ttwid])
async def test_without_a_ttwid_there_is_an_empty_body(path, world):
    async with Visitor(world, cookie=f"sessionid={world.sessionid}") as visitor:
        answer = await visitor.ask(path, _params(world))
        assert (answer.status_code, answer.content) == (200, b"")
        assert visitor.app.log[-1].note == "no ttwid"


@pytest.mark.parametrize("ttwid", ["None", "1", "1%7Cabc", "{}x", "2{}"])
async def test_a_ttwid_that_douyin_never_made_is_none(ttwid, world):
    made = world.visitor_cookie.partition("=")[2]
    async with Visitor(world, cookie=f"ttwid={ttwid.format(made)}") as visitor:
        answer = await visitor.ask("aweme/post", _params(world))
        assert (answer.status_code, answer.content) == (200, b"")
        assert visitor.app.log[-1].note == "ttwid has a foreign layout"
        visitor.cookie = f"ttwid={made.replace('%7C', '|')}"  # as some browsers copy it
        assert (await visitor.ask("aweme/post", _params(world))).json()["aweme_list"]


async def test_the_hot_board_wants_no_cookie_at_all(world):
    async with Visitor(world, cookie="") as visitor:
        board = (await visitor.ask("hot/search/list")).json()
        assert [word["position"] for word in board["data"]["word_list"]] == list(range(1, 51))


async def test_a_session_of_another_world_is_no_login(world):
    async with Visitor(world, cookie=World(seed=2).cookie) as visitor:
        assert (await visitor.ask("aweme/listcollection")).json()["status_code"] == 8


async def test_an_empty_device_platform_is_none(world):
    async with Visitor(world) as visitor:
        answer = await visitor.ask("aweme/post", _params(world) | {"device_platform": ""})
        assert answer.json()["status_code"] == 5
        assert visitor.app.log[-1].note == "lacks device_platform"


async def test_other_methods_missing_parameters_and_unknown_hosts_are_turned_away(world):
    async with Visitor(world) as visitor:
        assert (await visitor.ask("aweme/post", _params(world), method="POST")).status_code == 405
        assert (await visitor.ask("aweme/post")).json()["status_code"] == 5
        assert (await visitor.ask("no/such/thing")).status_code == 404
        for url in ("https://example.com/", "https://tiktok.com/video/1", "https://www.iesdouyin.com/x"):
            assert (await visitor.send(url)).status_code == 404


@pytest.mark.parametrize(
    ("host", "path", "params", "left_out"),
    [
        (LIVE, "/webcast/room/web/enter/", {"aid": "6383", "device_platform": "web"}, "aid"),
        (LIVE, "/webcast/room/web/enter/", {"aid": "6383", "device_platform": "web"}, "device_platform"),
        (REFLOW, "/webcast/room/reflow/info/", {"app_id": "1128"}, "app_id"),
    ],
)
async def test_live_rooms_too_are_told_only_to_who_says_what_asks(host, path, params, left_out, world):
    account = world.account(0)
    asked = {"web_rid": account.webcast_id, "room_id": account.room_id}

    async def code_of(given):
        query = "&".join(f"{name}={value}" for name, value in (asked | given).items())
        return (await visitor.send(f"https://{host}{path}?{query}")).json()["status_code"]

    async with Visitor(world) as visitor:
        assert await code_of(params) == 0
        assert await code_of({name: value for name, value in params.items() if name != left_out}) == 10011


@pytest.mark.parametrize("wrong", ["None", "1.5", "--5", "+5", " 5", "٣", "9" * 19, "9" * 5000])
@pytest.mark.parametrize("name", ["max_cursor", "count"])
async def test_a_number_that_is_none_is_refused_and_not_taken_for_the_first_page(name, wrong, world):
    async with Visitor(world) as visitor:
        answer = await visitor.ask("aweme/post", {"sec_user_id": world.sec_user_id(0), name: wrong})
        assert answer.json() == {"status_code": 5, "status_msg": "参数不合法"}
        assert visitor.app.log[-1].note == f"{name} is no number"


@pytest.mark.parametrize("nothing", [{}, {"max_cursor": ""}])
async def test_a_number_that_is_left_out_has_its_default(nothing, world):
    async with Visitor(world) as visitor:
        answer = await visitor.ask("aweme/post", {"sec_user_id": world.sec_user_id(0)} | nothing)
        assert answer.json()["request_item_cursor"] == 0


async def test_pages_and_files_are_there_to_be_read_only(world):
    music = music_url(Asset("music", "mp3", 4, 9_000))
    async with Visitor(world) as visitor:
        for url in (music, world.account(0).short_link, world.account(0).home):
            assert [(await visitor.send(url, method=method)).status_code < 400 for method in ("GET", "HEAD")] == [
                True
            ] * 2
            assert [(await visitor.send(url, method=method)).status_code for method in ("POST", "DELETE")] == [405] * 2


@pytest.mark.parametrize("path", ["get_qrcode", "check_qrconnect", "check_login"])
@pytest.mark.parametrize("left_out", ["aid", "device_platform", "service"])
async def test_the_login_host_too_wants_to_know_who_asks(path, left_out, world):
    params = {"service": "https%3A%2F%2Fwww.douyin.com", "device_platform": "web_app", "aid": "6383", "token": "t"}

    async def note_of(given):
        query = "&".join(f"{name}={value}" for name, value in given.items())
        answer = await visitor.send(f"https://sso.douyin.com/{path}/?{query}")
        return answer.json()["message"], visitor.app.log[-1].note

    async with Visitor(world, cookie="") as visitor:
        assert (await note_of(params))[1] == ""
        without = {name: value for name, value in params.items() if name != left_out}
        message, note = await note_of(without)
        assert message == "error"
        assert note.startswith(f"lacks {left_out}")


async def test_paths_work_without_their_last_slash_too(world):
    async with Visitor(world) as visitor:
        answer = await visitor.ask("/aweme/v1/web/aweme/post", {"sec_user_id": world.sec_user_id(0)})
        assert answer.json()["aweme_list"]


@pytest.mark.parametrize(
    "body",
    [
        {"content": b'{"cursor": 0, "count": 5}', "headers": {"Content-Type": "application/json"}},
        {"content": b"cursor=0&count=5", "headers": {"Content-Type": "application/x-www-form-urlencoded"}},
    ],
)
async def test_collected_posts_are_asked_by_get_or_post_and_the_body_wins(body, world):
    async with Visitor(world, cookie=world.cookie) as visitor:
        posted = (await visitor.ask("aweme/listcollection", {"cursor": 0, "count": 9}, method="POST", **body)).json()
        asked = (await visitor.ask("aweme/listcollection", {"cursor": 0, "count": 9})).json()
        assert (len(posted["aweme_list"]), len(asked["aweme_list"])) == (5, 9)
        assert len(str(posted["cursor"])) == 16


async def test_reflow_refuses_whoever_brings_a_login(world):
    async with Visitor(world, cookie=world.cookie) as visitor:
        room = {"room_id": world.account(0).room_id, "app_id": "1128"}
        answer = await visitor.ask("/webcast/room/reflow/info/", room, host="webcast.amemv.com")
        assert answer.json()["status_code"] != 0


def test_every_gated_address_has_a_handler():
    assert set(GATES) <= set(routes())
