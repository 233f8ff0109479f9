"""Tokens: their shapes, their fall-backs, and what is sent for them."""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

from pipelines.errors import ArchiveError, RateLimited, Unfamiliar, Unreachable
from pipelines.extract.tokens import TokenManager, VerifyFpManager, fetch_ms_token, fetch_ttwid
from pipelines.extract.upstream import make_client

TTWID = "1%7C" + "a" * 43 + "%7C1700000000%7C" + "0" * 64
FALSE = re.compile(r"[A-Za-z0-9+-]{126}==")
VERIFY_FP = re.compile(
    r"verify_[0-9a-z]{8}_[0-9A-Za-z]{8}_[0-9A-Za-z]{4}_4[0-9A-Za-z]{3}_[89AB][0-9A-Za-z]{3}_[0-9A-Za-z]{12}"
)
Answer = Callable[[httpx.Request], httpx.Response]


class TokenService(httpx.AsyncBaseTransport):
    """Answers every request with what it was given, and keeps the requests."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        await request.aread()
        self.requests.append(request)
        return self.answer(request)


def gives(status: int = 200, *cookies: str) -> Answer:
    headers = [("Set-Cookie", cookie) for cookie in cookies]
    return lambda _request: httpx.Response(status, headers=headers, json={"status_code": 0})


def refuses(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("connection refused", request=request)


def leads_nowhere(_request: httpx.Request) -> httpx.Response:
    return httpx.Response(302, headers={"Location": "javascript:alert(1)"})


@contextmanager
def listening(status: int, *cookies: str) -> Iterator[tuple[str, list[tuple[str, str, bytes]]]]:
    """A token service on loopback: its address, and the (host, path, body) of what it was asked."""
    asked: list[tuple[str, str, bytes]] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            asked.append((self.headers["Host"], self.path, body))
            self.send_response(status)
            for cookie in cookies:
                self.send_header("Set-Cookie", cookie)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}", asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


# msToken


@pytest.mark.parametrize("length", [120, 128, 164, 184])
async def test_a_real_token_is_the_cookie_that_the_token_service_sets(length: int):
    token = "t" * (length - 2) + "=="
    service = TokenService(gives(200, "other=1; Path=/", f"msToken={token}; Path=/; Domain=bytedance.com"))
    async with make_client(transport=service, headers={"User-Agent": "Agent/1.0"}) as client:
        assert await fetch_ms_token(client) == token
    [request] = service.requests
    assert str(request.url) == "https://mssdk.bytedance.com/web/report"
    body = json.loads(request.content)
    assert (body["magic"], body["version"], body["dataType"]) == (538969122, 1, 8)
    assert body["strData"]
    assert request.headers["User-Agent"] == "Agent/1.0"


@pytest.mark.parametrize(
    "answer",
    [
        gives(200),
        gives(200, "msToken=short"),
        gives(401, "msToken=" + "t" * 128),
        gives(404),
        gives(302),
        gives(500),
        refuses,
        leads_nowhere,
    ],
)
async def test_a_false_token_stands_in_whatever_goes_wrong_in_a_crawl(answer: Answer):
    async with make_client(transport=TokenService(answer)) as client:
        assert FALSE.fullmatch(await fetch_ms_token(client))


async def test_the_crawlers_cookie_never_reaches_the_token_hosts():
    service = TokenService(gives(200, f"ttwid={TTWID}"))
    async with make_client(
        transport=service, headers={"Cookie": "sessionid=secret", "Referer": "https://x/"}
    ) as client:
        await fetch_ttwid(client)
        await fetch_ms_token(client)
    for request in service.requests:
        assert "Cookie" not in request.headers
        assert "Referer" not in request.headers


def test_the_specs_methods_need_no_argument_but_a_way():
    token = "t" * 126 + "=="
    with listening(200, f"msToken={token}; Path=/; Domain=bytedance.com", f"ttwid={TTWID}; Path=/") as (address, asked):
        assert TokenManager.gen_real_msToken(upstream=address, str_data="report") == token
        assert TokenManager.gen_ttwid(upstream=address) == TTWID
    assert [(host, path) for host, path, _ in asked] == [
        ("mssdk.bytedance.com", "/web/report"),
        ("ttwid.bytedance.com", "/ttwid/union/register/"),
    ]
    assert json.loads(asked[0][2])["strData"] == "report"
    assert json.loads(asked[1][2])["aid"] == 1768


def test_a_real_token_that_is_refused_becomes_a_false_one():
    with listening(404) as (address, _):
        assert FALSE.fullmatch(TokenManager.gen_real_msToken(upstream=address))


def test_where_nobody_answers_the_caller_is_told():
    with listening(200) as (address, _):
        pass
    with pytest.raises(Unreachable, match="mssdk"):
        TokenManager.gen_real_msToken(upstream=address)
    with pytest.raises(Unreachable, match="ttwid"):
        TokenManager.gen_ttwid(upstream=address)


def test_false_tokens_have_the_shape_of_real_ones_and_differ():
    made = {TokenManager.gen_false_msToken() for _ in range(50)}
    assert len(made) == 50
    assert all(FALSE.fullmatch(token) for token in made)
    assert TokenManager.gen_false_msToken(rng=lambda: 0.0) == "a" * 126 + "=="


# ttwid


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (gives(200), Unfamiliar),
        (gives(200, "ttwid="), Unfamiliar),
        (gives(401), Unfamiliar),
        (gives(404), Unfamiliar),
        (gives(429), RateLimited),
        (gives(503), Unreachable),
        (gives(511), Unreachable),
        (refuses, Unreachable),
        (leads_nowhere, Unreachable),
    ],
)
async def test_no_ttwid_is_an_error_and_never_a_text(answer: Answer, error: type[ArchiveError]):
    async with make_client(transport=TokenService(answer)) as client:
        with pytest.raises(error):
            await fetch_ttwid(client)


async def test_a_ttwid_is_kept_percent_encoded_as_it_came():
    async with make_client(transport=TokenService(gives(200, f"ttwid={TTWID}; Path=/; HttpOnly"))) as client:
        assert await fetch_ttwid(client) == TTWID


# verify_fp


@pytest.mark.parametrize(
    ("milliseconds", "random", "expected"),
    [
        (1700000000000, lambda _i: 0.0, "verify_loyw3v28_00000000_0000_4000_8000_000000000000"),
        (1710413848097, lambda _i: 0.999999, "verify_ltr48roh_zzzzzzzz_zzzz_4zzz_9zzz_zzzzzzzzzzzz"),
        (1707955200123, lambda i: i / 40, "verify_lsmgferf_0134679A_CDFH_4IKL_BOQR_TVWYZbcefhik"),
    ],
)
def test_verify_fp_follows_clock_and_dice(milliseconds: int, random: Callable[[int], float], expected: str):
    throws = iter(range(100))
    assert VerifyFpManager.gen_verify_fp(now_ms=lambda: milliseconds, rng=lambda: random(next(throws))) == expected
    throws = iter(range(100))
    assert VerifyFpManager.gen_s_v_web_id(now_ms=lambda: milliseconds, rng=lambda: random(next(throws))) == expected


def test_every_verify_fp_is_fresh_and_well_formed():
    made = {make() for make in (VerifyFpManager.gen_verify_fp, VerifyFpManager.gen_s_v_web_id) for _ in range(50)}
    assert len(made) == 100
    assert all(VERIFY_FP.fullmatch(value) for value in made)


def test_a_clock_at_zero_still_gives_a_value():
    assert VerifyFpManager.gen_verify_fp(now_ms=lambda: 0).startswith("verify_0_")


def test_a_token_is_taken_from_an_answer_without_an_end() -> None:
    class Endless(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            self.send_response(200)
            self.send_header("Set-Cookie", f"ttwid={TTWID}; Path=/")
            self.end_headers()
            with suppress(ConnectionError):
                while True:
                    self.wfile.write(bytes(1 << 16))

        def log_message(self, *_args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Endless)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    upstream = f"http://127.0.0.1:{server.server_port}"

    async def through_client() -> str:
        async with asyncio.timeout(10), make_client(upstream) as client:
            return await fetch_ttwid(client)

    try:
        assert TokenManager.gen_ttwid(upstream=upstream) == TTWID
        assert asyncio.run(through_client()) == TTWID
    finally:
        server.shutdown()
        server.server_close()
