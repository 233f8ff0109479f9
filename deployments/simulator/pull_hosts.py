"""The made-up hosts of live streams: playlists whose window slides, segments, and endless FLV. No I/O here.

`app.state["sleep"]` waits for the next pictures of an FLV (asyncio.sleep by default).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

from deployments.simulator.broken import BrokenConnectionError
from deployments.simulator.http import App, Request, Response, text_response
from deployments.simulator.live_addresses import Stream, read, segment_url, variant_url
from deployments.simulator.rooms import LiveRoom, rooms_of
from deployments.simulator.streams import FPS, flv_head, flv_tags, frames_in, ts_segment

_PLAYLIST = "application/vnd.apple.mpegurl"
_KEPT_WINDOWS = 3
_BANDWIDTHS = {"FULL_HD1": 4_000_000, "HD1": 2_000_000, "SD1": 1_000_000, "SD2": 1_600_000}
_RESOLUTIONS = {"FULL_HD1": "1080x1920", "HD1": "720x1280", "SD1": "480x854", "SD2": "540x960"}


def is_pull_host(host: str) -> bool:
    """Whether a host sends live streams."""
    return host.startswith("pull-") and host.endswith(".douyincdn.com")


async def pull(request: Request, app: App) -> Response:
    """A playlist, a segment or an FLV, or the refusal that fits."""
    try:
        stream = read(request)
    except ValueError:
        return _refused(404)
    if request.host.startswith("pull-flv-") != (stream.form == "flv"):
        return _refused(404)
    room = rooms_of(app).of_stream(stream.stream_id)
    if room is None or stream.quality not in room.qualities:
        return _refused(404)
    if not stream.is_signed or stream.expires_at <= app.clock():
        return _refused(403)
    answer = {"m3u8": _playlist, "ts": _segment, "flv": _flv}[stream.form]
    return answer(room, stream, app)


def next_salt(app: App) -> int:
    """A number that is another at every call, for signatures that are new at every refresh."""
    app.state["live_salt"] = salt = app.state.get("live_salt", 0) + 1
    return int(salt)


def _playlist(room: LiveRoom, stream: Stream, app: App) -> Response:
    now = app.clock()
    if not room.is_live(now) and room.ending in {"gone", "forbidden"}:
        return _refused(404 if room.ending == "gone" else 403)
    if now < room.started or room.is_out(now):
        return _refused(404)
    if stream.quality in room.masters and not stream.is_variant:
        text = _master(room, stream, app)
    else:
        text = _window(room, stream, app, is_over=not room.is_live(now) and room.ending == "endlist")
    headers = (("content-type", _PLAYLIST), ("cache-control", "no-cache"))
    return Response(200, headers, text.encode())


def _master(room: LiveRoom, stream: Stream, app: App) -> str:
    salt = next_salt(app)
    lines = ["#EXTM3U", "#EXT-X-VERSION:3"]
    for quality in reversed(room.qualities):  # worst first: who takes the first variant gets the worst
        fields = f'BANDWIDTH={_BANDWIDTHS[quality]},RESOLUTION={_RESOLUTIONS[quality]},CODECS="avc1.42c00a"'
        lines += [f"#EXT-X-STREAM-INF:{fields}", variant_url(room, quality, stream.expires_at, salt)]
    return "\n".join(lines) + "\n"


def _window(room: LiveRoom, stream: Stream, app: App, *, is_over: bool) -> str:
    listed, salt = room.listed(app.clock()), next_salt(app)
    lines = ["#EXTM3U", "#EXT-X-VERSION:3", f"#EXT-X-TARGETDURATION:{room.target_s}"]
    lines.append(f"#EXT-X-MEDIA-SEQUENCE:{listed.start}")
    slid_out = sum(start < listed.start for start in room.restarts)
    if slid_out:
        lines.append(f"#EXT-X-DISCONTINUITY-SEQUENCE:{slid_out}")
    seconds = frames_in(room.segment_s) / FPS
    for number in listed:
        if number in room.restarts:
            lines.append("#EXT-X-DISCONTINUITY")
        address = segment_url(room, stream.quality, number, stream.expires_at, salt)
        lines += [f"#EXTINF:{seconds:.3f},", address]
    return "\n".join([*lines, *(["#EXT-X-ENDLIST"] if is_over else [])]) + "\n"


def _segment(room: LiveRoom, stream: Stream, app: App) -> Response:
    number = stream.number or 0
    newest = room.newest(app.clock())
    is_kept = newest - _KEPT_WINDOWS * room.window < number <= newest
    if number in room.dead or not room.exists(number) or not is_kept:
        return _refused(404)
    data = ts_segment(room.seed(stream.quality), number, room.segment_s, room.began(number))
    headers = (("content-type", "video/mp2t"), ("content-length", str(len(data))))
    return Response(200, headers, _half(data) if number in room.short else data)


async def _half(data: bytes) -> AsyncIterator[bytes]:
    yield data[: len(data) // 2]


def _flv(room: LiveRoom, stream: Stream, app: App) -> Response:
    if not room.is_live(app.clock()):
        return _refused(404)
    return Response(200, (("content-type", "video/x-flv"),), _tags(room, stream, app))


async def _tags(room: LiveRoom, stream: Stream, app: App) -> AsyncIterator[bytes]:
    sleep = app.state.get("sleep", asyncio.sleep)
    seed = room.seed(stream.quality)
    yield flv_head(seed)
    # A node sends its last pictures at once, then each as it comes.
    number, sent = max(room.newest(app.clock()), room.first_number), 0
    while number <= room.last_number:
        if room.flv_cut_after is not None and sent >= room.flv_cut_after:
            if room.flv_breaks:
                raise BrokenConnectionError
            return
        while room.newest(app.clock()) < number:
            await sleep(room.segment_s / 4)
        if room.exists(number):
            yield flv_tags(seed, number, room.segment_s, room.began(number))
            sent += 1
        number += 1


def _refused(status: int) -> Response:
    title = {403: "403 Forbidden", 404: "404 Not Found"}[status]
    return text_response(f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>", status)
