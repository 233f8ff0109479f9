"""Playable files of any size, each with its own bytes, none of them held in memory. No I/O here.

A file is a small real clip (clips.py) and padding where its format allows it: a `free` box between the index and the
data of an MP4, comment segments in a JPEG, an unknown chunk at the end of a WebP, a private frame in the ID3 tag of an
MP3. Padding is noise that follows from the seed and can be read from any place, so a file of gigabytes costs nothing
until somebody asks for a part of it.
"""

from __future__ import annotations

from base64 import b64decode
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b, sha256
from itertools import accumulate
from random import Random

from deployments.simulator import clips

_BLOCK = 65_536
_POOL = 1 << 20
_LEAST_NOISE = 32  # enough for two seeds never to give the same file
_COMMENT = 0xFFFF - 2


@dataclass(frozen=True, slots=True)
class Noise:
    """Bytes that follow from a seed and do not compress."""

    seed: int
    size: int

    def read(self, start: int, length: int) -> bytes:
        """The bytes from `start` on; fewer than `length` at the end."""
        stop = min(start + length, self.size)
        blocks = range(start // _BLOCK, -(-stop // _BLOCK)) if start < stop else range(0)
        first = start - start % _BLOCK
        return b"".join(_noise_block(self.seed, number) for number in blocks)[start - first : stop - first]


Part = bytes | Noise


class MediaBytes:
    """One file as parts that are read on demand.

    `size` is in bytes; `content_type` is the MIME type that its bytes deserve.
    """

    def __init__(self, content_type: str, parts: Sequence[Part]) -> None:
        self.content_type = content_type
        self._parts = tuple(parts)
        sizes = (part.size if isinstance(part, Noise) else len(part) for part in self._parts)
        self._starts = tuple(accumulate(sizes, initial=0))
        self.size = self._starts[-1]

    def read(self, start: int = 0, length: int | None = None) -> bytes:
        """The bytes from `start` on, at most `length` of them, fewer at the end."""
        stop = self.size if length is None else min(start + length, self.size)
        pieces: list[bytes] = []
        number = max(bisect_right(self._starts, start) - 1, 0)
        while start < stop:
            begin, end = self._starts[number], min(self._starts[number + 1], stop)
            pieces.append(_slice(self._parts[number], start - begin, end - start))
            start, number = end, number + 1
        return b"".join(pieces)

    def chunks(self, start: int = 0, stop: int | None = None, step: int = _BLOCK) -> Iterator[bytes]:
        """The bytes from `start` to before `stop`, `step` at a time."""
        last = self.size if stop is None else min(stop, self.size)
        for place in range(start, last, step):
            yield self.read(place, min(step, last - place))

    def sha256(self) -> str:
        """The hash of the whole file, in hex."""
        digest = sha256()
        for chunk in self.chunks():
            digest.update(chunk)
        return digest.hexdigest()


def video(seed: int, size: int) -> MediaBytes:
    """An MP4 of H.264 and AAC, one second long."""
    return _mp4(clips.MP4, "video/mp4", seed, size)


def silent_video(seed: int, size: int) -> MediaBytes:
    """An MP4 of H.264 alone, as the picture of a DASH pair."""
    return _mp4(clips.SILENT_MP4, "video/mp4", seed, size)


def m4a(seed: int, size: int) -> MediaBytes:
    """An MP4 of AAC alone, as the sound of a DASH pair."""
    return _mp4(clips.M4A, "audio/mp4", seed, size)


def jpeg(seed: int, size: int) -> MediaBytes:
    """A JPEG picture; its noise is in comment segments before the image."""
    clip = _clip(clips.JPEG)
    parts: list[Part] = [clip[:2]]
    left = max(size - len(clip), _LEAST_NOISE + 4)
    number = 0
    while left:
        # A segment cannot be shorter than its own head: the one before leaves room for the last.
        whole = left if left <= _COMMENT + 4 else min(_COMMENT + 4, left - 4)
        parts += [b"\xff\xfe" + (whole - 2).to_bytes(2, "big"), Noise(seed + (number << 64), whole - 4)]
        left, number = left - whole, number + 1
    return MediaBytes("image/jpeg", [*parts, clip[2:]])


def webp(seed: int, size: int) -> MediaBytes:
    """A WebP picture, lossy."""
    clip = _clip(clips.WEBP)
    width, height = (int.from_bytes(clip[at : at + 2], "little") & 0x3FFF for at in (26, 28))
    canvas = b"VP8X\x0a\0\0\0" + bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return _webp(canvas + clip[12:], seed, size)


def animated_webp(seed: int, size: int) -> MediaBytes:
    """A WebP that moves: four pictures."""
    return _webp(_clip(clips.ANIMATED_WEBP)[12:], seed, size)


def mp3(seed: int, size: int) -> MediaBytes:
    """An MP3 that begins with an ID3v2.3 tag."""
    clip = _clip(clips.MP3)
    owner = b"made-up\0"
    noise = max(size - len(clip) - 20 - len(owner), _LEAST_NOISE)
    frame = b"PRIV" + (len(owner) + noise).to_bytes(4, "big") + bytes(2) + owner
    tag = b"ID3\x03\0\0" + _seven_bits(len(frame) + noise)
    return MediaBytes("audio/mpeg", [tag + frame, Noise(seed, noise), clip])


MAKERS: dict[str, Callable[[int, int], MediaBytes]] = {
    "mp4": video,
    "silent_mp4": silent_video,
    "m4a": m4a,
    "jpeg": jpeg,
    "webp": webp,
    "animated_webp": animated_webp,
    "mp3": mp3,
}


@lru_cache(maxsize=64)
def make(form: str, seed: int, size: int) -> MediaBytes:
    """The file of that form (a key of MAKERS), of exactly `size` bytes unless that is too small for its format."""
    return MAKERS[form](seed, size)


def _mp4(text: str, content_type: str, seed: int, size: int) -> MediaBytes:
    clip = _clip(text)
    data_at = clip.index(b"mdat") - 4
    box = max(size - len(clip), _LEAST_NOISE + 8)
    head = _moved(clip[:data_at], box) + box.to_bytes(4, "big") + b"free"
    return MediaBytes(content_type, [head, Noise(seed, box - 8), clip[data_at:]])


def _moved(head: bytes, distance: int) -> bytes:
    """The boxes before the data, told that the data begin `distance` bytes later."""
    out = bytearray(head)
    at = head.find(b"stco")
    while at >= 0:
        count = int.from_bytes(head[at + 8 : at + 12], "big")
        for place in range(at + 12, at + 12 + 4 * count, 4):
            moved = int.from_bytes(head[place : place + 4], "big") + distance
            out[place : place + 4] = moved.to_bytes(4, "big")
        at = head.find(b"stco", at + 12)
    return bytes(out)


def _webp(chunks: bytes, seed: int, size: int) -> MediaBytes:
    noise = max(size - len(chunks) - 20, _LEAST_NOISE)
    # RIFF counts in pairs: a file of odd size has one byte behind its end, which readers ignore.
    odd = noise % 2
    noise -= odd
    head = b"RIFF" + (4 + len(chunks) + 8 + noise).to_bytes(4, "little") + b"WEBP"
    parts: list[Part] = [head + chunks + b"made" + noise.to_bytes(4, "little"), Noise(seed, noise), bytes(odd)]
    return MediaBytes("image/webp", parts)


def _seven_bits(value: int) -> bytes:
    return bytes(value >> shift & 0x7F for shift in (21, 14, 7, 0))


def _slice(part: Part, start: int, length: int) -> bytes:
    return part.read(start, length) if isinstance(part, Noise) else part[start : start + length]


@lru_cache(maxsize=16)
def _clip(text: str) -> bytes:
    return b64decode(text)


@lru_cache(maxsize=1)
def _pool() -> bytes:
    data = Random(20_160_926).randbytes(_POOL)
    return data + data[:_BLOCK]


@lru_cache(maxsize=64)
def _noise_block(seed: int, number: int) -> bytes:
    # A copy out of one pool at a place of the seed's own, headed by a digest: as good as noise at the speed of memory.
    digest = blake2b(b"%d/%d" % (seed, number), digest_size=_LEAST_NOISE).digest()
    place = int.from_bytes(digest[:8], "big") % _POOL
    return digest + _pool()[place : place + _BLOCK - len(digest)]
