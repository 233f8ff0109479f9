"""The query parameters of every endpoint, in the order in which they stand on the wire. No I/O here.

`msToken`, `verifyFp` and `fp` are filled in by the crawler where they are None.
"""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict, field_validator


class Request(BaseModel):
    """Parameters of one request; field order is the order on the wire, values are sent as text."""

    # Built when first used: a run uses two or three of fifty, and all of them together take a tenth of a second.
    model_config = ConfigDict(coerce_numbers_to_str=True, extra="forbid", validate_assignment=True, defer_build=True)

    def wire(self) -> dict[str, str]:
        """Names and values as they are sent, not yet percent-encoded; None becomes an empty value."""
        return {name: as_text(value) for name, value in self.model_dump().items()}


def as_text(value: Any) -> str:
    """A value as Douyin's web page writes it into a query."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return str(value)


class BaseRequest(Request):
    """What nearly every call to www.douyin.com carries: the browser that is said to ask."""

    device_platform: str = "webapp"
    aid: str = "6383"
    channel: str = "channel_pc_web"
    pc_client_type: int = 1
    publish_video_strategy_type: int = 2
    pc_libra_divert: str = "Windows"
    version_code: str = "290100"
    version_name: str = "29.1.0"
    cookie_enabled: str = "true"
    screen_width: int = 1920
    screen_height: int = 1080
    browser_language: str = "zh-CN"
    browser_platform: str = "Win32"
    browser_name: str = "Edge"
    browser_version: str = "130.0.0.0"
    browser_online: str = "true"
    engine_name: str = "Blink"
    engine_version: str = "130.0.0.0"
    os_name: str = "Windows"
    os_version: str = "10"
    cpu_core_num: int = 12
    device_memory: int = 8
    platform: str = "PC"
    downlink: int = 10
    effective_type: str = "4g"
    round_trip_time: int = 100
    msToken: str | None = None  # noqa: N815 - the name on the wire


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


class UserCollect(BaseRequest):
    """A page of what the cookie's owner has collected; `cursor` in µs."""

    cursor: int = 0
    count: int = 20


class UserMix(BaseRequest):
    """A page of a mix, by episode; `cursor` is a place."""

    cursor: int = 0
    count: int = 20
    mix_id: str


class PostDetail(BaseRequest):
    """One post."""

    aweme_id: str


class PostComment(BaseRequest):
    """A page of the comments on a post; `cursor` is a place."""

    aweme_id: str
    cursor: int = 0
    count: int = 20
    item_type: int = 0
    insert_ids: str = ""
    whale_cut_token: str = ""
    cut_version: int = 1
    rcFT: str = ""  # noqa: N815 - the name on the wire


class PostCommentReply(BaseRequest):
    """A page of the replies to a comment; `item_id` is the post's id."""

    item_id: str
    comment_id: str
    cursor: int = 0
    count: int = 20
    item_type: int = 0
    cut_version: int = 1


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


class PostRelated(BaseRequest):
    """Posts related to a post; `filterGids` are the ids already shown, each followed by a comma."""

    aweme_id: str
    count: int = 20
    filterGids: str = ""  # noqa: N815 - the name on the wire
    awemePcRecRawData: str = '{"is_client":"false"}'  # noqa: N815 - the name on the wire
    sub_channel_id: int = 3

    @field_validator("awemePcRecRawData", mode="before")
    @classmethod
    def _as_json(cls, value: Any) -> Any:
        return as_text(value) if isinstance(value, dict) else value


class PostLocate(BaseRequest):
    """The page of an account's posts that shows a certain post."""

    sec_user_id: str
    max_cursor: str
    locate_item_id: str = ""
    locate_item_cursor: str
    locate_query: str = "true"
    count: int = 10


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


class LoginGetQr(Request):
    """A new QR code for a login."""

    service: str = "https://www.douyin.com"
    need_logo: str = "false"
    need_short_url: str = "true"
    device_platform: str = "web_app"
    aid: int = 6383
    account_sdk_source: str = "sso"
    sdk_version: str = "2.2.7-beta.6"
    language: str = "zh"
    verifyFp: str | None = None  # noqa: N815 - the name on the wire
    fp: str | None = None


class LoginCheckQr(Request):
    """Whether a QR code was scanned; `token` names the code."""

    service: str = "https://www.douyin.com"
    need_logo: str = "false"
    need_short_url: str = "true"
    device_platform: str = "web_app"
    aid: int = 6383
    account_sdk_source: str = "sso"
    sdk_version: str = "2.2.7-beta.6"
    language: str = "zh"
    token: str
    verifyFp: str | None = None  # noqa: N815 - the name on the wire
    fp: str | None = None


class LoginCheckLogin(LoginCheckQr):
    """Whether the login of a QR code holds."""


class UserCollects(BaseRequest):
    """A page of the folders (收藏夹) of the cookie's owner."""

    cursor: int = 0
    count: int = 20


class UserCollectsVideo(BaseRequest):
    """A page of one folder."""

    cursor: int = 0
    count: int = 20
    collects_id: str


class UserMusicCollection(BaseRequest):
    """A page of the sounds that the cookie's owner has collected."""

    cursor: int = 0
    count: int = 20


class UserMixCollection(BaseRequest):
    """A page of the mixes that the cookie's owner has collected."""

    cursor: int = 0
    count: int = 12


class UserFollowing(BaseRequest):
    """A page of the accounts that an account follows; `source_type` 1 newest first, 3 oldest first, 4 mixed."""

    user_id: str = ""
    sec_user_id: str = ""
    offset: int = 0
    min_time: int = 0
    max_time: int = 0
    count: int = 20
    source_type: int = 4
    gps_access: int = 0
    address_book_access: int = 0
    is_top: int = 1


class UserFollower(BaseRequest):
    """A page of an account's followers; `source_type` 1 newest first, 2 mixed."""

    user_id: str = ""
    sec_user_id: str
    offset: int = 0
    min_time: int = 0
    max_time: int = 0
    count: int = 20
    source_type: int = 1
    gps_access: int = 0
    address_book_access: int = 0
    is_top: int = 1


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


class QueryUser(BaseRequest):
    """Whose cookie it is; a guest has an id too."""

    update_version_code: str = "170400"


class HotBoard(BaseRequest):
    """The hot board (热榜); sent without any cookie."""

    detail_list: int = 1
    source: int = 6
    board_type: int = 0
    board_sub_type: str = ""
