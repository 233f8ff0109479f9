"""Which encoding of a film to keep, and the addresses that lead to it. No I/O here.

The best one is the largest picture that a common player can show by itself: "dash" variants have no sound, and bytevc2
is decoded by Douyin's own player only. The plain address (play_addr) is one of them, and says less of itself. The same
gear_name stands for several encodings, so it decides nothing.
"""

from __future__ import annotations

from itertools import islice
from typing import NamedTuple

import msgspec

from pipelines.transform.addresses import Urls, is_sound, stable_last, usable
from pipelines.transform.picks_of_posts import PlayAddress, Variant, Video
from pipelines.transform.salvage import UNREADABLE, read_as
from schemas.bodies import load_json

# One other encoding stands by; the addresses of all two dozen would make the table as large as the raw pages.
MOST_URLS = 6

_BYTEVC2 = 2
_EMPTY = 4  # bytes of null, [] and [""]
_CODECS = {0: "h264", 1: "h265", 2: "bytevc2"}
_NOWHERE = PlayAddress()
_NO_VARIANT = Variant()
_read_urls = msgspec.json.Decoder(tuple[str, ...]).decode

Rank = tuple[int, int, int, int]


class Film(NamedTuple):
    """The encoding to keep: all that a row of `media` says of it."""

    source_uri: str | None
    urls: Urls
    width: int | None
    height: int | None
    size_bytes: int | None
    bit_rate: int | None
    fps: int | None
    codec: str | None
    format: str | None
    quality: str | None


def film_of(video: Video) -> Film | None:
    """The encoding to keep of a film; None where Douyin names none at all, or a sound in its place."""
    variants = video.bit_rate or []
    best, own = _best_with_urls(variants)
    plain, plain_codec = (video.play_addr, _codec_of_film(video)) if best else _plain_of(video)
    main = plain or _NOWHERE
    chosen = (best.play_addr if best else None) or main
    if best is not None and _area(main) > _area(chosen) and _plain_plays(video, main) and (of_main := urls_of(main)):
        best, own, chosen = None, of_main, main
    urls = _urls(own, chosen, main, variants)
    source_uri = chosen.uri or main.uri or (None if urls else _name_in(variants))
    # A sound tells galleries apart that nothing else does.
    if (not urls and source_uri is None) or is_sound(urls):
        return None
    variant = best or _NO_VARIANT
    return Film(
        source_uri,
        urls,
        chosen.width or video.width,
        chosen.height or video.height,
        chosen.data_size or None,
        variant.bit_rate,
        variant.FPS,
        codec_of(variant) if best else plain_codec,
        variant.format or video.format or "mp4",
        variant.gear_name or None,
    )


def sound_in(video: Video) -> tuple[str | None, Urls]:
    """Name and addresses of the sound that galleries have in the place of a film; none where there is no sound."""
    address = video.play_addr or _NOWHERE
    urls = urls_of(address)
    return (address.uri, urls) if is_sound(urls) else (None, ())


def _best_with_urls(variants: list[Variant]) -> tuple[Variant | None, Urls]:
    """The best encoding that has any usable address, and its addresses."""
    best = best_of(variants)
    while best is not None and best.play_addr is not None:
        urls = urls_of(best.play_addr)
        if urls:
            return best, urls
        variants = [variant for variant in variants if variant is not best]
        best = best_of(variants)
    return None, ()


def _plain_of(video: Video) -> tuple[PlayAddress | None, str | None]:
    """The plain address and its codec; where it leads nowhere, one beside it, that with the watermark last."""
    codec = _codec_of_film(video)
    if video.play_addr is not None and urls_of(video.play_addr):
        return video.play_addr, codec
    beside = (
        (video.play_addr_h264, "h264"),
        (video.play_addr_265, "h265"),
        (video.play_addr_bytevc1, "h265"),
        (video.play_addr_lowbr, codec),
        (video.download_addr, codec),
    )
    for raw, own_codec in beside:
        address = read_as(PlayAddress, raw)
        if address is not None and urls_of(address):
            return address, own_codec
    return video.play_addr, codec


def _codec_of_film(video: Video) -> str | None:
    return None if video.is_h265 is None else _CODECS.get(int(video.is_h265))


def _name_in(variants: list[Variant]) -> str | None:
    """The name of a film of which no encoding plays by itself: promised all the same, so that it is known to lack."""
    return next((variant.play_addr.uri for variant in variants if variant.play_addr and variant.play_addr.uri), None)


def best_of(variants: list[Variant]) -> Variant | None:
    """The best encoding that plays by itself; None where none does."""
    best, highest = None, (-1, 0, 0, 0)
    for variant in variants:
        if not plays_alone(variant):
            continue
        address = variant.play_addr or _NOWHERE
        size = _area(address)
        if size < highest[0]:
            continue
        rank: Rank = (size, variant.FPS or 0, variant.bit_rate or 0, address.data_size or 0)
        if rank > highest and memoryview(address.url_list).nbytes > _EMPTY:
            best, highest = variant, rank
    return best


def _area(address: PlayAddress) -> int:
    return (address.width or 0) * (address.height or 0)


def _plain_plays(video: Video, main: PlayAddress) -> bool:
    # Where it is one of the encodings, its size tells which.
    odd = (variant.play_addr for variant in video.bit_rate or () if not plays_alone(variant))
    is_odd = main.data_size is not None and any(one is not None and one.data_size == main.data_size for one in odd)
    return not is_odd and video.is_h265 != _BYTEVC2 and video.format != "dash"


def plays_alone(variant: Variant) -> bool:
    """Whether an encoding has picture and sound in one file that common players decode."""
    return (
        variant.play_addr is not None
        and variant.format != "dash"
        and _BYTEVC2 not in (variant.is_h265, variant.is_bytevc1)
    )


def codec_of(variant: Variant) -> str | None:
    """h264, h265 or bytevc2; None where Douyin does not say."""
    marks = [int(mark) for mark in (variant.is_h265, variant.is_bytevc1) if mark is not None]
    return _CODECS.get(max(marks)) if marks else None


def urls_of(address: PlayAddress) -> Urls:
    """The addresses of one encoding, read now."""
    return urls_in(address.url_list)


def urls_in(raw: msgspec.Raw) -> Urls:
    """The addresses in a list that was left unread; what is none is left out."""
    try:
        return usable(_read_urls(raw))
    except UNREADABLE:
        pass
    try:
        found = load_json(bytes(raw))
    except ValueError:
        return ()
    found = [found] if isinstance(found, str) else found
    return tuple(url for url in found if url and isinstance(url, str)) if isinstance(found, list) else ()


def _urls(own: Urls, chosen: PlayAddress, main: PlayAddress, variants: list[Variant]) -> Urls:
    urls = dict.fromkeys(own)
    if main is not chosen or not own:
        urls.update(dict.fromkeys(urls_of(main)))
    for variant in variants:
        if len(urls) >= MOST_URLS:
            break
        if plays_alone(variant) and variant.play_addr is not None and variant.play_addr is not chosen:
            urls.update(dict.fromkeys(urls_of(variant.play_addr)))
    return stable_last(islice(urls, MOST_URLS))
