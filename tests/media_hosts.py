"""Media hosts on loopback that behave as badly as they are told: one answer after another, byte for byte."""

from __future__ import annotations

import asyncio
import gzip
import socket
import ssl
import struct
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

HTML = b"<!DOCTYPE html><html><body>403</body></html>"
DENIED = b'<?xml version="1.0"?><Error><Code>AccessDenied</Code></Error>'


@dataclass
class Film:
    """A file with its version, and what its answers do in turn; after the last of `script` all is well."""

    body: bytes
    etag: str = '"v1"'
    script: list[str] = field(default_factory=list)
    modified: str = ""

    def headers(self) -> list[str]:
        named = [f"ETag: {self.etag}"] if self.etag else []
        return named + ([f"Last-Modified: {self.modified}"] if self.modified else [])


@dataclass
class Asked:
    host: str
    path: str
    headers: dict[str, str]


class MediaHosts:
    """Answers for every host. `films` by path; `log` of what was asked; `busiest` simultaneous answers."""

    def __init__(self) -> None:
        self.films: dict[str, Film] = {}
        self.log: list[Asked] = []
        self.connections = 0
        self.busy: dict[str, int] = {}
        self.busiest: dict[str, int] = {}
        self.url = ""
        self.open: set[asyncio.BaseTransport] = set()
        self.on_request: Callable[[Asked], None] = lambda _asked: None

    def asked(self, path: str) -> list[Asked]:
        return [asked for asked in self.log if asked.path == path]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                line, *rest = head.decode().split("\r\n")
                headers = {name.lower(): value.strip() for name, _, value in (item.partition(":") for item in rest)}
                asked = Asked(headers.get("host", ""), line.split()[1], headers)
                self.log.append(asked)
                self.on_request(asked)
                busy = self.busy[asked.host] = self.busy.get(asked.host, 0) + 1
                self.busiest[asked.host] = max(self.busiest.get(asked.host, 0), busy)
                try:
                    goes_on = await self.answer(asked, writer)
                finally:
                    self.busy[asked.host] -= 1
                if not goes_on:
                    return
        except (asyncio.IncompleteReadError, asyncio.CancelledError, ConnectionError):
            pass
        finally:
            writer.close()

    async def answer(self, asked: Asked, writer: asyncio.StreamWriter) -> bool:
        film = self.films.get(asked.path)
        if film is None:
            return await self.plain(writer, "404 Not Found", [], HTML)
        mood, _, value = (film.script.pop(0) if film.script else "ok").partition(":")
        if (page := page_of(mood, value, film)) is not None:
            return await self.plain(writer, *page)
        start = self.start_of(asked, film)
        if mood == "vanish":
            return False
        if mood in ("says", "says_last"):
            await self.send(writer, value.encode("latin-1"))
            return mood == "says"
        if mood == "slow":
            return await self.slow(film, start, int(value), writer)
        if mood == "becomes":
            film.body, film.etag = value.encode() + film.body[len(value) :], '"v2"'
        if mood in ("becomes", "no_range"):
            start = 0
        if mood == "other_part":
            start += int(value)
        return await self.part(film, start, mood, value, writer)

    async def part(self, film: Film, start: int, mood: str, value: str, writer: asyncio.StreamWriter) -> bool:
        lines, body = self.lines(film, start), film.body[start:]
        if mood == "chunked":
            lines = [lines[0], "Transfer-Encoding: chunked", *film.headers()]
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (len(body), body)
        if mood == "no_length":
            lines = [lines[0], *film.headers(), "Connection: close"]
            body = body[: int(value)] if value else body
        if mood in ("cut", "reset"):
            body = body[: int(value)]
        await self.send(writer, "\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        if mood == "reset":
            sock = writer.get_extra_info("socket")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        return mood not in ("cut", "reset", "no_length")

    def start_of(self, asked: Asked, film: Film) -> int:
        span = asked.headers.get("range", "")
        if not span or asked.headers.get("if-range", film.etag) not in (film.etag, film.modified):
            return 0
        return int(span.removeprefix("bytes=").rstrip("-"))

    def lines(self, film: Film, start: int) -> list[str]:
        size = len(film.body)
        length = f"Content-Length: {size - start}"
        if start:
            part = f"Content-Range: bytes {start}-{size - 1}/{size}"
            return ["HTTP/1.1 206 Partial Content", length, part, *film.headers()]
        return ["HTTP/1.1 200 OK", length, "Set-Cookie: tracker=1", *film.headers()]

    async def slow(self, film: Film, start: int, size: int, writer: asyncio.StreamWriter) -> bool:
        await self.send(
            writer, "\r\n".join(self.lines(film, start)).encode() + b"\r\n\r\n" + film.body[start : start + size]
        )
        await asyncio.sleep(60)
        return False

    async def plain(self, writer: asyncio.StreamWriter, status: str, lines: list[str], body: bytes) -> bool:
        head = "\r\n".join([f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *lines])
        await self.send(writer, head.encode() + b"\r\n\r\n" + body)
        return True

    async def send(self, writer: asyncio.StreamWriter, data: bytes) -> None:
        writer.write(data)
        await writer.drain()


class Line(asyncio.StreamReaderProtocol):
    """A connection; the hosts know it until it is closed for good."""

    def __init__(self, hosts: MediaHosts) -> None:
        super().__init__(asyncio.StreamReader(limit=1 << 20), hosts.serve)
        self._hosts = hosts
        self._own: asyncio.BaseTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._own = transport
        self._hosts.open.add(transport)
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        if self._own is not None:
            self._hosts.open.discard(self._own)
        super().connection_lost(exc)


def page_of(mood: str, value: str, film: Film) -> tuple[str, list[str], bytes] | None:
    """Status, headers and body of an answer that is no stream of the file."""
    status, _, wait = value.partition(" ")
    pages = {
        "html": ("200 OK", ["Content-Type: video/mp4"], HTML),
        "xml": ("200 OK", [], DENIED),
        "json": ("200 OK", [], b'{"status_code": 5}'),
        "empty": ("200 OK", [], b""),
        "status": (f"{status} Said", [f"Retry-After: {wait}"] if wait else [], b"" if status == "204" else DENIED),
        "redirect": ("302 Found", [f"Location: {value}"], b""),
        "gzip": ("200 OK", ["Content-Encoding: gzip"], gzip.compress(film.body)),
        "not_gzip": ("200 OK", ["Content-Encoding: gzip"], film.body),
    }
    return pages.get(mood)


@contextmanager
def media_hosts(certificate: ssl.SSLContext | None = None) -> Iterator[MediaHosts]:
    """The hosts, listening in a thread of their own."""
    hosts, loop = MediaHosts(), asyncio.new_event_loop()
    ready = threading.Event()
    stop = asyncio.Event()

    async def run() -> None:
        server = await loop.create_server(lambda: Line(hosts), "127.0.0.1", 0, ssl=certificate)
        hosts.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        ready.set()
        await stop.wait()
        # A connection that was just accepted takes a few turns to get somebody who closes it, and never gets one where
        # the server is closed by then.
        for listener in server.sockets:
            loop.remove_reader(listener.fileno())
        for _ in range(10):
            await asyncio.sleep(0)
        server.close()
        others = asyncio.all_tasks() - {asyncio.current_task()}
        for task in others:
            task.cancel()
        await asyncio.gather(*others, return_exceptions=True)
        while hosts.open:  # what is not sent yet would keep a connection open beyond the loop
            for transport in list(hosts.open):
                transport.abort()  # type: ignore[attr-defined]
            await asyncio.sleep(0.01)

    thread = threading.Thread(target=lambda: loop.run_until_complete(run()), daemon=True)
    thread.start()
    ready.wait(10)
    try:
        yield hosts
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


def mp4(size: int, seed: int = 1) -> bytes:
    """Bytes that begin as an MP4 does; different for each seed."""
    filling = bytes((seed * 31 + index * 7 + index // 256) % 256 for index in range(4096))
    return (b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom" + filling * (size // 4096 + 1))[:size]


def webp(size: int) -> bytes:
    return (b"RIFF" + struct.pack("<I", size - 8) + b"WEBPVP8 " + bytes(range(256)) * (size // 256 + 1))[:size]
