"""What Douyin says about a live room, in the shapes of web/enter, reflow/info and the follow feed. No I/O here."""

from __future__ import annotations

from typing import Any

from deployments.simulator.addresses import Asset, avatar_url, image_url
from deployments.simulator.numbers import mix
from deployments.simulator.rooms import LiveRoom
from deployments.simulator.stream_shapes import View, reflow_stream, stream
from deployments.simulator.world import Account

_PARTITIONS = (("娱乐", "聊天"), ("游戏", "单机游戏"), ("知识", "手艺"))
_VALID_S = 7 * 86_400


def entered(view: View) -> dict[str, Any]:
    """`data` of web/enter: one room, its stream only while it is live."""
    room, owner = view.room, view.owner
    is_empty = not view.is_live and room.afterlife == "empty"
    rooms = [] if is_empty else [_live_room(view) if view.is_live else _over_room(view)]
    data: dict[str, Any] = {
        "data": rooms,
        "enter_room_id": "" if is_empty else room.room_id,
        "user": _short_owner(view, owner),
        "qrcode_url": _picture(view, "webp", "qr") if view.is_live else "",
        "enter_mode": 0,
        "room_status": 0 if view.is_live else 2,
        "partition_road_map": _partitions(room) if view.is_live and room.owner % 2 else {},
        "similar_rooms": [],
        "shark_decision_conf": "",
    }
    if view.is_live:
        nothing = {"flv_pull_url": {}, "default_resolution": "", "hls_pull_url_map": {}, "hls_pull_url": ""}
        data["web_stream_url"] = nothing | {"stream_orientation": 0, "pull_datas": {}}
        data["login_lead"] = {"is_login": False, "level": 0, "items": {}}
        data["extra"] = {"digg_color": "0", "pay_scores": "0", "is_official_channel": False, "signature": ""}
    return data


def reflowed(view: View) -> dict[str, Any]:
    """`data` of reflow/info: ids are numbers, and streams are told even when they are dead."""
    room = view.room
    is_over = not view.is_live
    started, ended = int(room.started), int(room.ends)
    shown = {
        "id": int(room.room_id),
        "id_str": room.room_id,
        "status": 4 if is_over and room.afterlife != "stale" else 2,
        "owner_user_id": int(view.owner.uid),
        "title": view.title,
        "user_count": 0 if is_over else room.viewers,
        "create_time": started - 4,
        "finish_time": ended if is_over else 0,
        "start_time": started,
        "live_id": 1,
        "cover": _cover(view),
        "share_url": f"https://webcast.amemv.com/douyin/webcast/reflow/{room.room_id}?app=aweme&aid=1128",
        "stream_id": int(room.stream_id),
        "stream_id_str": room.stream_id,
        "stream_url": reflow_stream(view),
        "stats": _reflow_stats(view),
        "owner": _long_owner(view),
        "has_commerce_goods": False,
        "room_auth": _auth(),
        "like_count": _likes(view),
        "app_id": 1128,
        "live_room_mode": 0,
        "finish_reason": int(is_over),
        "paid_live_data": _paid(room),
        "room_view_stats": _view_stats(room),
        "mosaic_status": 0,
    }
    guest = {"id": 0, "short_id": 0, "nickname": "", "sec_uid": "", "web_rid": "", "id_str": "", "gender": 0}
    return {"room": shown, "user": guest}


def followed(view: View) -> dict[str, Any]:
    """One item of the follow feed."""
    keys = ("id_str", "status", "status_str", "title", "cover", "stats", "owner", "stream_url")
    room = _live_room(view)
    rest = {"has_commerce_goods": False, "live_room_mode": 0, "mosaic_status": 0}
    return {
        "web_rid": view.room.webcast_id,
        "uniq_id": view.room.room_id,
        "tag_name": _PARTITIONS[view.room.owner % 3][1],
        "cover_type": 0,
        "title_type": 1,
        "is_recommend": 0,
        "room": {key: room[key] for key in keys} | rest,
    }


def count_text(count: int) -> str:
    """A number of viewers as Douyin shows it: 91, 100+, 1000+, 1w+, 3万+, 1.2万, by its size."""
    if count < 10_000:
        return str(count) if count < 100 or count % 2 == 0 else f"{10 ** (len(str(count)) - 1)}+"
    if count < 20_000:
        return "1w+" if count % 2 else f"{count / 10_000:.1f}万"
    return f"{count // 10_000}万+"


def _live_room(view: View) -> dict[str, Any]:
    room = view.room
    stats = {
        "total_user_desp": "",
        "like_count": _likes(view) if room.owner % 2 else 0,
        "total_user_str": count_text(room.viewers * 9),
        "user_count_str": count_text(room.viewers),
    }
    shown = _over_room(view) | {
        "status": 2,
        "status_str": "2",
        "user_count_str": count_text(room.viewers),
        "cover": {"url_list": _cover(view)["url_list"]},
        "stream_url": stream(view),
        "mosaic_status_str": "0",
        "admin_user_ids": [2 * 10**15 + room.owner],
        "admin_user_ids_str": [str(2 * 10**15 + room.owner)],
        "owner": _short_owner(view, view.owner) | {"web_rid": room.webcast_id},
        "room_auth": _auth(),
        "stats": stats,
        "room_view_stats": _view_stats(room),
        "scene_type_info": {"is_union_live_room": False, "is_life": False, "is_protected_room": 0},
        "like_count": _likes(view),
        "paid_live_data": _paid(room),
        "others": {},
    }
    # Seen at both places: beside the room, and inside it.
    return shown if room.owner % 2 else shown | {"partition_road_map": _partitions(room)}


def _over_room(view: View) -> dict[str, Any]:
    return {
        "id_str": view.room.room_id,
        "status": 4,
        "status_str": "4",
        "title": view.title,
        "user_count_str": "0",
        "mosaic_status": 0,
        "mosaic_status_str": "",
        "admin_user_ids": [],
        "admin_user_ids_str": [],
        "live_room_mode": 0,
        "has_commerce_goods": False,
        "linker_map": {},
        "AnchorABMap": {},
        "like_count": 0,
        "owner_user_id_str": "",
        "admin_user_open_ids": [],
        "admin_user_open_ids_str": [],
        "owner_open_id_str": "",
    }


def _reflow_stats(view: View) -> dict[str, Any]:
    room = view.room
    return {
        "id": int(room.room_id),
        "id_str": room.room_id,
        "total_user": room.viewers * 9,
        "follow_count": room.viewers // 3,
        "like_count": 0,
        "total_user_str": count_text(room.viewers * 9),
        "user_count_str": count_text(room.viewers) if view.is_live else "0",
        "comment_count": 0,
    }


def _short_owner(view: View, owner: Account) -> dict[str, Any]:
    return {
        "id_str": owner.uid,
        "sec_uid": owner.sec_user_id,
        "nickname": owner.nickname,
        "avatar_thumb": {"url_list": _avatars(view, 100)},
        "follow_info": {"follow_status": 0, "follow_status_str": "0"},
        "foreign_user": 0,
        "open_id_str": "",
    }


def _long_owner(view: View) -> dict[str, Any]:
    owner, number = view.owner, view.room.owner
    follow = {"following_count": 29 + number, "follower_count": 5595 + number, "follow_status": 0, "push_status": 0}
    sizes = {"avatar_thumb": 100, "avatar_medium": 720, "avatar_large": 1080}
    return {
        "id": int(owner.uid),
        "id_str": owner.uid,
        "short_id": int(owner.short_id),
        "nickname": owner.nickname,
        "gender": number % 3,
        "signature": "直播里见\n每晚八点",
        "verified": bool(number % 2),
        "city": "" if number % 2 else "杭州",
        "display_id": owner.unique_id or owner.short_id,
        "sec_uid": owner.sec_user_id,
        "web_rid": view.room.webcast_id,
        "follow_info": follow,
        "secret": 0,
        **{
            name: {"url_list": _avatars(view, size), "uri": "", "height": 0, "width": 0} for name, size in sizes.items()
        },
    }


def _avatars(view: View, size: int) -> list[str]:
    # The picture that profile and posts show too.
    asset = Asset("avatar", "jpeg", mix(view.world.seed, view.room.owner, 8), 6_000, 0, 1080, 1080)
    return [avatar_url(asset, size)]


def _cover(view: View) -> dict[str, Any]:
    uri = f"webcast-cover/{view.room.room_id}"
    shown = {"url_list": [_picture(view, "webp", "cover"), _picture(view, "webp", "cover", 1)], "uri": uri}
    return shown | {"height": 0, "width": 0, "avg_color": "#7C9BA3", "image_type": 0, "is_animated": False}


def _picture(view: View, form: str, what: str, node: int = 0) -> str:
    asset = Asset("cover", form, mix(int(view.room.room_id), len(what)), 9_000, width=720, height=720)
    return image_url(asset, int(view.now) + _VALID_S, node)


def _likes(view: View) -> int:
    return max(0, int(view.now - view.room.started)) * 7


def _auth() -> dict[str, Any]:
    rights = {"Chat": True, "Danmaku": False, "Gift": True, "LuckMoney": True, "Digg": True, "Props": True}
    # Most rights are flags; these have always been numbers.
    return rights | {"Share": 1, "Banner": 1, "RecordScreen": 2, "CastScreen": 1, "FansClub": 1}


def _paid(room: LiveRoom) -> dict[str, Any]:
    return {"paid_type": int(room.is_paid), "view_right": int(room.is_paid), "duration": 0, "delivery": 0}


def _view_stats(room: LiveRoom) -> dict[str, Any]:
    text = count_text(room.viewers)
    shown = {"display_short": text, "display_middle": text, "display_long": f"{text}在线观众"}
    return {"is_hidden": False, **shown, "display_value": room.viewers, "display_type": 1, "incremental": False}


def _partitions(room: LiveRoom) -> dict[str, Any]:
    outer, inner = _PARTITIONS[room.owner % 3]
    return {
        "partition": {"id_str": str(100 + room.owner % 3), "type": 4, "title": outer},
        "sub_partition": {"partition": {"id_str": str(1000 + room.owner % 3), "type": 1, "title": inner}},
    }
