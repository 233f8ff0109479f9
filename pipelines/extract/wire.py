"""HTTP/1.1 for files: blocking connections in threads, behind httpx's interface.

A file of a megabyte costs httpx's own road several times the time that its bytes take to hash, since every 64 kB passes
through a dozen layers of Python, and a small file more than that. Here a thread asks, reads up to a megabyte and hands
it on, all in one go: each change between a thread and the event loop costs as much as hashing 100 kB. Requests are
still made, timed out and told of as httpx does it.

An answer's bytes go one of two ways. Where the request has the extension `at_head` and that gives a taker, they go to
him in the thread that reads them (`Body.deliver`); else whoever holds the answer iterates over them, as with httpx.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any, Protocol, TypeVar

import httpx

from pipelines.extract.connecting import Allows
from pipelines.extract.kept_alive import Connections, Origin, origin_of
from pipelines.extract.lines import FIRST_BYTES, Line
from pipelines.extract.messages import head_of

Result = TypeVar("Result")


class Taker(Protocol):
    """Whoever takes the bytes of an answer in the thread that reads them."""

    def take(self, piece: memoryview) -> None:
        """The next bytes; their room is used again."""

    def end(self) -> None:
        """That was all."""


AtHead = Callable[[httpx.Response], Taker | None]
"""Called in a thread once the head of an answer is there, as the request's extension `at_head`."""


async def ended(task: asyncio.Future[Any]) -> None:
    """Wait for the end of work that cannot be cancelled, whatever comes meanwhile."""
    while not task.done():
        with suppress(asyncio.CancelledError):
            await asyncio.wait([task])


class WireTransport(httpx.AsyncBaseTransport):
    """Connections to any host, kept alive; `threads` do the blocking work, one for each request under way.

    `ssl_context` and `allows` are those of `Connections`.
    """

    def __init__(
        self, threads: Executor, ssl_context: ssl.SSLContext | None = None, *, allows: Allows | None = None
    ) -> None:
        self._threads = threads
        self.connections = Connections(ssl_context, allows)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; its answer comes with the first bytes of the body."""
        body = await request.aread()
        origin = origin_of(request.url)
        if line := self.connections.idle(origin):
            with suppress(httpx.NetworkError, httpx.ProtocolError):  # the host may have closed it meanwhile
                return await self._answered(line, request, body, origin)
        return await self._answered(self.connections.new(origin), request, body, origin)

    async def aclose(self) -> None:
        """Close the idle connections."""
        self.connections.close()

    async def run(self, line: Line, work: Callable[[], Result]) -> Result:
        """Do a connection's blocking work in a thread; a cancellation cuts the connection, which ends the work.

        Where a taker is served it waits for that end, for nobody must be served behind his back.
        """
        task = asyncio.get_running_loop().run_in_executor(self._threads, work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_heard)
            line.drop()
            if line.is_delivering:
                await ended(task)
            raise

    async def _answered(self, line: Line, request: httpx.Request, body: bytes, origin: Origin) -> httpx.Response:
        def work() -> httpx.Response:
            line.ask(head_of(request) + body, request.extensions.get("timeout", {}))
            stream = Body(self, line, origin)
            response = httpx.Response(line.answer.status, headers=line.answer.headers, stream=stream)
            stream.begin(response, request.extensions.get("at_head"))
            return response

        try:
            return await self.run(line, work)
        except Exception:
            line.drop()
            raise


class Body(httpx.AsyncByteStream):
    """The bytes of an answer: to iterate over, or delivered to a taker. `delivered` bytes went to him so far."""

    def __init__(self, transport: WireTransport, line: Line, origin: Origin) -> None:
        self._transport, self._line, self._origin = transport, line, origin
        self._first = b""
        self._taker: Taker | None = None
        self._is_closed = False
        self.delivered = 0
        self.is_over = False

    def begin(self, response: httpx.Response, at_head: AtHead | None) -> None:
        """Deliver or keep the first bytes, in the thread that read the head."""
        if at_head is not None:
            self._line.deliver()
            self._taker = at_head(response)
        if self._taker is not None:
            self._deliver(self._taker)
        else:
            self._first = bytes(self._line.read(FIRST_BYTES))

    @property
    def has_taker(self) -> bool:
        """Whether a taker is served; then there is nothing to iterate over."""
        return self._taker is not None

    async def deliver(self) -> None:
        """Deliver the next bytes, and at the end say so; in a thread, for whose work a cancellation waits."""
        if self._taker is not None and not self.is_over:
            taker = self._taker
            await self._transport.run(self._line, lambda: self._deliver(taker))

    def _deliver(self, taker: Taker) -> None:
        piece = self._line.read()
        if piece:
            taker.take(piece)
            self.delivered += len(piece)
        if self._line.is_done:
            taker.end()
            self.is_over = True

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._first:
            yield self._first
        self._first = b""
        while not self._line.is_done:
            if piece := await self._transport.run(self._line, lambda: bytes(self._line.read())):
                yield piece

    async def aclose(self) -> None:
        """Keep the connection where its answer was read to the end, or close it."""
        if not self._is_closed:
            self._is_closed = True
            self._transport.connections.keep(self._line, self._origin)


def _heard(task: asyncio.Future[Any]) -> None:
    """Take in how the work of a cancelled request failed, or asyncio tells of it on the screen."""
    if not task.cancelled():
        task.exception()
