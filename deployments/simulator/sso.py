"""Login by QR code: a code, the statuses it goes through, and the redirects that bring the cookies. No I/O here.

What happens is a script in `app.state["login"]`, a Login; the codes that were given out are remembered beside it. Each
poll of a code moves it one step, so a test needs no phone and no waiting.
"""

from __future__ import annotations

from base64 import b64encode
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any
from urllib.parse import quote

import segno

from deployments.simulator.http import App, Handler, Request, Response, json_response, redirect, text_response
from deployments.simulator.numbers import digest, opaque

_ABNORMAL = 2046
_BUSY = 2156
_REFUSED = 4031
_SITE = "https://www.douyin.com"
_CALLBACK = f"{_SITE}/passport/sso/login/callback/"


@dataclass(frozen=True, slots=True)
class Login:
    """How the login goes: `codes` has one sequence of statuses per QR code, the last of both lasts.

    A status is "1" new, "2" scanned, "3" confirmed, "4" refused, "5" expired, the same as int, the words new, scanned,
    confirmed, refused, expired, anything else as it is, or None: an answer without status (2046). `valid_s` is how long
    a code lasts, in seconds; `hops` how many redirects the callback has (2 is usual, 1 brings the cookies at once);
    `refused_codes` are numbers of get_qrcode requests, from 1, that get an error; `asks_second_factor`
    adds verify_ticket to the answer of a confirmed code.
    """

    codes: tuple[tuple[str | int | None, ...], ...] = (("1", "2", "3"),)
    valid_s: float = 60.0
    hops: int = 2
    refused_codes: frozenset[int] = frozenset()
    asks_second_factor: bool = False


@dataclass(slots=True)
class _Code:
    """A code that was given out; `polls` so far, of the statuses it goes through."""

    statuses: tuple[str | int | None, ...]
    expires_at: float
    polls: int = 0
    ticket: str = ""


@dataclass(slots=True)
class _Desk:
    """All codes by token, how many were asked for, and which hop each open ticket takes next."""

    codes: dict[str, _Code] = field(default_factory=dict)
    asked: int = 0
    next_hops: dict[str, int] = field(default_factory=dict)


async def get_qrcode(request: Request, app: App) -> Response:
    """A new code: its token, the address to show as a QR code, and the same as a PNG."""
    del request
    desk, login = _desk(app), _login(app)
    desk.asked += 1
    if desk.asked in login.refused_codes:
        return _failed(_BUSY, "请求太频繁，请稍后再试")
    token = f"{opaque(32, app.world.seed, desk.asked, 'qr')}_lf"
    statuses = login.codes[min(desk.asked, len(login.codes)) - 1]
    desk.codes[token] = _Code(statuses, app.clock() + login.valid_s)
    address = f"https://www.douyin.com/passport/qr?token={token}&aid=6383&service={quote(_SITE, safe='')}"
    return _told(_shown(token, address, int(app.clock() + login.valid_s)))


async def check_qrconnect(request: Request, app: App) -> Response:
    """Where a code stands; a confirmed one gives the address that brings the cookies."""
    desk, token = _desk(app), request.params.get("token", "")
    code = desk.codes.get(token)
    if code is None:
        return _failed(_REFUSED, "二维码无效")
    if code.expires_at <= app.clock():
        return _told(_standing("5"))
    status = code.statuses[min(code.polls, len(code.statuses) - 1)]
    code.polls += 1
    if status is None:
        data = {"captcha": "", "desc_url": "", "description": "环境异常"}
        return json_response({"data": data, "description": "", "error_code": _ABNORMAL, "message": "error"})
    if str(status) not in {"3", "confirmed"}:
        return _told(_standing(status))
    return _confirmed(code, status, app)


async def check_login(request: Request, app: App) -> Response:
    """Whether the cookie that came is a login."""
    has_login = request.cookies.get("sessionid") == app.world.sessionid
    return json_response({"has_login": has_login, "message": "success", "error_code": 0})


async def callback(request: Request, app: App) -> Response:
    """The address of a confirmed code and every hop after it: a ticket is good once, the second hop has the session."""
    desk, ticket, hop = _desk(app), request.params.get("ticket", ""), request.number("hop", 1)
    if desk.next_hops.get(ticket) != hop:
        return text_response("<html><head><title>登录失败</title></head><body>ticket 无效</body></html>", 403)
    hops = _login(app).hops
    desk.next_hops[ticket] = hop + 1
    cookies = _session_cookies(app) if hop == min(2, hops) else (_cookie("odin_tt", digest(ticket, hop).hex()),)
    if hop >= hops:
        del desk.next_hops[ticket]
        return redirect(f"{_SITE}/", cookies)
    return redirect(f"{_CALLBACK}?ticket={ticket}&hop={hop + 1}&next={quote(_SITE, safe='')}", cookies)


ROUTES: dict[tuple[str, str], Handler] = {
    ("sso.douyin.com", "/get_qrcode/"): get_qrcode,
    ("sso.douyin.com", "/check_qrconnect/"): check_qrconnect,
    ("sso.douyin.com", "/check_login/"): check_login,
    ("www.douyin.com", "/passport/sso/login/callback/"): callback,
}


def _confirmed(code: _Code, status: str | int, app: App) -> Response:
    if not code.ticket:
        desk = _desk(app)
        code.ticket = opaque(40, app.world.seed, len(desk.next_hops), desk.asked, "ticket")
        desk.next_hops[code.ticket] = 1
    address = f"{_CALLBACK}?ticket={code.ticket}&next={quote(_SITE, safe='')}"
    ticket = {"verify_ticket": opaque(24, code.ticket)} if _login(app).asks_second_factor else {}
    return _told(_standing(status) | {"redirect_url": address}, (_cookie("passport_auth_status", "1"),), **ticket)


def _shown(token: str, address: str, expires_at: int) -> dict[str, Any]:
    picture = BytesIO()
    segno.make(address, error="m").save(picture, kind="png", scale=4)
    params = {"access_key": opaque(32, token), "frontier_device": "0", "method": 1, "product_id": 1, "service_id": 1}
    return {
        "app_name": "抖音",
        "web_name": "抖音网页版",
        "qrcode": b64encode(picture.getvalue()).decode(),
        "qrcode_index_url": address,
        "token": token,
        "is_frontier": False,
        "frontier_params": params,
        "expire_time": expires_at,
        "error_code": 0,
        "captcha": "",
        "desc_url": "",
        "description": "",
    }


def _standing(status: str | int) -> dict[str, Any]:
    return {"status": status, "extra": "", "redirect_url": "", "app_name": "抖音", "scan_app_id": 1128}


def _session_cookies(app: App) -> tuple[tuple[str, str], ...]:
    session = app.world.sessionid
    names = ("sessionid", "sessionid_ss", "sid_tt")
    return tuple(_cookie(name, session) for name in names)


def _cookie(name: str, value: str) -> tuple[str, str]:
    return "set-cookie", f"{name}={value}; Path=/; Domain=douyin.com; Max-Age=5184000; HttpOnly; Secure; SameSite=None"


def _told(data: dict[str, Any], headers: tuple[tuple[str, str], ...] = (), **beside: str) -> Response:
    answer = {"data": data, "description": "", "error_code": 0, "message": "success", **beside}
    return json_response(answer, headers=headers)


def _failed(code: int, description: str) -> Response:
    said = {"error_code": code, "description": description}
    return json_response({"data": said, **said, "message": "error"})


def _login(app: App) -> Login:
    login: Login = app.state.setdefault("login", Login())
    return login


def _desk(app: App) -> _Desk:
    desk: _Desk = app.state.setdefault("login_desk", _Desk())
    return desk
