"""What Douyin answers about live rooms: by room number, by room_id, and of followed accounts. No I/O here."""

from __future__ import annotations

from typing import Any

from deployments.simulator.http import App, Handler, Request, Response, json_response
from deployments.simulator.pull_hosts import next_salt
from deployments.simulator.room_shapes import entered, followed, reflowed
from deployments.simulator.rooms import LiveRoom, rooms_of
from deployments.simulator.stream_shapes import View

_SESSION_COOKIES = ("sessionid", "sessionid_ss", "sid_tt", "sid_guard")


async def enter(request: Request, app: App) -> Response:
    """web/enter: the room behind a room number; 10011 where there is none."""
    webcast_id, now = request.params.get("web_rid", ""), app.clock()
    rooms = rooms_of(app)
    room = rooms.of_webcast(webcast_id, now)
    if room is not None:
        return _told(entered(_view(room, app)), app)
    if any(one.webcast_id == webcast_id for one in rooms.rooms):  # has never broadcast yet
        return _told({"data": [], "enter_room_id": "", "user": {}, "qrcode_url": "", "room_status": 2}, app)
    return _failed(10011, "Request params error", "参数错误", app)


async def reflow(request: Request, app: App) -> Response:
    """reflow/info: the room of a room_id; for visitors only, 30003 for some that are over."""
    if any(name in request.cookies for name in _SESSION_COOKIES):
        return _failed(20003, "invalid session", "登录状态失效", app)
    room = rooms_of(app).of_room(request.params.get("room_id", ""))
    if room is None or app.clock() < room.started:
        return _failed(10011, "Request params error", "参数错误", app)
    if not room.is_live(app.clock()) and room.afterlife in {"finished", "empty"}:
        return _failed(30003, "room has finished", "直播已结束", app)
    return _told(reflowed(_view(room, app)), app)


async def follow_feed(request: Request, app: App) -> Response:
    """The rooms on the air of accounts that account 0 follows: all but its own."""
    del request
    live = [room for room in rooms_of(app).live(app.clock()) if room.owner != 0]
    return _told({"data": [followed(_view(room, app)) for room in live], "message": ""}, app)


ROUTES: dict[tuple[str, str], Handler] = {
    ("live.douyin.com", "/webcast/room/web/enter/"): enter,
    ("webcast.amemv.com", "/webcast/room/reflow/info/"): reflow,
    ("www.douyin.com", "/webcast/web/feed/follow/"): follow_feed,
}


def _view(room: LiveRoom, app: App) -> View:
    return View(app.world, room, app.clock(), next_salt(app))


def _told(data: dict[str, Any], app: App) -> Response:
    return json_response({"data": data, "extra": {"now": int(app.clock() * 1000)}, "status_code": 0})


def _failed(code: int, message: str, prompts: str, app: App) -> Response:
    data = {"message": message, "prompts": prompts}
    return json_response({"data": data, "extra": {"now": int(app.clock() * 1000)}, "status_code": code})
