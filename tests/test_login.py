"""Logging in: the QR code through every standing, cookies of redirects, pastes and browsers."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from deployments.simulator.app import make_app
from deployments.simulator.sso import Login
from deployments.simulator.world import World
from pipelines.errors import ArchiveError, BadInput, RateLimited, Unfamiliar, VerificationAsked
from pipelines.extract.browsers import cookie_from_browser
from pipelines.extract.cookies import CookieBox, is_home, is_login, read_cookie
from pipelines.extract.crawler import DouyinCrawler
from pipelines.extract.login import sso_login
from pipelines.extract.standings import read_standing

WORLD = World(seed=5, users=1, posts=1)


@dataclass
class Desk:
    """A login against the made-up Douyin, on a clock that moves when somebody sleeps."""

    crawler: DouyinCrawler
    app: Any
    time: float = 0.0
    shown: list[str] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.time += seconds

    async def login(self, **options: Any) -> tuple[bool, str]:
        def on_event(name: str, **facts: Any) -> None:
            self.told.append(f"{name}: {facts['text']}")

        return await sso_login(
            self.crawler,
            show=self.shown.append,
            sleep=self.sleep,
            clock=lambda: self.time,
            on_event=on_event,
            **options,
        )

    def polls(self) -> int:
        return len(self.app.requests_to("check_qrcode"))


@asynccontextmanager
async def desk(login: Login, faults: tuple[str, ...] = ()) -> AsyncIterator[Desk]:
    app = make_app(WORLD, faults=faults)
    app.state["login"] = login

    async def no_pause(_seconds: float) -> None:
        return None

    async with DouyinCrawler(transport=httpx.ASGITransport(app), max_retries=0, sleep=no_pause) as crawler:
        yield Desk(crawler, app)


@pytest.mark.parametrize(
    "statuses",
    [
        ("1", "2", "3"),
        (1, 1, 2, 3),
        ("new", "scanned", "confirmed"),
        ("3",),
        ("1", "4", "1", "2", "3"),
        ("1", None, "2", "3"),
        ("1", "waiting", "17", "2", "3"),
    ],
)
async def test_a_confirmed_code_is_a_login_however_its_standing_is_spelled(statuses: tuple[Any, ...]) -> None:
    async with desk(Login(codes=(statuses,))) as it:
        is_in, cookie = await it.login()
    assert is_in
    assert f"sessionid={WORLD.sessionid}" in cookie.split("; ")
    assert it.polls() == len(statuses)
    assert len(it.shown) == 1
    assert it.shown[0].startswith("https://")


@pytest.mark.parametrize("hops", [1, 2, 3, 5])
async def test_the_cookies_of_every_redirect_are_gathered(hops: int) -> None:
    async with desk(Login(hops=hops)) as it:
        is_in, cookie = await it.login()
    assert is_in
    names = {part.partition("=")[0] for part in cookie.split("; ")}
    assert {"sessionid", "sessionid_ss", "sid_tt", "passport_auth_status"} <= names
    assert ("odin_tt" in names) == (hops > 1)


async def test_the_cookie_works_for_what_needs_a_login() -> None:
    async with desk(Login()) as it:
        _, cookie = await it.login()
        transport = httpx.ASGITransport(it.app)
        async with DouyinCrawler(cookie=cookie, transport=transport, max_retries=0) as crawler:
            page = await crawler.ask("query_user", {"device_platform": "webapp", "aid": "6383", "msToken": None})
    assert orjson.loads(page.body)["user_uid"] == WORLD.uid(0)


@pytest.mark.parametrize("expired", ["5", 5, "expired"])
async def test_an_expired_code_is_followed_by_a_new_one(expired: str | int) -> None:
    async with desk(Login(codes=(("1", expired), ("1", "2", expired), ("2", "3")))) as it:
        is_in, _ = await it.login()
    assert is_in
    assert len(set(it.shown)) == 3


async def test_codes_that_expire_for_ever_come_to_an_end() -> None:
    async with desk(Login(codes=(("5",),))) as it:
        assert await it.login(max_codes=3) == (False, "")
    assert len(it.shown) == 3
    assert "expired" in it.told[-1]


async def test_nobody_scans_the_code_and_the_time_limit_ends_it() -> None:
    async with desk(Login(codes=(("1",),))) as it:
        assert await it.login(time_limit_s=60) == (False, "")
    assert it.time == pytest.approx(60)
    assert it.polls() <= 21
    assert "time" in it.told[-1]


async def test_a_code_that_dies_by_its_clock_is_followed_by_a_new_one() -> None:
    async with desk(Login(codes=(("1", "2"), ("3",)), valid_s=0.0)) as it:
        assert await it.login(max_codes=2) == (False, "")
    assert len(it.shown) == 2


async def test_a_refusal_in_the_app_ends_it_at_once() -> None:
    async with desk(Login(codes=(("1", "2", "refused"),))) as it:
        assert await it.login() == (False, "")
    assert it.polls() == 3
    assert "refused" in it.told[-1]


async def test_status_4_is_waited_for_a_little_and_then_believed() -> None:
    async with desk(Login(codes=(("4",),))) as it:
        assert await it.login() == (False, "")
    assert it.polls() == 3
    assert it.time > 9


async def test_a_missing_status_is_an_abnormal_surrounding() -> None:
    async with desk(Login(codes=((None,),))) as it:
        with pytest.raises(VerificationAsked, match="2046"):
            await it.login()
    assert it.polls() == 3


@pytest.mark.parametrize("challenge", ["captcha", "acrawler", "access_denied", "bdturing", "passport_decision"])
async def test_a_challenge_while_the_code_is_waited_for_calls_a_person(challenge: str) -> None:
    async with desk(Login(), faults=(f"check_qrcode:2={challenge}",)) as at:
        with pytest.raises(VerificationAsked, match="challenge"):
            await at.login()
    assert at.polls() == 2


async def test_an_unknown_status_is_said_once_and_waited_for() -> None:
    async with desk(Login(codes=(("7",),))) as it:
        assert await it.login(time_limit_s=30) == (False, "")
    assert sum("'7'" in line for line in it.told) == 1


async def test_a_second_factor_is_a_persons_business() -> None:
    async with desk(Login(asks_second_factor=True)) as it:
        with pytest.raises(VerificationAsked, match="browser"):
            await it.login()


async def test_a_refused_code_is_an_error_that_says_so() -> None:
    async with desk(Login(refused_codes=frozenset({1}))) as it:
        with pytest.raises(RateLimited):
            await it.login()


async def test_no_request_of_a_login_leaves_douyin_and_no_word_of_it_is_a_cookie(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with desk(Login(codes=(("1", "2", "3"),))) as it:
        with caplog.at_level(logging.DEBUG):
            _, cookie = await sso_login(it.crawler, show=it.shown.append, sleep=it.sleep)
    secrets = [part.partition("=")[2] for part in cookie.split("; ")]
    assert not [word for word in secrets if len(word) > 8 and word in caplog.text]
    for record in it.app.log:
        if "cookie" in record.headers:
            assert record.host.endswith("douyin.com")


@dataclass
class Script:
    """A door whose answers are given: what Douyin might do and the made-up one does not."""

    confirmed: httpx.Response
    hops: dict[str, httpx.Response]
    visited: list[tuple[str, str]] = field(default_factory=list)

    async def fetch_login_qrcode(self, _params: Any) -> dict[str, Any]:
        return {"data": {"token": "t", "qrcode_index_url": "https://www.douyin.com/q"}}

    async def fetch_check_qrcode(self, _params: Any) -> httpx.Response:
        return self.confirmed

    async def visit(self, url: str, cookie: str) -> httpx.Response:
        self.visited.append((url, cookie))
        return self.hops[url]


def confirmed(redirect: str) -> httpx.Response:
    return httpx.Response(200, json={"data": {"status": "3", "redirect_url": redirect}, "error_code": 0})


def hop(location: str, *cookies: str) -> httpx.Response:
    return httpx.Response(302, headers=[("location", location), *(("set-cookie", cookie) for cookie in cookies)])


async def test_a_redirect_away_from_douyin_is_not_followed() -> None:
    first = "https://www.douyin.com/passport/sso/login/callback/?ticket=x"
    door = Script(confirmed(first), {first: hop("https://evil.example/?next=1", "sessionid=S; Domain=douyin.com")})
    assert await sso_login(door, show=lambda _url: None) == (True, "sessionid=S")
    assert [url for url, _ in door.visited] == [first]
    plain = Script(confirmed("http://www.douyin.com/callback"), {})
    assert await sso_login(plain, show=lambda _url: None) == (False, "")
    assert plain.visited == []


async def test_a_confirmation_that_strict_readers_refuse_is_one_all_the_same() -> None:
    first = "https://www.douyin.com/passport/sso/login/callback/?ticket=x"
    odd = httpx.Response(200, content=b"\xef\xbb\xbf" + confirmed(first).content)
    assert await sso_login(Script(odd, {first: hop("/", "sessionid=S")}), show=lambda _url: None) == (
        True,
        "sessionid=S",
    )


async def test_redirects_without_end_are_left_and_bring_no_login() -> None:
    url = "https://www.douyin.com/round"
    door = Script(confirmed(url), {url: hop("/round", "passport=1")})
    assert await sso_login(door, show=lambda _url: None) == (False, "")
    assert len(door.visited) == 10


async def test_each_hop_gets_the_cookies_so_far_and_later_ones_win() -> None:
    one, two = "https://www.douyin.com/a", "https://sso.douyin.com/b"
    door = Script(
        confirmed(one),
        {
            one: hop(two, "a=1", "sid_tt=old", "gone=1"),
            two: hop("/", "sid_tt=new", "gone=; Max-Age=0", "x=1; Domain=evil.example"),
        },
    )
    assert await sso_login(door, show=lambda _url: None) == (True, "a=1; sid_tt=new")
    assert door.visited[1] == (two, "a=1; sid_tt=old; gone=1")


async def test_a_confirmation_without_an_address_is_unfamiliar() -> None:
    with pytest.raises(Unfamiliar):
        await sso_login(Script(confirmed(""), {}), show=lambda _url: None)


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=8),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["data", "status", "error_code", "description"]), inner, max_size=4)
        ),
        max_leaves=8,
    )
)
def test_any_json_is_a_standing_or_a_typed_error(answer: Any) -> None:
    with suppress(ArchiveError):
        assert read_standing(orjson.dumps(answer)).text


def test_error_codes_of_the_risk_control_are_told_with_what_to_do() -> None:
    body = orjson.dumps({"data": {"error_code": 4031, "description": "请求异常"}, "message": "error"})
    with pytest.raises(VerificationAsked, match="browser"):
        read_standing(body)


@pytest.mark.parametrize("data", [{"status": "3"}, {"status": "2"}, {}, {"status": "3", "verify_ticket": "x"}, None])
def test_a_ticket_for_a_second_factor_is_heard_wherever_it_stands(data: dict[str, str] | None) -> None:
    with pytest.raises(VerificationAsked, match="second proof"):
        read_standing(orjson.dumps({"data": data, "error_code": 0, "verify_ticket": "x"}))


def test_an_empty_ticket_asks_for_nothing() -> None:
    assert read_standing(b'{"data":{"status":"3","verify_ticket":""},"verify_ticket":null}').kind == "confirmed"


# Cookies


def test_only_https_addresses_of_douyin_are_home() -> None:
    for good in ("https://www.douyin.com/x", "https://douyin.com", "https://SSO.douyin.com/a?b"):
        assert is_home(good)
    for bad in (
        "http://www.douyin.com/",
        "https://douyin.com.evil.example/",
        "https://notdouyin.com/",
        "https://user@www.douyin.com/",
        "https://www.douyin.com:8443/",
        "https://[",
        "",
    ):
        assert not is_home(bad)


def test_a_box_of_cookies_never_shows_them() -> None:
    box = CookieBox()
    box.take(["sessionid=very-secret; Path=/"])
    assert "very-secret" not in repr(box)


@pytest.mark.parametrize(
    "pasted",
    [
        "sessionid=abc; ttwid=1",
        "Cookie: sessionid=abc; ttwid=1",
        '"sessionid=abc; ttwid=1;"\n',
        " sessionid=abc;\n  ttwid=1 ",
    ],
)
def test_a_pasted_cookie_becomes_one_line(pasted: str) -> None:
    assert read_cookie(pasted) == "sessionid=abc; ttwid=1"


@pytest.mark.parametrize("pasted", ["", "   ", "hello", "ttwid=secretword", "sessionid=秘密", "sessionid="])
def test_a_paste_that_is_no_login_is_said_without_repeating_it(pasted: str) -> None:
    with pytest.raises(BadInput) as told:
        read_cookie(pasted)
    for word in ("secretword", "秘密", "hello"):
        assert word not in str(told.value)


COOKIES_TXT = """# Netscape HTTP Cookie File
# This is a generated file! Do not edit.

.douyin.com\tTRUE\t/\tTRUE\t1893456000\tttwid\t1%7Cabc
#HttpOnly_.douyin.com\tTRUE\t/\tTRUE\t1893456000\tsessionid\tabc
www.douyin.com\tFALSE\t/\tFALSE\t0\tpasted\tx=y
.example.com\tTRUE\t/\tTRUE\t1893456000\tsessionid\tanother
.notdouyin.com\tTRUE\t/\tTRUE\t1893456000\tother\tsecretword
"""


@pytest.mark.parametrize("ends", ["\n", "\r\n"])
def test_a_file_of_cookies_is_read_as_well(ends: str) -> None:
    assert read_cookie(COOKIES_TXT.replace("\n", ends)) == "ttwid=1%7Cabc; sessionid=abc; pasted=x=y"


def test_a_cookie_that_a_browser_sends_to_another_host_of_douyin_takes_no_other_ones_place() -> None:
    elsewhere = "creator.douyin.com\tFALSE\t/\tTRUE\t1893456000\tsessionid\tanother\n"
    assert read_cookie(COOKIES_TXT + elsewhere) == "ttwid=1%7Cabc; sessionid=abc; pasted=x=y"


def test_a_file_of_cookies_without_a_login_is_said_without_repeating_it() -> None:
    with pytest.raises(BadInput, match="no login") as told:
        read_cookie(COOKIES_TXT.replace("#HttpOnly_.douyin.com", "# .douyin.com"))
    assert "secretword" not in str(told.value)
    with pytest.raises(BadInput, match="no cookie"):
        read_cookie(COOKIES_TXT.replace("douyin.com", "example.org"))


# Browsers

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def firefox(path: Path, rows: list[tuple[str, str, str, int]]) -> Path:
    store = path / "cookies.sqlite"
    with sqlite3.connect(store) as con:
        con.execute(
            "CREATE TABLE moz_cookies (id INTEGER PRIMARY KEY, name TEXT, value TEXT, host TEXT, path TEXT, "
            "expiry INTEGER, isSecure INTEGER, isHttpOnly INTEGER)"
        )
        into = "INSERT INTO moz_cookies (host, name, value, path, expiry, isSecure, isHttpOnly)"
        con.executemany(f"{into} VALUES (?, ?, ?, '/', ?, 1, 1)", rows)
    con.close()
    return store


def test_a_browsers_cookies_of_douyin_and_no_other_are_read(tmp_path: Path) -> None:
    later, before = int(NOW.timestamp()) + 86_400, int(NOW.timestamp()) - 1
    store = firefox(
        tmp_path,
        [
            (".douyin.com", "sessionid", "S", later),
            ("www.douyin.com", "ttwid", "T", later),
            (".douyin.com", "stale", "X", before),
            ("live.douyin.com", "only_live", "X", later),
            (".notdouyin.com", "other", "X", later),
            (".example.com", "foreign", "X", later),
        ],
    )
    cookie = cookie_from_browser("firefox", now=NOW, store=store)
    assert set(cookie.split("; ")) == {"sessionid=S", "ttwid=T"}


def test_a_browser_without_a_login_is_said_to_have_none(tmp_path: Path) -> None:
    store = firefox(tmp_path, [(".douyin.com", "ttwid", "T", int(NOW.timestamp()) + 9)])
    with pytest.raises(BadInput, match="no login"):
        cookie_from_browser("firefox", now=NOW, store=store)


def test_a_browser_that_is_not_there_or_unknown_is_said(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="choose from"):
        cookie_from_browser("netscape", now=NOW)
    for name in ("firefox", "chrome", "opera", "edge"):
        with pytest.raises(BadInput, match="--cookie -"):
            cookie_from_browser(name, now=NOW, store=tmp_path / "nothing")


def test_a_store_that_is_no_store_is_said(tmp_path: Path) -> None:
    store = tmp_path / "cookies.sqlite"
    store.write_bytes(b"SQLite format 3\0 and then nothing of the kind" * 9)
    for name in ("firefox", "chrome"):
        with pytest.raises(BadInput, match=name):
            cookie_from_browser(name, now=NOW, store=store)


def test_a_cookie_with_an_empty_session_is_no_login() -> None:
    assert not is_login("sessionid=; ttwid=1")
    assert is_login("ttwid=1; sid_tt=1")
