"""An operation, whom it is about and where to go on -> the request model to send. No I/O here."""

from __future__ import annotations

from typing import Any

from pipelines.errors import BadInput
from pipelines.extract.endpoints import Cursor, Endpoint, endpoint_of
from schemas import requests as r

MODELS = {
    "user_profile": "UserProfile",
    "user_post": "UserPost",
    "user_like": "UserLike",
    "user_collect": "UserCollect",
    "user_mix": "UserMix",
    "post_detail": "PostDetail",
    "post_comment": "PostComment",
    "comment_reply": "PostCommentReply",
    "post_feed": "PostFeed",
    "follow_feed": "FollowFeed",
    "friend_feed": "FriendFeed",
    "post_related": "PostRelated",
    "live": "UserLive",
    "live_room_id": "UserLive2",
    "follow_live": "FollowUserLive",
    "locate_post": "PostLocate",
    "login_qrcode": "LoginGetQr",
    "check_qrcode": "LoginCheckQr",
    "check_login": "LoginCheckLogin",
    "collects_list": "UserCollects",
    "collects_posts": "UserCollectsVideo",
    "collected_music": "UserMusicCollection",
    "collected_mixes": "UserMixCollection",
    "following": "UserFollowing",
    "followers": "UserFollower",
    "search_user_posts": "HomePostSearch",
    "hot_board": "HotBoard",
    "query_user": "QueryUser",
}


def model_of(operation: str) -> type[r.Request]:
    """The request model of an operation."""
    model: type[r.Request] = getattr(r, MODELS[operation])
    return model


def question(
    operation: str, target: str, *, cursor: str | None = None, count: int | None = None, **params: Any
) -> r.Request:
    """The request of an operation about a target, going on at a cursor of an earlier Page (None: from the start).

    `params` are further fields of the model (a comment_reply needs item_id, a search keyword and from_user).
    Raises BadInput where the cursor is none of this operation's, or a field is missing.
    """
    endpoint = endpoint_of(operation)
    model = model_of(operation)
    values: dict[str, Any] = dict(params)
    if endpoint.target_field:
        values[endpoint.target_field] = target
    if operation in ("following", "followers"):
        values.setdefault("source_type", 1)  # newest first: the one order that max_time can page
    if count is not None and "count" in model.model_fields:
        values["count"] = count
    try:
        values |= _place(endpoint, target, cursor)
        return model(**values)
    except ValueError as error:
        raise BadInput(f"{operation} cannot be asked like this: {error}") from error


def _place(endpoint: Endpoint, target: str, cursor: str | None) -> dict[str, Any]:
    if endpoint.cursor is Cursor.SHOWN:
        return {"filterGids": cursor or f"{target},"}
    if not cursor or endpoint.cursor is Cursor.NONE:
        return {}
    first, _, second = cursor.partition(",")
    if endpoint.cursor is Cursor.SEARCH:
        return {"offset": int(first), "search_id": second}
    number, further = int(first), int(second or 0)
    places: dict[Cursor, dict[str, Any]] = {
        Cursor.MAX_CURSOR: {"max_cursor": number},
        Cursor.CURSOR: {"cursor": number},
        Cursor.REFRESH: {"refresh_index": number},
        Cursor.LEVEL: {"cursor": number, "level": further},
        Cursor.FRIENDS: {"cursor": number, "level": further, "pull_type": further, "refresh_type": further},
        Cursor.OFFSET_TIME: {"offset": number, "max_time": further},
    }
    return places[endpoint.cursor]
