from __future__ import annotations

import asyncio
import base64
import json

import httpx
import pytest
from visitor import Visitor

from deployments.simulator.broken import BrokenConnectionError
from deployments.simulator.faults import ARGUMENTS, KINDS, STATUSES, Fault, parse, parse_all
from deployments.simulator.server import Simulator
from deployments.simulator.world import World


async def _faulty(script, world=None, **asked):
    async with Visitor(world or World(), faults=(script,)) as visitor:
        operation = script.partition(":")[0]
        path = {"user_post": "aweme/post", "post_detail": "aweme/detail"}[operation]
        world = visitor.world
        params = {"sec_user_id": world.sec_user_id(0), "aweme_id": world.post(0, 59).aweme_id}
        return await visitor.ask(path, params, **asked)


async def test_a_page_in_the_place_of_a_rooms_answer_is_the_one_with_a_captcha(world):
    async with Visitor(world, cookie="", faults=("live_room_id:1=html",)) as visitor:
        room = {"room_id": world.account(0).room_id, "app_id": "1128"}
        answer = await visitor.ask("/webcast/room/reflow/info/", room, host="webcast.amemv.com")
        assert "验证码中间页" in answer.text


@pytest.mark.parametrize(
    ("script", "hits"),
    [
        ("user_post:3=empty", [3]),
        ("user_post:2-4=429;retry_after=2", [2, 3, 4]),
        ("user_post:4-=403", [4, 5]),
        ("user_post:*=slow:0.5", [1, 2, 3, 4, 5]),
        ("*:2=404;body", [2]),
    ],
)
def test_a_script_says_which_requests_it_means(script, hits):
    fault = parse(script)
    assert [number for number in range(1, 6) if fault.hits("user_post", number)] == hits
    assert not parse("user_post:1=empty").hits("user_like", 1)


def test_scripts_and_faults_may_be_mixed():
    fault = Fault("media", 1, 1, "html")
    assert parse_all(["media:1=html", fault]) == [fault, fault]


@pytest.mark.parametrize(
    "script",
    [
        "",
        "user_post",
        "user_post:1",
        "user_post:0=empty",
        "usr_post:1=empty",
        "user_post:4-2=empty",
        "user_post:x=empty",
        "user_post:1=nonsense",
        "user_post:1=999",
        "user_post:1=slow",
        "user_post:1=slow:soon",
        "user_post:1=empty:2",
        "user_post:1=status_code:eight",
        "user_post:1=429;retry_after",
        "user_post:1=429;unknown=1",
        "user_post:99999999999999=empty",
        "user_post:1=empty;retry_after=3",
        "user_post:1=captcha;body",
    ],
)
def test_a_wrong_script_is_refused_and_told_how_to_write_one(script):
    with pytest.raises(ValueError, match="OPERATION:REQUESTS=KIND") as caught:
        parse(script)
    assert "login_wall" in str(caught.value)
    assert "slow:SECONDS" in str(caught.value)


@pytest.mark.parametrize("kind", sorted(KINDS))
async def test_every_kind_can_be_scripted_and_leaves_the_next_request_alone(kind):
    argument = {"slow": ":0.01", "status_code": ":8", "filter_reason": ":core_dep", "argus": ":sign_invalid"}.get(
        kind, ""
    )
    async with Visitor(World(), faults=(f"user_post:1={kind}{argument}",)) as visitor:
        asked = {"sec_user_id": visitor.world.sec_user_id(0)}
        try:
            first = await visitor.ask("aweme/post", asked)
        except (BrokenConnectionError, httpx.DecodingError):
            first = None
        second = await visitor.ask("aweme/post", asked)
        assert visitor.app.log[0].note == f"fault {kind}"
        if kind == "login_wall":
            assert second.json() == {"status_code": 0}
        else:
            assert len(second.json()["aweme_list"]) == 21
            assert kind == "slow" or first is None or first.content != second.content


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("comment/list", "comments"),
        ("follow/feed", "data"),
        ("user/following/list", "followings"),
        ("user/follower/list", "followers"),
        ("collects/list", "collects_list"),
        ("music/listcollection", "mc_list"),
        ("mix/listcollection", "mix_infos"),
    ],
)
async def test_a_shifted_page_is_empty_whatever_its_list_is_called(path, name):
    world = World()
    asked = {"sec_user_id": world.sec_user_id(1), "aweme_id": world.post(1, 20).aweme_id}
    async with Visitor(world, cookie=world.cookie, faults=("*:1=shift",)) as visitor:
        shifted, plain = [(await visitor.ask(path, asked)).json() for _ in range(2)]
    assert (shifted[name], bool(shifted["has_more"])) == ([], True)
    assert type(shifted["has_more"]) is type(plain["has_more"])
    assert plain[name]
    assert set(shifted) == set(plain)


async def test_a_login_wall_before_everything_lets_nobody_behind_it():
    async with Visitor(World(), faults=("*:2=login_wall",)) as visitor:
        pages = [await visitor.posts(1) for _ in range(4)]
    assert ["aweme_list" in page for page in pages] == [True, True, False, False]
    assert "not_login_module" in pages[1]


@pytest.mark.parametrize("status", STATUSES)
async def test_every_status_comes_with_and_without_a_body(status):
    bare = await _faulty(f"user_post:1={status}")
    assert bare.status_code == status
    assert (status == 201) == bool(bare.content)
    assert "location" not in bare.headers
    full = await _faulty(f"user_post:1={status};body")
    assert full.content


async def test_retry_after_is_sent():
    answer = await _faulty("user_post:1=429;retry_after=7")
    assert answer.headers["retry-after"] == "7"


@pytest.mark.parametrize("code", [4, 5, 8, 2053, 2065, 2096, 2149, 2154, 2156, 2483, 4031, 10011, 30003])
async def test_every_status_code_of_the_service_can_be_had(code):
    assert (await _faulty(f"user_post:1=status_code:{code}")).json()["status_code"] == code


@pytest.mark.parametrize(
    "reason",
    [
        "status_self_see",
        "status_part_see",
        "status_deleted",
        "status_delete",
        "status_audit_not_pass",
        "status_reviewing",
        "core_dep",
        "copyright_foreign",
        "copyright_geo_filter",
        "cross_border_violation",
        "content_classification",
    ],
)
async def test_every_filter_reason_can_be_had(reason):
    answer = (await _faulty(f"post_detail:1=filter_reason:{reason}")).json()
    assert answer["filter_detail"]["filter_reason"] == reason
    assert answer.get("aweme_detail") is None
    # Abroad the key is absent and the texts are empty.
    assert ("aweme_detail" in answer) == bool(answer["filter_detail"]["notice"])


async def test_challenges_look_as_they_do():
    turing = await _faulty("user_post:1=bdturing")
    assert json.loads(base64.b64decode(turing.headers["x-vc-bdturing-parameters"]))["subtype"] == "slide"
    assert "验证码中间页" in (await _faulty("user_post:1=captcha")).text
    crawler = await _faulty("user_post:1=acrawler")
    assert "byted_acrawler" in crawler.text
    assert "__ac_nonce" in crawler.headers["set-cookie"]
    argus = await _faulty("user_post:1=argus:uifid_not_found")
    assert (argus.status_code, argus.text) == (403, "Blocked by ArgusSecurityPlugin Uifid Not Found")
    assert "argus_security_code" in argus.headers
    denied = await _faulty("user_post:1=access_denied")
    assert (denied.status_code, "Access Denied" in denied.text) == (444, True)
    nothing = (await _faulty("user_post:1=verify_check")).json()
    assert nothing["search_nil_info"]["search_nil_type"] == "verify_check"
    assert (await _faulty("user_post:1=verify_ticket")).json()["verify_ticket"]
    assert "x-whale-throughput-abort-data" in (await _faulty("user_post:1=throughput_abort")).headers
    assert "x-tt-verify-passport-decision" in (await _faulty("user_post:1=passport_decision")).headers
    assert "bdturing-verify" in (await _faulty("user_post:1=bdturing_verify")).headers


async def test_bodies_that_are_no_answer():
    assert (await _faulty("user_post:1=empty")).content == b""
    blank = (await _faulty("user_post:1=blank")).content
    assert blank
    assert not blank.strip()
    assert (await _faulty("user_post:1=json_null")).json() is None
    assert (await _faulty("user_post:1=json_list")).json() == []
    with pytest.raises(json.JSONDecodeError):
        (await _faulty("user_post:1=broken_json")).json()
    with pytest.raises(httpx.DecodingError):
        await _faulty("user_post:1=wrong_encoding")
    shifted = (await _faulty("user_post:1=shift")).json()
    assert (shifted["aweme_list"], shifted["has_more"]) == ([], 1)


async def test_a_fault_may_be_added_while_it_runs(world):
    async with Visitor(world) as visitor:
        await visitor.posts()
        visitor.app.add_fault("user_post:2=403")
        with pytest.raises(json.JSONDecodeError):
            await visitor.posts()
        assert [record.status for record in visitor.app.log] == [200, 403]


async def test_media_can_be_spoilt_too(world):
    async with Visitor(world, faults=("media:1=html", "media:2=404", "media:3=truncated")) as visitor:
        address = (await visitor.posts(1))["aweme_list"][0]["author"]["avatar_thumb"]["url_list"][0]
        page, missing, cut, whole = [await visitor.client.get(address) for _ in range(4)]
    assert page.text.startswith("<html>")
    assert missing.status_code == 404
    assert len(cut.content) < int(cut.headers["content-length"]) == len(whole.content)
    assert whole.content.startswith(b"\xff\xd8")


async def test_on_a_real_connection_resets_and_short_bodies_are_seen_by_the_client(world):
    with Simulator(world, faults=["user_post:1=reset", "user_post:2=truncated"]) as simulator:
        async with Visitor(simulator.app, upstream=simulator.url) as visitor:
            for _ in range(2):
                with pytest.raises(httpx.RemoteProtocolError):
                    await visitor.posts()
            assert len((await visitor.posts())["aweme_list"]) == 21


async def test_slow_answers_wait_and_others_need_not(world):
    async with Visitor(world, faults=("user_post:1=slow:30",)) as visitor:
        slow = asyncio.create_task(visitor.posts())
        await asyncio.sleep(0)
        assert await asyncio.wait_for(visitor.posts(), 10)
        assert not slow.done()
        slow.cancel()


def test_every_kind_with_an_argument_is_a_kind():
    assert set(ARGUMENTS) <= set(KINDS)
