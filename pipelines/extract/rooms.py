"""A live room as an answer of web/enter or reflow/info tells it: who, whether it is live, where its streams are.

No I/O here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from pipelines.errors import Unfamiliar
from pipelines.extract.playlists import known_quality
from schemas.bodies import load_json
from schemas.jobs import QUALITIES

LIVE = 2

# Keys of the newer stream_data, best first within each of the older names.
_CORE_KEYS = {"FULL_HD1": ("origin", "uhd"), "HD1": ("hd",), "SD1": ("ld",), "SD2": ("sd", "md")}
# The one address of the default quality, beside the maps; the latter is FLV over HTTP in spite of its name.
_SINGLE = {"hls": "hls_pull_url", "flv": "rtmp_pull_url"}


@dataclass(frozen=True, slots=True)
class Room:
    """One broadcast as it was told; times are UTC. `hls` and `flv` lead from quality to a signed address."""

    room_id: str
    status: int | None
    webcast_id: str | None = None
    title: str | None = None
    sec_user_id: str | None = None
    uid: str | None = None
    nickname: str | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    is_paid: bool = False
    hls: Mapping[str, str] = field(default_factory=dict)
    flv: Mapping[str, str] = field(default_factory=dict)

    @property
    def is_live(self) -> bool:
        """Whether it is on the air: an old room may still say status 2, beside the time of its end."""
        return self.status == LIVE and self.ended_at is None


def read_room(body: bytes) -> Room | None:
    """The room in an answer; None where a well-formed answer shows none, Unfamiliar where it cannot be read."""
    try:
        answer = load_json(body)
    except ValueError as error:
        raise Unfamiliar("Douyin's answer about the room is no JSON; run again later.") from error
    data = _at(answer, "data")
    rooms = _at(data, "data")
    room = _at(data, "room") or (rooms[0] if isinstance(rooms, list) and rooms else None)
    room_id = _text(_at(room, "id_str")) or _text(_at(room, "id"))
    if not room_id:
        return None
    owner = _at(room, "owner") or _at(data, "user")
    stream = _at(room, "stream_url")
    return Room(
        room_id=room_id,
        status=_whole(_at(room, "status")),
        webcast_id=_text(_at(owner, "web_rid")),
        title=_text(_at(room, "title")),
        sec_user_id=_text(_at(owner, "sec_uid")),
        uid=_text(_at(owner, "id_str")) or _text(_at(owner, "id")) or _text(_at(room, "owner_user_id")),
        nickname=_text(_at(owner, "nickname")),
        started_at=_moment(_at(room, "start_time")) or _moment(_at(room, "create_time")),
        ended_at=_moment(_at(room, "finish_time")),
        is_paid=bool(_at(room, "paid_live_data", "view_right")),
        hls=_addresses(stream, "hls_pull_url_map", "hls"),
        flv=_addresses(stream, "flv_pull_url", "flv"),
    )


def pick_address(addresses: Mapping[str, str], quality: str | None) -> tuple[str, str] | None:
    """Quality and address: the one asked for, else the next worse, else the next better; the best where none is asked.

    None where there is no address at all; BadInput for an unknown quality.
    """
    start = QUALITIES.index(known_quality(quality)) if quality else 0
    order = [*QUALITIES[start:], *reversed(QUALITIES[:start])]
    for name in (*order, *(name for name in addresses if name not in QUALITIES)):
        if addresses.get(name):
            return name, addresses[name]
    return None


def _addresses(stream: Any, name: str, kind: str) -> dict[str, str]:
    core = _core(stream)
    locked = {_place_of(line[kind]) for line in _lines(core) if _is_locked(line) and _is_address(line.get(kind))}
    given = _at(stream, name)
    urls = {key: url for key, url in given.items() if _is_address(url)} if isinstance(given, dict) else {}
    found = {key: url for key, url in urls.items() if _place_of(url) not in locked}
    if found:
        return found
    for quality, keys in _CORE_KEYS.items():
        usable = [line[kind] for line in _lines(core, *keys) if not _is_locked(line) and _is_address(line.get(kind))]
        if usable:
            found[quality] = usable[0]
    single = _at(stream, _SINGLE[kind])
    if not found and _is_address(single) and _place_of(single) not in locked:
        found[_text(_at(stream, "default_resolution")) or "AUTO"] = single
    return found


def _core(stream: Any) -> Any:
    """The newer stream_data: JSON within JSON; older answers have the object itself."""
    core = _at(stream, "live_core_sdk_data", "pull_data", "stream_data")
    try:
        return load_json(core) if isinstance(core, str) else core
    except ValueError:
        return None


def _lines(core: Any, *keys: str) -> list[dict[str, Any]]:
    data = _at(core, "data")
    names = keys or (data if isinstance(data, dict) else ())
    found = [_at(data, key, line) for key in names for line in ("main", "backup")]
    return [line for line in found if isinstance(line, dict)]


def _is_locked(line: Mapping[str, Any]) -> bool:
    """Whether what comes over a line is encrypted, so that a recording would be of no use."""
    return line.get("enableEncryption") in (True, 1)


def _place_of(url: str) -> str:
    return url.partition("?")[0]


def _is_address(value: Any) -> bool:
    return isinstance(value, str) and value.startswith(("http://", "https://"))


def _at(value: Any, *path: str) -> Any:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = value.get(name)
    return value


def _text(value: Any) -> str | None:
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value) if value not in ("", 0, "0") else None


def _whole(value: Any) -> int | None:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    # Python reads no number of thousands of digits.
    return int(value) if isinstance(value, str) and value.isdecimal() and len(value) < 20 else None


def _moment(value: Any) -> datetime | None:
    seconds = _whole(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds and 0 < seconds < 4_102_444_800 else None
