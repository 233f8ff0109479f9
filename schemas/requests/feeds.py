"""Requests about what Douyin puts together: feeds and the hot board. No I/O here."""

from __future__ import annotations

from typing import Any

from pydantic import field_validator

from schemas.requests.base import BaseRequest, as_text


class PostFeed(BaseRequest):
    """The recommended feed; different on each call, counted by `refresh_index`."""

    count: int = 10
    tag_id: str = ""
    share_aweme_id: str = ""
    live_insert_type: str = ""
    refresh_index: int = 1
    video_type_select: int = 1
    aweme_pc_rec_raw_data: str = '{"is_client":"false"}'
    globalwid: str = ""
    pull_type: str = ""
    min_window: str = ""
    free_right: str = ""
    ug_source: str = ""
    creative_id: str = ""

    @field_validator("aweme_pc_rec_raw_data", mode="before")
    @classmethod
    def _as_json(cls, value: Any) -> Any:
        return as_text(value) if isinstance(value, dict) else value


class FollowFeed(BaseRequest):
    """Posts of the accounts that the cookie's owner follows."""

    cursor: int = 0
    level: int = 1
    count: int = 20
    pull_type: str = ""


class FriendFeed(BaseRequest):
    """Posts of the cookie's owner's friends; the next page repeats `level` in pull_type and refresh_type."""

    cursor: int = 0
    level: int = 1
    aweme_ids: str = ""
    room_ids: str = ""
    pull_type: int = 0
    refresh_type: int = 0
    address_book_access: int = 2
    gps_access: int = 2
    recent_gids: str = ""


class HotBoard(BaseRequest):
    """The hot board (热榜); sent without any cookie."""

    detail_list: int = 1
    source: int = 6
    board_type: int = 0
    board_sub_type: str = ""
