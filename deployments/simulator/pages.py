"""What is no API: short links, share pages, the site's own pages, and the token services."""

from __future__ import annotations

from html import escape
from typing import Any

import orjson

from deployments.simulator.broken import DENIED
from deployments.simulator.gates import LIVE, REFLOW, WEB
from deployments.simulator.http import App, Handler, Request, Response, json_response, redirect, text_response
from deployments.simulator.numbers import base62, digest, opaque
from deployments.simulator.rooms import rooms_of

SHORT, SHARE = "v.douyin.com", "www.iesdouyin.com"
TOKENS, TTWID = "mssdk.bytedance.com", "ttwid.bytedance.com"
_COOKIE = "Path=/; Domain=bytedance.com; Max-Age=31536000; HttpOnly"


async def short_link(request: Request, app: App) -> Response:
    """302 to the share page; a dead code leads to the front page."""
    target = app.world.short_target(request.path.strip("/"))
    return redirect(target or "https://www.douyin.com/")


async def share_page(request: Request, app: App) -> Response:
    """A share page, which sends desktop browsers on to the site and shows itself to phones."""
    if "Mobile" in request.headers.get("user-agent", ""):
        return await site_page(request, app)
    parts = [part for part in request.path.split("/") if part]
    if len(parts) >= 3 and parts[0] == "share":
        name = "collection" if parts[1] == "mix" else parts[1]
        return redirect(f"https://www.douyin.com/{name}/{parts[-1]}?previous_page=app_code_link")
    return text_response("<html><title>页面不见了</title></html>", 404)


async def site_page(request: Request, _: App) -> Response:
    """A page of the site: HTML, with nothing in it that the API does not tell better."""
    return text_response(
        f"<!DOCTYPE html><html><head><title>抖音</title></head><body>{escape(request.path)}</body></html>"
    )


async def live_page(request: Request, _: App) -> Response:
    """The page of a live room, which nobody sees without a ttwid."""
    if not request.cookies.get("ttwid"):
        return text_response(DENIED, 444)
    return text_response(f"<html><head><title>抖音直播</title></head><body>{escape(request.path)}</body></html>")


async def reflow_page(request: Request, app: App) -> Response:
    """What the app shares of a broadcast: a page with the room number in JSON inside a string."""
    room = rooms_of(app).of_room(request.path.strip("/").rpartition("/")[2])
    if room is None:
        return text_response("<html><title>页面不见了</title></html>", 404)
    told = orjson.dumps({"roomId": room.room_id, "owner": {"webRid": room.webcast_id}}).decode()
    script = f"self.__pace_f.push([1,{orjson.dumps(told).decode()}])"
    return text_response(f"<html><head><title>抖音直播</title></head><body><script>{script}</script></body></html>")


async def ms_token(request: Request, app: App) -> Response:
    """A real msToken as a cookie, as long as the asked service makes them; none for who reports nothing of itself."""
    if not _told(request).get("strData"):
        return json_response({"status_code": 5})
    app.state["tokens"] = number = app.state.get("tokens", 0) + 1
    length = 182 if request.path.startswith("/web/r/") else 126
    text = "".join(base62(64, app.world.seed, number, part) for part in range(3))[:length]
    return json_response({"status_code": 0}, headers=(("set-cookie", f"msToken={text}==; {_COOKIE}"),))


async def register_ttwid(request: Request, app: App) -> Response:
    """A ttwid as a cookie; none for who does not say for which service."""
    told = _told(request)
    if not (told.get("aid") and told.get("service")):
        return json_response({"redirect_url": "", "status_code": 5, "message": "invalid params"})
    app.state["ttwids"] = number = app.state.get("ttwids", 0) + 1
    tail = digest(app.world.seed, "ttwid", number).hex()[:64]
    ttwid = f"1%7C{opaque(43, app.world.seed, 'ttwid', number)}%7C{int(app.clock())}%7C{tail}"
    ticket = opaque(64, app.world.seed, "ticket", number)
    address = f"https://www.ixigua.com/ttwid/union/register/callback/?aid=1768&ticket={ticket}"
    said = {"redirect_url": address, "status_code": 0, "message": "union register success"}
    return json_response(said, headers=(("set-cookie", f"ttwid={ttwid}; {_COOKIE}"),))


def _told(request: Request) -> dict[str, Any]:
    try:
        told = orjson.loads(request.body)
    except orjson.JSONDecodeError:
        return {}
    return told if isinstance(told, dict) else {}


ROUTES: dict[tuple[str, str], Handler] = {
    (TOKENS, "/web/report/"): ms_token,
    (TOKENS, "/web/r/token/"): ms_token,
    (TOKENS, "/web/common/"): ms_token,
    (TTWID, "/ttwid/union/register/"): register_ttwid,
}
_ARCHIVED = ("user", "video", "note", "slides", "collection", "discover", "search", "jingxuan", "follow", "friend")
_OTHERS = ("recommend", "channel", "root", "music", "hashtag", "challenge", "hot", "series", "lvdetail")
_SITE_PATHS = frozenset((*_ARCHIVED, *_OTHERS))


def page_at(host: str, path: str) -> Handler | None:
    """The handler of an address that is no API; None where there is no page."""
    first = path.strip("/").partition("/")[0]
    if host == SHORT and first:
        return short_link
    if host == SHARE:
        return share_page
    if host == LIVE and first and first != "webcast":
        return live_page
    if host == REFLOW and path.startswith("/douyin/webcast/reflow/"):
        return reflow_page
    is_site = host in (WEB, "douyin.com", "m.douyin.com") and (not first or first in _SITE_PATHS)
    return site_page if is_site else None
