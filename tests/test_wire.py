from __future__ import annotations

import asyncio
import gc
import shutil
import ssl
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from pathlib import Path

import httpx
import pytest
import pytest_asyncio
from media_hosts import Film, MediaHosts, media_hosts, mp4

from pipelines.extract import lines
from pipelines.extract.lines import Line
from pipelines.extract.upstream import make_client
from pipelines.extract.wire import WireTransport

BODY = mp4(3_000_000)


@pytest.fixture(autouse=True, params=["waits in the call", "waits between calls"])
def _system(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """As Linux reads from plain hosts, where this is one; and as it is done elsewhere."""
    if request.param == "waits between calls":
        monkeypatch.setattr(lines, "_CAN_WAIT", False)


@pytest.fixture
def hosts() -> Iterator[MediaHosts]:
    with media_hosts() as running:
        yield running


@pytest_asyncio.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    threads = ThreadPoolExecutor(16, thread_name_prefix="wire")
    async with make_client(transport=WireTransport(threads), timeout=3) as opened:
        yield opened
    threads.shutdown()


async def test_a_body_comes_in_large_pieces(hosts: MediaHosts, client: httpx.AsyncClient) -> None:
    hosts.films["/film?a=%2F~b"] = Film(BODY)
    async with client.stream("GET", f"{hosts.url}/film?a=%2F~b") as response:
        body = b"".join([chunk async for chunk in response.aiter_raw()])
    assert body == BODY
    assert response.headers["etag"] == '"v1"'
    assert hosts.log[0].headers["host"] == hosts.url.removeprefix("http://")


async def test_a_connection_serves_one_request_after_another(hosts: MediaHosts, client: httpx.AsyncClient) -> None:
    hosts.films["/film"] = Film(BODY)
    for _ in range(5):
        assert (await client.get(f"{hosts.url}/film")).content == BODY
    assert hosts.connections == 1


async def test_a_connection_that_the_host_closed_is_replaced(hosts: MediaHosts, client: httpx.AsyncClient) -> None:
    hosts.films["/film"] = Film(BODY, script=["ok", "vanish"])
    assert (await client.get(f"{hosts.url}/film")).content == BODY
    assert (await client.get(f"{hosts.url}/film")).content == BODY
    assert hosts.connections == 2


async def test_a_host_that_never_answers_is_asked_once_and_not_for_long(
    hosts: MediaHosts, client: httpx.AsyncClient
) -> None:
    hosts.films["/film"] = Film(BODY, script=["vanish", "vanish"])
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get(f"{hosts.url}/film")
    assert hosts.connections == 1


@pytest.mark.parametrize("mood", ["cut:1200000", "reset:1200000"])
async def test_what_came_before_a_break_is_handed_on(hosts: MediaHosts, client: httpx.AsyncClient, mood: str) -> None:
    hosts.films["/film"] = Film(BODY, script=[mood])
    pieces: list[bytes] = []

    async def collect() -> None:
        async with client.stream("GET", f"{hosts.url}/film") as response:
            async for chunk in response.aiter_raw():
                pieces.append(chunk)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(httpx.TransportError):
        await collect()
    got = b"".join(pieces)
    assert BODY.startswith(got)
    assert len(got) == 1_200_000 or mood.startswith("reset")


async def test_what_is_there_does_not_wait_for_what_is_not(hosts: MediaHosts, client: httpx.AsyncClient) -> None:
    hosts.films["/film"] = Film(BODY, script=["slow:500"])
    async with client.stream("GET", f"{hosts.url}/film") as response:
        async with asyncio.timeout(1):
            assert await anext(response.aiter_raw()) == BODY[:500]


@pytest.mark.parametrize(
    "answer",
    [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwords",
        "HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nwords",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nwo\r\n3;a=b\r\nrds\r\n0\r\nEtag: x\r\n\r\n",
        "HTTP/1.1 200 OK\r\nX-Long: " + "x" * 100_000 + "\r\nContent-Length: 5\r\n\r\nwords",
        "HTTP/1.1 200 OK\r\nX-Folded: one,\r\n two,\r\n\tthree\r\nContent-Length:\r\n 5\r\n\r\nwords",
    ],
)
async def test_however_a_host_writes_its_answer_the_next_goes_the_same_way(
    hosts: MediaHosts, client: httpx.AsyncClient, answer: str
) -> None:
    hosts.films["/film"] = Film(BODY, script=["says:" + answer] * 2)
    for _ in range(2):
        response = await client.get(f"{hosts.url}/film")
        assert (response.status_code, response.content) == (200, b"words")
    assert hosts.connections == 1


async def test_an_answer_without_a_body_ends_with_its_head(hosts: MediaHosts, client: httpx.AsyncClient) -> None:
    hosts.films["/film"] = Film(BODY, script=["says:HTTP/1.1 204 No Content\r\n\r\n"])
    assert (await client.get(f"{hosts.url}/film")).content == b""
    assert (await client.get(f"{hosts.url}/film")).content == BODY
    assert hosts.connections == 1


@pytest.mark.parametrize(
    "answer",
    [
        "HTTP/1.1 200 OK\r\n\r\nwords",
        "HTTP/1.0 200 OK\r\nContent-Length: 5\r\n\r\nwords",
    ],
)
async def test_a_body_may_end_with_its_connection(hosts: MediaHosts, client: httpx.AsyncClient, answer: str) -> None:
    hosts.films["/film"] = Film(BODY, script=["says_last:" + answer])
    assert (await client.get(f"{hosts.url}/film")).content == b"words"
    assert (await client.get(f"{hosts.url}/film")).content == BODY
    assert hosts.connections == 2


@pytest.mark.parametrize("evil", ["HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil", "evil", "HTTP/1.1 20"])
@pytest.mark.parametrize("size", [5, 100_000])
async def test_what_a_host_says_beyond_an_answer_is_not_taken_for_the_next(
    hosts: MediaHosts, client: httpx.AsyncClient, size: int, evil: str
) -> None:
    answer = f"HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n" + "w" * size + evil
    hosts.films["/film"] = Film(BODY, script=["says:" + answer])
    assert (await client.get(f"{hosts.url}/film")).content == b"w" * size
    assert (await client.get(f"{hosts.url}/film")).content == BODY
    assert hosts.connections == 2


@pytest.mark.parametrize(
    "answer",
    [
        "220 this is a mail server\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nwords",
        "HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nwords",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n 6\r\n\r\nwords",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwords\r\n0\r\n\r\n",
        'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "a\x01b"\r\n\r\nwords',
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nfive\r\nwords\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nwor",
        "HTTP/1.1 200 OK\r\nX-Endless: " + "x" * 300_000,
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\nwords",
    ],
)
async def test_an_answer_that_is_none_is_an_error_of_the_host(
    hosts: MediaHosts, client: httpx.AsyncClient, answer: str
) -> None:
    hosts.films["/film"] = Film(BODY, script=["says_last:" + answer])
    with pytest.raises(httpx.RemoteProtocolError):
        await client.get(f"{hosts.url}/film")
    assert (await client.get(f"{hosts.url}/film")).content == BODY


async def test_a_header_cannot_smuggle_in_another(hosts: MediaHosts, client: httpx.AsyncClient) -> None:
    hosts.films["/film"] = Film(BODY)
    with pytest.raises(httpx.LocalProtocolError):
        await client.get(f"{hosts.url}/film", headers={"User-Agent": "a\r\nCookie: b"})
    assert hosts.log == []


async def test_a_silent_host_is_given_up_after_the_timeout(hosts: MediaHosts, client: httpx.AsyncClient) -> None:
    hosts.films["/film"] = Film(BODY, script=["slow:500"])
    client.timeout = httpx.Timeout(0.2)
    with pytest.raises(httpx.ReadTimeout):
        await client.get(f"{hosts.url}/film")


async def test_a_cancelled_request_lets_its_thread_go(hosts: MediaHosts, client: httpx.AsyncClient) -> None:
    hosts.films["/film"] = Film(BODY, script=["slow:500"] * 16)
    client.timeout = httpx.Timeout(60)
    tasks = [asyncio.create_task(client.get(f"{hosts.url}/film")) for _ in range(16)]
    while len(hosts.log) < 16:  # noqa: ASYNC110 - the other side is a thread
        await asyncio.sleep(0.01)
    for task in tasks:
        task.cancel()
    done = await asyncio.gather(*tasks, return_exceptions=True)
    assert {type(one) for one in done} == {asyncio.CancelledError}
    async with asyncio.timeout(5):  # all sixteen threads were taken
        assert (await client.get(f"{hosts.url}/film")).content == BODY


async def test_work_that_fails_after_it_was_cancelled_says_nothing_on_the_screen() -> None:
    loop, said, may_fail = asyncio.get_running_loop(), [], threading.Event()
    loop.set_exception_handler(lambda _loop, context: said.append(context["message"]))
    with ThreadPoolExecutor(1) as threads:

        def fail() -> None:
            may_fail.wait(5)
            raise OSError("no space left")

        task = loop.create_task(WireTransport(threads).run(Line(HTTPConnection("127.0.0.1", 9)), fail))
        await asyncio.sleep(0)
        task.cancel()
        assert (await asyncio.wait([task]))[0].pop().cancelled()
        may_fail.set()
    await asyncio.sleep(0.01)
    del task
    gc.collect()
    assert said == []


async def test_a_name_that_does_not_resolve_is_a_connect_error(client: httpx.AsyncClient) -> None:
    with pytest.raises(httpx.ConnectError):
        await client.get("http://nowhere.invalid/film")


async def test_no_thread_outlives_its_client(hosts: MediaHosts) -> None:
    threads = ThreadPoolExecutor(4, thread_name_prefix="short-lived")
    hosts.films["/film"] = Film(BODY)
    async with make_client(transport=WireTransport(threads)) as client:
        await client.get(f"{hosts.url}/film")
    threads.shutdown()
    assert not [one for one in threading.enumerate() if one.name.startswith("short-lived")]


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl makes the certificate")
async def test_an_encrypted_host_is_checked_and_read(tmp_path: Path) -> None:
    key, certificate = tmp_path / "key.pem", tmp_path / "cert.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2"]
    words += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    await asyncio.to_thread(subprocess.run, ["openssl", *words], check=True, capture_output=True)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(certificate, key)
    trusting = ssl.create_default_context(cafile=str(certificate))
    threads = ThreadPoolExecutor(4)
    with media_hosts(server) as hosts:
        beyond = "HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + "w" * 100_000
        beyond += "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil"
        hosts.films["/film"] = Film(BODY, script=["ok", "chunked", "cut:1200000", "says:" + beyond])
        url = f"https://localhost:{hosts.url.rpartition(':')[2]}/film"
        async with make_client(transport=WireTransport(threads, trusting)) as client:
            assert (await client.get(url)).content == BODY
            assert (await client.get(url)).content == BODY
            assert hosts.connections == 1
            with pytest.raises(httpx.TransportError):
                await client.get(url)
            assert (await client.get(url)).content == b"w" * 100_000
            assert (await client.get(url)).content == BODY
            assert hosts.connections == 3  # what a host says beyond an answer lies in no socket
        async with make_client(transport=WireTransport(threads)) as stranger:
            with pytest.raises(httpx.ConnectError, match="certificate"):
                await stranger.get(url)
    threads.shutdown()
