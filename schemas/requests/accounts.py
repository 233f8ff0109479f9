"""Requests about an account and what it shows. No I/O here."""

from __future__ import annotations

from schemas.requests.base import BaseRequest


class UserProfile(BaseRequest):
    """Profile of an account."""

    sec_user_id: str


class UserPost(BaseRequest):
    """A page of an account's posts; `max_cursor` in ms of publish time, 0 for the newest."""

    max_cursor: int = 0
    count: int = 20
    sec_user_id: str


class UserLike(BaseRequest):
    """A page of the posts that an account likes; `max_cursor` in ms of the time of liking."""

    max_cursor: int = 0
    count: int = 20
    sec_user_id: str


class PostLocate(BaseRequest):
    """The page of an account's posts that shows a certain post."""

    sec_user_id: str
    max_cursor: str
    locate_item_id: str = ""
    locate_item_cursor: str
    locate_query: str = "true"
    count: int = 10


class HomePostSearch(BaseRequest):
    """A page of the search in one account's posts; `from_user` is the account's uid."""

    search_channel: str = "aweme_personal_home_video"
    search_source: str = "normal_search"
    search_scene: str = "douyin_search"
    sort_type: int = 0
    publish_time: int = 0
    is_filter_search: int = 0
    query_correct_type: int = 1
    keyword: str
    enable_history: int = 1
    search_id: str = ""
    offset: int = 0
    count: int = 10
    from_user: str
