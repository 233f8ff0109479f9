"""What Douyin says about the streams of a live room: maps of addresses, and the JSON text beside. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import orjson

from deployments.simulator.captions import room_title
from deployments.simulator.live_addresses import flv_url, playlist_url
from deployments.simulator.numbers import digits, mix
from deployments.simulator.rooms import LiveRoom
from deployments.simulator.world import Account, World

_SDK_KEYS = {"FULL_HD1": "origin", "HD1": "hd", "SD2": "sd", "SD1": "ld"}
_NAMES = {"FULL_HD1": "蓝光", "HD1": "超清", "SD2": "高清", "SD1": "标清"}
_PIXELS = {"FULL_HD1": (1080, 1920), "HD1": (720, 1280), "SD2": (540, 960), "SD1": (480, 854)}
_BIT_RATES = {"FULL_HD1": 4_000_000, "HD1": 2_000_000, "SD2": 1_600_000, "SD1": 1_000_000}


@dataclass(frozen=True, slots=True)
class View:
    """A room as it is told at one moment; `salt` makes its addresses new."""

    world: World
    room: LiveRoom
    now: float
    salt: int

    @property
    def owner(self) -> Account:
        """Whose room it is."""
        return self.world.account(self.room.owner)

    @property
    def is_live(self) -> bool:
        """Whether it is on the air."""
        return self.room.is_live(self.now)

    @property
    def title(self) -> str:
        """What the broadcast is called."""
        return room_title(mix(int(self.room.room_id))) if self.room.title is None else self.room.title


def stream(view: View) -> dict[str, Any]:
    """`stream_url`, as far as web/enter and reflow agree."""
    room = view.room
    flv = {quality: flv_url(room, quality, view.now, view.salt) for quality in room.qualities}
    hls = {quality: playlist_url(room, quality, view.now, view.salt) for quality in room.qualities}
    width, height = _PIXELS[room.qualities[0]]
    told: dict[str, Any] = {
        "flv_pull_url": flv,
        "default_resolution": "HD1",
        "hls_pull_url_map": hls,
        "hls_pull_url": hls[room.qualities[0]],
        "stream_orientation": 1,
        "extra": {"height": height, "width": width, "fps": 0, "max_bitrate": 0, "h265_enable": False, "gop_sec": 0},
        "pull_datas": {},
    }
    if room.has_core_data:
        told["live_core_sdk_data"] = {"pull_data": _pull_data(room, flv, hls)}
    return told


def _pull_data(room: LiveRoom, flv: dict[str, str], hls: dict[str, str]) -> dict[str, Any]:
    levels = [_quality(room.qualities, quality) for quality in reversed(room.qualities)]
    data = {_SDK_KEYS[quality]: {"main": _lines(flv[quality], hls[quality], _sdk_params(quality))} for quality in flv}
    sound = _lines(next(iter(flv.values())) + "&only_audio=1", "", {"VCodec": "h264", "vbitrate": 0, "resolution": ""})
    common = {"session_id": digits(20, room.stream_id), "stream": room.stream_id, "version": 0, "app_id": "100100"}
    told = {"common": common, "data": data | {"ao": {"main": sound}}}
    return {
        "options": {"default_quality": levels[-1], "qualities": levels},
        "stream_data": orjson.dumps(told).decode(),
    }


def _lines(flv: str, hls: str, params: dict[str, Any]) -> dict[str, Any]:
    absent = dict.fromkeys(("cmaf", "dash", "lls", "tsl", "tile", "http_ts", "ll_hls"), "")
    text = orjson.dumps(params | {"gop": 2, "drType": "sdr"}).decode()
    return {"flv": flv, "hls": hls, **absent, "sdk_params": text, "enableEncryption": False}


def _sdk_params(quality: str) -> dict[str, Any]:
    width, height = _PIXELS[quality]
    return {"VCodec": "h264", "vbitrate": _BIT_RATES[quality], "resolution": f"{width}x{height}", "fps": 30}


def _quality(qualities: tuple[str, ...], quality: str) -> dict[str, Any]:
    width, height = _PIXELS[quality]
    return {
        "name": _NAMES[quality],
        "sdk_key": _SDK_KEYS[quality],
        "v_codec": "264",
        "resolution": f"{width}x{height}",
        "level": len(qualities) - qualities.index(quality),
        "v_bit_rate": _BIT_RATES[quality],
        "additional_content": "",
        "fps": 30,
        "disable": 0,
    }


def reflow_stream(view: View) -> dict[str, Any]:
    """`stream_url` of reflow, which names what web/enter leaves out."""
    room = view.room
    told = stream(view)
    if not view.is_live and room.afterlife == "stale":
        for key in ("flv_pull_url", "hls_pull_url_map"):
            told[key] = {name: f"{url}&rtm_expr_tag=reflow_room_info" for name, url in told[key].items()}
    names = {quality: _NAMES[quality] for quality in room.qualities}
    return told | {
        "provider": 0,
        "id": int(room.stream_id),
        "id_str": room.stream_id,
        "resolution_name": {"AUTO": "自动", "ORIGION": "原画", **names},
        "candidate_resolution": [quality for quality in reversed(room.qualities) if quality != "FULL_HD1"],
        "rtmp_push_url": "",
        "rtmp_pull_url": next(iter(told["flv_pull_url"].values())),
        "push_urls": [],
        "complete_push_urls": [],
    }
