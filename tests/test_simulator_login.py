"""The made-up login by QR code: every status, every end, and where the cookies come from."""

from __future__ import annotations

import json
from base64 import b64decode

import pytest
from stand_in import Stage, body_of, cookies, header

from deployments.simulator.sso import Login, callback, check_login, check_qrconnect, get_qrcode

SSO = "https://sso.douyin.com"


async def new_code(stage) -> dict:
    return json.loads(await body_of(await stage.ask(get_qrcode, f"{SSO}/get_qrcode/?aid=6383")))


async def poll(stage, token) -> dict:
    answer = await stage.ask(check_qrconnect, f"{SSO}/check_qrconnect/?aid=6383&token={token}")
    return json.loads(await body_of(answer))


async def statuses(stage, count) -> list:
    token = (await new_code(stage))["data"]["token"]
    return [(await poll(stage, token))["data"].get("status") for _ in range(count)]


async def confirmed(stage) -> str:
    """The address that a confirmed code gives."""
    token = (await new_code(stage))["data"]["token"]
    while True:
        address = (await poll(stage, token))["data"]["redirect_url"]
        if address:
            return address


async def test_a_code_is_an_address_and_a_picture_of_it():
    answer = await new_code(Stage())
    data = answer["data"]
    assert (answer["message"], answer["error_code"]) == ("success", 0)
    assert data["token"] in data["qrcode_index_url"]
    assert b64decode(data["qrcode"]).startswith(b"\x89PNG\r\n\x1a\n")


async def test_every_code_is_another():
    stage = Stage()
    assert len({(await new_code(stage))["data"]["token"] for _ in range(5)}) == 5


async def test_a_code_is_new_then_scanned_then_confirmed():
    assert await statuses(Stage(), 4) == ["1", "2", "3", "3"]


@pytest.mark.parametrize(
    "script", [(1, 2, 3), ("new", "scanned", "confirmed"), ("1", "4"), ("1", "5"), ("1", "7"), ("1", None, "2")]
)
async def test_statuses_come_as_the_script_has_them(script):
    stage = Stage(state={"login": Login((script,))})
    assert await statuses(stage, len(script)) == list(script)


async def test_an_answer_without_status_is_2046():
    stage = Stage(state={"login": Login(((None,),))})
    answer = await poll(stage, (await new_code(stage))["data"]["token"])
    assert (answer["error_code"], answer["message"]) == (2046, "error")
    assert "status" not in answer["data"]


async def test_each_code_may_have_a_script_of_its_own():
    stage = Stage(state={"login": Login((("1", "5"), ("1", "2", "3")))})
    assert await statuses(stage, 2) == ["1", "5"]
    assert await statuses(stage, 3) == ["1", "2", "3"]


async def test_a_code_expires_by_the_clock():
    stage = Stage(state={"login": Login(valid_s=30.0)})
    token = (await new_code(stage))["data"]["token"]
    stage.now += 31.0
    assert (await poll(stage, token))["data"]["status"] == "5"


async def test_asking_for_a_code_may_fail_and_work_the_next_time():
    stage = Stage(state={"login": Login(refused_codes=frozenset({1}))})
    refused = await new_code(stage)
    assert (refused["message"], refused["error_code"]) == ("error", 2156)
    assert "token" not in refused["data"]
    assert (await new_code(stage))["message"] == "success"


async def test_a_token_that_nobody_gave_out_is_an_error():
    answer = await poll(Stage(), "nothing")
    assert (answer["message"], answer["error_code"]) == ("error", 4031)


async def test_a_second_factor_is_asked_for_by_verify_ticket():
    stage = Stage(state={"login": Login((("3",),), asks_second_factor=True)})
    answer = await poll(stage, (await new_code(stage))["data"]["token"])
    assert answer["verify_ticket"]
    assert answer["data"]["status"] == "3"


@pytest.mark.parametrize("hops", [1, 2, 3])
async def test_the_session_comes_with_the_second_redirect_or_the_only_one(hops):
    stage = Stage(state={"login": Login(hops=hops)})
    address, with_session = await confirmed(stage), []
    for hop in range(1, hops + 1):
        answer = await stage.ask(callback, address)
        assert answer.status == 302
        if "sessionid" in cookies(answer):
            with_session.append(hop)
            assert cookies(answer)["sessionid"] == stage.world.sessionid
        address = header(answer, "location")
    assert address == "https://www.douyin.com/"
    assert with_session == [min(2, hops)]


async def test_a_ticket_is_good_once():
    stage = Stage()
    address = await confirmed(stage)
    assert (await stage.ask(callback, address)).status == 302
    assert (await stage.ask(callback, address)).status == 403


async def test_check_login_tells_a_session_from_none():
    stage = Stage()
    for cookie, has_login in ((f"sessionid={stage.world.sessionid}", True), ("sessionid=old", False)):
        answer = await stage.ask(check_login, f"{SSO}/check_login/", cookie=cookie)
        assert json.loads(await body_of(answer))["has_login"] is has_login
