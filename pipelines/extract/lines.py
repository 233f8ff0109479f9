"""One connection of the standard library while it serves a request, for threads: blocking, a megabyte at a time."""

from __future__ import annotations

import select
import socket
import ssl
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection, HTTPException, HTTPResponse
from typing import Any, cast

import httpx

FIRST_BYTES = 1 << 16
_PIECE_BYTES = 1 << 20
_LULL_S = 0.05  # bytes that came are handed on where no more follow for so long

_own = threading.local()  # a megabyte of each thread, for it costs more to get one than to fill it


class Response(HTTPResponse):
    """An answer whose head and first 64 kB are read at once."""

    def __init__(self, sock: socket.socket, *args: Any, **options: Any) -> None:
        super().__init__(sock, *args, **options)
        self.fp.close()
        self.fp = cast("Any", sock.makefile("rb", FIRST_BYTES))

    def read_into(self, room: memoryview) -> int:
        """Read once, straight to where the bytes shall lie; 0 at the end."""
        if self.length is None or self.fp is None:
            piece = self.read1(len(room))
            room[: len(piece)] = piece
            return len(piece)
        count: int = self.fp.readinto1(room[: self.length])
        self.length -= count
        return count


class Line:
    """One connection while it serves one request. `ask` and `read` are for threads, one call at a time."""

    def __init__(self, connection: HTTPConnection) -> None:
        self.connection = connection
        self.response: Response
        self.is_done = False
        self.is_delivering = False
        self._failure: Exception | None = None
        self._lock = threading.Lock()
        self._is_busy = False
        self._is_dropped = False

    @property
    def is_reusable(self) -> bool:
        """Whether another request may go this way."""
        return self.is_done and not self._is_dropped and not self.response.will_close

    def ask(self, request: httpx.Request, body: bytes) -> None:
        """Send the request and read the head of the answer."""
        with self._at_work():
            timeout = request.extensions.get("timeout", {})
            self._connect(timeout.get("connect"))
            if self.connection.sock.gettimeout() != timeout.get("read"):
                self.connection.sock.settimeout(timeout.get("read"))
            target = request.extensions.get("target", request.url.raw_path).decode("ascii")
            self.connection.putrequest(request.method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers.raw:
                self.connection.putheader(name, value)
            self.connection.endheaders(body or None)
            self.response = cast("Response", self.connection.getresponse())

    def read(self, most: int = _PIECE_BYTES) -> memoryview:
        """The next bytes, as many as are there; empty where an error follows. They lie there until the next call."""
        with self._at_work():
            if self._failure is not None:
                raise self._failure
            return self._filled(_own_room()[:most])

    def deliver(self) -> None:
        """Say that somebody is served from now on, who must not be after a cancellation."""
        with self._lock:
            if self._is_dropped:
                raise httpx.ReadError("given up")
            self.is_delivering = True

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

    def _filled(self, room: memoryview) -> memoryview:
        """What is there; an error is kept back until what came before it is handed on."""
        size = 0
        try:
            while not self.is_done and size < len(room) and (not size or _is_readable(self.connection.sock)):
                size += self._next(room[size:])
        except (OSError, ValueError, HTTPException, httpx.TransportError) as error:
            self._failure = _as_httpx(error)
        return room[:size]

    def _next(self, room: memoryview) -> int:
        count = self.response.read_into(room)
        if not count and self.response.length:
            raise httpx.RemoteProtocolError(f"{self.response.length} bytes are missing")
        if not count or self.response.length == 0:
            self.is_done = True
            self.response.close()
        return count


def _own_room() -> memoryview:
    if not hasattr(_own, "room"):
        _own.room = memoryview(bytearray(_PIECE_BYTES))
    room: memoryview = _own.room
    return room


def _is_readable(sock: socket.socket | None) -> bool:
    """Whether a read would give bytes at once, or soon."""
    if sock is None:
        return False
    if isinstance(sock, ssl.SSLSocket) and sock.pending():
        return True
    if sys.platform == "win32":
        return bool(select.select([sock], [], [], _LULL_S)[0])
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(_LULL_S * 1000))


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
