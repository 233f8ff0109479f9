"""What each operation demands before it answers: methods, signature, ttwid, login. No I/O here."""

from __future__ import annotations

import re
from dataclasses import dataclass
from urllib.parse import unquote

from deployments.simulator.http import Request, Response, empty, json_response
from deployments.simulator.signatures import why_refused
from deployments.simulator.world import World

WEB = "www.douyin.com"
LIVE = "live.douyin.com"
REFLOW = "webcast.amemv.com"
SSO = "sso.douyin.com"
NOT_LOGGED_IN = {"status_code": 8, "status_msg": "用户未登录"}
NOT_ACCEPTED = {"status_code": 5, "status_msg": "参数不合法"}
NO_LOGIN_HERE = {"error_code": 4031, "description": "参数不合法"}
NO_SUCH_ROOM = {"data": {"message": "Request params error", "prompts": "参数错误"}, "status_code": 10011}

_TTWID = re.compile(r"1\|[A-Za-z0-9_-]{43}\|[0-9]{10}\|[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Gate:
    """One operation and what it demands; `keys` are the parameters that it cannot do without."""

    operation: str
    keys: tuple[str, ...] = ()
    is_signed: bool = True
    needs_ttwid: bool = True
    needs_login: bool = False
    methods: tuple[str, ...] = ("GET",)


def _web(path: str, gate: Gate) -> tuple[tuple[str, str], Gate]:
    return (WEB, f"/aweme/v1/web/{path}/"), gate


GATES: dict[tuple[str, str], Gate] = dict(
    [
        _web("user/profile/other", Gate("user_profile", ("sec_user_id",))),
        _web("aweme/post", Gate("user_post", ("sec_user_id",))),
        _web("aweme/favorite", Gate("user_like", ("sec_user_id",))),
        _web("aweme/listcollection", Gate("user_collect", needs_login=True, methods=("GET", "POST"))),
        _web("mix/aweme", Gate("user_mix", ("mix_id",))),
        _web("aweme/detail", Gate("post_detail", ("aweme_id",))),
        _web("comment/list", Gate("post_comment", ("aweme_id",))),
        _web("comment/list/reply", Gate("comment_reply", ("item_id", "comment_id"))),
        _web("tab/feed", Gate("post_feed")),
        _web("follow/feed", Gate("follow_feed", needs_login=True)),
        _web("familiar/feed", Gate("friend_feed", needs_login=True, methods=("GET", "POST"))),
        _web("aweme/related", Gate("post_related", ("aweme_id",))),
        _web("locate/post", Gate("locate_post", ("sec_user_id",))),
        _web("collects/list", Gate("collects_list", needs_login=True)),
        _web("collects/video/list", Gate("collects_posts", ("collects_id",), needs_login=True)),
        _web("music/listcollection", Gate("collected_music", needs_login=True)),
        _web("mix/listcollection", Gate("collected_mixes", needs_login=True)),
        _web("user/following/list", Gate("following")),
        _web("user/follower/list", Gate("followers")),
        _web("home/search/item", Gate("search_user_posts", ("keyword",))),
        # The hot board is asked without any cookie.
        _web("hot/search/list", Gate("hot_board", needs_ttwid=False)),
        _web("query/user", Gate("query_user")),
        ((WEB, "/webcast/web/feed/follow/"), Gate("follow_live", needs_login=True)),
        ((LIVE, "/webcast/room/web/enter/"), Gate("live", is_signed=False)),
        ((REFLOW, "/webcast/room/reflow/info/"), Gate("live_room_id", is_signed=False, needs_ttwid=False)),
        ((SSO, "/get_qrcode/"), Gate("login_qrcode", ("service",), is_signed=False, needs_ttwid=False)),
        ((SSO, "/check_qrconnect/"), Gate("check_qrcode", ("service", "token"), is_signed=False, needs_ttwid=False)),
        ((SSO, "/check_login/"), Gate("check_login", ("service",), is_signed=False, needs_ttwid=False)),
    ]
)


def refusal(gate: Gate, request: Request, world: World, now: float) -> tuple[Response, str] | None:
    """What the request gets instead of an answer, and why (for the log); None where nothing is in its way.

    Douyin tells neither of a bad signature nor of a missing ttwid: both get 200 and nothing.
    """
    if request.method not in gate.methods:
        return Response(405), f"method is not {' or '.join(gate.methods)}"
    if gate.is_signed:
        agent = request.headers.get("user-agent", "")
        why = why_refused(request.query, request.body, request.method, agent, now, strict=world.strict)
        if why:
            return empty(), why
    if gate.needs_ttwid and (why := _why_no_visitor(request)):
        return empty(), why
    if gate.needs_login and not is_logged_in(request, world):
        return json_response(NOT_LOGGED_IN), "no sessionid of this world"
    missing = _missing(gate, request)
    if not missing:
        return None
    refused: dict[str, object] = {**NO_SUCH_ROOM, "extra": {"now": int(now * 1000)}}
    if request.host == SSO:
        refused = {"data": NO_LOGIN_HERE, **NO_LOGIN_HERE, "message": "error"}
    return json_response(NOT_ACCEPTED if request.host == WEB else refused), f"lacks {missing}"


def is_logged_in(request: Request, world: World) -> bool:
    """Whether the cookie carries the session of this world."""
    return request.cookies.get("sessionid") == world.sessionid


def _why_no_visitor(request: Request) -> str | None:
    ttwid = request.cookies.get("ttwid")
    if not ttwid:
        return "no ttwid"
    # Any that was made like one of Douyin's: users bring theirs from a browser, and nobody keeps a list.
    return None if _TTWID.fullmatch(unquote(ttwid)) else "ttwid has a foreign layout"


def _missing(gate: Gate, request: Request) -> str:
    wanted = [key for key in gate.keys if not request.params.get(key)]
    if request.host in (WEB, LIVE, SSO):
        wanted += [key for key in ("device_platform",) if not request.params.get(key)]
        wanted += ["aid=6383"] if request.params.get("aid") != "6383" else []
    elif request.host == REFLOW and request.params.get("app_id") != "1128":
        wanted.append("app_id=1128")
    return ", ".join(wanted)
