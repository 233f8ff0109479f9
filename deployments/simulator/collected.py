"""Answers about what the logged-in account keeps: collected posts, folders, sounds and mixes."""

from __future__ import annotations

from typing import Any

import orjson

from deployments.simulator.gates import WEB
from deployments.simulator.http import App, Handler, Request, Response, json_response, params_of
from deployments.simulator.numbers import impr_id
from deployments.simulator.paging import clamp
from deployments.simulator.posts import envelope, renderer, shelf_answer
from deployments.simulator.shelves import COLLECTED, FOLDER, MUSIC, Shelf
from deployments.simulator.timeline import NEWEST_AT
from deployments.simulator.world import CROWD

_FOLDERS = (("木工", 23), ("菜谱", 5), ("空的", 0))
_MICROSECONDS = 1_000_000


async def user_collect(request: Request, app: App) -> Response:
    """Collected posts; cursor and count may stand in the query, in a form or in JSON, and what is in the body wins."""
    asked = Request("GET", request.host, request.path, params=request.params | _in_body(request))
    return shelf_answer(asked, app, Shelf(app.world, COLLECTED, 0, app.world.collected, _MICROSECONDS), "cursor")


def _in_body(request: Request) -> dict[str, str]:
    if not request.body.lstrip().startswith(b"{"):
        return params_of(request.body)
    try:
        return {name: str(value) for name, value in orjson.loads(request.body).items()}
    except orjson.JSONDecodeError:
        return {}


def _folder_id(place: int) -> int:
    return 7_300_000_000_000_000_001 + place


async def collects_list(request: Request, app: App) -> Response:
    """The folders of the account; cursors are text and has_more is a bool here."""
    start = max(0, request.number("cursor"))
    stop = min(len(_FOLDERS), start + clamp(request.number("count", 10)))
    owner = {"nickname": app.world.nickname(0), "uid": app.world.uid(0)}
    folders = [
        {
            "app_id": 1128,
            "collects_cover": {"uri": "made-up", "url_list": []},
            "collects_id": _folder_id(place),
            "collects_id_str": str(_folder_id(place)),
            "collects_name": _FOLDERS[place][0],
            "create_time": NEWEST_AT - place * 86_400,
            "last_collect_time": NEWEST_AT,
            "follow_status": 0,
            "followed_count": 0,
            "is_normal_status": True,
            "item_type": 2,
            "play_count": 0,
            "states": 1,
            "status": 1,
            "system_type": 0,
            "total_number": _FOLDERS[place][1],
            "user_id": int(app.world.uid(0)),
            "user_info": owner,
        }
        for place in range(min(start, stop), stop)
    ]
    end = {"cursor": str(stop), "has_more": stop < len(_FOLDERS), "total_number": len(_FOLDERS)}
    return json_response({"status_code": 0, "collects_list": folders} | end)


async def collects_posts(request: Request, app: App) -> Response:
    """The posts of a folder; the cursor is an ordinal, as text."""
    place = request.number("collects_id") - _folder_id(0)
    total = _FOLDERS[place][1] if 0 <= place < len(_FOLDERS) else 0
    shelf = Shelf(app.world, FOLDER, place % 16, total)
    start = min(max(0, request.number("cursor")), total)
    stop = min(total, start + clamp(request.number("count", 10)))
    owner = {"uid": app.world.uid(0), "sec_uid": app.world.sec_user_id(0)}
    head: dict[str, Any] = {"cursor": str(stop), "has_more": int(stop < total)}
    return envelope(app, renderer(app).posts(shelf.visible(range(start, stop)), "favorite"), head | owner)


async def collected_music(request: Request, app: App) -> Response:
    """Collected sounds; their duration is in milliseconds, unlike that of a post's sound."""
    shelf, render = Shelf(app.world, MUSIC, 0, 25), renderer(app)
    start = min(max(0, request.number("cursor")), shelf.total)
    stop = min(shelf.total, start + clamp(request.number("count", 20)))
    sounds = [orjson.Fragment(render.sound(shelf.post(place))) for place in range(start, stop)]
    answer = {"status_code": 0, "mc_list": sounds, "cursor": stop, "has_more": int(stop < shelf.total), "msg": ""}
    return json_response(answer | {"log_pb": {"impr_id": impr_id("music", start)}})


async def collected_mixes(request: Request, app: App) -> Response:
    """Collected mixes of other accounts."""
    total = 5
    start = min(max(0, request.number("cursor")), total)
    stop = min(total, start + clamp(request.number("count", 12)))
    render = renderer(app)
    mixes = [
        orjson.loads(render.mix_info(CROWD + place, 0))
        | {"author": orjson.Fragment(render.author(app.world.account(CROWD + place), "2026"))}
        for place in range(start, stop)
    ]
    return json_response({"status_code": 0, "mix_infos": mixes, "cursor": stop, "has_more": int(stop < total)})


ROUTES: dict[tuple[str, str], Handler] = {
    (WEB, "/aweme/v1/web/aweme/listcollection/"): user_collect,
    (WEB, "/aweme/v1/web/collects/list/"): collects_list,
    (WEB, "/aweme/v1/web/collects/video/list/"): collects_posts,
    (WEB, "/aweme/v1/web/music/listcollection/"): collected_music,
    (WEB, "/aweme/v1/web/mix/listcollection/"): collected_mixes,
}
