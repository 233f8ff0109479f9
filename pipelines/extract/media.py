"""MediaSource: the byte stream of one file from a media host; the one place that asks those hosts. Never a cookie."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from types import TracebackType
from typing import NoReturn, Self

import httpx

from pipelines.errors import (
    BadInput,
    Interrupted,
    NotFound,
    Private,
    RateLimited,
    Unfamiliar,
    Unreachable,
)
from pipelines.extract.media_hosts import check_public, host_of, wants_referer
from pipelines.extract.upstream import AsyncUpstream, make_client, upstream_address
from pipelines.extract.wire import WireTransport

_MAX_REDIRECTS = 5
_MAX_THREADS = 64  # one for each file under way; made as they are needed
_REDIRECTS = {301, 302, 303, 307, 308}
_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+|\*)")


def _utc_now() -> datetime:
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class MediaAnswer:
    """A file that begins to come: `chunks` are its bytes from `offset` on; `host` is the one that sends them.

    `total_size` counts the whole file in bytes, None where the host does not say. `validator` is a strong ETag or else
    Last-Modified: with it, the rest of the same version can be asked for later.
    """

    status: int
    total_size: int | None
    offset: int
    validator: str | None
    content_type: str | None
    host: str
    chunks: AsyncIterator[bytes]


class MediaSource:
    """Asks media hosts for files; made without a request, closed by `close` or `async with`.

    A `client` that is given stays the caller's.
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
        client: httpx.AsyncClient | None = None,
    ) -> None:
        self._given = self._client = client
        self._upstream, self._proxy, self._timeout = upstream, proxy, timeout
        self._threads: ThreadPoolExecutor | None = None
        self._user_agent, self._referer = user_agent, referer
        self._now = now

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections."""
        if self._client is not None and self._client is not self._given:
            await self._client.aclose()
            self._client = None
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

    @asynccontextmanager
    async def _open(self, url: str, offset: int, validator: str | None) -> AsyncIterator[MediaAnswer]:
        response = await self._ask(url, offset, validator)
        host = response.request.url.host
        coded = response.headers.get("content-encoding", "identity").lower() not in ("", "identity")
        chunks = _chunks(response, host, coded=coded)
        try:
            yield self._read_head(response, host, chunks, coded=coded)
        finally:
            await chunks.aclose()
            await response.aclose()

    async def _ask(self, url: str, offset: int, validator: str | None) -> httpx.Response:
        for _ in range(_MAX_REDIRECTS + 1):
            response = await self._send(url, offset, validator)
            location = response.headers.get("location")
            if response.status_code not in _REDIRECTS or not location:
                return response
            await response.aclose()
            url = _joined(url, location)
        raise Unfamiliar(f"{host_of(url)} leads on more than {_MAX_REDIRECTS} times; another address is tried.")

    async def _send(self, url: str, offset: int, validator: str | None) -> httpx.Response:
        request = self._request(url)
        host = request.url.host
        if offset and validator:
            request.headers.update({"Range": f"bytes={offset}-", "If-Range": validator})
        try:
            return await self._opened().send(request, stream=True)
        except httpx.HTTPError as error:
            raise Unreachable(f"{host} gives no answer ({type(error).__name__}).", host=host) from error

    def _request(self, url: str) -> httpx.Request:
        host_of(url)
        headers = {"User-Agent": self._user_agent, "Accept": "*/*", "Accept-Encoding": "identity"}
        try:
            request = self._opened().build_request("GET", url, headers=headers)
        except httpx.InvalidURL as error:
            raise BadInput("An address of media cannot be read; it is skipped.") from error
        # The host as it will be asked for, whatever a reader of addresses other than httpx makes of it.
        host = request.url.raw_host.decode("ascii").rstrip(".").lower()
        if self._upstream is None and self._given is None:
            check_public(host)
        if wants_referer(host):
            request.headers["Referer"] = self._referer
        request.headers.pop("cookie", None)
        return request

    def _opened(self) -> httpx.AsyncClient:
        if self._client is None:
            self._client = self._made()
        return self._client

    def _made(self) -> httpx.AsyncClient:
        if self._proxy and self._upstream is None:
            return make_client(proxy=self._proxy, timeout=self._timeout, max_connections=_MAX_THREADS)
        self._threads = ThreadPoolExecutor(_MAX_THREADS, thread_name_prefix="media")
        road: httpx.AsyncBaseTransport = WireTransport(self._threads)
        if self._upstream is not None:
            road = AsyncUpstream(upstream_address(self._upstream), road)
        return make_client(transport=road, timeout=self._timeout)

    def _read_head(
        self, response: httpx.Response, host: str, chunks: AsyncIterator[bytes], *, coded: bool
    ) -> MediaAnswer:
        status = response.status_code
        if status not in (200, 206):
            self._refuse(response, host)
        offset, total = _span(response)
        if coded:
            # Its lengths count other bytes than those we keep, so it can be neither measured nor resumed.
            total = None
        return MediaAnswer(
            status=status,
            total_size=total,
            offset=offset,
            validator=None if coded else _validator(response),
            content_type=response.headers.get("content-type"),
            host=host,
            chunks=chunks,
        )

    def _refuse(self, response: httpx.Response, host: str) -> NoReturn:
        status = response.status_code
        pause = _retry_after(response.headers.get("retry-after"), self._now)
        facts = {"http_status": status, "host": host} | ({} if pause is None else {"retry_after_s": pause})
        if status in (404, 410):
            raise NotFound(f"{host} has no such file ({status}).", **facts)
        if status in (401, 403):
            raise Private(f"{host} refuses the address ({status}): it has expired.", is_expired=True, **facts)
        if status == 416:
            raise Interrupted(f"{host} has no bytes from there on (416): it is asked for from the start.", **facts)
        if status == 429:
            raise RateLimited(f"{host} asks to slow down (429).", **facts)
        if status >= 500:
            raise Unreachable(f"{host} cannot serve it now ({status}).", **facts)
        raise Unfamiliar(f"{host} answers {status} where a file should be; another address is tried.", **facts)


async def _chunks(response: httpx.Response, host: str, *, coded: bool) -> AsyncGenerator[bytes, None]:
    try:
        async for chunk in response.aiter_bytes() if coded else response.aiter_raw():
            yield chunk
    except httpx.HTTPError as error:
        raise Interrupted(
            f"{host} broke off ({type(error).__name__}); the rest is asked for again.", host=host
        ) from error


def _joined(url: str, location: str) -> str:
    try:
        return str(httpx.URL(url).join(location))
    except httpx.InvalidURL as error:
        raise BadInput(f"{host_of(url)} leads to an address that cannot be read; it is skipped.") from error


def _span(response: httpx.Response) -> tuple[int, int | None]:
    length = response.headers.get("content-length", "")
    size = int(length) if length.isdecimal() else None
    if response.status_code == 200:
        return 0, size
    found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", "").strip())
    if found is None:
        raise Interrupted("A host sends part of a file without saying which; it is asked for from the start.")
    start, total = int(found[1]), found[2]
    if total != "*":
        return start, int(total)
    return start, None if size is None else start + size


def _validator(response: httpx.Response) -> str | None:
    etag = response.headers.get("etag", "")
    if etag.startswith('"'):
        return str(etag)
    modified: str | None = response.headers.get("last-modified")
    return modified


def _retry_after(text: str | None, now: Callable[[], datetime]) -> float | None:
    """Seconds to wait, from a number or a date."""
    if not text:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((moment.replace(tzinfo=moment.tzinfo or UTC) - now()).total_seconds(), 0.0)
