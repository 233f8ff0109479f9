"""Requests about live rooms. No I/O here."""

from __future__ import annotations

from schemas.requests.base import BaseRequest, Request


class FollowUserLive(BaseRequest):
    """Live rooms of the accounts that the cookie's owner follows."""

    scene: str = "aweme_pc_follow_top"


class UserLive(Request):
    """A live room by the anchor's lasting number; a table of parameters of its own."""

    aid: str = "6383"
    app_name: str = "douyin_web"
    live_id: int = 1
    device_platform: str = "web"
    language: str = "zh-CN"
    cookie_enabled: str = "true"
    screen_width: int = 1920
    screen_height: int = 1080
    browser_language: str = "zh-CN"
    browser_platform: str = "Win32"
    browser_name: str = "Edge"
    browser_version: str = "130.0.0.0"
    enter_source: str = ""
    is_need_double_stream: str = "false"
    insert_task_id: str = ""
    live_reason: str = ""
    web_rid: str
    room_id_str: str = ""


class UserLive2(Request):
    """A live room by the id of one broadcast; sent without any cookie."""

    verifyFp: str | None = None  # noqa: N815 - the name on the wire
    type_id: int = 0
    live_id: int = 1
    sec_user_id: str = ""
    version_code: str = "99.99.99"
    app_id: int = 1128
    msToken: str | None = None  # noqa: N815 - the name on the wire
    room_id: str
