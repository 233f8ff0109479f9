"""Live rooms as rows of `lives` and `live_stats`. No I/O here."""

from __future__ import annotations

from typing import TypeVar

import msgspec
from msgspec import Raw

from pipelines.transform.counts import number_in
from pipelines.transform.picks import User, first_of, id_of
from pipelines.transform.picks_of_rooms import Anchor, Partitions, Room, RoomStats, Stream
from pipelines.transform.rows import Batch, Layout
from pipelines.transform.salvage import read_inner
from pipelines.transform.users import add_met

LIVES = Layout(
    "lives",
    (
        "room_id",
        "webcast_id",
        "sec_user_id",
        "uid",
        "nickname",
        "title",
        "status",
        "cover_url",
        "partition_title",
        "sub_partition_title",
        "started_at",
        "ended_at",
        "stream_id",
        "flv_urls",
        "hls_urls",
    ),
)
LIVE_STATS = Layout(
    "live_stats",
    ("room_id", "user_count", "user_count_text", "total_user_count", "total_user_count_text", "like_count"),
    seen=(),
)

T = TypeVar("T")

ENDED = 4
_NOBODY = Anchor()
_NO_STREAM = Stream()
_NO_STATS = RoomStats()
_NO_PARTITIONS = Partitions()


def add_room(
    batch: Batch,
    room: Room,
    page: int,
    *,
    webcast_id: str | None = None,
    anchor: Anchor | None = None,
    partitions: Partitions | None = None,
) -> None:
    """The rows of a broadcast; what is given beside the room stands in where the room itself does not say."""
    room_id = room.key()
    if room_id is None:
        return
    owner = _anchor_of(room.owner or _NOBODY, anchor or _NOBODY)
    stream = room.stream_url or _NO_STREAM
    paths = _unless(_NO_PARTITIONS, room.partition_road_map) or partitions or _NO_PARTITIONS
    batch[LIVES].extend(
        (
            room_id,
            id_of(owner.web_rid) or webcast_id,
            id_of(owner.sec_uid),
            _uid_of(owner) or id_of(room.owner_user_id),
            owner.nickname or None,
            room.title or None,
            room.status,
            first_of(room.cover),
            paths.title(),
            paths.sub_title(),
            room.start_time or room.create_time or None,
            room.finish_time or None,
            id_of(room.stream_id_str) or id_of(room.stream_id) or id_of(stream.id_str) or id_of(stream.id),
            _as_json(stream.flv_pull_url or stream.modern("flv")),
            _as_json(stream.hls_pull_url_map or stream.modern("hls")),
            page,
        )
    )
    _add_stats(batch, room, room_id, page)
    add_met(batch, _user_of(owner), page)


def add_ended_room(batch: Batch, room_id: str, page: int, *, anchor: Anchor | None, webcast_id: str | None) -> None:
    """The row of a broadcast of which Douyin only says that it is over."""
    add_room(batch, Room(id_str=room_id, status=ENDED), page, anchor=anchor, webcast_id=webcast_id)


def room_in(rawdata: Raw) -> Room | None:
    """The room on a live card (aweme_type 101), which is JSON within JSON; None where it cannot be read."""
    return read_inner(Room, rawdata)


def _unless(nothing: T, found: T | None) -> T | None:
    return None if found == nothing else found


def _anchor_of(owner: Anchor, beside: Anchor) -> Anchor:
    """Who broadcasts: what the room says of its owner, else what stands beside it of the same person."""
    mine, other = (_uid_of(owner), id_of(owner.sec_uid)), (_uid_of(beside), id_of(beside.sec_uid))
    if any(one and two and one != two for one, two in zip(mine, other, strict=True)):
        return owner
    return Anchor(
        sec_uid=mine[1] or other[1],
        uid=mine[0] or other[0],
        nickname=owner.nickname or beside.nickname,
        web_rid=id_of(owner.web_rid) or id_of(beside.web_rid),
    )


def _uid_of(anchor: Anchor) -> str | None:
    return id_of(anchor.uid) or id_of(anchor.id_str) or id_of(anchor.id)


def _user_of(owner: Anchor) -> User:
    return User(sec_uid=owner.sec_uid, uid=_uid_of(owner), nickname=owner.nickname)


def _add_stats(batch: Batch, room: Room, room_id: str, page: int) -> None:
    if room.status == ENDED and _unless(_NO_STATS, room.stats) is None:
        return  # an ended room is shown with zeros that were never counted
    stats = room.stats or _NO_STATS
    shown = stats.user_count_str or room.user_count_str or None
    shown_total = stats.total_user_str or None
    now = room.user_count if room.user_count is not None else number_in(shown)
    total = stats.total_user if stats.total_user is not None else number_in(shown_total)
    given = (room.like_count, stats.like_count, number_in(stats.like_count_str))
    # One of them may be 0 where another counts.
    likes = next((count for count in given if count), next((count for count in given if count is not None), None))
    if any(value is not None for value in (now, total, likes)):
        batch[LIVE_STATS].extend((room_id, now, shown, total, shown_total, likes, page))


def _as_json(urls: dict[str, str] | None) -> str | None:
    return msgspec.json.encode(urls).decode() if urls else None
