"""Someone who asks the made-up Douyin as a browser would: signs, sends cookies, reads answers."""

from __future__ import annotations

import time
from typing import Any, Self
from urllib.parse import quote

import httpx

from deployments.simulator.app import SimulatorApp, make_app
from deployments.simulator.world import World
from pipelines.extract.signing import Signer, signer_from

AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
)
COMMON = {"device_platform": "webapp", "aid": "6383", "channel": "channel_pc_web", "msToken": "a+b=="}


class Visitor:
    """Asks an app, or, where `upstream` is given, a server, with the real hosts in the Host header."""

    def __init__(
        self,
        app: SimulatorApp | World,
        *,
        cookie: str | None = None,
        upstream: str | None = None,
        faults: tuple[str, ...] = (),
        clock=time.time,
        raises: bool = True,
    ) -> None:
        self.app = app if isinstance(app, SimulatorApp) else make_app(app, faults=faults, clock=clock)
        self.world = self.app.world
        self.cookie = self.world.visitor_cookie if cookie is None else cookie
        self.agent = AGENT
        self.signer: Signer | None = signer_from("xbogus", now=self.app.clock)
        self._upstream = upstream
        transport = None if upstream else httpx.ASGITransport(self.app, raise_app_exceptions=raises)
        self.client = httpx.AsyncClient(transport=transport, trust_env=False, timeout=20)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def ask(
        self, path: str, params: dict[str, Any] | None = None, *, host: str = "www.douyin.com", **more: Any
    ) -> httpx.Response:
        """One API request; `path` below /aweme/v1/web/ unless it begins with a slash."""
        path = path if path.startswith("/") else f"/aweme/v1/web/{path}/"
        query = "&".join(f"{name}={quote(str(value), safe='')}" for name, value in (COMMON | (params or {})).items())
        if self.signer is not None:
            name, value = self.signer.sign(query, more.get("content", b""), more.get("method", "GET"), self.agent)
            query += f"&{name}={quote(value, safe='')}"
        return await self.send(f"https://{host}{path}?{query}", **more)

    async def send(self, url: str, *, method: str = "GET", headers: dict[str, str] | None = None, **more: Any):
        """One request as it is, cookie included."""
        sent = {"User-Agent": self.agent, "Cookie": self.cookie} | (headers or {})
        real = httpx.URL(url)
        if self._upstream:
            sent["Host"] = real.host
            upstream = httpx.URL(self._upstream)
            real = real.copy_with(scheme=upstream.scheme, host=upstream.host, port=upstream.port)
        return await self.client.request(method, real, headers={k: v for k, v in sent.items() if v}, **more)

    async def posts(self, user: int = 0, cursor: int = 0, count: int = 18, **params: Any) -> dict[str, Any]:
        """One page of an account's posts."""
        asked = {"sec_user_id": self.world.sec_user_id(user), "max_cursor": cursor, "count": count} | params
        answer = await self.ask("aweme/post", asked)
        return answer.json()

    async def walk(self, user: int = 0, count: int = 18) -> list[dict[str, Any]]:
        """All pages of an account's posts."""
        pages = [await self.posts(user, 0, count)]
        while pages[-1]["has_more"]:
            pages.append(await self.posts(user, pages[-1]["max_cursor"], count))
        return pages
