"""Who asks: User-Agent, cookie and tokens, and to which hosts each of them may go."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime

import httpx

from pipelines.errors import BadInput
from pipelines.extract import tokens
from pipelines.extract.cookies import is_login
from pipelines.extract.endpoints import Endpoint

Send = Callable[[httpx.AsyncClient], Awaitable[str]]


@dataclass
class Identity:
    """One visitor of Douyin. The cookie goes to douyin.com and its subdomains, and nowhere else.

    msToken, ttwid and verifyFp are got when they are first needed, once each.
    """

    user_agent: str
    cookie: str
    now: Callable[[], datetime]
    rng: random.Random
    fetch_ms_token: Send = tokens.fetch_ms_token
    fetch_ttwid: Send = tokens.fetch_ttwid
    _ms_token: str | None = field(default=None, repr=False)
    _ttwid: str | None = field(default=None, repr=False)
    _verify_fp: str | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self.cookie = (self.cookie or "").strip().strip(";")
        if not (self.cookie.isascii() and self.cookie.isprintable()):
            raise BadInput("the cookie holds characters that no cookie has; copy it again, as one line of text")

    @property
    def has_login(self) -> bool:
        """Whether the cookie claims a login; only Douyin knows whether it still holds."""
        return is_login(self.cookie)

    async def make_ready(self, client: httpx.AsyncClient, endpoint: Endpoint, *, with_ms_token: bool) -> None:
        """Get the tokens that a request needs and that are not there yet, all at the same time."""
        if endpoint.anonymous:
            return
        wanted: list[Awaitable[None]] = []
        if endpoint.needs_ttwid and not _value(self.cookie, "ttwid") and self._ttwid is None:
            wanted.append(self._get_ttwid(client))
        if with_ms_token and not self.ms_token:
            wanted.append(self._get_ms_token(client))
        # Neither is left running behind when the other fails.
        for outcome in await asyncio.gather(*wanted, return_exceptions=True):
            if isinstance(outcome, BaseException):
                raise outcome

    async def _get_ttwid(self, client: httpx.AsyncClient) -> None:
        self._ttwid = await self.fetch_ttwid(client)

    async def _get_ms_token(self, client: httpx.AsyncClient) -> None:
        self._ms_token = await self.fetch_ms_token(client)

    @property
    def ms_token(self) -> str:
        """The msToken: the newest that an answer brought, else the cookie's own, else the one that was fetched."""
        return self._ms_token or _value(self.cookie, "msToken")

    def renew_ms_token(self, token: str) -> None:
        """Use the token that an answer brought from here on."""
        if token.isascii() and token.isprintable() and 100 <= len(token) <= 256:
            self._ms_token = token

    def verify_fp(self) -> str:
        """The verifyFp of the visitor: the cookie's s_v_web_id, else one of its own."""
        if self._verify_fp is None:
            self._verify_fp = _value(self.cookie, "s_v_web_id") or tokens.VerifyFpManager.gen_verify_fp(
                now_ms=lambda: int(self.now().timestamp() * 1000), rng=self.rng.random
            )
        return self._verify_fp

    def cookie_for(self, host: str, endpoint: Endpoint | None) -> str:
        """The Cookie header of a request; '' where the host or the endpoint must not see one."""
        if endpoint is None or endpoint.anonymous or not (host == "douyin.com" or host.endswith(".douyin.com")):
            return ""
        parts = [self.cookie] if self.cookie else []
        if self._ttwid is not None and not _value(self.cookie, "ttwid"):
            parts.append(f"ttwid={self._ttwid}")
        return "; ".join(parts)


def _value(cookie: str, name: str) -> str:
    for part in cookie.split(";"):
        key, _, value = part.strip().partition("=")
        if key == name:
            return value
    return ""
