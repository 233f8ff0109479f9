"""Douyin's web API as a table of values: where each operation is asked, what it needs, and how its answers page.

No I/O here.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from pipelines.errors import BadInput

WEB = "www.douyin.com"
LIVE = "live.douyin.com"
REFLOW = "webcast.amemv.com"
SSO = "sso.douyin.com"

SITE = "https://www.douyin.com/?recommend=1"
OWN_COLLECTION = "https://www.douyin.com/user/self?showTab=favorite_collection"

Path = tuple[str, ...]


class Order(StrEnum):
    """How a listing is read on: what its cursor means and how it ends."""

    TIME = "time"  # newest first, the cursor is a time that falls: covered stretches can be kept
    PLACE = "place"  # the cursor is a place, or opaque: read to the end
    FEED = "feed"  # never ends, different on each call


class Cursor(StrEnum):
    """Where an answer says how to go on."""

    NONE = "none"  # one answer, no further page
    MAX_CURSOR = "max_cursor"
    CURSOR = "cursor"
    LEVEL = "level"  # "cursor,level"
    FRIENDS = "friends"  # the same; pull_type and refresh_type repeat the level
    REFRESH = "refresh"  # counted up by the asker
    SHOWN = "shown"  # the ids shown so far, each followed by a comma
    OFFSET_TIME = "offset_time"  # "offset,max_time": the answer's offset, and its min_time
    SEARCH = "search"  # "offset,search_id": the answer's cursor, and its log_pb.impr_id


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One operation of Douyin's web service.

    `items` is where the answer's list stands, `item` where the thing is within an entry, `ids` the names that its id
    may have there; `subject` is where the one thing of an answer without a list stands. `has_wall`: a bare answer
    without its list means that Douyin wants a login. `is_never_empty`: a list that shows nothing is gone, or hidden.
    `body_fields` are parameters that a POST repeats in a JSON body;
    None where it has no body. `referer` may hold {target}.
    """

    name: str
    path: str
    host: str = WEB
    method: str = "GET"
    items: Path = ()
    item: Path = ()
    ids: Path = ("aweme_id",)
    subject: Path = ()
    cursor: Cursor = Cursor.NONE
    listing: str | None = None
    order: Order = Order.PLACE
    units_per_second: int = 1000
    target_field: str | None = None
    needs_login: bool = False
    needs_ttwid: bool = True
    anonymous: bool = False
    signed: bool = True
    has_wall: bool = False
    is_never_empty: bool = False
    body_fields: Path | None = None
    referer: str = SITE

    @property
    def url(self) -> str:
        """The address without a query."""
        return f"https://{self.host}{self.path}"

    @property
    def is_listing(self) -> bool:
        """Whether its answers are pages of a list."""
        return self.cursor is not Cursor.NONE

    def referer_for(self, target: str) -> str:
        """The Referer that a browser would send."""
        return self.referer.replace("{target}", quote(target, safe="-_.~"))


_AWEMES: Path = ("aweme_list",)
_PEOPLE: Path = ("sec_uid", "uid")

_TABLE = (
    Endpoint(
        "user_profile", "/aweme/v1/web/user/profile/other/", subject=("user",), ids=_PEOPLE, target_field="sec_user_id"
    ),
    Endpoint(
        "user_post",
        "/aweme/v1/web/aweme/post/",
        items=_AWEMES,
        cursor=Cursor.MAX_CURSOR,
        listing="post",
        order=Order.TIME,
        target_field="sec_user_id",
        has_wall=True,
        referer="https://www.douyin.com/user/{target}",
    ),
    Endpoint(
        "user_like",
        "/aweme/v1/web/aweme/favorite/",
        items=_AWEMES,
        cursor=Cursor.MAX_CURSOR,
        listing="like",
        order=Order.TIME,
        target_field="sec_user_id",
        has_wall=True,
        referer="https://www.douyin.com/user/{target}?showTab=like",
    ),
    Endpoint(
        "user_collect",
        "/aweme/v1/web/aweme/listcollection/",
        method="POST",
        items=_AWEMES,
        cursor=Cursor.CURSOR,
        listing="collect",
        order=Order.TIME,
        units_per_second=1_000_000,
        needs_login=True,
        has_wall=True,
        body_fields=("cursor", "count"),
        referer=OWN_COLLECTION,
    ),
    Endpoint(
        "user_mix",
        "/aweme/v1/web/mix/aweme/",
        items=_AWEMES,
        cursor=Cursor.CURSOR,
        listing="mix",
        target_field="mix_id",
        is_never_empty=True,
    ),
    Endpoint("post_detail", "/aweme/v1/web/aweme/detail/", subject=("aweme_detail",), target_field="aweme_id"),
    Endpoint(
        "post_comment",
        "/aweme/v1/web/comment/list/",
        items=("comments",),
        ids=("cid",),
        cursor=Cursor.CURSOR,
        target_field="aweme_id",
    ),
    Endpoint(
        "comment_reply",
        "/aweme/v1/web/comment/list/reply/",
        items=("comments",),
        ids=("cid",),
        cursor=Cursor.CURSOR,
        target_field="comment_id",
    ),
    Endpoint(
        "post_feed", "/aweme/v1/web/tab/feed/", items=_AWEMES, cursor=Cursor.REFRESH, listing="feed", order=Order.FEED
    ),
    Endpoint(
        "follow_feed",
        "/aweme/v1/web/follow/feed/",
        items=("data",),
        item=("aweme",),
        cursor=Cursor.LEVEL,
        listing="follow_feed",
        needs_login=True,
        has_wall=True,
    ),
    Endpoint(
        "friend_feed",
        "/aweme/v1/web/familiar/feed/",
        method="POST",
        items=("data",),
        item=("aweme",),
        cursor=Cursor.FRIENDS,
        listing="friend_feed",
        needs_login=True,
        has_wall=True,
        body_fields=(),
    ),
    Endpoint(
        "post_related",
        "/aweme/v1/web/aweme/related/",
        items=_AWEMES,
        cursor=Cursor.SHOWN,
        listing="related",
        target_field="aweme_id",
    ),
    Endpoint(
        "live",
        "/webcast/room/web/enter/",
        host=LIVE,
        subject=("data",),
        items=("data", "data"),
        ids=("id_str",),
        target_field="web_rid",
        referer="https://live.douyin.com/",
    ),
    Endpoint(
        "live_room_id",
        "/webcast/room/reflow/info/",
        host=REFLOW,
        subject=("data", "room"),
        ids=("id_str", "id"),
        target_field="room_id",
        needs_ttwid=False,
        anonymous=True,
    ),
    Endpoint(
        "follow_live",
        "/webcast/web/feed/follow/",
        subject=("data",),
        items=("data", "data"),
        ids=("web_rid",),
        needs_login=True,
        has_wall=True,
    ),
    Endpoint(
        "locate_post",
        "/aweme/v1/web/locate/post/",
        items=_AWEMES,
        cursor=Cursor.MAX_CURSOR,
        target_field="sec_user_id",
        has_wall=True,
        referer="https://www.douyin.com/user/{target}",
    ),
    Endpoint("login_qrcode", "/get_qrcode/", host=SSO, needs_ttwid=False),
    Endpoint("check_qrcode", "/check_qrconnect/", host=SSO, needs_ttwid=False),
    Endpoint("check_login", "/check_login/", host=SSO, needs_ttwid=False),
    Endpoint(
        "collects_list",
        "/aweme/v1/web/collects/list/",
        items=("collects_list",),
        ids=("collects_id_str", "collects_id"),
        cursor=Cursor.CURSOR,
        needs_login=True,
        has_wall=True,
        referer=OWN_COLLECTION,
    ),
    Endpoint(
        "collects_posts",
        "/aweme/v1/web/collects/video/list/",
        items=_AWEMES,
        cursor=Cursor.CURSOR,
        listing="collects",
        target_field="collects_id",
        needs_login=True,
        has_wall=True,
        referer=OWN_COLLECTION,
    ),
    Endpoint(
        "collected_music",
        "/aweme/v1/web/music/listcollection/",
        items=("mc_list",),
        ids=("id_str", "mid", "id"),
        cursor=Cursor.CURSOR,
        needs_login=True,
        has_wall=True,
        referer=OWN_COLLECTION,
    ),
    Endpoint(
        "collected_mixes",
        "/aweme/v1/web/mix/listcollection/",
        items=("mix_infos",),
        ids=("mix_id",),
        cursor=Cursor.CURSOR,
        needs_login=True,
        has_wall=True,
        referer=OWN_COLLECTION,
    ),
    Endpoint(
        "following",
        "/aweme/v1/web/user/following/list/",
        items=("followings",),
        ids=_PEOPLE,
        cursor=Cursor.OFFSET_TIME,
        target_field="sec_user_id",
        has_wall=True,
        referer="https://www.douyin.com/user/{target}",
    ),
    Endpoint(
        "followers",
        "/aweme/v1/web/user/follower/list/",
        items=("followers",),
        ids=_PEOPLE,
        cursor=Cursor.OFFSET_TIME,
        target_field="sec_user_id",
        has_wall=True,
        referer="https://www.douyin.com/user/{target}",
    ),
    Endpoint(
        "search_user_posts",
        "/aweme/v1/web/home/search/item/",
        items=_AWEMES,
        item=("item",),
        cursor=Cursor.SEARCH,
        listing="search",
        has_wall=True,
        referer="https://www.douyin.com/user/{target}",
    ),
    Endpoint("query_user", "/aweme/v1/web/query/user/"),
    Endpoint(
        "hot_board",
        "/aweme/v1/web/hot/search/list/",
        subject=("data",),
        items=("data", "word_list"),
        ids=("sentence_id", "word"),
        needs_ttwid=False,
        anonymous=True,
        referer="https://www.douyin.com/discover",
    ),
)

ENDPOINTS: dict[str, Endpoint] = {endpoint.name: endpoint for endpoint in _TABLE}

OF_LISTING: dict[str, Endpoint] = {endpoint.listing: endpoint for endpoint in _TABLE if endpoint.listing}
"""The operation that reads a listing: OF_LISTING["post"].name is "user_post"."""


def endpoint_of(operation: str) -> Endpoint:
    """The endpoint of an operation's name; BadInput for an unknown one."""
    try:
        return ENDPOINTS[operation]
    except KeyError:
        raise BadInput(f"no operation {operation!r}; choose from {', '.join(ENDPOINTS)}") from None
