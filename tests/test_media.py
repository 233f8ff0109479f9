from __future__ import annotations

import asyncio
import gzip
import random
import socket
import zlib
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
import pytest_asyncio
from media_hosts import Film, MediaHosts, media_hosts, mp4

from pipelines.errors import (
    ArchiveError,
    BadInput,
    Interrupted,
    NotFound,
    Private,
    RateLimited,
    Unfamiliar,
    Unreachable,
)
from pipelines.extract.media import MediaSource
from pipelines.extract.media_heads import by_name, facts_of
from pipelines.extract.media_hosts import check_public, halves, host_of, leads_out, wants_referer

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
VIDEO = "https://v3-web.douyinvod.com/film"


@pytest.fixture(scope="module")
def running() -> Iterator[MediaHosts]:
    with media_hosts() as hosts:
        yield hosts


@pytest.fixture
def hosts(running: MediaHosts) -> MediaHosts:
    running.films.clear()
    running.log.clear()
    return running


@pytest_asyncio.fixture
async def source(hosts: MediaHosts) -> AsyncIterator[MediaSource]:
    async with MediaSource(upstream=hosts.url, user_agent="Browser/1", timeout=5, now=lambda: NOW) as opened:
        yield opened


async def read(source: MediaSource, url: str = VIDEO, **where: object) -> tuple[object, bytes]:
    async with source.open(url, **where) as answer:  # type: ignore[arg-type]
        return answer, b"".join([chunk async for chunk in answer.chunks])


async def test_a_file_comes_with_its_size_version_and_host(hosts: MediaHosts, source: MediaSource) -> None:
    hosts.films["/film"] = Film(mp4(300_000))
    answer, body = await read(source)
    assert body == mp4(300_000)
    assert (answer.status, answer.total_size, answer.offset) == (200, 300_000, 0)
    assert (answer.validator, answer.host) == ('"v1"', "v3-web.douyinvod.com")


async def test_the_rest_of_a_file_is_asked_for_only_if_it_is_the_same_version(
    hosts: MediaHosts, source: MediaSource
) -> None:
    hosts.films["/film"] = Film(mp4(1000))
    answer, body = await read(source, offset=400, validator='"v1"')
    assert (answer.status, answer.offset, answer.total_size, body) == (206, 400, 1000, mp4(1000)[400:])
    assert hosts.log[-1].headers["range"] == "bytes=400-"
    assert hosts.log[-1].headers["if-range"] == '"v1"'
    answer, body = await read(source, offset=400, validator='"old"')
    assert (answer.status, answer.offset, body) == (200, 0, mp4(1000))


async def test_without_a_version_the_whole_file_is_asked_for(hosts: MediaHosts, source: MediaSource) -> None:
    hosts.films["/film"] = Film(mp4(1000))
    answer, _ = await read(source, offset=400)
    assert answer.offset == 0
    assert "range" not in hosts.log[-1].headers


@pytest.mark.parametrize(
    ("film", "validator"),
    [
        (Film(mp4(100), etag='W/"weak"'), None),
        (Film(mp4(100), etag="", modified="Fri, 02 Jan 2026 03:04:05 GMT"), "Fri, 02 Jan 2026 03:04:05 GMT"),
        (Film(mp4(100), etag='W/"weak"', modified="Thu, 01 Jan 2026 00:00:00 GMT"), "Thu, 01 Jan 2026 00:00:00 GMT"),
        (Film(mp4(100), etag='"strong"', modified="Thu, 01 Jan 2026 00:00:00 GMT"), '"strong"'),
    ],
)
async def test_only_a_strong_version_can_guard_a_resume(
    hosts: MediaHosts, source: MediaSource, film: Film, validator: str | None
) -> None:
    hosts.films["/film"] = film
    answer, _ = await read(source)
    assert answer.validator == validator


async def test_no_cookie_is_ever_sent_nor_kept(hosts: MediaHosts, source: MediaSource) -> None:
    hosts.films["/film"] = Film(mp4(100), script=["redirect:/film?a", "ok", "ok"])
    hosts.films["/film?a"] = Film(mp4(100))
    await read(source)
    await read(source)
    assert len(hosts.log) == 3
    assert not any("cookie" in asked.headers or "authorization" in asked.headers for asked in hosts.log)


async def test_the_referer_goes_to_video_hosts_alone(hosts: MediaHosts, source: MediaSource) -> None:
    hosts.films["/film"] = Film(mp4(100))
    for host in ("v26-web.douyinvod.com", "p3-pc-sign.douyinpic.com", "sf5-hl-cdn-tos.douyinstatic.com"):
        await read(source, f"https://{host}/film")
    assert [asked.headers.get("referer") for asked in hosts.log] == ["https://www.douyin.com/", None, None]
    assert {asked.headers["user-agent"] for asked in hosts.log} == {"Browser/1"}
    assert {asked.headers["accept-encoding"] for asked in hosts.log} == {"identity"}


async def test_a_redirect_is_followed_to_its_node(hosts: MediaHosts, source: MediaSource) -> None:
    hosts.films["/aweme/v1/play/?video_id=1"] = Film(b"", script=["redirect:https://v9.zjcdn.com/film"])
    hosts.films["/film"] = Film(mp4(100))
    answer, body = await read(source, "https://www.douyin.com/aweme/v1/play/?video_id=1")
    assert (answer.host, body) == ("v9.zjcdn.com", mp4(100))
    assert [asked.host for asked in hosts.log] == ["www.douyin.com", "v9.zjcdn.com"]


async def test_a_circle_of_redirects_ends(hosts: MediaHosts, source: MediaSource) -> None:
    hosts.films["/film"] = Film(b"", script=["redirect:/film"] * 20)
    with pytest.raises(Unfamiliar, match="more than 5 times"):
        await read(source)
    assert len(hosts.log) == 6


@pytest.mark.parametrize(
    ("said", "error", "facts"),
    [
        ("404", NotFound, {"http_status": 404}),
        ("410", NotFound, {"http_status": 410}),
        ("403", Private, {"http_status": 403, "is_expired": True}),
        ("401", Private, {"http_status": 401, "is_expired": True}),
        ("429", RateLimited, {"http_status": 429}),
        ("429 7", RateLimited, {"http_status": 429, "retry_after_s": 7.0}),
        ("429 Fri, 02 Jan 2026 03:05:05 GMT", RateLimited, {"retry_after_s": 60.0}),
        ("429 Fri, 02 Jan 2026 03:00:05 GMT", RateLimited, {"retry_after_s": 0.0}),
        ("429 Fri, 02 Jan 99999999999999999999 03:00:05 GMT", RateLimited, {"http_status": 429}),
        ("429 soon", RateLimited, {"http_status": 429}),
        ("503 9", Unreachable, {"http_status": 503, "retry_after_s": 9.0}),
        ("511", Unreachable, {"http_status": 511}),
        ("500", Unreachable, {"http_status": 500}),
        ("416", Interrupted, {"http_status": 416}),
        ("418", Unfamiliar, {"http_status": 418}),
        ("204", Unfamiliar, {"http_status": 204}),
    ],
)
async def test_every_refusal_is_an_error_that_says_what_to_do(
    hosts: MediaHosts, source: MediaSource, said: str, error: type[ArchiveError], facts: dict[str, object]
) -> None:
    hosts.films["/film"] = Film(mp4(100), script=[f"status:{said}"])
    with pytest.raises(error) as raised:
        await read(source)
    assert facts.items() <= raised.value.facts.items()
    assert raised.value.facts["host"] == "v3-web.douyinvod.com"
    _, body = await read(source)
    assert body == mp4(100), "the connection is of use after a refusal"


@pytest.mark.parametrize("mood", ["cut:5000", "reset:5000"])
async def test_a_stream_that_breaks_off_is_interrupted(hosts: MediaHosts, source: MediaSource, mood: str) -> None:
    hosts.films["/film"] = Film(mp4(900_000), script=[mood])
    with pytest.raises(Interrupted, match="broke off"):
        await read(source)


async def test_a_host_that_does_not_listen_is_unreachable() -> None:
    async with MediaSource(upstream="http://127.0.0.1:9", timeout=2) as source:
        with pytest.raises(Unreachable, match=r"v3-web\.douyinvod\.com"):
            await read(source)


async def test_a_host_that_falls_silent_is_interrupted(hosts: MediaHosts) -> None:
    hosts.films["/film"] = Film(mp4(900_000), script=["slow:1000"])
    async with MediaSource(upstream=hosts.url, timeout=0.3) as source:
        with pytest.raises(Interrupted, match="ReadTimeout"):
            await read(source)


async def test_chunked_and_unmeasured_answers_have_no_size(hosts: MediaHosts, source: MediaSource) -> None:
    hosts.films["/film"] = Film(mp4(5000), script=["chunked", "no_length"])
    for _ in range(2):
        answer, body = await read(source)
        assert (answer.total_size, body) == (None, mp4(5000))


async def test_a_coded_answer_is_decoded_and_cannot_be_resumed(hosts: MediaHosts, source: MediaSource) -> None:
    hosts.films["/film"] = Film(mp4(5000), script=["gzip", "not_gzip"])
    answer, body = await read(source)
    assert (answer.total_size, answer.validator, body) == (None, None, mp4(5000))
    with pytest.raises(Interrupted):
        await read(source)


WHOLE = gzip.compress(mp4(50_000))
TWO = gzip.compress(mp4(50_000)[:20_000]) + gzip.compress(mp4(50_000)[20_000:])


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", TWO),
        ("gzip", WHOLE + b"\0\0rubbish"),
        ("X-GZip", WHOLE),
        ("deflate", zlib.compress(mp4(50_000))),
        ("deflate", zlib.compress(mp4(50_000))[2:-4]),
        ("deflate, gzip", gzip.compress(zlib.compress(mp4(50_000)))),
        ("unheard-of", mp4(50_000)),
    ],
)
async def test_however_a_file_is_packed_it_is_the_same(
    hosts: MediaHosts, source: MediaSource, coding: str, packed: bytes
) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(packed)}\r\n\r\n"
    hosts.films["/film"] = Film(b"", script=[f"says:{head}{packed.decode('latin-1')}"])
    assert (await read(source))[1] == mp4(50_000)


@pytest.mark.parametrize(
    ("coding", "packed"),
    [
        ("gzip", WHOLE[:-9]),
        ("gzip", WHOLE[:1]),
        ("gzip", TWO[:-9]),
        ("deflate", zlib.compress(mp4(50_000))[:-9]),
        ("deflate", zlib.compress(mp4(50_000))[2:-9]),
        ("gzip, gzip", gzip.compress(WHOLE[:-9])),
    ],
)
async def test_a_packed_file_whose_end_is_missing_is_not_taken_for_whole(
    hosts: MediaHosts, source: MediaSource, coding: str, packed: bytes
) -> None:
    head = f"HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {len(packed)}\r\n\r\n"
    hosts.films["/film"] = Film(b"", script=[f"says:{head}{packed.decode('latin-1')}"])
    with pytest.raises(Interrupted, match="broke off"):
        await read(source)


async def test_a_stream_that_is_left_early_does_no_harm(hosts: MediaHosts, source: MediaSource) -> None:
    hosts.films["/film"] = Film(mp4(3_000_000))
    for _ in range(3):
        async with source.open(VIDEO) as answer:
            await anext(answer.chunks)
    _, body = await read(source)
    assert len(body) == 3_000_000


async def test_streams_run_at_the_same_time(hosts: MediaHosts, source: MediaSource) -> None:
    hosts.films["/film"] = Film(mp4(200_000))
    bodies = await asyncio.gather(*(read(source) for _ in range(12)))
    assert {body for _, body in bodies} == {mp4(200_000)}


@pytest.mark.parametrize(
    "host",
    [
        "localhost", "a.localhost", "printer.local", "db.internal", "intranet", "127.0.0.1", "127.1", "0x7f.1",
        "2130706433", "0.0.0.0", "10.0.0.8", "172.16.3.4", "192.168.1.1", "169.254.169.254", "100.64.0.1", "::1",
        "fe80::1", "fd00::1", "::ffff:127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::", "224.0.0.1", "", "0177.0.0.1",
        "::127.0.0.1", "::ffff:0:7f00:1", "fec0::1", "5f00::1", "router.localdomain",
    ],
)  # fmt: skip
def test_a_host_that_is_not_public_is_not_asked(host: str) -> None:
    with pytest.raises(BadInput):
        check_public(host)


@pytest.mark.parametrize("host", ["v3-web.douyinvod.com", "p3.douyinpic.com", "1.1.1.1", "2606:4700::1111"])
def test_a_public_host_may_be_asked(host: str) -> None:
    check_public(host)


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd", "ftp://a.com/x", "//a.com/x", "", "https://", "https://user:pass@a.com/x",
        "https://a.com:x/y", "https://good.com\\@127.0.0.1/", "javascript:alert(1)", "https://[::1/x",
    ],
)  # fmt: skip
async def test_an_address_that_is_no_plain_http_is_not_asked(url: str) -> None:
    async with MediaSource() as source:
        with pytest.raises(BadInput):
            await read(source, url)


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "http://１２７.0.0.1/x", "http://localhost./x", "http://[::1]/"]
)
async def test_without_a_stand_in_this_machine_is_not_asked(url: str) -> None:
    async with MediaSource() as source:
        with pytest.raises(BadInput, match=r"not asked for|cannot be read"):
            await read(source, url)


Found = list[tuple[Any, ...]]


def answers_of(monkeypatch: pytest.MonkeyPatch, *answers: tuple[str, ...]) -> list[str]:
    """Names lead to these addresses, answer by answer, the last one for good; the names that were asked for."""
    real, left, asked = socket.getaddrinfo, list(answers), list[str]()

    def look_up(host: str, port: int, *more: Any, **words: Any) -> Found:
        if host[0].isdecimal():
            return real(host, port, *more, **words)
        asked.append(host)
        addresses = left.pop(0) if len(left) > 1 else left[0]
        return [found for address in addresses for found in real(address, port, *more, **words)]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    return asked


async def test_a_public_name_that_leads_to_this_machine_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, hosts: MediaHosts
) -> None:
    hosts.films["/film"] = Film(mp4(1000))
    url = f"http://v3-web.douyinvod.com:{hosts.url.rpartition(':')[2]}/film"
    answers_of(monkeypatch, ("127.0.0.1",))
    before = hosts.connections
    async with MediaSource(timeout=2) as source:
        with pytest.raises(BadInput, match=r"leads to 127\.0\.0\.1"):
            await read(source, url)
    assert hosts.connections == before


async def test_the_address_that_is_asked_is_the_one_that_was_checked(
    monkeypatch: pytest.MonkeyPatch, hosts: MediaHosts
) -> None:
    monkeypatch.setattr("pipelines.extract.media.leads_out", lambda address: address == "127.0.0.1")
    hosts.films["/film"] = Film(mp4(1000))
    # A name may lead elsewhere the next time that somebody looks it up.
    asked = answers_of(monkeypatch, ("127.0.0.3", "127.0.0.1"), ("127.0.0.3",))
    async with MediaSource(timeout=2) as source:
        _, data = await read(source, f"http://v3-web.douyinvod.com:{hosts.url.rpartition(':')[2]}/film")
    assert data == mp4(1000)
    assert asked == ["v3-web.douyinvod.com"]


@pytest.mark.parametrize(
    ("address", "leads"),
    [
        ("1.1.1.1", True), ("198.18.0.7", True), ("198.19.255.1", True), ("2606:4700::1111", True),
        ("64:ff9b::101:101", True), ("::ffff:1.1.1.1", True),
        ("127.0.0.1", False), ("10.0.0.1", False), ("192.168.1.1", False), ("169.254.169.254", False),
        ("0.0.0.0", False), ("::1", False), ("fe80::1%eth0", False), ("fd00::1", False), ("64:ff9b::a00:1", False),
        ("::ffff:10.0.0.1", False), ("224.0.0.1", False),
    ],
)  # fmt: skip
def test_an_address_leads_out_unless_it_is_a_neighbours(address: str, leads: bool) -> None:
    assert leads_out(address) == leads


def test_hosts_are_told_from_their_look_alikes() -> None:
    assert host_of("https://V3-WEB.douyinvod.com./x") == "v3-web.douyinvod.com"
    assert wants_referer("www.douyin.com")
    assert not wants_referer("notdouyin.com")


def test_a_range_that_no_reader_takes_is_asked_for_from_the_start():
    answer = httpx.Response(206, headers={"content-range": f"bytes 0-1/{'9' * 5000}"})
    with pytest.raises(Interrupted):
        facts_of(answer, "host", lambda: NOW)


@pytest.mark.parametrize(
    "url",
    [
        "https://v3-web.douyinvod.com/6f4a/66a0/video/tos/cn/tos-cn-ve-15/oAI/?a=6383&ch=0&cd=0%7C0%7C0&l=2024~x.mp4",
        "http://p3-pc-sign.douyinpic.com:8080/tos-cn-i-dy/o0~noop.jpeg?x-expires=1&x-signature=a%2Fb%3D",
    ],
)
def test_an_address_as_douyin_gives_them_needs_no_reader(url: str) -> None:
    base, target = halves(url) or ("", b"")
    assert base + target.decode() == url


def test_what_needs_no_reader_is_asked_for_just_as_a_reader_would() -> None:
    rng = random.Random(4)
    letters = [
        *"abZ09/.-_~%?#:@!$&'()*+,;=|\\^[]{}<>\" \t\n\x7f\x00é中",
        "%2f",
        "..",
        "/.",
        "//",
        "/../",
        "http://",
        "1",
    ]
    plain = 0
    for _ in range(20_000):
        host = rng.choice(
            ["v3.douyinvod.com", "127.0.0.1", "a..b", "a.b:80", "a.b:99999", "A.b", "u@a.b", "a", "xn--a.b"]
        )
        url = f"{rng.choice(['http', 'https', 'HTTPS', 'ftp'])}://{host}/" + "".join(
            rng.choices(letters, k=rng.randrange(6))
        )
        if (found := halves(url)) is None:
            continue
        base, target = found
        plain += 1
        assert base + target.decode() == url
        try:
            read, alone = httpx.URL(url), httpx.URL(base + "/")
        except httpx.InvalidURL:
            with pytest.raises(httpx.InvalidURL):
                httpx.URL(base + "/")
            continue
        assert (read.raw_path, read.netloc, read.raw_host) == (target, alone.netloc, alone.raw_host), url
    assert plain > 1000


def test_headers_are_read_as_httpx_reads_them() -> None:
    headers = [(b"ETag", b'"v1"'), (b"Via", b"a"), (b"VIA", b"b"), (b"Location", "/中".encode()), (b"X", b"")]
    assert by_name(headers) == dict(httpx.Headers(headers))
    assert by_name([(b"X-Odd", b"\xe9")]) == dict(httpx.Headers([(b"X-Odd", b"\xe9")]))
