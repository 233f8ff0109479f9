"""The crawler against a tiny service that keeps what it was asked."""

from __future__ import annotations

import asyncio
import gc
import gzip
import inspect
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, closing, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import httpx
import orjson
import pytest

from pipelines.errors import (
    BadInput,
    Interrupted,
    LoginExpired,
    RateLimited,
    Unfamiliar,
    Unreachable,
    VerificationAsked,
)
from pipelines.extract import receiving
from pipelines.extract.crawler import DouyinCrawler
from pipelines.extract.endpoints import ENDPOINTS
from pipelines.extract.fetches import Fetches
from pipelines.extract.pacing import Pace
from pipelines.extract.questions import MODELS, model_of, question
from pipelines.extract.receiving import MOST_BYTES
from schemas import requests as r

NOW = datetime(2026, 1, 1, tzinfo=UTC)
LIST = {"status_code": 0, "aweme_list": [{"aweme_id": "7"}], "max_cursor": 5, "cursor": 5, "has_more": 1}


@dataclass
class Asked:
    """One request as it came over the wire."""

    method: str
    host: str
    path: str
    query: bytes
    headers: dict[str, str]
    body: bytes

    @property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(self.query.decode(), keep_blank_values=True))


@dataclass
class Service:
    """A bare ASGI app: gives out tokens, and answers in turn from a script, the last answer for ever."""

    script: list[tuple[int, dict[str, str], bytes]]
    asked: list[Asked] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    at_once: int = 0
    most_at_once: int = 0

    async def __call__(self, scope: dict[str, Any], receive: Any, send: Any) -> None:
        headers = {k.decode(): v.decode() for k, v in scope["headers"]}
        body = (await receive()).get("body", b"")
        host = headers["host"]
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await asyncio.sleep(0)
        if host.endswith("bytedance.com"):
            self.tokens.append(host)
            assert "cookie" not in headers
            name, value = ("ttwid", "1%7Cabc") if host.startswith("ttwid") else ("msToken", "m" * 126 + "==")
            answer = (200, {"set-cookie": f"{name}={value}; Path=/"}, b"{}")
        else:
            self.asked.append(Asked(scope["method"], host, scope["path"], scope["query_string"], headers, body))
            answer = self.script[min(len(self.asked), len(self.script)) - 1]
        self.at_once -= 1
        await send(
            {
                "type": "http.response.start",
                "status": answer[0],
                "headers": [(k.encode(), v.encode()) for k, v in answer[1].items()],
            }
        )
        await send({"type": "http.response.body", "body": answer[2]})


def service(*answers: Any) -> Service:
    made = [(200, {}, orjson.dumps(a)) if isinstance(a, dict) else a for a in answers or (LIST,)]
    return Service(made)


@dataclass
class Sleeper:
    """Time that passes only when somebody sleeps."""

    slept: list[float] = field(default_factory=list)
    at: float = 0.0

    async def __call__(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.at += seconds
        await asyncio.sleep(0)

    def clock(self) -> float:
        return self.at


class KeepingSigner:
    """A signer that remembers what it signed."""

    def __init__(self) -> None:
        self.signed: list[tuple[str, bytes | str, str, str]] = []

    def sign(self, query: str, body: bytes | str = b"", method: str = "GET", user_agent: str = "") -> tuple[str, str]:
        self.signed.append((query, body, method, user_agent))
        return "X-Bogus", "DFSz/w=Vu-"


def crawler(app: Service, kwargs: dict[str, Any] | None = None, **options: Any) -> DouyinCrawler:
    plain: dict[str, Any] = {
        "transport": httpx.ASGITransport(app=app),
        "now": lambda: NOW,
        "rng": random.Random(1),
        "pace": Pace(random.Random(1), min_interval_s=0),
    }
    return DouyinCrawler(kwargs, **(plain | options))


async def test_what_is_sent_is_exactly_what_was_signed_and_the_signature_stands_last():
    app, signer = service(), KeepingSigner()
    wild = "a/b {c} 中文 100% é+=&?#'\"<>|^`\\😀"
    async with crawler(app, signer=signer) as it:
        await it.ask("user_post", r.UserPost(sec_user_id=wild), target="u")
    (query, body, method, agent), asked = signer.signed[0], app.asked[0]
    assert asked.query.decode() == query + "&X-Bogus=DFSz/w=Vu-"
    assert (body, method, agent) == (b"", "GET", asked.headers["user-agent"])
    assert asked.params["sec_user_id"] == wild
    assert list(asked.params)[:4] == ["device_platform", "aid", "channel", "pc_client_type"]
    assert list(asked.params)[-4:] == ["max_cursor", "count", "sec_user_id", "X-Bogus"]


async def test_an_answer_is_let_go_of_at_once_without_a_search_for_garbage():
    def answers() -> list[httpx.Response]:
        return [found for found in gc.get_objects() if isinstance(found, httpx.Response)]

    body = orjson.dumps(LIST)
    gc.collect()
    gc.disable()
    try:
        others = {id(found): found for found in answers()}  # of tests before; held, so that no other gets their number
        async with crawler(service()) as it:
            pages = [await it.ask("user_post", r.UserPost(sec_user_id="u"), target="u") for _ in range(3)]
        alive = [found for found in answers() if id(found) not in others and found.content == body]
    finally:
        gc.enable()
    assert {page.body for page in pages} == {body}
    assert alive == []


async def test_the_bytes_on_a_real_wire_are_the_signed_ones():
    heads: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        heads.append(head)
        await reader.read(int(dict(_lines(head)).get("content-length", 0)) or 0)
        text = orjson.dumps(LIST)
        writer.write(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%b" % (len(text), text))
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    signer = KeepingSigner()
    upstream = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    cookie = "ttwid=t; msToken=a/b+c=="
    async with crawler(service(), signer=signer, transport=None, upstream=upstream, cookie=cookie) as it:
        await it.ask("post_feed", r.PostFeed(tag_id="/ { } 中文 %"), target="self")
    server.close()
    line = heads[0].split(b"\r\n")[0].decode()
    assert line == f"GET /aweme/v1/web/tab/feed/?{signer.signed[0][0]}&X-Bogus=DFSz/w=Vu- HTTP/1.1"
    assert dict(_lines(heads[0]))["host"] == "www.douyin.com"
    assert "msToken=a%2Fb%2Bc%3D%3D" in line


def _lines(head: bytes) -> list[tuple[str, str]]:
    pairs = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:])
    return [(name.lower(), value.strip()) for name, _, value in pairs if name]


async def test_tokens_are_got_once_and_only_when_they_are_needed():
    app = service()
    async with crawler(app) as it:
        assert app.tokens == []
        await it.ask("user_post", r.UserPost(sec_user_id="x"))
        await it.ask("user_post", r.UserPost(sec_user_id="x"))
        assert it.requests_sent == 2
    assert sorted(app.tokens) == ["mssdk.bytedance.com", "ttwid.bytedance.com"]
    assert app.asked[0].headers["cookie"] == "ttwid=1%7Cabc"
    assert app.asked[0].params["msToken"] == "m" * 126 + "=="


async def test_requests_that_begin_together_are_one_visitor():
    app = service()
    async with crawler(app, max_tasks=4) as it:
        await asyncio.gather(*(it.ask("user_post", r.UserPost(sec_user_id="x")) for _ in range(4)))
    assert sorted(app.tokens) == ["mssdk.bytedance.com", "ttwid.bytedance.com"]
    assert {one.headers["cookie"] for one in app.asked} == {"ttwid=1%7Cabc"}


async def test_a_visitor_without_ttwid_is_tried_again_and_then_told():
    app = service()
    async with crawler(app) as it:
        it._who.fetch_ttwid = _no_ttwid
        with pytest.raises(Unreachable, match="ttwid"):
            await it.ask("user_post", r.UserPost(sec_user_id="x"))
    assert app.asked == []


async def _no_ttwid(_client: httpx.AsyncClient) -> str:
    raise Unreachable("no ttwid today; try again later")


async def test_a_cookie_that_brings_its_tokens_is_used_as_it_is():
    app = service()
    async with crawler(app, cookie="sessionid=s; ttwid=mine; msToken=own") as it:
        assert it.has_login
        await it.ask("user_post", r.UserPost(sec_user_id="x"))
    assert app.tokens == []
    assert app.asked[0].headers["cookie"] == "sessionid=s; ttwid=mine; msToken=own"
    assert app.asked[0].params["msToken"] == "own"


@pytest.mark.parametrize(
    "brought", [{"x-ms-token": "n" * 128}, {"Set-Cookie": f"msToken={'n' * 128}; Path=/; Domain=douyin.com; Secure"}]
)
async def test_a_token_that_an_answer_brings_is_used_from_then_on(brought):
    app = service((200, brought, orjson.dumps(LIST)))
    async with crawler(app, cookie="ttwid=t; msToken=old") as it:
        await it.ask("user_post", r.UserPost(sec_user_id="x"))
        await it.ask("user_post", r.UserPost(sec_user_id="x"))
    assert app.asked[1].params["msToken"] == "n" * 128


@pytest.mark.parametrize(
    ("operation", "answer"),
    [
        ("live_room_id", {"status_code": 0, "data": {"room": {"id": 5, "id_str": "5"}}}),
        ("hot_board", {"status_code": 0, "data": {"word_list": []}}),
    ],
)
async def test_anonymous_operations_send_no_cookie_and_leave_the_others_theirs(operation, answer):
    app = service(LIST, answer, LIST)
    async with crawler(app, cookie="sessionid=s; ttwid=t; msToken=m") as it:
        await it.ask("user_post", r.UserPost(sec_user_id="x"))
        await it.ask(operation, question(operation, "5"))
        await it.ask("user_post", r.UserPost(sec_user_id="x"))
    assert ["cookie" in asked.headers for asked in app.asked] == [True, False, True]


async def test_the_cookie_goes_to_douyin_and_nowhere_else():
    app = service((302, {"location": "https://evil.example/"}, b""))
    async with crawler(app, cookie="sessionid=s; ttwid=t; msToken=m") as it:
        assert await it.hop("https://v.douyin.com/abc/") == (302, "https://evil.example/")
        assert await it.hop("https://evil.example/x") == (302, "https://evil.example/")
    assert all("cookie" not in asked.headers for asked in app.asked)
    for endpoint in ENDPOINTS.values():
        may = it._who.cookie_for(endpoint.host, endpoint) != ""
        assert may == (endpoint.host.endswith("douyin.com") and not endpoint.anonymous)
    assert it._who.cookie_for("notdouyin.com", ENDPOINTS["user_post"]) == ""
    assert it._who.cookie_for("www.douyin.com.evil.example", ENDPOINTS["user_post"]) == ""


async def test_a_hop_resolves_a_relative_address_and_an_end_leads_nowhere():
    app = service((301, {"location": "/share/video/1/"}, b""), (200, {}, b"<html>"))
    async with crawler(app) as it:
        assert await it.hop("http://v.douyin.com/x") == (301, "http://v.douyin.com/share/video/1/")
        assert await it.hop("https://v.douyin.com/y") == (200, None)
        with pytest.raises(BadInput):
            await it.hop("nonsense")


async def test_a_hop_waits_for_no_body_however_long_it_is():
    hung_up = asyncio.Event()

    async def endless(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 302 Found\r\nLocation: /share/video/1/\r\n\r\n")
        with suppress(ConnectionError):
            while not writer.is_closing():
                writer.write(bytes(1_000))
                await writer.drain()
                await asyncio.sleep(0.05)
        writer.close()
        hung_up.set()

    server = await asyncio.start_server(endless, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        async with asyncio.timeout(5), DouyinCrawler(upstream=f"http://{host}:{port}") as it:
            assert await it.hop("http://v.douyin.com/x") == (302, "http://v.douyin.com/share/video/1/")
            await hung_up.wait()
    finally:
        server.close()


async def test_hops_share_a_connection_where_bodies_are_short():
    opened: list[asyncio.StreamWriter] = []

    async def short(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opened.append(writer)
        with suppress(asyncio.IncompleteReadError):
            while await reader.readuntil(b"\r\n\r\n"):
                writer.write(b"HTTP/1.1 302 Found\r\nLocation: /share/video/1/\r\nContent-Length: 5\r\n\r\nthere")

    server = await asyncio.start_server(short, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        async with DouyinCrawler(upstream=f"http://{host}:{port}", pace=Pace(random.Random(1), min_interval_s=0)) as it:
            for code in "abc":
                assert await it.hop(f"http://v.douyin.com/{code}") == (302, "http://v.douyin.com/share/video/1/")
        assert len(opened) == 1
    finally:
        server.close()
        for writer in opened:
            writer.close()
            await writer.wait_closed()


async def test_a_redirect_to_no_address_is_no_fault_of_the_users():
    app = service((302, {"location": "javascript:alert(1)"}, b""))
    async with crawler(app, cookie="ttwid=t; msToken=m") as it:
        with pytest.raises(Unfamiliar, match="no address"):
            await it.ask("user_post", r.UserPost(sec_user_id="x"))


async def test_no_answer_is_tried_again_with_pauses_and_then_said():
    app, sleeper = service((200, {}, b"  ")), Sleeper()
    heard: list[tuple[str, dict[str, Any]]] = []
    pace = Pace(random.Random(1), min_interval_s=1.0, max_tries=3)
    async with crawler(
        app, pace=pace, sleep=sleeper, clock=sleeper.clock, on_event=lambda name, **facts: heard.append((name, facts))
    ) as it:
        with pytest.raises(RateLimited) as caught:
            await it.ask("user_post", r.UserPost(sec_user_id="x"), target="x", cursor="9")
    assert len(app.asked) == 3
    page = caught.value.facts["page"]
    assert (page.outcome, page.target, page.cursor, page.body) == ("RateLimited", "x", "9", b"  ")
    assert [name for name, _ in heard].count("waiting") == 2
    assert sum(sleeper.slept) >= 2.0


async def test_what_douyin_asks_to_wait_is_waited():
    app, sleeper = service((429, {"retry-after": "7"}, b""), LIST), Sleeper()
    async with crawler(app, sleep=sleeper, clock=sleeper.clock) as it:
        page = await it.ask("user_post", r.UserPost(sec_user_id="x"), target="x")
    assert sleeper.slept == [7.0]
    assert page.item_ids == ("7",)


async def test_each_try_is_signed_anew():
    app, signer = service((500, {}, b"x"), LIST), KeepingSigner()
    async with crawler(app, signer=signer) as it:
        await it.ask("user_post", r.UserPost(sec_user_id="x"))
    assert len(signer.signed) == 2


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status_code": 8, "status_msg": "用户未登录"}, LoginExpired),
        ((200, {"bdturing-verify": "x"}, b"{}"), VerificationAsked),
    ],
)
async def test_what_a_person_must_mend_is_asked_once(answer, error):
    app = service(answer)
    async with crawler(app) as it:
        with pytest.raises(error):
            await it.ask("user_post", r.UserPost(sec_user_id="x"))
    assert len(app.asked) == 1


async def test_requests_are_paced_and_never_two_at_once():
    app, sleeper = service(), Sleeper()
    pace = Pace(random.Random(1), min_interval_s=1.0)
    async with crawler(app, cookie="ttwid=t; msToken=m", pace=pace, sleep=sleeper, clock=sleeper.clock) as it:
        await asyncio.gather(*(it.ask("user_post", r.UserPost(sec_user_id="x")) for _ in range(5)))
    assert app.most_at_once == 1
    assert len(sleeper.slept) == 4
    assert all(1.0 <= pause <= 1.5 for pause in sleeper.slept)


class Broken(httpx.AsyncBaseTransport):
    """A network that fails in one way."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.error.request = request  # type: ignore[attr-defined]
        raise self.error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (httpx.ConnectError("refused"), Unreachable),
        (httpx.ReadTimeout("slow"), Unreachable),
        (httpx.ConnectTimeout("slow"), Unreachable),
        (httpx.ProxyError("no"), Unreachable),
        (httpx.ReadError("reset"), Interrupted),
        (httpx.RemoteProtocolError("cut"), Interrupted),
        (httpx.DecodingError("gzip"), Interrupted),
    ],
)
async def test_errors_of_the_network_become_ours_without_an_address(error, kind):
    async with crawler(service(), transport=Broken(error), cookie="ttwid=t; msToken=secret") as it:
        with pytest.raises(kind) as caught:
            await it.ask("user_post", r.UserPost(sec_user_id="x"))
    assert "secret" not in str(caught.value)
    assert "http" not in str(caught.value)
    assert caught.value.facts["tries"] == 5


async def test_a_cookie_never_enters_a_message():
    with pytest.raises(BadInput) as caught:
        DouyinCrawler(cookie="sessionid=geheim\n; x=y")
    assert "geheim" not in str(caught.value)


async def test_the_dict_of_the_spec_is_honoured_and_a_keyword_wins():
    app = service()
    kwargs = {
        "cookie": "ttwid=t; msToken=m",
        "headers": {"User-Agent": "Mine/1.0", "Referer": "https://www.douyin.com/x", "X-Extra": "1"},
        "proxies": {"http": None, "https": None},
        "timeout": 3,
        "max_retries": 1,
        "max_connections": 2,
        "max_tasks": 2,
        "path": "Download",
    }
    async with crawler(app, kwargs, pace=None, sleep=Sleeper()) as it:
        assert it._client.timeout == httpx.Timeout(3)
        assert it._pace.max_tries == 2
        await it.ask("user_mix", r.UserMix(mix_id="7"))
        await it.ask("user_post", r.UserPost(sec_user_id="u"), target="u")
    assert app.asked[0].headers["user-agent"] == "Mine/1.0"
    assert app.asked[0].headers["referer"] == "https://www.douyin.com/x"
    assert app.asked[0].headers["x-extra"] == "1"
    assert app.asked[1].headers["referer"] == "https://www.douyin.com/user/u"
    async with crawler(app, kwargs, cookie="ttwid=other; msToken=m") as it:
        await it.ask("user_mix", r.UserMix(mix_id="7"))
    assert app.asked[2].headers["cookie"] == "ttwid=other; msToken=m"


@pytest.mark.parametrize(
    "kwargs",
    [
        {"timeout": "soon"},
        {"timeout": 0},
        {"max_tasks": 0},
        {"max_retries": float("inf")},
        {"max_connections": float("nan")},
        {"headers": "x"},
        {"cookie": {"sessionid": "x"}},
    ],
)
async def test_a_dict_that_cannot_be_is_bad_input(kwargs):
    with pytest.raises(BadInput):
        DouyinCrawler(kwargs)


@pytest.mark.parametrize("odd", ["sessionid=secret", 5, ["cookie"]])
async def test_what_is_no_dict_is_said_to_be_none(odd):
    with pytest.raises(TypeError, match="kwargs must be a dict"):
        DouyinCrawler(odd)


@pytest.mark.parametrize("odd", [None, "sec_user_id=x", 5])
async def test_what_is_no_request_model_is_a_type_error_before_anything_is_asked(odd):
    app = service()
    async with crawler(app) as it:
        with pytest.raises(TypeError, match="request model"):
            await it.fetch_user_profile(odd)
    assert not app.asked


async def test_every_operation_has_a_method_that_takes_its_model():
    methods = {name: m for name, m in inspect.getmembers(Fetches, inspect.isfunction) if name.startswith("fetch_")}
    assert {f"fetch_{operation}" for operation in ENDPOINTS} == set(methods)
    for operation in MODELS:
        told = inspect.get_annotations(methods[f"fetch_{operation}"], eval_str=True)["params"]
        assert issubclass(model_of(operation), told)


async def test_numbers_keep_all_their_digits():
    answer = {"status_code": 0, "aweme_detail": {"aweme_id": "7", "comment_gid": 7298145681699622182}}
    async with crawler(service(answer)) as it:
        assert await it.fetch_post_detail(r.PostDetail(aweme_id="7")) == answer


async def test_the_collection_is_a_post_with_its_place_in_the_body_too():
    app, signer = service(), KeepingSigner()
    async with crawler(app, cookie="sessionid=s; ttwid=t; msToken=m", signer=signer) as it:
        await it.fetch_user_collect(r.UserCollect(cursor=1699231956000000, count=10))
    asked = app.asked[0]
    assert asked.method == "POST"
    assert orjson.loads(asked.body) == {"cursor": 1699231956000000, "count": 10}
    assert asked.headers["content-type"] == "application/json"
    assert signer.signed[0][1:3] == (asked.body, "POST")


async def test_polling_a_code_gives_the_response_with_its_cookies():
    app = service((200, {"set-cookie": "sessionid=s; Path=/"}, b'{"data":{"status":"3"},"error_code":0}'))
    async with crawler(app) as it:
        answer = await it.fetch_check_qrcode(r.LoginCheckQr(token="t"))
    assert answer.cookies["sessionid"] == "s"
    asked = app.asked[0]
    assert asked.host == "sso.douyin.com"
    assert asked.params["verifyFp"] == asked.params["fp"]
    assert asked.params["fp"].startswith("verify_")


async def test_a_page_is_kept_under_its_target_and_page_ids_rise_with_time():
    async with crawler(service(), now=None) as it:
        first = await it.ask("user_post", r.UserPost(sec_user_id="x"), target="x", cursor="8")
        second = await it.ask("user_post", r.UserPost(sec_user_id="x"), target="x")
    assert (first.operation, first.target, first.cursor, first.next_cursor) == ("user_post", "x", "8", "5")
    assert first.page_id < second.page_id


@asynccontextmanager
async def going_on(piece: bytes, pause_s: float) -> AsyncIterator[str]:
    """The address of a server whose answers never end."""
    under_way = set[asyncio.Task[None]]()

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if task := asyncio.current_task():
            under_way.add(task)
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n\r\n")
        with suppress(ConnectionError), closing(writer):
            while True:
                writer.write(piece)
                await writer.drain()
                await asyncio.sleep(pause_s)

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    host, port = server.sockets[0].getsockname()
    try:
        yield f"http://{host}:{port}"
    finally:
        server.close()
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)


async def test_an_answer_without_an_end_is_given_up():
    async with (
        asyncio.timeout(10),
        going_on(bytes(1 << 20), 0) as upstream,
        DouyinCrawler(upstream=upstream, cookie="ttwid=1; msToken=a") as it,
    ):
        with pytest.raises(Unfamiliar, match="does not end"):
            await it.ask("user_profile", r.UserProfile(sec_user_id="u"), target="u")


async def test_an_answer_that_comes_in_drops_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receiving, "MOST_SECONDS", 0.2)
    async with (
        asyncio.timeout(10),
        going_on(b" ", 0.02) as upstream,
        DouyinCrawler(upstream=upstream, cookie="ttwid=1; msToken=a", max_retries=0) as it,
    ):
        with pytest.raises(Interrupted, match="did not end"):
            await it.ask("user_profile", r.UserProfile(sec_user_id="u"), target="u")


async def test_an_answer_that_swells_when_it_is_unpacked_is_given_up():
    packed = gzip.compress(bytes(MOST_BYTES + 1))
    async with crawler(service((200, {"content-encoding": "gzip"}, packed))) as it:
        with pytest.raises(Unfamiliar, match="does not end"):
            await it.ask("user_profile", r.UserProfile(sec_user_id="u"), target="u")


async def test_a_packed_answer_is_read():
    packed = gzip.compress(orjson.dumps(LIST))
    headers = {"content-encoding": "gzip", "content-length": str(len(packed))}
    async with crawler(service((200, headers, packed))) as it:
        page = await it.ask("user_post", r.UserPost(sec_user_id="u"), target="u")
    assert page.body == orjson.dumps(LIST)


async def test_a_packed_answer_that_breaks_off_is_asked_for_again():
    packed, coded = gzip.compress(orjson.dumps(LIST)), {"content-encoding": "gzip"}
    async with crawler(service((200, coded, packed[:-9]), (200, coded, packed))) as it:
        page = await it.ask("user_post", r.UserPost(sec_user_id="u"), target="u")
    assert (page.body, it.requests_sent) == (orjson.dumps(LIST), 2)
