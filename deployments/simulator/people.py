"""Answers about accounts: a profile, whom it follows and who follows it, and who is asking."""

from __future__ import annotations

from typing import Any

from deployments.simulator.addresses import Asset, avatar_url, decode, encode
from deployments.simulator.gates import WEB, is_logged_in
from deployments.simulator.http import App, Handler, Request, Response, json_response
from deployments.simulator.numbers import digits, impr_id, mix
from deployments.simulator.paging import MOST
from deployments.simulator.posts import hides_likes, is_closed, renderer
from deployments.simulator.rooms import rooms_of
from deployments.simulator.timeline import NEWEST_AT
from deployments.simulator.world import CROWD, Account

_FOLLOWS = 45
_PLACE = ("city", "country", "province", "district", "school_name", "ip_location")
_OF_PROFILES = (
    "gender",
    "user_age",
    "favorite_permission",
    "is_ban",
    "max_follower_count",
    "mix_count",
    "series_count",
)
_UNLISTED = frozenset((*_PLACE, *_OF_PROFILES))
_OF_LISTS = ("signature", "follower_count", "avatar_larger", "birthday_hide_level", "dongtai_count", "forward_count")
_MORE_OF_LISTS = ("is_blocked", "is_series_user", "mplatform_followers_count", "show_favorite_list")
NOT_OF_COMMENTERS = _UNLISTED.union(_OF_LISTS, _MORE_OF_LISTS)  # since 2026


def user_of(app: App, account: Account) -> dict[str, Any]:
    """An account as profiles and lists of people tell it; Douyin leaves out or nulls what it does not know."""
    seed = mix(app.world.seed, account.number, 7)
    face = decode(renderer(app).avatar(account))
    return (
        _names(account)
        | _faces(face)
        | _counts(app, account, seed)
        | _broadcast(app, account)
        | {
            "signature": ""
            if account.number % 5 == 4
            else f"第{account.number}号，做点东西，写点东西\n别问，问就是喜欢",
            "gender": None if seed % 5 == 0 else seed % 3,
            "user_age": -1 if seed % 3 == 0 else 18 + seed % 60,
            "birthday_hide_level": 0,
            "city": "" if seed % 4 == 0 else "杭州",
            "province": "浙江" if seed % 4 else None,
            "country": "中国",
            "district": None,
            "school_name": None,
            "custom_verify": "",
            "enterprise_verify_reason": "一家木工坊" if account.number % 7 == 1 else "",
            "verification_type": 0,
            "secret": int(account.is_private),
            "show_favorite_list": not hides_likes(account.number),
            "favorite_permission": int(hides_likes(account.number)),
            "follow_status": 0,
            "follower_status": 0,
            "cover_url": [{"uri": "made-up", "url_list": [avatar_url(face)], "width": 720, "height": 720}],
            "commerce_user_level": 0,
            "with_commerce_entry": False,
            "is_series_user": False,
            "series_count": 0,
            "user_not_see": 0,
            "user_not_show": 1,
        }
        | dict.fromkeys(("is_ban", "is_block", "is_blocked", "is_star", "is_gov_media_vip", "prevent_download"), False)
        | ({"ip_location": "IP属地：浙江"} if account.number % 6 != 5 else {})
    )


def listed_user_of(app: App, account: Account, unlisted: frozenset[str] = _UNLISTED) -> dict[str, Any]:
    """An account as it stands in a list of people, which tells less of it than its profile."""
    return {name: value for name, value in user_of(app, account).items() if name not in unlisted}


def _names(account: Account) -> dict[str, Any]:
    return {
        "uid": account.uid,
        "sec_uid": account.sec_user_id,
        "nickname": account.nickname,
        "short_id": account.short_id,
        "unique_id": account.unique_id,
    }


def _faces(face: Asset) -> dict[str, Any]:
    sides = {"avatar_larger": 1080, "avatar_medium": 720, "avatar_300x300": 300, "avatar_thumb": 100}
    return {
        name: {"uri": f"aweme-avatar/{encode(face)}", "url_list": [avatar_url(face, side)], "width": 720, "height": 720}
        for name, side in sides.items()
    }


def _counts(app: App, account: Account, seed: int) -> dict[str, Any]:
    followers = seed % 3_000_000
    return {
        "aweme_count": account.post_count,
        "favoriting_count": app.world.likes,
        "follower_count": followers,
        "mplatform_followers_count": followers + seed % 700,
        "max_follower_count": followers + 900,
        "following_count": _FOLLOWS,
        "total_favorited": seed % 90_000_000,
        "mix_count": sum(app.world.episodes(account.number, which) > 0 for which in (0, 1)),
        "dongtai_count": account.post_count,
        "forward_count": 0,
    }


def _broadcast(app: App, account: Account) -> dict[str, Any]:
    room = rooms_of(app).of_owner(account.number, app.clock())
    return {"live_status": int(room is not None), "room_id": int(room.room_id) if room else 0} | (
        {"room_id_str": room.room_id} if room else {}
    )


def extra_of(app: App) -> dict[str, Any]:
    """What ends the answers that say when they were given."""
    now = int(app.clock() * 1000)
    return {"extra": {"fatal_item_ids": [], "logid": impr_id(now), "now": now}, "log_pb": {"impr_id": impr_id(now)}}


async def user_profile(request: Request, app: App) -> Response:
    """One account."""
    number = app.world.number_of(request.params["sec_user_id"])
    if number is None:
        return json_response({"status_code": 2065, "status_msg": "用户不存在"} | extra_of(app))
    account = app.world.account(number)
    if account.is_gone:
        gone = {"uid": "", "sec_uid": account.sec_user_id, "nickname": "", "user_not_see": 1, "user_canceled": True}
        return json_response({"status_code": 0, "status_msg": None, "user": gone} | extra_of(app))
    return json_response({"status_code": 0, "status_msg": None, "user": user_of(app, account)} | extra_of(app))


async def following(request: Request, app: App) -> Response:
    """Whom an account follows."""
    return _follow_answer(request, app, "followings", 0)


async def followers(request: Request, app: App) -> Response:
    """Who follows an account."""
    return _follow_answer(request, app, "followers", 300)


def _follow_answer(request: Request, app: App, key: str, shift: int) -> Response:
    sec_user_id, uid = request.params.get("sec_user_id", ""), request.params.get("user_id", "")
    owner = app.world.number_of(sec_user_id) if sec_user_id else app.world.number_of_uid(uid)
    if owner is None:
        return json_response({"status_code": 5, "status_msg": "参数不合法"})
    if app.world.account(owner).is_gone:
        return json_response({"status_code": 2065, "status_msg": "用户不存在"})
    is_owner = owner == 0 and is_logged_in(request, app.world)
    if not is_owner and (hides_likes(owner) or is_closed(app, owner, request)):
        return json_response({"status_code": 2096, "status_msg": "由于对方隐私设置，无法查看"})
    places = _places(request)
    # One of a full page is left out: answers of 19 to a request for 20 are common.
    listed = [place for place in places if place % MOST != MOST - 1]
    people = [listed_user_of(app, app.world.account(CROWD + (owner * 50 + shift + place) % 700)) for place in listed]
    times = [_followed_at(place) for place in places] or [0]
    answer = {
        "status_code": 0,
        key: people,
        "has_more": places.stop >= 0 if places.step < 0 else places.stop < _FOLLOWS,
        "offset": places.stop if request.params.get("source_type") in ("4", "2") else 0,
        "max_time": max(times),
        "min_time": min(times),
        "total": _FOLLOWS,
        "myself_user_id": app.world.uid(0) if is_logged_in(request, app.world) else "0",
        "store_page": '{"offset":0}',
        "hotsoon_has_more": 0,
        "rec_has_more": False,
        "vcd_count": 1,
    }
    return json_response(answer | extra_of(app))


def _followed_at(place: int) -> int:
    return NEWEST_AT - 86_400 * (place + 1)


def _places(request: Request) -> range:
    """Which places are asked for: mixed ones by offset, the newest or (source_type 3) the oldest first by time."""
    count = min(max(request.number("count", 20), 1), MOST)
    kind, max_time = request.params.get("source_type", "4"), request.number("max_time")
    if kind == "3":
        min_time = request.number("min_time")
        # The place of that time came last; without one, the oldest of all comes first.
        oldest = min(_FOLLOWS, (NEWEST_AT - min_time) // 86_400 - 1) - 1 if min_time else _FOLLOWS - 1
        return range(oldest, max(oldest - count, -1), -1)
    is_mixed = kind in ("4", "2") or not max_time
    start = max(0, request.number("offset") if is_mixed else (NEWEST_AT - max_time) // 86_400)
    return range(min(start, _FOLLOWS), min(start + count, _FOLLOWS))


async def query_user(request: Request, app: App) -> Response:
    """The ids of whoever asks; a guest has one too."""
    is_owner = is_logged_in(request, app.world)
    answer = {
        "id": digits(19, app.world.seed, "visitor"),
        "user_uid": app.world.uid(0) if is_owner else "",
        "user_uid_type": int(is_owner),
        "create_time": str(NEWEST_AT),
        "last_time": str(int(app.clock())),
        "user_agent": request.headers.get("user-agent", ""),
        "browser_name": request.params.get("browser_name", ""),
        "firebase_instance_id": "",
    }
    return json_response(answer)


ROUTES: dict[tuple[str, str], Handler] = {
    (WEB, "/aweme/v1/web/user/profile/other/"): user_profile,
    (WEB, "/aweme/v1/web/user/following/list/"): following,
    (WEB, "/aweme/v1/web/user/follower/list/"): followers,
    (WEB, "/aweme/v1/web/query/user/"): query_user,
}
