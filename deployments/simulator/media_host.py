"""The made-up media hosts: files by Range, with every way in which such hosts are known to misbehave. No I/O here.

What an address does is written in the address itself (addresses.MOODS). Two things may be set for all of them in
`app.state`: `media_rate`, bytes per second of each answer, and `sleep`, what waits (asyncio.sleep by default).
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from email.utils import formatdate
from hashlib import md5

from deployments.simulator.addresses import (
    Address,
    Asset,
    encode,
    read,
    video_url,
)
from deployments.simulator.http import App, Body, Handler, Request, Response, redirect, text_response
from deployments.simulator.media import MediaBytes, make
from deployments.simulator.timeline import NEWEST_AT

SITE = "https://www.douyin.com/"
_VIDEO_DOMAINS = (".douyinvod.com", ".zjcdn.com", ".idouyinvod.com")
_DOMAINS = (*_VIDEO_DOMAINS, ".douyinpic.com", ".douyinstatic.com")
_PICTURES = ("image", "cover", "dynamic_cover", "avatar")
_STEP = 1 << 17
_PLAY_VALID_S = 3 * 3600
_ERROR_PAGE = (
    "<!DOCTYPE html><html><head><title>{0}</title></head><body><center><h1>{0}</h1></center>"
    "<hr><center>made-up CDN</center></body></html>"
)


def is_media_host(host: str) -> bool:
    """Whether a host keeps files, of ours or of nobody's."""
    return host.endswith(_DOMAINS)


async def media(request: Request, app: App) -> Response:
    """A file, part of one, or the refusal that fits."""
    try:
        address = read(request.path, request.params)
    except ValueError:
        return _error(404, "404 Not Found")
    if not request.host.endswith(_domains_of(address.asset)):
        return _error(404, "404 Not Found")
    refused = _bad_address(address, app.clock()) or _refusal(request, address.asset)
    return refused or _answer(request, _current(address.asset, app), app)


def _domains_of(asset: Asset) -> tuple[str, ...]:
    """Where files of that kind are kept."""
    if asset.kind in _PICTURES:
        return (".douyinpic.com",)
    return (".douyinstatic.com",) if asset.kind == "music" else _VIDEO_DOMAINS


async def play(request: Request, app: App) -> Response:
    """The stable form of a video's address: 302 to a node that has it."""
    try:
        asset = read(request.path, request.params).asset
    except ValueError:
        return _error(404, "404 Not Found")
    return redirect(video_url(asset, int(app.clock()) + _PLAY_VALID_S, asset.seed))


ROUTES: dict[tuple[str, str], Handler] = {("www.douyin.com", "/aweme/v1/play/"): play}


def file_of(asset: Asset) -> MediaBytes:
    """The bytes behind an address."""
    form = asset.form
    if asset.kind == "dynamic_cover" and form == "webp":
        form = "animated_webp"
    return make(form, asset.seed, asset.size)


def etag_of(asset: Asset) -> str:
    """The ETag of a file, quotes included."""
    return f'"{md5(f"{asset.form}/{asset.seed}/{asset.size}".encode()).hexdigest()}"'


def _refusal(request: Request, asset: Asset) -> Response | None:
    """Why this request gets no file from a good address, if so."""
    mood = asset.mood
    if mood == "referer" and not request.headers.get("referer", "").startswith(SITE):
        return _error(403, "403 Forbidden", (("x-ccdn-forbid-code", "020200"),))
    if mood == "html":
        return text_response(_ERROR_PAGE.format("系统繁忙"))
    if request.method == "HEAD" and mood == "no_head":
        return _error(405, "405 Not Allowed") if asset.seed % 2 else _error(403, "403 Forbidden")
    return None


def _bad_address(address: Address, now: float) -> Response | None:
    """Why nobody gets a file from this address any more, if so."""
    if not address.is_signed:
        return _xml_error(403, "SignatureDoesNotMatch")
    if address.expires_at is not None and address.expires_at <= now:
        return _xml_error(403, "AccessDenied", "Request has expired")
    return _error(404, "404 Not Found") if address.asset.mood == "dead" else None


def _current(asset: Asset, app: App) -> Asset:
    """The file as it is at this moment: one that changes has other bytes each time."""
    if asset.mood != "changing":
        return asset
    asked: dict[str, int] = app.state.setdefault("media_changes", {})
    token = encode(asset)
    asked[token] = asked.get(token, 0) + 1
    return Asset(asset.kind, asset.form, (asset.seed + asked[token]) % 2**64, asset.size, asset.variant)


def _answer(request: Request, asset: Asset, app: App) -> Response:
    file = file_of(asset)
    head = _head(asset, file)
    part = None if asset.mood == "no_range" else _asked_part(request, asset, file.size)
    if part == (0, 0):
        return Response(416, (("content-range", f"bytes */{file.size}"), ("content-length", "0")))
    start, stop = part or (0, file.size)
    if part:
        head.append(("content-range", f"bytes {start}-{stop - 1}/{file.size}"))
    if asset.mood != "no_length":
        head.append(("content-length", str(stop - start)))
    status = 206 if part else 200
    if request.method == "HEAD":
        return Response(status, tuple(head))
    if asset.mood == "truncated" and not part:
        stop = file.size // 2
    return Response(
        status, tuple(head), _body(file, start, stop, app, is_whole=asset.mood in {"no_length", "truncated"})
    )


def _head(asset: Asset, file: MediaBytes) -> list[tuple[str, str]]:
    head = [
        ("content-type", "text/plain" if asset.mood == "wrong_type" else _promised_type(asset, file)),
        ("etag", etag_of(asset)),
        ("last-modified", _last_modified(asset)),
        ("cache-control", "max-age=31536000"),
    ]
    if asset.mood != "no_range":
        head.append(("accept-ranges", "bytes"))
    return head


def _promised_type(asset: Asset, file: MediaBytes) -> str:
    # Nodes name every MP4 video/mp4, the sound half of a DASH pair too.
    return "video/mp4" if asset.form == "m4a" else file.content_type


def _last_modified(asset: Asset) -> str:
    return formatdate(NEWEST_AT - asset.seed % 10_000_000, usegmt=True)


def _asked_part(request: Request, asset: Asset, size: int) -> tuple[int, int] | None:
    """The bytes that a Range header asks for, from and to before; (0, 0) where there are none, None for everything."""
    unit, _, span = request.headers.get("range", "").partition("=")
    first, dash, last = span.strip().partition("-")
    if unit.strip() != "bytes" or not dash or not _is_number(first) or not _is_number(last) or not (first or last):
        return None
    if request.headers.get("if-range", etag_of(asset)) not in {etag_of(asset), _last_modified(asset)}:
        return None
    if not first:
        start, stop = max(size - int(last), 0), size
    else:
        start, stop = int(first), min(int(last) + 1, size) if last else size
        if last and int(last) < start:
            return None
    return (start, stop) if start < stop else (0, 0)


def _is_number(text: str) -> bool:
    return not text or (text.isascii() and text.isdecimal() and len(text) < 20)


def _body(file: MediaBytes, start: int, stop: int, app: App, *, is_whole: bool) -> Body:
    if stop - start <= _STEP and not is_whole and "media_rate" not in app.state:
        return file.read(start, stop - start)
    return _stream(file, start, stop, app)


async def _stream(file: MediaBytes, start: int, stop: int, app: App) -> AsyncIterator[bytes]:
    sleep = app.state.get("sleep", asyncio.sleep)
    rate = app.state.get("media_rate")
    for chunk in file.chunks(start, stop, min(_STEP, max(1, rate // 10)) if rate else _STEP):
        yield chunk
        if rate:
            await sleep(len(chunk) / rate)


def _error(status: int, title: str, headers: tuple[tuple[str, str], ...] = ()) -> Response:
    page = text_response(_ERROR_PAGE.format(title), status)
    return Response(status, page.headers + headers, page.body)


def _xml_error(status: int, code: str, message: str = "") -> Response:
    text = f'<?xml version="1.0" encoding="UTF-8"?><Error><Code>{code}</Code><Message>{message}</Message></Error>'
    return text_response(text, status, "application/xml")
