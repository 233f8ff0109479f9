"""Logging in by QR code: a code, where it stands, and the redirects that bring the cookies.

The cookie is a person's account: it is returned, and never said, logged or put into an error.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol
from urllib.parse import urljoin, urlsplit

import httpx

from pipelines.errors import Unfamiliar
from pipelines.extract.cookies import CookieBox, is_home, is_login
from pipelines.extract.qrcode import show_qrcode
from pipelines.extract.refusals import by_status_code
from pipelines.extract.standings import Standing, read_standing
from schemas.bodies import load_json
from schemas.requests import LoginCheckQr, LoginGetQr

_LOG = logging.getLogger(__name__)
_MAX_HOPS = 10
_PATIENCE = 3
_REDIRECTS = {301, 302, 303, 307, 308}


class Door(Protocol):
    """What a login needs of the crawler."""

    async def fetch_login_qrcode(self, params: LoginGetQr) -> dict[str, Any]:
        """A new QR code."""

    async def fetch_check_qrcode(self, params: LoginCheckQr) -> httpx.Response:
        """Where a code stands."""

    async def visit(self, url: str, cookie: str) -> httpx.Response:
        """One address of douyin.com, with this cookie; redirects are not followed."""


def _log(name: str, **facts: Any) -> None:
    _LOG.log(logging.WARNING if name == "warning" else logging.INFO, "%s", facts.get("text", name))


async def sso_login(
    crawler: Door,
    *,
    show: Callable[[str], None] = show_qrcode,
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    clock: Callable[[], float] = time.monotonic,
    time_limit_s: float = 300.0,
    poll_s: float = 3.0,
    max_codes: int = 5,
    on_event: Callable[..., None] = _log,
) -> tuple[bool, str]:
    """Log in by QR code (SSO登录): whether it worked, and the cookie; (False, "") where nobody confirmed it in time.

    `show` gets the address to show as a QR code; an expired code is followed by a new one, `max_codes` in all.
    `on_event` hears "notice" and "warning" (text) when the standing changes. Raises VerificationAsked where Douyin
    finds the surrounding abnormal (2046), refuses it (4031) or asks for a second factor, else the error that fits.
    """
    attempt = _Attempt(crawler, sleep, clock, clock() + time_limit_s, poll_s, on_event)
    for _ in range(max_codes):
        token, address = await attempt.new_code()
        show(address)
        on_event("notice", text="Scan the code with the Douyin app (扫一扫) and confirm the login there.")
        answer = await attempt.settled(token)
        if answer is None:
            return False, ""
        if isinstance(answer, httpx.Response):
            cookie = await attempt.cookies_of(answer)
            return bool(cookie), cookie
    on_event("warning", text=f"{max_codes} codes have expired; run it again when somebody can scan one.")
    return False, ""


class _Expired:
    """A code that is of no use any more."""


@dataclass
class _Attempt:
    """One login under way."""

    door: Door
    sleep: Callable[[float], Awaitable[None]]
    clock: Callable[[], float]
    deadline: float
    poll_s: float
    on_event: Callable[..., None]

    async def new_code(self) -> tuple[str, str]:
        """The token of a new code, and the address to show."""
        data = (await self.door.fetch_login_qrcode(LoginGetQr())).get("data")
        token, address = (data.get(name) if isinstance(data, dict) else None for name in ("token", "qrcode_index_url"))
        if not (isinstance(token, str) and token and isinstance(address, str) and address):
            raise Unfamiliar("Douyin gave no login code; log in with a browser's cookie instead: aweme login --browser")
        return token, address

    async def settled(self, token: str) -> httpx.Response | _Expired | None:
        """The answer that confirms the login, or that the code is gone; None where it came to nothing."""
        last, in_a_row = "", 0
        while self.clock() < self.deadline:
            response = await self.door.fetch_check_qrcode(LoginCheckQr(token=token))
            standing = read_standing(response.content)
            in_a_row = in_a_row + 1 if standing.word == last else 1
            if standing.word != last:
                self._tell(standing)
            last = standing.word
            match standing.kind:
                case "confirmed":
                    return response
                case "expired":
                    return _Expired()
                case "refused":
                    return None
                case "too often" if in_a_row >= _PATIENCE:
                    return None
                case "abnormal" if in_a_row >= _PATIENCE:
                    raise by_status_code(standing.code, standing.said, target="the login")
            pause = self.poll_s * (in_a_row + 1 if standing.kind in {"too often", "abnormal"} else 1)
            await self.sleep(max(0.0, min(pause, self.deadline - self.clock())))
        self.on_event("warning", text="The time for the login is over; run it again when somebody can scan the code.")
        return None

    def _tell(self, standing: Standing) -> None:
        self.on_event("notice" if standing.is_good else "warning", text=standing.text)

    async def cookies_of(self, confirmed: httpx.Response) -> str:
        """The cookies of the confirmed code and of every redirect after it; '' where no login is among them."""
        data = load_json(confirmed.content)["data"]
        box = CookieBox()
        box.take(confirmed.headers.get_list("set-cookie"))
        url = data.get("redirect_url")
        if not isinstance(url, str) or not url:
            raise Unfamiliar("Douyin confirmed the login without the address that brings it; run it again.")
        for _ in range(_MAX_HOPS):
            if not is_home(url):
                break  # a login is nobody else's business
            response = await self.door.visit(url, box.text)
            box.take(response.headers.get_list("set-cookie"))
            location = response.headers.get("location", "")
            if response.status_code not in _REDIRECTS or not location:
                break
            url = urljoin(url, location)
            if is_login(box.text) and urlsplit(url).path in {"", "/"}:
                break  # the front page brings nothing more
        if is_login(box.text):
            return box.text
        self.on_event("warning", text="Douyin confirmed the login but brought no session; run it again.")
        return ""
