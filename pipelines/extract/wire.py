"""HTTP/1.1 for files: the standard library's blocking connections in threads, behind httpx's interface.

A file of a megabyte costs httpx's own road several times the time that its bytes take to hash, since every 64 kB passes
through a dozen layers of Python, and a small file more than that. Here a thread reads up to a megabyte at a time while
the event loop does something else. Requests are still made, timed out and told of as httpx does it.
"""

from __future__ import annotations

import asyncio
import select
import socket
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from typing import Any, TypeVar, cast

import httpx

_READ_BYTES = 1 << 18
_PIECE_BYTES = 1 << 20
_MAX_IDLE = 16  # connections kept for each origin

Origin = tuple[str, str, int]
Result = TypeVar("Result")


class WireTransport(httpx.AsyncBaseTransport):
    """Connections to any host, kept alive; `threads` do the blocking work, one for each request under way.

    Without an `ssl_context` hosts are checked as httpx checks them.
    """

    def __init__(self, threads: Executor, ssl_context: ssl.SSLContext | None = None) -> None:
        self._threads = threads
        self._idle: dict[Origin, list[HTTPConnection]] = {}
        self._ssl = ssl_context

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its answer comes with the first bytes of the body."""
        body = await request.aread()
        origin = _origin_of(request.url)
        idle = self._idle.get(origin)
        if idle:
            line = _Line(idle.pop())
            with suppress(httpx.NetworkError, httpx.ProtocolError):  # the host may have closed it meanwhile
                return await self._answered(line, request, body, origin)
        return await self._answered(_Line(self._connection(origin)), request, body, origin)

    async def aclose(self) -> None:
        """Close the idle connections."""
        for connection in (one for idle in self._idle.values() for one in idle):
            connection.close()
        self._idle.clear()

    async def run(self, line: _Line, work: Callable[[], Result]) -> Result:
        """Do a connection's blocking work in a thread; a cancellation cuts the connection, which ends the work."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)
        except asyncio.CancelledError:
            line.drop()
            raise

    def release(self, line: _Line, origin: Origin) -> None:
        """Keep the connection for another request where it is of use, or close it."""
        idle = self._idle.setdefault(origin, [])
        if line.is_reusable and len(idle) < _MAX_IDLE:
            idle.append(line.connection)
        else:
            line.drop()

    async def _answered(self, line: _Line, request: httpx.Request, body: bytes, origin: Origin) -> httpx.Response:
        first = await self.run(line, lambda: line.ask(request, body))
        response = line.response
        return httpx.Response(
            response.status,
            headers=[(name.encode("latin-1"), value.encode("latin-1")) for name, value in response.getheaders()],
            stream=_Body(self, line, origin, first),
        )

    def _connection(self, origin: Origin) -> HTTPConnection:
        scheme, host, port = origin
        connection = HTTPConnection(host, port)
        if scheme == "https":
            self._ssl = self._ssl or httpx.create_ssl_context(trust_env=False)
            connection = HTTPSConnection(host, port, context=self._ssl)
        connection.response_class = _Response
        return connection


class _Response(HTTPResponse):
    """An answer whose head and first quarter of a megabyte are read at once."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        self.fp = cast("Any", sock.makefile("rb", _READ_BYTES))


class _Line:
    """One connection while it serves one request. `ask` and `read` run in threads, one call at a time."""

    def __init__(self, connection: HTTPConnection) -> None:
        self.connection = connection
        self.response: HTTPResponse
        self.is_done = False
        self._failure: Exception | None = None
        self._lock = threading.Lock()
        self._is_busy = False
        self._is_dropped = False

    @property
    def is_reusable(self) -> bool:
        return self.is_done and not self._is_dropped and not self.response.will_close

    def ask(self, request: httpx.Request, body: bytes) -> list[bytes]:
        """Send the request, read the head of the answer and the first bytes of its body."""
        with self._at_work():
            timeout = request.extensions.get("timeout", {})
            self._connect(timeout.get("connect"))
            self.connection.sock.settimeout(timeout.get("read"))
            target = request.extensions.get("target", request.url.raw_path).decode("ascii")
            self.connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.raw:
                self.connection.putheader(name, value)
            self.connection.endheaders(body or None)
            self.response = self.connection.getresponse()
            return self._pieces()

    def read(self) -> list[bytes]:
        """The next megabyte or what is there of it, in pieces."""
        with self._at_work():
            if self._failure is not None:
                raise self._failure
            return self._pieces()

    def drop(self) -> None:
        """Cut the connection; a thread that waits for it wakes up and closes it."""
        with self._lock:
            self._is_dropped = True
            if not self._is_busy:
                self._close()
            elif self.connection.sock is not None:
                with suppress(OSError):
                    # Not SSLSocket's own: that one would take the session from under the thread.
                    socket.socket.shutdown(self.connection.sock, socket.SHUT_RDWR)

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        with self._lock:
            if self._is_dropped:
                raise httpx.ReadError("given up")
            self._is_busy = True
        is_well = False
        try:
            yield
            is_well = True
        except Exception as error:
            raise _as_httpx(error) from error
        finally:
            with self._lock:
                self._is_busy = False
                if self._is_dropped or not is_well:
                    self._close()

    def _close(self) -> None:
        if hasattr(self, "response"):
            self.response.close()
        self.connection.close()

    def _connect(self, timeout: float | None) -> None:
        if self.connection.sock is not None:
            return
        self.connection.timeout = timeout
        try:
            self.connection.connect()
        except TimeoutError as error:
            raise httpx.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        if self._is_dropped:
            raise httpx.ConnectError("given up")

    def _pieces(self) -> list[bytes]:
        """What is there, up to a megabyte; an error is kept back until what came before it is handed on."""
        pieces: list[bytes] = []
        size = 0
        try:
            while not self.is_done and size < _PIECE_BYTES and (not pieces or _is_readable(self.connection.sock)):
                if piece := self._next():
                    pieces.append(piece)
                    size += len(piece)
        except (OSError, ValueError, HTTPException, httpx.TransportError) as error:
            self._failure = _as_httpx(error)
        return pieces

    def _next(self) -> bytes:
        piece = self.response.read1(_READ_BYTES)
        if not piece and self.response.length:
            raise httpx.RemoteProtocolError(f"{self.response.length} bytes are missing")
        if not piece or self.response.length == 0:
            self.is_done = True
            self.response.close()
        return piece


class _Body(httpx.AsyncByteStream):
    def __init__(self, transport: WireTransport, line: _Line, origin: Origin, first: list[bytes]) -> None:
        self._transport, self._line, self._origin = transport, line, origin
        self._first = first
        self._is_closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        for piece in self._first:
            yield piece
        self._first = []
        while not self._line.is_done:
            for piece in await self._transport.run(self._line, self._line.read):
                yield piece

    async def aclose(self) -> None:
        if not self._is_closed:
            self._is_closed = True
            self._transport.release(self._line, self._origin)


def _is_readable(sock: socket.socket | None) -> bool:
    """Whether a read would give bytes at once."""
    if sock is None:
        return False
    if isinstance(sock, ssl.SSLSocket) and sock.pending():
        return True
    if sys.platform == "win32":
        return bool(select.select([sock], [], [], 0)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


def _origin_of(url: httpx.URL) -> Origin:
    return url.scheme, url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80)


def _as_httpx(error: Exception) -> Exception:
    match error:
        case httpx.TransportError():
            return error
        case TimeoutError():
            return httpx.ReadTimeout(str(error))
        case HTTPException():
            return httpx.RemoteProtocolError(f"{type(error).__name__} {error}")
        case OSError() | ValueError():  # a file that another thread closed is a ValueError
            return httpx.ReadError(str(error))
    return error
