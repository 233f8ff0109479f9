"""DouyinCrawler: the one module that sends API requests.

A request is percent-encoded first and signed after, and exactly the signed bytes are sent. One kept-alive client, and
by default one request at a time: an account that asks twice at once is seen, and a second client gains nothing.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import aclosing, suppress
from datetime import UTC, datetime
from functools import partial
from types import TracebackType
from typing import Any, Self, TypeVar

import httpx
from pydantic import BaseModel

from pipelines.errors import ArchiveError, BadInput
from pipelines.extract.cookies import is_home
from pipelines.extract.endpoints import SITE, Endpoint, endpoint_of
from pipelines.extract.fetches import Fetches
from pipelines.extract.identity import Identity
from pipelines.extract.options import options_of
from pipelines.extract.pacing import Pace
from pipelines.extract.pages import no_answer, read
from pipelines.extract.receiving import whole
from pipelines.extract.sending import error_of, hop_request, request_of, wire_of
from pipelines.extract.signing import Signer, XBogusSigner
from pipelines.extract.tokens import ms_token_of
from pipelines.extract.upstream import make_client, stand_in
from schemas.pages import Page
from schemas.settings import DEFAULT_USER_AGENT

T = TypeVar("T")
OnEvent = Callable[..., None]
_SHORT_BYTES = 4096


class DouyinCrawler(Fetches):
    """Asks Douyin's web service, politely and one thing at a time; an async context manager.

    `kwargs` is the dict form of the spec (cookie, headers, proxies, timeout, max_retries, max_connections, max_tasks);
    a keyword given beside it wins. `transport` takes the place of the network. `now`, `sleep`, `clock` (monotonic
    seconds) and `rng` are what a test replaces. `on_event(name, **facts)` hears "waiting" (seconds, text) and
    "request" (operation, status); `on_failed` each answer after which the same is asked once more. `requests_sent`
    counts requests to the web service, tokens not among them.
    """

    def __init__(
        self,
        kwargs: Mapping[str, Any] | None = None,
        *,
        cookie: str | None = None,
        user_agent: str | None = None,
        signer: Signer | None = None,
        upstream: str | None = None,
        transport: httpx.AsyncBaseTransport | None = None,
        proxy: str | None = None,
        pace: Pace | None = None,
        timeout: float | None = None,
        max_retries: int | None = None,
        max_connections: int | None = None,
        max_tasks: int | None = None,
        now: Callable[[], datetime] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        rng: random.Random | None = None,
        new_page_id: Callable[[], str] | None = None,
        on_event: OnEvent | None = None,
        on_failed: Callable[[Page], None] | None = None,
    ) -> None:
        told = options_of(kwargs)
        self.requests_sent = 0
        self._now = now or _utc_now
        self._sleep, self._clock = sleep, clock
        self._rng = rng or random.Random()  # noqa: S311 - pauses and page ids, no secrets
        self._new_page_id = new_page_id or self._page_id
        self._on_event, self._on_failed = on_event or _silent, on_failed
        self._pace = pace or Pace(self._rng, max_tries=1 + _chosen(max_retries, told.max_retries, 4))
        self._signer = signer or XBogusSigner(now=lambda: self._now().timestamp())
        agent = user_agent or told.user_agent or DEFAULT_USER_AGENT
        self._who = Identity(agent, _chosen(cookie, told.cookie, ""), self._now, self._rng)
        self._referer, self._headers = told.referer, dict(told.headers)
        self._make_turn = partial(asyncio.Semaphore, _chosen(max_tasks, told.max_tasks, 1))
        self._began_at: float | None = None
        self._make_client = partial(
            make_client,
            stand_in(upstream),
            proxy=proxy or told.proxy,
            timeout=_chosen(timeout, told.timeout, 10.0),
            max_connections=_chosen(max_connections, told.max_connections, 10),
            headers={"User-Agent": agent, "Accept": "application/json, text/plain, */*", "Accept-Language": "zh-CN"},
            transport=transport,
        )
        self._client, self._turn, self._readying = self._make_client(), self._make_turn(), asyncio.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; what is asked after that opens new ones."""
        self._come_here()
        await self._client.aclose()

    @property
    def has_login(self) -> bool:
        """Whether the cookie claims a login."""
        return self._who.has_login

    async def ask(
        self,
        operation: str,
        params: BaseModel | Mapping[str, Any],
        *,
        target: str = "",
        cursor: str | None = None,
        takes_silence: bool = False,
    ) -> Page:
        """Douyin's answer to one operation, as a Page; tried again where a pause may help.

        `target` and `cursor` are what the page is kept under. With `takes_silence` a body of no bytes is an answer as
        any other, which no pause changes. Raises the error of the last answer, which has that
        answer as `facts["page"]` where there was one.
        """
        endpoint = endpoint_of(operation)

        async def once() -> Page:
            answer = await self._exchange(endpoint, params, target)
            return self._read(endpoint, answer, target or "self", cursor)

        return await self._patiently(once, _is_silence if takes_silence else None)

    async def answer_of(self, operation: str, params: BaseModel | Mapping[str, Any]) -> httpx.Response:
        """Douyin's answer to one operation as it came, cookies included; its JSON is the caller's to read."""
        endpoint = endpoint_of(operation)

        async def once() -> httpx.Response:
            answer = await self._exchange(endpoint, params, "")
            if answer.status_code != 200 or no_answer(200, answer.headers, answer.content, self._now()):
                self._read(endpoint, answer, "self", None)
            return answer

        return await self._patiently(once)

    async def hop(self, url: str) -> tuple[int, str | None]:
        """One step from a short link: its status, and the absolute address that it leads to, if any.

        Nothing is followed, no cookie sent, no body read; whether the host may be asked is the caller's to know.
        """

        async def once() -> tuple[int, str | None]:
            answer = await self._send(hop_request(self._client, url), head_only=True)
            where = answer.headers.get("location")
            try:
                return answer.status_code, str(answer.url.join(where)) if where else None
            except httpx.InvalidURL as error:
                raise BadInput("the link leads to something that is no address; open it in a browser") from error

        return await self._patiently(once)

    async def visit(self, url: str, cookie: str) -> httpx.Response:
        """One step of a login's redirects, with this cookie in place of the crawler's own; nothing is followed.

        Raises BadInput for an address that is not Douyin's own: a login is nobody else's business.
        """
        if not is_home(url):
            raise BadInput("the login leads away from Douyin; log in with a browser's cookie: aweme login --browser")

        async def once() -> httpx.Response:
            request = hop_request(self._client, url)
            if cookie:
                request.headers["Cookie"] = cookie
            return await self._send(request)

        return await self._patiently(once)

    async def _exchange(self, endpoint: Endpoint, params: BaseModel | Mapping[str, Any], target: str) -> httpx.Response:
        async with self._turn:
            values = wire_of(params)
            async with self._readying:  # several requests at a time are one visitor all the same
                await self._who.make_ready(self._client, endpoint, with_ms_token=values.get("msToken") == "")
            self._fill(endpoint, values)
            cookie = self._who.cookie_for(endpoint.host, endpoint)
            referer = self._referer if self._referer and endpoint.referer == SITE else endpoint.referer_for(target)
            headers = self._headers | {"Referer": referer} | ({"Cookie": cookie} if cookie else {})
            await self._wait_for_turn()
            # Signed last, after every pause: a signature carries the time.
            request = request_of(self._client, endpoint, values, headers, self._signer, self._who.user_agent)
            answer = await self._sent(request)
            self._on_event("request", operation=endpoint.name, status=answer.status_code)
            self._who.renew_ms_token(ms_token_of(answer))
            return answer

    def _fill(self, endpoint: Endpoint, values: dict[str, str]) -> None:
        if values.get("msToken") == "" and not endpoint.anonymous:
            values["msToken"] = self._who.ms_token
        for name in ("verifyFp", "fp"):
            if values.get(name) == "":
                values[name] = self._who.verify_fp()

    async def _send(self, request: httpx.Request, *, head_only: bool = False) -> httpx.Response:
        async with self._turn:
            await self._wait_for_turn()
            return await self._sent(request, head_only=head_only)

    async def _sent(self, request: httpx.Request, *, head_only: bool = False) -> httpx.Response:
        self.requests_sent += 1
        try:
            answer = await self._client.send(request, stream=True)
            async with aclosing(answer):
                if not head_only:
                    return await whole(answer)
                # A short body is read, so that the connection can be used again; one of any length says nothing more.
                length = answer.headers.get("content-length", "")
                if length.isdecimal() and int(length) <= _SHORT_BYTES:
                    with suppress(httpx.HTTPError):
                        await answer.aread()
                return answer
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            raise error_of(error) from error

    async def _wait_for_turn(self) -> None:
        now = self._clock()
        pause = self._pace.before_request(None if self._began_at is None else now - self._began_at)
        self._began_at = now + pause
        if pause > 0:
            await self._sleep(pause)

    def _come_here(self) -> None:
        # A script that calls asyncio.run twice has two loops, and the connections of the first ended with it.
        loop = asyncio.get_running_loop()
        if self._client.is_closed or (self._loop is not None and self._loop.is_closed()):
            self._client, self._turn, self._readying = self._make_client(), self._make_turn(), asyncio.Lock()
        self._loop = loop

    async def _patiently(
        self, once: Callable[[], Awaitable[T]], is_final: Callable[[ArchiveError], bool] | None = None
    ) -> T:
        self._come_here()
        tries = 0
        while True:
            tries += 1
            try:
                return await once()
            except ArchiveError as error:
                is_over = is_final is not None and is_final(error)
                pause = None if is_over else self._pace.before_retry(tries, error)
                if pause is None:
                    error.facts["tries"] = tries
                    raise
                if self._on_failed is not None and "page" in error.facts:
                    self._on_failed(error.facts["page"])
                self._on_event("waiting", seconds=pause, text=str(error))
            await self._sleep(pause)

    def _read(self, endpoint: Endpoint, answer: httpx.Response, target: str, cursor: str | None) -> Page:
        return read(
            endpoint,
            answer.status_code,
            {name.lower(): value for name, value in answer.headers.items()},
            answer.content,
            target=target,
            cursor=cursor,
            fetched_at=self._now(),
            page_id=self._new_page_id(),
        )

    def _page_id(self) -> str:
        return f"{int(self._now().timestamp() * 1_000_000):016d}-{self._rng.getrandbits(32):08x}"


def _chosen(*values: Any) -> Any:
    return next(value for value in values if value is not None)


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _silent(_name: str, **_facts: Any) -> None:
    return None


def _is_silence(error: ArchiveError) -> bool:
    page = error.facts.get("page")
    return isinstance(page, Page) and page.http_status == 200 and not page.body.strip()
