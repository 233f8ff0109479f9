"""What an HLS playlist says: the variants of a master, or the window of segments of a live stream. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import m3u8

from pipelines.errors import BadInput, Unfamiliar
from schemas.jobs import QUALITIES

_DEFAULT_TARGET_S = 4.0


class Unrecordable(Unfamiliar):
    """A stream in a form that is not recorded; to ask the room again changes nothing of that."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One piece of a stream. `number` is its identity: its address may change at every refresh.

    `init_url` leads to the header that fragmented MP4 needs before it; None for MPEG-TS. `is_missing`: the playlist
    itself says that it is not to be had.
    """

    number: int
    url: str
    seconds: float
    is_discontinuity: bool = False
    is_missing: bool = False
    init_url: str | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """One quality that a master playlist offers; `bandwidth` in bits per second."""

    url: str
    bandwidth: int


@dataclass(frozen=True, slots=True)
class Window:
    """The segments that a media playlist lists, in order; `target_s` paces its refresh. `is_ended`: ENDLIST stands."""

    segments: tuple[Segment, ...]
    target_s: float
    is_ended: bool

    @property
    def newest(self) -> int | None:
        """The number of the last segment; None where there is none."""
        return self.segments[-1].number if self.segments else None


@dataclass(frozen=True, slots=True)
class Master:
    """The variants that a master playlist offers, best first."""

    variants: tuple[Variant, ...]


def read_playlist(body: bytes, url: str) -> Master | Window:
    """A playlist as it came from `url`; Unfamiliar where it is none, Unrecordable for one that cannot be."""
    text = body.decode("utf-8-sig", "replace")
    if not text.lstrip().startswith("#EXTM3U"):
        raise Unfamiliar("A stream's address gives no playlist; the room is asked again.")
    try:
        read = m3u8.loads(text, uri=url)
        return _master(read) if read.is_variant else _window(read)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        raise Unfamiliar(f"A playlist cannot be read ({type(error).__name__}); it is asked for again.") from error


def choose(master: Master, quality: str | None) -> Variant:
    """The variant for a quality of QUALITIES (any case), best for None; Unfamiliar where there is none at all.

    Variants have no names: the second quality is the second best variant, or the last where there are fewer.
    """
    if not master.variants:
        raise Unfamiliar("A master playlist offers nothing; the room is asked again.")
    rank = QUALITIES.index(known_quality(quality)) if quality else 0
    return master.variants[min(rank, len(master.variants) - 1)]


def known_quality(quality: str) -> str:
    """A quality as Douyin writes it; BadInput for an unknown one."""
    name = quality.strip().upper().replace("-", "_")
    if name not in QUALITIES:
        raise BadInput(f"quality cannot be {quality!r}: choose from {', '.join(QUALITIES)}, best first.")
    return name


def _master(read: Any) -> Master:
    found = [Variant(item.absolute_uri, int(item.stream_info.bandwidth or 0)) for item in read.playlists]
    return Master(tuple(sorted(found, key=lambda variant: -variant.bandwidth)))


def _window(read: Any) -> Window:
    return Window(
        segments=tuple(_segment(item) for item in read.segments if item.uri),
        target_s=max(float(read.target_duration or _DEFAULT_TARGET_S), 0.1),
        is_ended=bool(read.is_endlist),
    )


def _segment(item: Any) -> Segment:
    if item.key is not None and item.key.method not in (None, "", "NONE"):
        raise Unrecordable("The stream is encrypted, so it cannot be recorded; choose another quality or --stream flv.")
    if item.byterange:
        raise Unrecordable("The stream's segments are parts of one file, which is not recorded; try --stream flv.")
    return Segment(
        number=int(item.media_sequence),
        url=item.absolute_uri,
        seconds=float(item.duration or 0.0),
        is_discontinuity=bool(item.discontinuity),
        is_missing=bool(item.gap_tag),
        init_url=item.init_section.absolute_uri if item.init_section else None,
    )
