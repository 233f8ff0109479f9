"""Answers of the search in an account's posts, and of the hot board."""

from __future__ import annotations

from itertools import islice

import orjson

from deployments.simulator.gates import WEB, is_logged_in
from deployments.simulator.http import App, Handler, Request, Response, json_response
from deployments.simulator.numbers import impr_id, mix
from deployments.simulator.posts import is_closed, renderer
from deployments.simulator.timeline import NEWEST_AT
from deployments.simulator.world import Post

_LOOKED_AT = 2_000
_TOPICS = ("老街的灯会", "今年的第一场雪", "一把椅子修了三代人", "夜市里的手艺人", "县城的书店")


async def search_user_posts(request: Request, app: App) -> Response:
    """Posts of one account that say a word; from the second page on the search_id of the first is asked for."""
    user = app.world.number_of_uid(request.params.get("from_user", ""))
    offset, count = request.number("offset"), min(max(request.number("count", 10), 1), 20)
    if offset and not is_logged_in(request, app.world):
        return json_response({"status_code": 2483, "status_msg": "登录后查看更多搜索结果"})
    word = request.params["keyword"]
    search_id = impr_id(app.world.seed, "search", word)
    if user is None or (offset and request.params.get("search_id") != search_id):
        return json_response({"status_code": 5, "status_msg": "参数不合法"})
    found = [] if is_closed(app, user, request) else _that_say(app, user, word, offset + count + 1)
    render = renderer(app)
    items = [{"item": orjson.Fragment(render.post(post, "favorite"))} for post in found[offset : offset + count]]
    answer = {
        "status_code": 0,
        "aweme_list": items,
        "cursor": offset + len(items),
        "has_more": int(len(found) > offset + count),
        "log_pb": {"impr_id": search_id},
        "global_doodle_config": {"home_text": "", "keyword": word},
    }
    if not items and not offset:
        answer["search_nil_info"] = {"search_nil_type": "hit_shark", "search_nil_item": ""}
    return json_response(answer)


def _that_say(app: App, user: int, word: str, most: int) -> list[Post]:
    # Like the service, it gives up after a while: a rare word in an account of 100,000 posts is not looked for.
    newest = app.world.total(user) - 1
    posts = (app.world.post(user, index) for index in range(newest, max(-1, newest - _LOOKED_AT), -1))
    hits = (post for post in posts if word in (post.caption or "") and app.world.gone_reason(post) is None)
    return list(islice(hits, most))


async def hot_board(_: Request, app: App) -> Response:
    """The fifty topics of the moment."""
    words = [
        {
            "position": position,
            "sentence_id": str(2_000_000 + position),
            "word": f"{_TOPICS[position % len(_TOPICS)]}{position}",
            "video_count": mix(app.world.seed, position) % 50,
            "event_time": NEWEST_AT - position * 600,
            "view_count": mix(app.world.seed, position, 1) % 10**8,
            "hot_value": 12_000_000 - position * 200_000,
            "word_cover": {"uri": "made-up", "url_list": []},
            "label": position % 4,
        }
        for position in range(1, 51)
    ]
    data = {"word_list": words, "trending_list": words[:5], "active_time": str(NEWEST_AT)}
    return json_response({"status_code": 0, "data": data})


ROUTES: dict[tuple[str, str], Handler] = {
    (WEB, "/aweme/v1/web/home/search/item/"): search_user_posts,
    (WEB, "/aweme/v1/web/hot/search/list/"): hot_board,
}
