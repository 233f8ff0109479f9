"""The road to Douyin."""

from __future__ import annotations

import asyncio
import logging
import os
import subprocess
import sys
from collections.abc import AsyncIterator
from importlib.util import find_spec
from pathlib import Path

import httpx
import pytest

from pipelines.errors import BadInput
from pipelines.extract.upstream import make_client, make_sync_client, upstream_address

ROOT = Path(__file__).parents[1]


class Listener:
    """A tiny HTTP server that keeps the head of each request and sets a cookie."""

    def __init__(self) -> None:
        self.heads: list[str] = []
        self.address = ""

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                self.heads.append((await reader.readuntil(b"\r\n\r\n")).decode("latin-1"))
                writer.write(
                    b"HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/\r\n"
                    b"Set-Cookie: msToken=abc; Path=/\r\nContent-Length: 2\r\n\r\nok"
                )
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        finally:
            writer.close()


@pytest.fixture
async def listener() -> AsyncIterator[Listener]:
    it = Listener()
    server = await asyncio.start_server(it.answer, "127.0.0.1", 0)
    it.address = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    yield it
    server.close()


async def test_a_request_reaches_the_stand_in_with_its_own_host_path_and_query(listener):
    query = "a=%7B%7D&b=%2F&c=%E4%B8%AD&d=x%25y"
    async with make_client(listener.address) as client:
        answer = await client.get("https://www.douyin.com/aweme/v1/web/aweme/post/?" + query)
    head = listener.heads[0].splitlines()
    assert head[0] == f"GET /aweme/v1/web/aweme/post/?{query} HTTP/1.1"
    assert "Host: www.douyin.com" in head
    assert str(answer.url).startswith("https://www.douyin.com/")


async def test_a_redirect_is_handed_over_and_not_followed(listener):
    async with make_client(listener.address) as client:
        answer = await client.get("https://v.douyin.com/abc/")
    assert answer.status_code == 302
    assert answer.headers["location"] == "https://elsewhere.example/"
    assert len(listener.heads) == 1


async def test_a_cookie_that_a_host_sets_is_readable_but_never_sent(listener):
    async with make_client(listener.address) as client:
        first = await client.post("https://mssdk.bytedance.com/web/report", content=b"{}")
        await client.get("https://mssdk.bytedance.com/web/report")
    assert first.cookies["msToken"] == "abc"
    assert "cookie" not in listener.heads[1].lower()


async def test_the_sync_client_takes_the_same_road(listener):
    def ask() -> int:
        with make_sync_client(listener.address) as client:
            return client.get("https://ttwid.bytedance.com/x?y=%2F").status_code

    assert await asyncio.to_thread(ask) == 302
    assert listener.heads[0].startswith("GET /x?y=%2F HTTP/1.1")


async def test_no_token_and_no_cookie_reaches_a_log(listener, caplog):
    with caplog.at_level(logging.DEBUG):
        async with make_client(listener.address) as client:
            await client.get("https://www.douyin.com/x?msToken=geheim", headers={"Cookie": "sessionid=geheim"})
    assert "https://www.douyin.com/x" in caplog.text
    assert "geheim" not in caplog.text
    assert "msToken" not in caplog.text


async def test_the_environment_is_not_read(listener):
    async with make_client(listener.address) as client:
        assert client.trust_env is False


@pytest.mark.parametrize(
    "text", ["ftp://x", "127.0.0.1:80", "http://h/path", "http://h?x=1", "http://u:p@h", "http://h:65536", ""]
)
def test_an_address_that_cannot_be_one_is_bad_input(text):
    with pytest.raises(BadInput, match="upstream"):
        upstream_address(text)


@pytest.mark.parametrize("proxy", ["nonsense", "http://", "http://h:65536"])
def test_a_proxy_that_cannot_be_one_is_bad_input(proxy):
    with pytest.raises(BadInput, match="proxy is no address"):
        make_sync_client(proxy=proxy)


@pytest.mark.skipif(find_spec("socksio") is not None, reason="the package is here")
def test_a_socks_proxy_without_the_package_for_it_says_which_one():
    with pytest.raises(BadInput, match="pip install socksio"):
        make_client(proxy="socks5://me:hush@127.0.0.1:1080")


def test_no_password_of_a_proxy_reaches_a_log(caplog):
    make_sync_client().close()
    with caplog.at_level(logging.DEBUG):
        # So httpcore tells of its greeting.
        logging.getLogger("httpcore.socks").debug("setup_socks5_connection.started auth=%r", (b"me", b"hush"))
    assert "hush" not in caplog.text


@pytest.mark.skipif(find_spec("socksio") is None, reason="the package for SOCKS is not here")
@pytest.mark.parametrize(
    ("word", "error"),
    [
        (None, httpx.ConnectTimeout),
        (b"", httpx.ProxyError),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", httpx.ProxyError),
        (b"\x05\xff", httpx.ProxyError),
        (b"\x05\x02\x01\x01", httpx.ProxyError),
    ],
)
async def test_a_proxy_that_does_not_speak_socks_is_told_in_time(word, error, caplog):
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(3)
        writer.write(word or b"")
        if word is None:
            await reader.read()  # until we have had enough
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    proxy = f"socks5://me:hush@127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with asyncio.timeout(20), make_client(proxy=proxy, timeout=0.3, max_connections=1) as client:
        for _ in range(2):  # the first leaves nothing behind that would keep the second waiting
            with caplog.at_level(logging.DEBUG), pytest.raises(error):
                await client.get("https://www.douyin.com/")
    server.close()
    assert "hush" not in caplog.text


def test_no_package_that_is_installed_besides_makes_us_ask_for_what_we_cannot_unpack(tmp_path):
    for name in ("brotli", "zstandard"):
        (tmp_path / f"{name}.py").touch()
    script = "from pipelines.extract.upstream import make_client; print(make_client().headers['accept-encoding'])"
    own = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, "-c", script], env=own, capture_output=True, text=True)
    assert done.stdout == "gzip, deflate\n", done.stderr


def test_a_transport_takes_the_place_of_the_network():
    transport = httpx.MockTransport(lambda request: httpx.Response(200, text=request.headers["host"]))
    with make_sync_client(transport=transport) as client:
        assert client.get("https://www.douyin.com/x").text == "www.douyin.com"
