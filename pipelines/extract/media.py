"""MediaSource: the byte stream of one file from a media host; the one place that asks those hosts. Never a cookie."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, aclosing, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache
from types import TracebackType
from typing import Self

import httpx

from pipelines.errors import BadInput
from pipelines.extract.courier import (
    MAX_REDIRECTS,
    Courier,
    Question,
    Receiver,
    broke_off,
    joined,
    led_on,
    question_of,
    too_far,
    unanswered,
)
from pipelines.extract.kept_alive import origin_of
from pipelines.extract.media_heads import MediaHead, facts_of, is_coded
from pipelines.extract.media_hosts import check_public, halves, host_of, leads_out, wants_referer
from pipelines.extract.unpacking import unpacked
from pipelines.extract.upstream import AsyncUpstream, make_road, upstream_address
from pipelines.extract.wire import Body, WireTransport, ended

_MAX_THREADS = 64  # one for each file under way; made as they are needed
_PIECE_BYTES = 1 << 20


def _unseen(_count: int) -> None:
    """The listener of those who do not listen."""


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class MediaAnswer(MediaHead):
    """A file that begins to come: `chunks` are its bytes."""

    chunks: AsyncIterator[bytes]


class MediaSource:
    """Asks media hosts for files; made without a request, closed by `close` or `async with`.

    A `transport` that is given takes the place of the network, and stays the caller's.
    """

    def __init__(
        self,
        *,
        upstream: str | None = None,
        proxy: str | None = None,
        user_agent: str = "Mozilla/5.0",
        referer: str = "https://www.douyin.com/",
        timeout: float = 10.0,
        now: Callable[[], datetime] = _utc_now,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._given = self._road = transport
        self._wire: WireTransport | None = None
        self._upstream, self._proxy = upstream, proxy
        self._timeouts = httpx.Timeout(timeout).as_dict()
        self._threads: ThreadPoolExecutor | None = None
        self._user_agent, self._referer = user_agent, referer
        self._now = now
        self._base = lru_cache(maxsize=64)(lambda base: question_of(*self._read(base + "/"))[0])

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._road is not None and self._road is not self._given:
            await self._road.aclose()
            self._road = self._wire = None
        if self._threads is not None:
            self._threads.shutdown(wait=False)
            self._threads = None

    def open(
        self, url: str, *, offset: int = 0, validator: str | None = None
    ) -> AbstractAsyncContextManager[MediaAnswer]:
        """Ask for a file, from `offset` on where the host still has the version of `validator`.

        Check `MediaAnswer.offset`: it is 0 where the host sends the whole file instead. Raises NotFound (404, 410),
        Private with `is_expired` (401, 403: ask for a fresh address), RateLimited and Unreachable with `retry_after_s`
        where the host said so, Interrupted (416, with `http_status`; a body that broke off), Unfamiliar (any other
        status), BadInput (an address that is not asked).
        """
        return self._open(url, offset, validator)

    async def fetch(
        self,
        url: str,
        receiver: Receiver,
        *,
        offset: int = 0,
        validator: str | None = None,
        on_bytes: Callable[[int], None] = _unseen,
    ) -> None:
        """Give a file to `receiver`: its beginning, its bytes and its end. Asked for, and failing, as with `open`.

        `on_bytes` counts bytes as they come. A cancellation waits until `receiver` has done with what came.
        """
        response = await self._ask(url, offset, validator, receiver)
        body = response.stream
        try:
            if isinstance(body, Body) and body.has_taker:
                await _delivered(body, response.request.url.host, on_bytes)
            else:
                await self._passed_on(response, receiver, on_bytes)
        finally:
            await response.aclose()

    async def _passed_on(self, response: httpx.Response, receiver: Receiver, on_bytes: Callable[[int], None]) -> None:
        """The same for bytes that come by the event loop."""
        host = response.request.url.host
        head = MediaHead(*facts_of(response, host, self._now))
        await _in_thread(receiver.begin, head)
        pieces = bytearray()
        async with aclosing(_chunks(response, host)) as chunks:
            async for chunk in chunks:
                pieces += chunk
                on_bytes(len(chunk))
                if len(pieces) >= _PIECE_BYTES:
                    await _in_thread(receiver.take, memoryview(pieces))
                    pieces = bytearray()
        if pieces:
            await _in_thread(receiver.take, memoryview(pieces))
        await _in_thread(receiver.end)

    @asynccontextmanager
    async def _open(self, url: str, offset: int, validator: str | None) -> AsyncIterator[MediaAnswer]:
        response = await self._ask(url, offset, validator)
        host = response.request.url.host
        chunks = _chunks(response, host)
        try:
            yield MediaAnswer(*facts_of(response, host, self._now), chunks)
        finally:
            await chunks.aclose()
            await response.aclose()

    async def _ask(
        self, url: str, offset: int, validator: str | None, receiver: Receiver | None = None
    ) -> httpx.Response:
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._send(url, offset, validator, receiver)
            location = led_on(response)
            if location is None:
                return response
            await response.aclose()
            url = joined(url, location)
        raise too_far(url)

    async def _send(self, url: str, offset: int, validator: str | None, receiver: Receiver | None) -> httpx.Response:
        request = self._request(url)
        host = request.url.host
        if offset and validator:
            request.headers.update({"Range": f"bytes={offset}-", "If-Range": validator})

        def at_head(response: httpx.Response) -> Receiver | None:
            if receiver is None or response.status_code not in (200, 206) or is_coded(response):
                return None
            receiver.begin(MediaHead(*facts_of(response, host, self._now)))
            return receiver

        request.extensions = {"timeout": self._timeouts, "at_head": at_head}
        try:
            # No client stands between: it would look for cookies and redirects, of which it may have none.
            response = await self._opened().handle_async_request(request)
        except httpx.HTTPError as error:
            raise unanswered(error, host) from error
        response.request = request
        return response

    def courier(self) -> Courier | None:
        """Somebody who fetches files in the threads of his callers; None where there is no plain road to the hosts."""
        self._opened()
        if self._wire is None:
            return None
        origin = None if self._upstream is None else origin_of(upstream_address(self._upstream))
        return Courier(self._wire.connections, self._question, self._timeouts, self._now, origin)

    def _request(self, url: str) -> httpx.Request:
        address, headers = self._read(url)
        return httpx.Request("GET", address, headers=headers)

    def _question(self, url: str) -> Question:
        """How an address is asked: to read all of it takes longer than to read an answer's head."""
        if plain := halves(url):
            base, target = plain
            return self._base(base), target
        return question_of(*self._read(url))

    def _read(self, url: str) -> tuple[httpx.URL, dict[str, str]]:
        """An address that may be asked, and with which headers beside Host."""
        host_of(url)
        try:
            address = httpx.URL(url)
        except httpx.InvalidURL as error:
            raise BadInput("An address of media cannot be read; it is skipped.") from error
        # The host as it will be asked for, whatever a reader of addresses other than httpx makes of it.
        host = address.raw_host.decode("ascii").rstrip(".").lower()
        if self._upstream is None and self._given is None:
            check_public(host)
        headers = {"User-Agent": self._user_agent, "Accept": "*/*", "Accept-Encoding": "identity"}
        if wants_referer(host):
            headers["Referer"] = self._referer
        return address, headers

    def _opened(self) -> httpx.AsyncBaseTransport:
        if self._road is None:
            self._road = self._made()
        return self._road

    def _made(self) -> httpx.AsyncBaseTransport:
        if self._proxy and self._upstream is None:
            return make_road(proxy=self._proxy, max_connections=_MAX_THREADS)
        self._threads = ThreadPoolExecutor(_MAX_THREADS, thread_name_prefix="media")
        if self._upstream is None:
            self._wire = WireTransport(self._threads, allows=leads_out)
            return self._wire
        self._wire = WireTransport(self._threads)
        return AsyncUpstream(upstream_address(self._upstream), self._wire)


async def _in_thread(work: Callable[..., None], *args: object) -> None:
    task = asyncio.get_running_loop().run_in_executor(None, work, *args)
    try:
        await asyncio.shield(task)
    except asyncio.CancelledError:
        await ended(task)
        raise


async def _delivered(body: Body, host: str, on_bytes: Callable[[int], None]) -> None:
    told = 0
    try:
        while True:
            on_bytes(body.delivered - told)
            told = body.delivered
            if body.is_over:
                return
            await body.deliver()
    except httpx.HTTPError as error:
        raise broke_off(error, host) from error


async def _chunks(response: httpx.Response, host: str) -> AsyncGenerator[bytes, None]:
    try:
        async for chunk in unpacked(response) if is_coded(response) else response.aiter_raw():
            yield chunk
    except httpx.HTTPError as error:
        raise broke_off(error, host) from error
