"""One connection to a host while it serves a request, for threads: blocking, a megabyte at a time.

A body whose length is known is read straight to where its bytes shall lie; `messages` parses all else.
"""

from __future__ import annotations

import mmap
import select
import socket
import ssl
import struct
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPConnection

import httpx

from pipelines.extract.messages import Answer

FIRST_BYTES = 1 << 16
_WITH_HEAD_BYTES = 1 << 14  # the parser copies what comes with the head, twice; a small file comes with it whole
_PIECE_BYTES = 1 << 20
_HEAD_BYTES = 1 << 18  # no host has so much to say before the file
_LULL_S = 0.05  # bytes that came are handed on where no more follow for so long

# Linux can wait for all bytes in the call that reads them; each change between threads that this spares takes longer
# than the call. Elsewhere, and where TLS has its own calls, what is not there is waited for between them.
_CAN_WAIT = sys.platform == "linux" and struct.calcsize("l") == 8
_LULL = struct.pack("ll", 0, int(_LULL_S * 1_000_000))

_NOT_YET = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)

# A megabyte of each thread, for it costs more to get one than to fill it. It begins where a page of memory does, so
# that a disk can take it from there without a copy.
_own = threading.local()


class Line:
    """One connection while it serves one request. `ask` and `read` are for threads, one call at a time.

    `ask` once, or `send` and `hear`, then `read` until it `is_done`; `deliver` between them where a taker is served.
    `drop` may come from any thread at any moment. Errors are httpx's, and close the connection; bytes that came before
    one are read first.
    """

    def __init__(self, connection: HTTPConnection) -> None:
        self.connection = connection
        self.answer = Answer()
        self.is_done = False
        self.is_delivering = False
        self._waits = False  # for a lull, in the call that reads
        self._left: int | None = None  # bytes that come as they are; None where the parser has to see them
        self._patience: float | None = None  # seconds for the next bytes
        self._failure: Exception | None = None  # for the next `read`
        self._lock = threading.Lock()
        self._is_busy = False
        self._is_dropped = False

    @property
    def is_reusable(self) -> bool:
        """Whether another request may go this way."""
        return self.is_done and not self._is_dropped and not self.answer.is_last

    def ask(self, request: bytes, timeouts: Mapping[str, float | None]) -> None:
        """Send the request and read the head of the answer; `timeouts` are httpx's, in seconds."""
        self.send(request, timeouts)
        self.hear()

    def send(self, request: bytes, timeouts: Mapping[str, float | None]) -> None:
        """The first half of `ask`."""
        with self._at_work():
            self._patience = timeouts.get("read")
            self._send(self._connected(timeouts.get("connect")), request)

    def hear(self) -> None:
        """The second half of `ask`: read the head of the answer."""
        with self._at_work():
            sock = self.connection.sock
            room, size = _own_room()[:_WITH_HEAD_BYTES], 0
            while not self.answer.is_headed:
                try:
                    size += self._feed(sock, room)
                except _NOT_YET as error:
                    _wait(sock, self._patience, error)
                if size > _HEAD_BYTES:
                    raise httpx.RemoteProtocolError("the head does not end")
            self._begin()

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
                self.connection.close()
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
                    self.connection.close()

    def _connected(self, timeout: float | None) -> socket.socket:
        connection = self.connection
        if not connection.sock:
            connection.timeout = timeout
            try:
                connection.connect()
            except TimeoutError as error:
                raise httpx.ConnectTimeout(str(error)) from error
            except OSError as error:
                raise httpx.ConnectError(str(error)) from error
            if self._is_dropped:
                raise httpx.ConnectError("given up")
            _set_up(connection.sock)
        elif not _is_quiet(connection.sock):
            raise httpx.ReadError("closed by its host while it was idle")
        self._waits = _can_wait(connection.sock)
        return connection.sock

    def _send(self, sock: socket.socket, data: bytes) -> None:
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[sock.send(rest) :]
            except _NOT_YET as error:
                _wait(sock, self._patience, error, sends=True)

    def _feed(self, sock: socket.socket, room: memoryview) -> int:
        count = sock.recv_into(room)
        if count:
            self.answer.feed(room[:count])
        else:
            self.answer.feed_end()
        return count

    def _begin(self) -> None:
        """What came with the head is there; see how the rest will come."""
        answer = self.answer
        if answer.size is not None and not answer.is_over:
            self._left = answer.size - answer.body_bytes
        self.is_done = answer.is_over and not answer.has_body

    def _filled(self, room: memoryview) -> memoryview:
        """What is there; an error is kept back until what came before it is handed on."""
        size, sock = 0, self.connection.sock
        try:
            while not self.is_done and size < len(room):
                try:
                    size += self._next(sock, room[size:])
                except _NOT_YET as error:
                    if not size:
                        _wait(sock, self._patience, error)
                    elif self._waits or not _is_ready(sock, _LULL_S):
                        break
        except (OSError, ValueError, httpx.TransportError) as error:
            self._failure = _as_httpx(error)
        return room[:size]

    def _next(self, sock: socket.socket, room: memoryview) -> int:
        answer = self.answer
        if answer.has_body:
            count = answer.fed(room)
        elif self._left is None:
            self._feed(sock, room[:FIRST_BYTES])
            count = answer.fed(room)
        else:
            count = sock.recv_into(room[: self._left], 0, socket.MSG_WAITALL if self._waits else 0)
            if not count:
                raise httpx.RemoteProtocolError(f"{self._left} bytes are missing")
            self._left -= count
        self.is_done = (answer.is_over if self._left is None else not self._left) and not answer.has_body
        return count


def _can_wait(sock: socket.socket) -> bool:
    return _CAN_WAIT and not isinstance(sock, ssl.SSLSocket)


def _set_up(sock: socket.socket) -> None:
    if _can_wait(sock):
        sock.settimeout(None)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _LULL)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _LULL)
    else:
        sock.settimeout(0)


def _own_room() -> memoryview:
    if not hasattr(_own, "room"):
        _own.room = memoryview(mmap.mmap(-1, _PIECE_BYTES))
    room: memoryview = _own.room
    return room


def _wait(sock: socket.socket, within_s: float | None, why: OSError, *, sends: bool = False) -> None:
    """Wait until what could not be done at once can be done."""
    sends = isinstance(why, ssl.SSLWantWriteError) or (sends and not isinstance(why, ssl.SSLWantReadError))
    if not _is_ready(sock, within_s, sends=sends):
        raise TimeoutError("timed out") from why


def _is_ready(sock: socket.socket, within_s: float | None, *, sends: bool = False) -> bool:
    if sys.platform == "win32":  # which has no poll
        return any(select.select([] if sends else [sock], [sock] if sends else [], [], within_s))
    poll = select.poll()
    poll.register(sock, select.POLLOUT if sends else select.POLLIN)
    return bool(poll.poll(None if within_s is None else within_s * 1000))


def _is_quiet(sock: socket.socket) -> bool:
    """Whether a connection that was idle can serve: not where its host closed it, or said what nobody asked."""
    return not (isinstance(sock, ssl.SSLSocket) and sock.pending()) and not _is_ready(sock, 0)


def _as_httpx(error: Exception) -> Exception:
    match error:
        case httpx.TransportError():
            return error
        case TimeoutError():
            return httpx.ReadTimeout(str(error))
        case OSError() | ValueError():  # a file that another thread closed is a ValueError
            return httpx.ReadError(str(error))
    return error
