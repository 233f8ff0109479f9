"""The `video` object of a post as a template, per ladder, and of a gallery. No I/O here."""

from __future__ import annotations

from functools import cache
from typing import Any

import orjson

from deployments.simulator.addresses import IMAGE_HOSTS, VIDEO_HOSTS
from deployments.simulator.ladders import LADDERS, Rung, played
from deployments.simulator.numbers import impr_id, opaque
from deployments.simulator.templates import Template, pair, raw, text

_LOG = impr_id("made-up request")
_AUDIO_HOSTS = (("main_url", VIDEO_HOSTS[0]), ("backup_url", VIDEO_HOSTS[1]), ("fallback_url", VIDEO_HOSTS[2]))


def _node_url(host: str, slot: str, at: int, rung: Rung) -> str:
    rate = rung.rate // 1024
    return (
        f"http://{host}/{text(f'{slot}{at}')}/?a=6383&ch=10010&cr=3&dr=0&lr=all&cd=0%7C0%7C0%7C3&cv=1&br={rate}&bt={rate}"
        f"&cs={rung.codec * 2}&ds=4&ft={opaque(48, 'ft')}&mime_type=video_mp4&qs=0&rc={opaque(85, rung.gear, 1)}"
        f"{opaque(40, rung.gear, 2)}%3D%3D&btag=c0000e00018000&cquery=100y&dy_q=1790000000"
        f"&feature_id={opaque(32, 'f').lower()}&l={_LOG}"
    )


def play_address(at: int, rung: Rung) -> dict[str, Any]:
    """A URL holder of a video file: two nodes, then the stable form; every address carries what it leads to."""
    stable = (
        f"https://www.douyin.com/aweme/v1/play/?video_id={text('uri')}&line=0&file_id={text(f'token{at}')}"
        f"&sign={opaque(32, 'sign')}&is_play_url=1&source=PackSourceEnum_PUBLISH"
    )
    urls = [_node_url(VIDEO_HOSTS[at % 2], "first", at, rung), _node_url(VIDEO_HOSTS[2], "path", at, rung), stable]
    holder: dict[str, Any] = {
        "uri": text("uri"),
        "url_list": urls,
        "width": rung.width,
        "height": rung.height,
        "url_key": f"{text('uri')}_{('h264', 'h265', 'bytevc2')[rung.codec]}_{rung.height}p_{rung.rate}",
        "data_size": raw(f"size{at}"),
        "file_hash": text(f"hash{at}"),
    }
    cs = f"c:0-14077-b2d1|d:0-{rung.rate},7038-14076-3f1c|a:{text('uri')}"
    return holder if rung.form == "dash" else holder | {"file_cs": cs}


def _bit_rate(at: int, rung: Rung) -> dict[str, Any]:
    offsets = orjson.dumps([{"time": second, "offset": rung.rate // 8 * second} for second in range(1, 6)]).decode()
    extra = {
        "PktOffsetMap": offsets if rung.codec else "",
        "mvmaf": '{"v2.0":{"srv1":{"v1080":92.3},"ori":{"v1080":95.1}}}',
    }
    entry: dict[str, Any] = {
        "gear_name": rung.gear,
        "quality_type": rung.quality,
        "bit_rate": rung.rate,
        "play_addr": play_address(at, rung),
        "is_h265": rung.codec,
        "is_bytevc1": rung.codec,
        "HDR_type": "",
        "HDR_bit": "",
        "FPS": rung.fps,
        "video_extra": orjson.dumps(extra).decode(),
    }
    return entry | ({"format": rung.form} if rung.form else {})


def picture(slot: str, template: str, nodes: int, width: int = 720, height: int = 720) -> dict[str, Any]:
    """A URL holder of a picture whose token and signature fill `<slot>_token` and `<slot>_sign`."""
    token, query = text(f"{slot}_token"), f"x-expires={text('expires')}&x-signature={text(f'{slot}_sign')}"
    urls = [
        f"https://{host}/tos-cn-p-0015/{token}~{template}?{query}&from=327834062&s=PackSourceEnum_PUBLISH"
        f"&se=false&sc={slot}&biz_tag=pcweb_cover&l={_LOG}"
        for host in (IMAGE_HOSTS * 2)[:nodes]
    ]
    return {"uri": f"tos-cn-p-0015/{token}", "url_list": urls, "width": width, "height": height}


def _meta() -> str:
    title = orjson.dumps(
        {"progress_bar": [0.0] * 3, "ratio_br_l": [0.0] * 6, "ratio_edge_l": [0.05, 0.1, 0.2] * 2}
    ).decode()
    names = (
        "bright_ratio_mean",
        "brightness_mean",
        "diff_overexposure_ratio",
        "overexposure_ratio_mean",
        "std_brightness",
    )
    values = {name: f"{len(name) / 97:.4f}" for name in names}
    more = {
        "loudness": "-14.2",
        "peak": "0.9",
        "qprf": "1.000",
        "sr_score": "1.000",
        "title_info": title,
        "format": "mp4",
    }
    volume = {
        f"volume_info_{part}": '{"Loudness":-14.2,"Peak":0.9,"MaximumMomentaryLoudness":-9.8}' for part in "abcdef"
    }
    return orjson.dumps(values | more | volume).decode()


@cache
def video_template(name: str) -> Template:
    """The `video` of a post whose ladder has that name (ladders.LADDERS)."""
    ladder = LADDERS[name]
    at = played(ladder)
    best, is_old, is_new = ladder[at], name == "2023", name in ("2026", "odd")
    small = next(index for index, rung in enumerate(ladder) if rung.codec == 1)
    document: dict[str, Any] = {
        "play_addr": play_address(at, best),
        "cover": picture("cover", "tplv-dy-cropcenter:323:430.jpeg", 4),
        "height": best.height,
        "width": best.width,
        "dynamic_cover": picture("dynamic", "tplv-obj.image", 3),
        "origin_cover": picture("origin", "tplv-dy-360p.jpeg", 3, 360, 640),
        "ratio": f"{best.width}p",
        "big_thumbs": [] if is_old else None,
        "use_static_cover": True,
        "bit_rate": [_bit_rate(index, rung) for index, rung in enumerate(ladder)],
        "duration": raw("duration"),
        "is_source_HDR": 0,
        "meta": _meta(),
        "play_addr_265": play_address(small, ladder[small]),
        "video_model": "",
        "play_addr_h264": play_address(at, best),
        "bit_rate_audio": [_audio()] if is_new else None,
        "animated_cover": picture("dynamic", "tplv-obj.image", 3),
    }
    if is_old:
        document |= {
            "is_h265": 0,
            "misc_download_addrs": "{}",
            "download_addr": play_address(len(ladder) - 1, ladder[-1]),
        }
    else:
        document["gaussian_cover"] = picture("origin", "tplv-dy-gaussian:40.jpeg", 3)
    if is_new:
        document |= {"format": "mp4", "raw_cover": picture("origin", "tplv-obj.image", 3), "audio": {}}
    return Template(document)


def _audio() -> dict[str, Any]:
    urls = {name: f"http://{host}/{text('audio')}/?a=6383&mime_type=audio_mp4" for name, host in _AUDIO_HOSTS}
    meta = {
        "url_list": urls,
        "bitrate": 64_123,
        "size": raw("audio_size"),
        "encoding_type": "normal_65",
        "format": "dash",
        "codec_type": "mp4a_aac",
        "media_type": "audio",
        "file_id": opaque(32, "audio"),
        "quality": "normal",
    }
    return {"audio_meta": meta, "audio_quality": 2, "audio_extra": "{}"}


@cache
def slideshow_template() -> Template:
    """The `video` of a gallery: no picture of its own, and its play_addr is the music."""
    return Template(
        {
            "play_addr": raw("music_play"),
            "cover": picture("cover", "noop.jpeg", 3),
            "height": 1440,
            "width": 1080,
            "origin_cover": picture("cover", "noop.jpeg", 3),
            "ratio": "default",
            "bit_rate": [],
            "duration": 0,
            "meta": "",
            "is_bytevc1": 0,
            "big_thumbs": None,
            "bit_rate_audio": None,
            "video_model": "",
        }
    )


@cache
def image_template() -> Template:
    """One picture of a gallery: webp by three nodes, then jpeg; `live` is a pair hole for what live photos add."""
    webp, jpeg = (
        picture("webp", "tplv-dy-aweme-images:q75.webp", 3),
        picture("jpeg", "tplv-dy-aweme-images:q75.jpeg", 1),
    )
    first = picture("first", "tplv-dy-aweme-images:q75.webp", 1)
    marked = picture("jpeg", "tplv-dy-water-v2:made-up:1080:1440.image", 3)
    return Template(
        {
            "uri": webp["uri"],
            "url_list": [*first["url_list"], *webp["url_list"][1:], *jpeg["url_list"]],
            **pair("live"),
            "download_url_list": marked["url_list"],
            "width": 1080,
            "height": 1440,
            "mask_url_list": None,
            "interaction_stickers": None,
        }
    )
