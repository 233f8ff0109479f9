"""Couriers, who fetch whole files in the threads of their callers."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Iterator

import pytest
import pytest_asyncio
from media_hosts import Film, MediaHosts, media_hosts, mp4

from pipelines.errors import BadInput, Interrupted, NotFound, Private, RateLimited, Unfamiliar, Unreachable
from pipelines.extract.courier import Courier
from pipelines.extract.media import MediaSource
from pipelines.extract.media_heads import MediaHead

BODY = mp4(3_000_000)
URL = "https://v3-web.douyinvod.com/film?a=%2F~b"
PATH = "/film?a=%2F~b"


class Heap:
    """Takes what comes."""

    def __init__(self) -> None:
        self.heads: list[MediaHead] = []
        self.body = b""
        self.is_whole = False

    def begin(self, head: MediaHead) -> None:
        self.heads.append(head)

    def take(self, piece: memoryview) -> None:
        self.body += piece

    def end(self) -> None:
        self.is_whole = True


@pytest.fixture
def hosts() -> Iterator[MediaHosts]:
    with media_hosts() as running:
        yield running


@pytest_asyncio.fixture
async def source(hosts: MediaHosts) -> AsyncIterator[MediaSource]:
    async with MediaSource(upstream=hosts.url, timeout=2) as opened:
        yield opened


def courier_of(source: MediaSource) -> Courier:
    courier = source.courier()
    assert courier is not None
    return courier


async def fetched(courier: Courier, url: str = URL) -> Heap:
    heap, counted = Heap(), list[int]()
    await asyncio.to_thread(courier.fetch, url, heap, counted.append)
    assert sum(counted) == len(heap.body)
    return heap


@pytest.mark.parametrize("mood", ["ok", "chunked", "no_length"])
async def test_a_file_comes_whole_however_a_host_sends_it(hosts: MediaHosts, source: MediaSource, mood: str) -> None:
    hosts.films[PATH] = Film(BODY, script=[mood])
    heap = await fetched(courier_of(source))
    assert heap.body == BODY
    assert heap.is_whole
    assert (heap.heads[0].validator, heap.heads[0].host) == ('"v1"', "v3-web.douyinvod.com")
    assert heap.heads[0].total_size == (len(BODY) if mood == "ok" else None)


async def test_one_way_asks_just_as_the_other(hosts: MediaHosts, source: MediaSource) -> None:
    hosts.films[PATH] = Film(BODY)
    await fetched(courier_of(source))
    async with source.open(URL) as answer:
        assert b"".join([chunk async for chunk in answer.chunks]) == BODY
    one, other = hosts.log
    assert (one.path, one.host, list(one.headers.items())) == (other.path, other.host, list(other.headers.items()))
    assert one.headers["referer"] == "https://www.douyin.com/"
    assert "cookie" not in one.headers
    assert hosts.connections == 1


async def test_a_connection_that_its_host_closed_meanwhile_is_replaced(hosts: MediaHosts, source: MediaSource) -> None:
    hosts.films[PATH] = Film(BODY, script=["ok", "vanish"])
    courier = courier_of(source)
    assert (await fetched(courier)).body == (await fetched(courier)).body == BODY
    assert hosts.connections == 2


async def test_redirects_are_followed_but_in_no_circle(hosts: MediaHosts, source: MediaSource) -> None:
    hosts.films["/node"] = Film(BODY)
    hosts.films[PATH] = Film(
        BODY, script=["says:HTTP/1.1 302 Found\r\nLocation: https://v9.douyinvod.com/node\r\nContent-Length: 0\r\n\r\n"]
    )
    heap = await fetched(courier_of(source))
    assert (heap.body, heap.heads[0].host) == (BODY, "v9.douyinvod.com")
    round_about = f"says:HTTP/1.1 302 Found\r\nLocation: {URL}\r\nContent-Length: 0\r\n\r\n"
    hosts.films[PATH].script = [round_about] * 9
    with pytest.raises(Unfamiliar, match="leads on"):
        await fetched(courier_of(source))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        ("404 Not Found", NotFound),
        ("403 Forbidden", Private),
        ("429 Too Many Requests", RateLimited),
        ("503 Service Unavailable", Unreachable),
        ("418 I'm a teapot", Unfamiliar),
    ],
)
async def test_a_refusal_gives_nothing_and_says_why(
    hosts: MediaHosts, source: MediaSource, status: str, error: type[Exception]
) -> None:
    hosts.films[PATH] = Film(BODY, script=[f"says:HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nno"])
    heap = Heap()
    with pytest.raises(error, match=r"v3-web\.douyinvod\.com"):
        await asyncio.to_thread(courier_of(source).fetch, URL, heap, lambda _count: None)
    assert heap.heads == []


async def test_a_packed_answer_is_left_to_others(hosts: MediaHosts, source: MediaSource) -> None:
    hosts.films[PATH] = Film(BODY, script=["gzip"])
    heap = await fetched(courier_of(source))
    assert (heap.heads, heap.body, heap.is_whole) == ([], b"", False)


@pytest.mark.parametrize("mood", ["cut:1200000", "reset:1200000", "slow:1200000"])
async def test_what_breaks_off_is_given_as_far_as_it_came(hosts: MediaHosts, source: MediaSource, mood: str) -> None:
    hosts.films[PATH] = Film(BODY, script=[mood])
    heap = Heap()
    with pytest.raises(Interrupted, match="broke off"):
        await asyncio.to_thread(courier_of(source).fetch, URL, heap, lambda _count: None)
    assert not heap.is_whole
    assert BODY.startswith(heap.body)
    assert heap.body or mood.startswith("reset")  # which takes what lies in the socket with it


async def test_a_courier_that_is_cut_ends_at_once_and_asks_for_nothing_more(
    hosts: MediaHosts, source: MediaSource
) -> None:
    hosts.films[PATH] = Film(BODY, script=["slow:1200000"])
    courier, came = courier_of(source), threading.Event()
    task = asyncio.create_task(asyncio.to_thread(courier.fetch, URL, Heap(), lambda _count: came.set()))
    assert await asyncio.to_thread(came.wait, 5)
    courier.cut()
    async with asyncio.timeout(1):
        with pytest.raises(Interrupted):
            await task
    with pytest.raises(Interrupted, match="not asked any more"):
        await fetched(courier)
    assert len(hosts.log) == 1
    # That was this round's; the next one has its own.
    assert (await fetched(courier_of(source))).body == BODY


@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:1/x", "http://localhost./x", "ftp://v3.douyinvod.com/x", "no address"]
)
async def test_neighbours_and_other_protocols_are_not_asked(url: str) -> None:
    async with MediaSource() as source:
        with pytest.raises(BadInput):
            await fetched(courier_of(source), url)


async def test_there_is_no_courier_through_a_proxy() -> None:
    async with MediaSource(proxy="http://127.0.0.1:1") as source:
        assert source.courier() is None
