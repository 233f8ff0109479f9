"""The query parameters of every endpoint, in the order in which they stand on the wire. No I/O here.

`msToken`, `verifyFp` and `fp` are filled in by the crawler where they are None. A model is imported when it is asked
for: a run sends two or three of some thirty, and to make each takes more than a thousandth of a second.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from schemas.requests.base import BaseRequest, Request, as_text

if TYPE_CHECKING:
    from schemas.requests.accounts import HomePostSearch, PostLocate, UserLike, UserPost, UserProfile
    from schemas.requests.feeds import FollowFeed, FriendFeed, HotBoard, PostFeed
    from schemas.requests.logins import LoginCheckLogin, LoginCheckQr, LoginGetQr
    from schemas.requests.own import (
        UserCollect,
        UserCollects,
        UserCollectsVideo,
        UserMixCollection,
        UserMusicCollection,
    )
    from schemas.requests.people import QueryUser, UserFollower, UserFollowing
    from schemas.requests.posts import PostComment, PostCommentReply, PostDetail, PostRelated, UserMix
    from schemas.requests.rooms import FollowUserLive, UserLive, UserLive2

_WHERE = {
    "accounts": ("UserProfile", "UserPost", "UserLike", "PostLocate", "HomePostSearch"),
    "people": ("UserFollowing", "UserFollower", "QueryUser"),
    "posts": ("PostDetail", "PostComment", "PostCommentReply", "PostRelated", "UserMix"),
    "feeds": ("PostFeed", "FollowFeed", "FriendFeed", "HotBoard"),
    "own": ("UserCollect", "UserCollects", "UserCollectsVideo", "UserMusicCollection", "UserMixCollection"),
    "rooms": ("FollowUserLive", "UserLive", "UserLive2"),
    "logins": ("LoginGetQr", "LoginCheckQr", "LoginCheckLogin"),
}

__all__ = [
    "BaseRequest",
    "FollowFeed",
    "FollowUserLive",
    "FriendFeed",
    "HomePostSearch",
    "HotBoard",
    "LoginCheckLogin",
    "LoginCheckQr",
    "LoginGetQr",
    "PostComment",
    "PostCommentReply",
    "PostDetail",
    "PostFeed",
    "PostLocate",
    "PostRelated",
    "QueryUser",
    "Request",
    "UserCollect",
    "UserCollects",
    "UserCollectsVideo",
    "UserFollower",
    "UserFollowing",
    "UserLike",
    "UserLive",
    "UserLive2",
    "UserMix",
    "UserMixCollection",
    "UserMusicCollection",
    "UserPost",
    "UserProfile",
    "as_text",
]


def __getattr__(name: str) -> Any:
    """A model, from the module that has it."""
    for module, names in _WHERE.items():
        if name in names:
            return getattr(import_module(f"schemas.requests.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Every model, also before it was asked for."""
    return sorted({*globals(), *__all__})
