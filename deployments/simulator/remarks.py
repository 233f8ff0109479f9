"""Answers about comments and their replies. No I/O here."""

from __future__ import annotations

from typing import Any

from deployments.simulator.captions import comment_text
from deployments.simulator.gates import WEB
from deployments.simulator.http import App, Handler, Request, Response, json_response
from deployments.simulator.numbers import mix
from deployments.simulator.people import NOT_OF_COMMENTERS, extra_of, listed_user_of
from deployments.simulator.posts import hidden_reason, renderer
from deployments.simulator.shelves import FEED, Shelf
from deployments.simulator.world import CROWD, Post

_PLACES = ("浙江", "湖南", "上海", "广东", "四川", "北京")
_MOST = 50


def comment_total(app: App, post: Post) -> int:
    """How many comments of the top level a post has: 5 to 64."""
    return 5 + mix(app.world.seed, post.user, post.index, 20) % 60


def _reply_total(app: App, post: Post, place: int) -> int:
    return mix(app.world.seed, post.user, post.index, place, 21) % 8


def _comment_id(post: Post, place: int, reply: int = 0) -> str:
    # Which comment of its post it is stands in the lower bits, so that its replies can be asked for by id.
    return str(post.created_at + 60 * (place + 1) + reply << 32 | (post.index & 0xFFFF) << 16 | place << 4 | reply)


def _comment(app: App, post: Post, place: int, reply: int = 0) -> dict[str, Any]:
    number = mix(app.world.seed, post.user, post.index, place, reply, 22)
    author = app.world.account(CROWD + number % 700)
    text = comment_text(number >> 8)
    comment = {
        "cid": _comment_id(post, place, reply),
        "text": text,
        "aweme_id": post.aweme_id,
        "create_time": post.created_at + 60 * (place + 1) + reply,
        "digg_count": number % 3_000,
        "status": 1,
        "user": listed_user_of(app, author, NOT_OF_COMMENTERS),
        "reply_id": "0" if reply == 0 else _comment_id(post, place),
        "user_digged": 0,
        "label_text": "",
        "label_type": -1,
        "is_author_digged": number % 9 == 0,
        "user_buried": False,
        "text_extra": [],
    }
    return comment | (_reply(post, place, reply) if reply else _top(app, post, place, text))


def _top(app: App, post: Post, place: int, text: str) -> dict[str, Any]:
    picture = _picture(app, place) if not text else None
    return {
        "reply_to_reply_id": "0",
        "reply_comment_total": _reply_total(app, post, place),
        "reply_comment": None,
        "stick_position": int(place == 0),
        "ip_label": _PLACES[place % len(_PLACES)],
        "label_list": None,
        "level": 1,
        "content_type": 2 if picture else 1,
        "image_list": picture,
        "is_hot": place < 3,
        "is_folded": False,
        "item_comment_total": comment_total(app, post),
        "can_share": True,
    }


def _reply(post: Post, place: int, reply: int) -> dict[str, Any]:
    # From the third on, replies answer the reply before them.
    to = _comment_id(post, place, reply - 1) if reply > 2 else "0"
    return {"reply_to_reply_id": to, "root_comment_id": _comment_id(post, place), "level": 2}


def _picture(app: App, place: int) -> list[dict[str, Any]]:
    cover = renderer(app).picture(Shelf(app.world, FEED, 2, 1000).post(place % 1000))
    holder = {"uri": "made-up", "url_list": [cover], "width": 720, "height": 720}
    return [dict.fromkeys(("origin_url", "medium_url", "thumb_url", "crop_url", "download_url"), holder)]


async def post_comment(request: Request, app: App) -> Response:
    """The comments of a post; one of a full page is filtered out though the cursor counts it."""
    post = app.world.find(request.params["aweme_id"])
    if post is None or hidden_reason(app, post, request) is not None:
        return json_response(_answer(app, None, 0, 0, total=0))
    total = comment_total(app, post)
    start, stop = _span(request, total)
    listed = [_comment(app, post, place) for place in range(start, stop) if place % 20 != 7]
    more = {"reply_style": 2, "user_commented": 0, "fast_response_comment": {}, "comment_config": {}}
    return json_response(_answer(app, listed, stop, int(stop < total), total=total) | more)


async def comment_reply(request: Request, app: App) -> Response:
    """The replies to a comment."""
    post = app.world.find(request.params["item_id"])
    asked = request.number("comment_id")
    place = asked >> 4 & 0xFFF
    if post is None or hidden_reason(app, post, request) is not None:
        return json_response(_answer(app, None, 0, 0, total=0))
    if _comment_id(post, place) != str(asked) or place >= comment_total(app, post):
        return json_response(_answer(app, None, 0, 0, total=0))
    total = _reply_total(app, post, place)
    start, stop = _span(request, total, usual=3)
    replies = [_comment(app, post, place, reply) for reply in range(start + 1, stop + 1)]
    return json_response(_answer(app, replies, stop, int(stop < total), total=total))


def _span(request: Request, total: int, usual: int = 20) -> tuple[int, int]:
    count = request.number("count", usual)
    start = min(max(request.number("cursor"), 0), total)
    return start, min(total, start + min(max(count, 1), _MOST))


def _answer(
    app: App, comments: list[dict[str, Any]] | None, cursor: int, has_more: int, *, total: int
) -> dict[str, Any]:
    return {
        "status_code": 0,
        "comments": comments,
        "cursor": cursor,
        "has_more": has_more,
        "total": total,
    } | extra_of(app)


ROUTES: dict[tuple[str, str], Handler] = {
    (WEB, "/aweme/v1/web/comment/list/"): post_comment,
    (WEB, "/aweme/v1/web/comment/list/reply/"): comment_reply,
}
