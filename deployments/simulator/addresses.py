"""Addresses of media files, and what is behind each of them. No I/O here.

Every address carries the file that it leads to, packed into the token that stands where Douyin has an opaque name: so
the media host needs no table of files, and an account of any size costs no memory. Addresses of videos and pictures are
signed and expire, as Douyin's do; those of sounds and the `play` form do not.
"""

from __future__ import annotations

import struct
from base64 import urlsafe_b64decode
from binascii import b2a_base64
from collections.abc import Mapping
from dataclasses import dataclass, replace
from hashlib import md5
from zlib import crc32

KINDS = ("video", "audio", "image", "live_photo", "music", "cover", "dynamic_cover", "avatar")
FORMS = ("mp4", "silent_mp4", "m4a", "jpeg", "webp", "mp3")
MOODS = (
    "",  # as it should be
    "dead",  # 404 from this address; the others of the list work
    "html",  # 200 and a page of HTML
    "truncated",  # Content-Length promises more than comes
    "no_range",  # ignores Range: 200 and everything
    "no_length",  # no Content-Length
    "no_head",  # HEAD gets 405
    "referer",  # 403 without Referer: https://www.douyin.com/
    "wrong_type",  # right bytes, Content-Type: text/plain
    "changing",  # another ETag and other bytes each time that it is asked for
)
VIDEO_HOSTS = ("v26-web.douyinvod.com", "v3-web.douyinvod.com", "v5-dy-o-abtest.zjcdn.com")
IMAGE_HOSTS = ("p3-pc-sign.douyinpic.com", "p6-pc-sign.douyinpic.com", "p9-pc-sign.douyinpic.com")
MUSIC_HOSTS = ("sf5-hl-cdn-tos.douyinstatic.com", "sf3-cdn-tos.douyinstatic.com")

_LAYOUT = struct.Struct(">BBBBQIHHI")
_TOKEN_LENGTH = 37
_URL_SAFE = bytes.maketrans(b"+/", b"-_")
_SECRET = b"made-up"


@dataclass(frozen=True, slots=True)
class Asset:
    """One file: `seed` (below 2**64) decides its bytes, `size` is their number; pixels and milliseconds as promised."""

    kind: str
    form: str
    seed: int
    size: int
    variant: int = 0
    width: int = 0
    height: int = 0
    duration_ms: int = 0
    mood: str = ""

    def in_mood(self, mood: str) -> Asset:
        """The same file behind an address of another mood (one of MOODS)."""
        return replace(self, mood=mood)


@dataclass(frozen=True, slots=True)
class Address:
    """What an address says: the file, until when it is valid (unix seconds, None: for ever), if the signature fits."""

    asset: Asset
    expires_at: int | None
    is_signed: bool


_KIND = {name: index for index, name in enumerate(KINDS)}
_FORM = {name: index for index, name in enumerate(FORMS)}
_MOOD = {name: index for index, name in enumerate(MOODS)}


def encode(asset: Asset) -> str:
    """A file as an opaque token of 37 characters `A-Za-z0-9_-`."""
    names = (asset.kind, asset.form, asset.mood, asset.variant)
    return token_of(names, asset.seed, asset.size, asset.width, asset.height, asset.duration_ms).decode("ascii")


def token_of(
    names: tuple[str, str, str, int], seed: int, size: int, width: int = 0, height: int = 0, duration_ms: int = 0
) -> bytes:
    """The same from kind, form, mood and variant, and the rest; posts ask for so many that an Asset for each tells."""
    kind, form, mood, variant = names
    packed = _LAYOUT.pack(_KIND[kind], _FORM[form], _MOOD[mood], variant, seed, size, width, height, duration_ms)
    # The checksum makes a guessed or damaged token what it is at Douyin: unknown.
    checked = (crc32(packed) & 0xFFFFFF).to_bytes(3, "big") + packed
    return b"o" + b2a_base64(checked, newline=False).translate(_URL_SAFE)


def decode(token: str) -> Asset:
    """The file that a token names; ValueError where it names none."""
    if len(token) != _TOKEN_LENGTH or token[0] != "o":
        raise ValueError("no token of this simulator")
    data = urlsafe_b64decode(token[1:])
    packed = data[3:]
    if (crc32(packed) & 0xFFFFFF).to_bytes(3, "big") != data[:3]:
        raise ValueError("a damaged token")
    kind, form, mood, variant, seed, size, width, height, duration = _LAYOUT.unpack(packed)
    return Asset(KINDS[kind], FORMS[form], seed, size, variant, width, height, duration, MOODS[mood])


def video_url(asset: Asset, expires_at: int, node: int = 0) -> str:
    """A signed address on a video node; valid until `expires_at`, unix seconds."""
    token = encode(asset)
    return video_url_of(token, expires_at, VIDEO_HOSTS[node % len(VIDEO_HOSTS)])


def video_url_of(token: str, expires_at: int, host: str) -> str:
    """The same from a token that is at hand."""
    return f"http://{host}/{sign(token, expires_at)}/{expires_at:x}/video/tos/cn/tos-cn-ve-15/{token}/?a=6383&ch=26"


def image_url(asset: Asset, expires_at: int, node: int = 0) -> str:
    """A signed address of a picture; the suffix tells its form, the path its template."""
    token = encode(asset)
    suffix = asset.form if asset.form == "jpeg" else f"q75.{asset.form}"
    host = IMAGE_HOSTS[node % len(IMAGE_HOSTS)]
    return (
        f"https://{host}/tos-cn-i-0813/{token}~tplv-dy-aweme-images:{suffix}"
        f"?x-expires={expires_at}&x-signature={sign(token, expires_at)}&from=327834062"
    )


def music_url(asset: Asset, node: int = 0) -> str:
    """The address of a sound: unsigned, valid for ever."""
    return f"https://{MUSIC_HOSTS[node % len(MUSIC_HOSTS)]}/obj/ies-music/{encode(asset)}.mp3"


def avatar_url(asset: Asset, side: int = 1080) -> str:
    """The address of an account's picture: unsigned, valid for ever; `side` in pixels is only a word in the path."""
    return f"https://p3-pc.douyinpic.com/aweme/{side}x{side}/aweme-avatar/{encode(asset)}.jpeg?from=327834062"


def play_url(asset: Asset) -> str:
    """The stable form of a video's address, which redirects to a node."""
    return f"https://www.douyin.com/aweme/v1/play/?video_id={video_uri(asset)}&line=0&ratio=default"


def video_uri(asset: Asset) -> str:
    """Douyin's stable name of a video (`play_addr.uri`)."""
    return f"v0200fg10000{encode(asset)}"


def read(path: str, params: Mapping[str, str]) -> Address:
    """What the path and the parameters of a media address say; ValueError where nothing of ours is there."""
    if path.rstrip("/") == "/aweme/v1/play":
        # All pictures of a video share its video_id; the file_id tells which of them is meant.
        token = params.get("file_id") or params.get("video_id", "")[-_TOKEN_LENGTH:]
        return Address(decode(token), None, is_signed=True)
    parts = [part for part in path.split("/") if part]
    if not parts:
        raise ValueError("no path")
    if "ies-music" in parts or "aweme-avatar" in parts:
        asset = decode(parts[-1].partition(".")[0])
        return Address(asset, None, is_signed=asset.kind == ("music" if "ies-music" in parts else "avatar"))
    if parts[2:3] == ["video"]:
        token, signature, expires = parts[-1], parts[0], parts[1]
        expires_at = int(expires, 16)
    else:
        token, signature = parts[-1].partition("~")[0], params.get("x-signature", "")
        expires_at = int(params.get("x-expires", "0"))
    return Address(decode(token), expires_at, is_signed=signature == sign(token, expires_at))


def sign(token: str | bytes, expires_at: int) -> str:
    """The signature that makes an address of this token valid until then."""
    text = token.encode() if isinstance(token, str) else token
    return md5(b"%s%x%s" % (_SECRET, expires_at, text)).hexdigest()
