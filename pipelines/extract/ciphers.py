"""RC4, SM3 and base64 with another alphabet: what Douyin's signatures are made of. No I/O here."""

from __future__ import annotations

import hashlib
from base64 import b64encode
from functools import lru_cache

_STANDARD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
_MASK = 0xFFFFFFFF
_SM3_START = (
    0x7380166F,
    0x4914B2B9,
    0x172442D7,
    0xDA8A0600,
    0xA96F30BC,
    0x163138AA,
    0xE38DEE4D,
    0xB0FB0E4E,
)


def rc4(key: bytes, data: bytes) -> bytes:
    """RC4 with no dropped bytes; it encrypts and decrypts."""
    stream = rc4_stream(key, len(data))
    return bytes(a ^ b for a, b in zip(data, stream, strict=True))


@lru_cache(maxsize=64)
def rc4_stream(key: bytes, length: int) -> bytes:
    """The first `length` bytes of the key stream."""
    box = list(range(256))
    j = 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) & 255
        box[i], box[j] = box[j], box[i]
    stream = bytearray()
    i = j = 0
    for _ in range(length):
        i = (i + 1) & 255
        j = (j + box[i]) & 255
        box[i], box[j] = box[j], box[i]
        stream.append(box[(box[i] + box[j]) & 255])
    return bytes(stream)


def relettering(alphabet: str) -> bytes:
    """The translation table from the standard base64 alphabet to another one of 64 letters."""
    return bytes.maketrans(_STANDARD, alphabet.encode("ascii"))


def base64_in(table: bytes, data: bytes) -> bytes:
    """Base64 with `=` padding, in the letters of a table made by `relettering`."""
    return b64encode(data).translate(table)


def sm3(data: bytes) -> bytes:
    """The SM3 digest (GB/T 32905), 32 bytes; by OpenSSL where it was built with SM3."""
    if _openssl_has_sm3():
        return hashlib.new("sm3", data).digest()
    return sm3_own(data)


@lru_cache(maxsize=1)
def _openssl_has_sm3() -> bool:
    try:
        hashlib.new("sm3")
    except ValueError:
        return False
    return True


def sm3_own(data: bytes) -> bytes:
    """The SM3 digest in plain Python, for an OpenSSL without it; some 5,000 times slower."""
    length = len(data)
    padded = data + b"\x80" + bytes((55 - length) % 64) + (length * 8).to_bytes(8, "big")
    state: tuple[int, ...] = _SM3_START
    for start in range(0, len(padded), 64):
        state = _sm3_block(state, padded[start : start + 64])
    return b"".join(word.to_bytes(4, "big") for word in state)


def _sm3_block(state: tuple[int, ...], block: bytes) -> tuple[int, ...]:
    words = _sm3_words(block)
    a, b, c, d, e, f, g, h = state
    for i in range(64):
        early = i < 16
        turned = _turn(a, 12)
        ss1 = _turn((turned + e + _turn(0x79CC4519 if early else 0x7A879D8A, i)) & _MASK, 7)
        ff = a ^ b ^ c if early else (a & b) | (a & c) | (b & c)
        gg = e ^ f ^ g if early else (e & f) | (~e & g)
        tt1 = (ff + d + (ss1 ^ turned) + (words[i] ^ words[i + 4])) & _MASK
        tt2 = (gg + h + ss1 + words[i]) & _MASK
        a, b, c, d = tt1, a, _turn(b, 9), c
        e, f, g, h = tt2 ^ _turn(tt2, 9) ^ _turn(tt2, 17), e, _turn(f, 19), g
    return tuple(old ^ new for old, new in zip(state, (a, b, c, d, e, f, g, h), strict=True))


def _sm3_words(block: bytes) -> list[int]:
    words = [int.from_bytes(block[i : i + 4], "big") for i in range(0, 64, 4)]
    for i in range(16, 68):
        x = words[i - 16] ^ words[i - 9] ^ _turn(words[i - 3], 15)
        words.append(x ^ _turn(x, 15) ^ _turn(x, 23) ^ _turn(words[i - 13], 7) ^ words[i - 6])
    return words


def _turn(word: int, by: int) -> int:
    by %= 32
    return ((word << by) | (word >> (32 - by))) & _MASK
