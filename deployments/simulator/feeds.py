"""Answers of the feeds: recommended, followed accounts, friends, related posts; with live cards, ads and 107s."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import orjson

from deployments.simulator.captions import room_title
from deployments.simulator.gates import WEB
from deployments.simulator.http import App, Handler, Request, Response, json_response
from deployments.simulator.kinds import PLAIN_2026
from deployments.simulator.numbers import digits, impr_id, mix
from deployments.simulator.paging import clamp
from deployments.simulator.posts import envelope, renderer
from deployments.simulator.render import Renderer
from deployments.simulator.shelves import FEED, FOLLOWED, FRIENDS, RELATED, Shelf
from deployments.simulator.timeline import NEWEST_AT
from deployments.simulator.world import CROWD

_ENDLESS = 10**9
_RELATED_TOTAL = 45
_FOLLOWED_TOTAL = 60


async def post_feed(request: Request, app: App) -> Response:
    """The recommended feed: other posts at every call, no cursor, no end; a live card, an ad and a 107 among them."""
    app.state["feed"] = call = app.state.get("feed", 0) + 1
    count = clamp(request.number("count", 10))
    shelf, render = Shelf(app.world, FEED, 0, _ENDLESS), renderer(app)
    items = []
    for place in range(call * count, call * count + count):
        post = shelf.post(place)
        if place % 7 == 3:
            items.append(live_card(app, place))
        elif place % 7 == 5:
            items.append(xigua_card(app, render, place))
        else:
            kind = replace(post.kind, is_ad=True) if place % 7 == 6 else post.kind
            items.append(render.post(replace(post, kind=kind), "feed"))
    return envelope(app, b"[" + b",".join(items) + b"]", {"has_more": 1})


def live_card(app: App, place: int) -> bytes:
    """A type 101: a broadcast among the posts, with neither time nor caption, and the room as JSON inside a string."""
    account = app.world.account(CROWD + place % 700)
    room = {
        "id": int(account.room_id),
        "id_str": account.room_id,
        "status": 2,
        "owner_user_id": int(account.uid),
        "title": room_title(mix(app.world.seed, place)),
        "create_time": NEWEST_AT,
        "cover": {"uri": "made-up", "url_list": []},
        "owner": {"id_str": account.uid, "sec_uid": account.sec_user_id, "nickname": account.nickname},
        "stats": {"total_user": 12, "user_count_str": "1w+"},
    }
    card = {
        "aweme_id": str(int(account.room_id) - 7),
        "aweme_type": 101,
        "author": orjson.Fragment(renderer(app).author(account, "2026")),
        "author_user_id": int(account.uid),
        "cell_room": {"rawdata": orjson.dumps(room).decode()},
        "rawdata": orjson.dumps(room).decode(),
        "group_id": account.room_id,
        "images": None,
        "is_ads": False,
        "share_info": {},
        "text_extra": None,
    }
    return orjson.dumps(card)


def xigua_card(app: App, render: Renderer, place: int) -> bytes:
    """A type 107: a video of the sister service, without music, bit rates or link."""
    post = replace(Shelf(app.world, FEED, 1, _ENDLESS).post(place), kind=PLAIN_2026)
    item = orjson.loads(render.post(post, "feed"))
    for name in ("music", "is_top", "share_url"):
        item.pop(name, None)
    item["aweme_type"] = 107
    item["video"]["bit_rate"] = []
    item["statistics"].pop("aweme_id", None)
    return orjson.dumps(item)


async def follow_feed(request: Request, app: App) -> Response:
    """Posts of followed accounts, newest first; the cursor is a time in ms."""
    return _wrapped(request, app, Shelf(app.world, FOLLOWED, 0, _FOLLOWED_TOTAL), {})


async def friend_feed(request: Request, app: App) -> Response:
    """Posts of friends; items stand in `data[].aweme`. With quirks, the first page says that there are no more."""
    more: dict[str, Any] = {"friend_update_count": 3, "toast": "", "status_msg": ""}
    if app.world.quirks and request.number("cursor") <= 0:
        more["has_more"] = 0
    return _wrapped(request, app, Shelf(app.world, FRIENDS, 0, _FOLLOWED_TOTAL // 2), more)


def _wrapped(request: Request, app: App, shelf: Shelf, more: dict[str, Any]) -> Response:
    start = shelf.first_before(request.number("cursor"))
    stop = min(shelf.total, start + clamp(request.number("count", 20)))
    render = renderer(app)
    items = [
        {"aweme": orjson.Fragment(render.post(post, "feed")), "feed_type": 1, "source": "follow"}
        for post in shelf.visible(range(start, stop))
    ]
    answer = {
        "status_code": 0,
        "data": items,
        "cursor": shelf.time_of(stop - 1) if stop else 0,
        "has_more": int(stop < shelf.total),
        "level": request.number("level", 1),
        "log_pb": {"impr_id": impr_id(shelf.name, start)},
    }
    return json_response(answer | more)


async def post_related(request: Request, app: App) -> Response:
    """Posts like another one, less those that filterGids says were shown."""
    aweme_id = request.params["aweme_id"]
    if app.world.find(aweme_id) is None:
        return envelope(app, b"[]", {"has_more": False})
    shown = set(request.params.get("filterGids", "").split(","))
    shelf = Shelf(app.world, RELATED, int(digits(9, aweme_id)), _RELATED_TOTAL)
    left = {post.aweme_id: post for post in shelf.visible(range(shelf.total)) if post.aweme_id not in shown}
    given = list(left.values())[: clamp(request.number("count", 20))]
    head = {"has_more": len(left) > len(given)}
    tail = {"filter_infos": "", "chime_video_list": ""}
    return envelope(app, renderer(app).posts(given, "feed"), head, tail)


ROUTES: dict[tuple[str, str], Handler] = {
    (WEB, "/aweme/v1/web/tab/feed/"): post_feed,
    (WEB, "/aweme/v1/web/follow/feed/"): follow_feed,
    (WEB, "/aweme/v1/web/familiar/feed/"): friend_feed,
    (WEB, "/aweme/v1/web/aweme/related/"): post_related,
}
