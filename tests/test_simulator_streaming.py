"""Made-up media, rooms and login on a real socket: what a client sees of cut answers, and what the log keeps."""

from __future__ import annotations

import time
from hashlib import sha256
from urllib.parse import urlsplit

import httpx
import m3u8
import pytest

from deployments.simulator.addresses import Asset, play_url, video_url
from deployments.simulator.media_host import file_of
from deployments.simulator.rooms import LiveRoom, Rooms
from deployments.simulator.server import Simulator
from deployments.simulator.sso import Login
from deployments.simulator.streams import ts_segment

ASSET = Asset("video", "mp4", 77, 3_000_000)
SITE = "https://www.douyin.com"


@pytest.fixture
def simulator():
    with Simulator() as running:
        yield running


def at(simulator, url: str) -> tuple[str, dict[str, str]]:
    """The same address on loopback, and the Host header that it needs."""
    parts = urlsplit(url)
    return f"{simulator.url}{parts.path}?{parts.query}", {"host": parts.netloc}


def get(simulator, url: str, **headers: str) -> httpx.Response:
    address, host = at(simulator, url)
    return httpx.get(address, headers=host | headers, timeout=10)


def later() -> int:
    return int(time.time()) + 600


def test_a_file_comes_over_the_wire_whole(simulator):
    answer = get(simulator, video_url(ASSET, later()))
    assert sha256(answer.content).hexdigest() == file_of(ASSET).sha256()


def test_the_play_form_is_followed_to_the_file(simulator):
    answer = get(simulator, play_url(ASSET))
    assert answer.status_code == 302
    assert len(get(simulator, answer.headers["location"]).content) == ASSET.size


def test_a_truncated_file_is_an_error_to_the_client(simulator):
    with pytest.raises(httpx.RemoteProtocolError):
        get(simulator, video_url(ASSET.in_mood("truncated"), later()))


def test_a_file_without_a_length_comes_in_chunks(simulator):
    answer = get(simulator, video_url(ASSET.in_mood("no_length"), later()))
    assert answer.headers["transfer-encoding"] == "chunked"
    assert len(answer.content) == ASSET.size


def test_head_tells_the_length(simulator):
    address, host = at(simulator, video_url(ASSET, later()))
    assert httpx.head(address, headers=host).headers["content-length"] == str(ASSET.size)


def test_a_cookie_sent_to_a_media_host_stands_in_the_log(simulator):
    get(simulator, video_url(ASSET, later()), cookie="sessionid=made-up")
    record = simulator.app.requests_to("media")[-1]
    assert record.headers["cookie"] == "sessionid=made-up"


def test_a_fault_by_script_reaches_media(simulator):
    simulator.add_fault("media:1=html")
    assert get(simulator, video_url(ASSET, later())).headers["content-type"].startswith("text/html")
    assert get(simulator, video_url(ASSET, later())).headers["content-type"] == "video/mp4"


def live_room(simulator, **script) -> LiveRoom:
    account = simulator.world.account(0)
    room = LiveRoom(
        account.webcast_id, account.room_id, 0, time.time() - 2.0, 2.6, segment_s=0.2, masters=frozenset(), **script
    )
    simulator.app.state["rooms"] = Rooms([room])
    return room


def entered(simulator, room: LiveRoom, **headers: str) -> httpx.Response:
    path = f"https://live.douyin.com/webcast/room/web/enter/?aid=6383&device_platform=web&web_rid={room.webcast_id}"
    return get(simulator, path, **headers)


def test_entering_a_room_wants_a_ttwid(simulator):
    room = live_room(simulator)
    assert entered(simulator, room).content == b""
    assert entered(simulator, room, cookie=simulator.world.visitor_cookie).json()["data"]["data"][0]["status"] == 2


def test_a_broadcast_is_heard_segment_by_segment_until_it_is_gone(simulator):
    room = live_room(simulator)
    shown = entered(simulator, room, cookie=simulator.world.visitor_cookie).json()["data"]["data"][0]
    address = shown["stream_url"]["hls_pull_url_map"]["HD1"]
    heard: dict[int, bytes] = {}
    while (answer := get(simulator, address)).status_code == 200:
        listed = m3u8.loads(answer.text)
        for number, segment in enumerate(listed.segments, listed.media_sequence or 0):
            if number not in heard:
                origin = "http://" + urlsplit(address).netloc
                heard[number] = get(simulator, origin + segment.uri).content
        time.sleep(0.05)
    assert answer.status_code == 404
    assert sorted(heard) == list(range(min(heard), max(heard) + 1))
    assert all(data == ts_segment(room.seed("HD1"), number, 0.2, since=1) for number, data in heard.items())


@pytest.mark.parametrize("breaks", [False, True])
def test_flv_comes_without_a_length_and_may_break(simulator, breaks):
    room = live_room(simulator, flv_cut_after=2, flv_breaks=breaks)
    shown = entered(simulator, room, cookie=simulator.world.visitor_cookie).json()["data"]["data"][0]
    address = shown["stream_url"]["flv_pull_url"]["HD1"]
    if breaks:
        with pytest.raises(httpx.RemoteProtocolError):
            get(simulator, address)
    else:
        assert get(simulator, address).content.startswith(b"FLV\x01")


def test_a_code_logs_in_over_the_wire(simulator):
    simulator.app.state["login"] = Login((("2", "3"),))
    common = "aid=6383&service=https%3A%2F%2Fwww.douyin.com&device_platform=web_app"
    token = get(simulator, f"https://sso.douyin.com/get_qrcode/?{common}").json()["data"]["token"]
    poll = f"https://sso.douyin.com/check_qrconnect/?{common}&token={token}"
    assert get(simulator, poll).json()["data"]["status"] == "2"
    address, jar = get(simulator, poll).json()["data"]["redirect_url"], {}
    while address != f"{SITE}/":
        answer = get(simulator, address)
        jar |= {line.split("=")[0]: line.split("=")[1].split(";")[0] for line in answer.headers.get_list("set-cookie")}
        address = answer.headers["location"]
    assert jar["sessionid"] == simulator.world.sessionid
    asked = get(simulator, f"https://sso.douyin.com/check_login/?{common}", cookie=f"sessionid={jar['sessionid']}")
    assert asked.json()["has_login"] is True
