"""Answers about posts: an account's own, its likes, one post, the posts of a mix, and where in a list a post is."""

from __future__ import annotations

from typing import Any

import orjson

from deployments.simulator.broken import gone_detail
from deployments.simulator.gates import WEB, is_logged_in
from deployments.simulator.http import App, Handler, Request, Response, empty, json_response
from deployments.simulator.numbers import impr_id
from deployments.simulator.paging import PostPage, clamp, page_of_posts, time_list
from deployments.simulator.render import Renderer
from deployments.simulator.shelves import LIKES, Shelf
from deployments.simulator.world import Post

LISTED = b'"aweme_list":'


def envelope(app: App, posts: bytes, head: dict[str, Any], tail: dict[str, Any] | None = None) -> Response:
    """An answer with a list of posts that are JSON already; every answer has an impr_id of its own."""
    app.state["answers"] = number = app.state.get("answers", 0) + 1
    before = orjson.dumps({"status_code": 0} | head)[:-1]
    after = orjson.dumps({"log_pb": {"impr_id": impr_id(app.world.seed, number)}} | (tail or {}))[1:]
    return json_response(b"".join((before, b",", LISTED, posts, b",", after)))


def renderer(app: App) -> Renderer:
    """Renders for this moment."""
    return Renderer(app.world, int(app.clock()))


async def user_post(request: Request, app: App) -> Response:
    """Posts of an account."""
    user = app.world.number_of(request.params["sec_user_id"])
    cursor, count = request.number("max_cursor"), clamp(request.number("count", 18))
    if user is None or is_closed(app, user, request):
        return _posts_answer(request, app, PostPage([], 0, 0, has_more=False), None)
    page = page_of_posts(app.world, user, cursor, count)
    wall = app.world.login_wall_after_pages
    if wall is None or is_logged_in(request, app.world) or page.number < wall - 1:
        return _posts_answer(request, app, page, user)
    if page.number >= wall:
        return json_response({"status_code": 0})
    return _posts_answer(request, app, page, user, {"not_login_module": {"guide_login_tip_exist": True}})


def _posts_answer(
    request: Request, app: App, page: PostPage, user: int | None, more: dict[str, Any] | None = None
) -> Response:
    cursor = request.number("max_cursor")
    is_first = request.params.get("need_time_list") == "1" and cursor == 0 and user is not None
    head = {"min_cursor": page.min_cursor, "max_cursor": page.max_cursor, "has_more": int(page.has_more)}
    tail = {
        "time_list": time_list(app.world, user) if is_first and user is not None else None,
        "request_item_cursor": cursor,
        "post_serial": 2,
        "replace_series_cover": 1,
    }
    return envelope(app, renderer(app).posts(page.posts), head, tail | (more or {}))


def is_closed(app: App, user: int, request: Request) -> bool:
    """Whether an account is gone, or private and not that of who asks."""
    account = app.world.account(user)
    is_owner = user == 0 and is_logged_in(request, app.world)
    return account.is_gone or (account.is_private and not is_owner)


def hidden_reason(app: App, post: Post, request: Request) -> str | None:
    """Why who asks does not see a post, in Douyin's word; None where it is seen."""
    # A private account shows its posts to the followers that it accepted, and no visitor is one.
    return app.world.gone_reason(post) or ("status_part_see" if is_closed(app, post.user, request) else None)


async def user_like(request: Request, app: App) -> Response:
    """What an account liked; private lists are a body of no bytes for everyone but the owner."""
    user = app.world.number_of(request.params["sec_user_id"])
    if user is None:
        return envelope(app, b"[]", {"has_more": 0, "max_cursor": 0})
    is_owner = user == 0 and is_logged_in(request, app.world)
    if not is_owner and (hides_likes(user) or is_closed(app, user, request)):
        return empty()
    shelf = Shelf(app.world, LIKES, user, app.world.likes)
    return shelf_answer(request, app, shelf, "max_cursor")


def hides_likes(user: int) -> bool:
    """Whether an account keeps its likes to itself."""
    return user % 3 == 2


def shelf_answer(request: Request, app: App, shelf: Shelf, cursor_name: str, *, cursor: int | None = None) -> Response:
    """A page of a shelf by its time cursor."""
    asked = request.number(cursor_name) if cursor is None else cursor
    start = shelf.first_before(asked)
    stop = min(shelf.total, start + clamp(request.number("count", 18)))
    head = {"has_more": int(stop < shelf.total), cursor_name: shelf.time_of(stop - 1) if stop else 0}
    return envelope(app, renderer(app).posts(shelf.visible(range(start, stop)), "favorite"), head)


async def post_detail(request: Request, app: App) -> Response:
    """One post, or why it is not to be had."""
    aweme_id = request.params["aweme_id"]
    post = app.world.find(aweme_id)
    if post is None:
        return json_response({"status_code": 2053, "status_msg": "作品不存在", "aweme_detail": None})
    reason = hidden_reason(app, post, request)
    if reason is not None:
        return json_response(gone_detail(aweme_id, reason))
    body = renderer(app).post(post, "detail")
    log = orjson.dumps({"impr_id": impr_id(app.world.seed, aweme_id)})
    return json_response(b'{"aweme_detail":' + body + b',"log_pb":' + log + b',"status_code":0}')


async def user_mix(request: Request, app: App) -> Response:
    """The posts of a mix, by episode."""
    place = app.world.mix_place(request.params["mix_id"])
    if place is None or is_closed(app, place[0], request):
        return envelope(app, b"[]", {"cursor": 0, "has_more": 0})
    total, start = app.world.episodes(*place), max(0, request.number("cursor"))
    stop = min(total, start + clamp(request.number("count", 20)))
    posts = [app.world.episode(*place, number) for number in range(start + 1, stop + 1)]
    there = [post for post in posts if app.world.is_shown("mix", post)]
    head = {"cursor": max(start, stop), "has_more": int(stop < total)}
    return envelope(app, renderer(app).posts(there), head)


async def locate_post(request: Request, app: App) -> Response:
    """The page of an account's posts on which a given post is."""
    user = app.world.number_of(request.params["sec_user_id"])
    post = app.world.find(request.params.get("locate_item_id", ""))
    if user is None or post is None or post.user != user or is_closed(app, user, request):
        return envelope(app, b"[]", {"has_more": 0, "max_cursor": 0, "min_cursor": 0, "has_locate_item": False})
    page = page_of_posts(app.world, user, post.created_at * 1000 + 1000, clamp(request.number("count", 10)))
    if not page.posts:
        page = page_of_posts(app.world, user, page.max_cursor, clamp(request.number("count", 10)))
    head = {"min_cursor": page.min_cursor, "max_cursor": page.max_cursor, "has_more": int(page.has_more)}
    located = {
        "forward_has_more": int(post.index < app.world.total(user) - 1),
        "has_locate_item": True,
        "locate_item_available": app.world.gone_reason(post) is None,
        "locate_item_cursor": post.created_at * 1000,
        "locate_from": 1,
    }
    return envelope(app, renderer(app).posts(page.posts), head, located)


ROUTES: dict[tuple[str, str], Handler] = {
    (WEB, "/aweme/v1/web/aweme/post/"): user_post,
    (WEB, "/aweme/v1/web/aweme/favorite/"): user_like,
    (WEB, "/aweme/v1/web/aweme/detail/"): post_detail,
    (WEB, "/aweme/v1/web/mix/aweme/"): user_mix,
    (WEB, "/aweme/v1/web/locate/post/"): locate_post,
}
