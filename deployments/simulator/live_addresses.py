"""Addresses of live streams: signed, dated, and new each time that somebody asks. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import md5
from math import ceil
from re import compile as pattern

from deployments.simulator.http import Request
from deployments.simulator.rooms import QUALITIES, LiveRoom

HLS_HOST = "pull-hls-l96.douyincdn.com"
FLV_HOST = "pull-flv-l96.douyincdn.com"
SUFFIXES = dict(zip(QUALITIES, ("or4", "hd", "sd", "ld"), strict=True))
_QUALITY = {suffix: quality for quality, suffix in SUFFIXES.items()}
_PATH = pattern(r"/stage/stream-(\d{18})_([a-z0-9]+)(?:-([a-z0-9]+))?\.(m3u8|ts|flv)")
_SECRET = "made-up live"  # noqa: S105 - guards nothing
_VEIL = 0x9E3779B1


@dataclass(frozen=True, slots=True)
class Stream:
    """What an address of a stream says; `number` is a segment's, None otherwise; `is_variant`: named by a master."""

    stream_id: str
    quality: str
    form: str
    number: int | None
    is_variant: bool
    expires_at: int
    is_signed: bool


def playlist_url(room: LiveRoom, quality: str, now: float, salt: int) -> str:
    """The playlist of a quality; good for `room.valid_s` from now."""
    return _signed(f"http://{HLS_HOST}", f"{_stem(room, quality)}.m3u8", now + room.valid_s, salt)


def flv_url(room: LiveRoom, quality: str, now: float, salt: int) -> str:
    """The endless FLV of a quality; good for `room.valid_s` from now."""
    return _signed(f"http://{FLV_HOST}", f"{_stem(room, quality)}.flv", now + room.valid_s, salt)


def variant_url(room: LiveRoom, quality: str, expires_at: float, salt: int) -> str:
    """The media playlist that a master playlist names."""
    return _signed("", f"{_stem(room, quality)}-v.m3u8", expires_at, salt)


def segment_url(room: LiveRoom, quality: str, number: int, expires_at: float, salt: int) -> str:
    """A segment, relative to the host; `salt` changes its signature, and its name too where the room renames."""
    veil = salt & 0xFFFF if room.is_renaming else 0
    name = f"{veil:04x}{number ^ (_VEIL + veil):08x}"
    return _signed("", f"{_stem(room, quality)}-{name}.ts", expires_at, salt)


def read(request: Request) -> Stream:
    """What the address of a request says; ValueError where it is none of ours."""
    found = _PATH.fullmatch(request.path)
    if found is None or found[2] not in _QUALITY:
        raise ValueError("no stream of this simulator")
    expires = request.params.get("expire", "0")
    salt = request.params.get("t_id", "")
    name = found[3] if found[4] == "ts" else None
    return Stream(
        stream_id=found[1],
        quality=_QUALITY[found[2]],
        form=found[4],
        number=int(name[4:], 16) ^ (_VEIL + int(name[:4], 16)) if name else None,
        is_variant=found[4] == "m3u8" and found[3] == "v",
        expires_at=int(expires) if expires.isdecimal() else 0,
        is_signed=request.params.get("sign") == _signature(request.path, expires, salt),
    )


def _stem(room: LiveRoom, quality: str) -> str:
    return f"/stage/stream-{room.stream_id}_{SUFFIXES[quality]}"


def _signed(origin: str, path: str, expires_at: float, salt: int) -> str:
    expires, tag = str(ceil(expires_at)), f"{salt:08x}"
    sign = _signature(path, expires, tag)
    return f"{origin}{path}?arch_hrchy=h1&expire={expires}&major_anchor_level=common&sign={sign}&t_id={tag}"


def _signature(path: str, expires: str, salt: str) -> str:
    return md5(f"{_SECRET}{path}{expires}{salt}".encode()).hexdigest()
