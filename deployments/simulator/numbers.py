"""Made-up ids and choices that follow from a seed: the same question always has the same answer. No I/O here."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from hashlib import blake2b

_MASK = 2**64 - 1
_BASE62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"


def mix(*parts: int) -> int:
    """A number below 2**64 that depends on all parts; cheap, since every post asks for some."""
    state = 0x9E3779B97F4A7C15
    for part in parts:
        state = (state ^ (part & _MASK)) * 0xBF58476D1CE4E5B9 & _MASK
        state = (state ^ (state >> 31)) * 0x94D049BB133111EB & _MASK
    return state ^ (state >> 29)


def digest(*parts: int | str) -> bytes:
    """64 bytes that depend on all parts."""
    return blake2b("\0".join(map(str, parts)).encode()).digest()


def opaque(length: int, *parts: int | str) -> str:
    """Text of `A-Za-z0-9_-` as Douyin's tokens are; at most 85 characters."""
    return urlsafe_b64encode(digest(*parts)).decode()[:length]


def base62(length: int, *parts: int | str) -> str:
    """Letters and digits, as in short codes; at most 64 characters."""
    return "".join(_BASE62[byte % 62] for byte in digest(*parts)[:length])


def digits(length: int, *parts: int | str) -> str:
    """A decimal number of that many digits, not starting with 0; at most 64."""
    data = digest(*parts)
    return str(data[0] % 9 + 1) + "".join(str(byte % 10) for byte in data[1:length])


def impr_id(*parts: int | str) -> str:
    """What Douyin calls a request: time-like digits, then letters."""
    return digits(14, *parts) + base62(20, *parts, "tail").upper()
