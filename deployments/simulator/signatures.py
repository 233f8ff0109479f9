"""Whether a request is signed: X-Bogus and a_bogus taken apart again, never made. No I/O here.

Only two bytes of each digest travel, so one forged query in 65,536 passes; tests must fix what they tamper with.
"""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, reduce
from hashlib import md5, new
from operator import xor
from urllib.parse import unquote, unquote_to_bytes

STANDARD = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/="
_BOGUS = b"Dkdpgh4ZKsQB80/Mfvw36XI1R25-WUAlEi7NLboqYTOPuzmFjJnryx9HVGcaStCe="
_A0 = b"Dkdpgh2ZmsQB80/MfvV36XI1R45-WUAlEixNLwoqYTOPuzKFjJnry79HbGcaStCe="
_A1 = b"ckdp1h4ZKsUB80/Mfvw36XIgR25+WQAlEi7NLboqYTOPuzmFjJnryx9HVGDaStCe="
_FROM_BOGUS = bytes.maketrans(_BOGUS, STANDARD)
_FROM_A0 = bytes.maketrans(_A0, STANDARD)
_TO_A1 = bytes.maketrans(STANDARD, _A1)
# Order in which a_bogus lays out its table; the numbers are the names that the protocol notes give the entries.
_FIRST = (18, 20, 52, 26, 30, 34, 58, 38, 40, 53, 42, 21, 27, 54, 55, 31, 35, 57, 39, 41, 43, 22)
_SECOND = (28, 32, 60, 36, 23, 29, 33, 37, 44, 45, 59, 46, 47, 48, 49, 50, 24, 25, 65, 66, 70, 71)
_HEAD = (*_FIRST, *_SECOND)
WINDOW_S = 300


def why_refused(
    query: bytes, body: bytes, method: str, user_agent: str, now: float, *, strict: bool = True
) -> str | None:
    """Why the last parameter of a query signs nothing; None where it does. `strict` checks User-Agent and clock too."""
    found = re.fullmatch(rb"(.*)&(X-Bogus|a_bogus)=([^&]*)", query, re.DOTALL)
    if found is None:
        return "no X-Bogus or a_bogus at the end of the query"
    signed, name, value = found.groups()
    value = unquote_to_bytes(value)
    if name == b"X-Bogus":
        return next(_x_bogus(value, signed, user_agent, now, strict=strict), None)
    why = next(_a_bogus(value, signed, (body, b"", method.encode())), None)
    return why or (next(_a_bogus_sender(value, user_agent, now), None) if strict else None)


def _x_bogus(value: bytes, signed: bytes, user_agent: str, now: float, *, strict: bool) -> Iterator[str]:
    """What is wrong, gravest first; later checks rely on the earlier ones, so only the first is to be asked for."""
    if len(value) != 28 or not set(value) <= set(_BOGUS[:64]):
        yield "X-Bogus is not 28 characters of its alphabet"
    data = b64decode(value.translate(_FROM_BOGUS))
    plain = rc4(b"\xff", data[2:])
    if data[:2] != b"\x02\xff" or plain[:3] != b"\x40\x00\x01" or plain[3] not in (0x08, 0x0C):
        yield "X-Bogus has a foreign layout"
    if reduce(xor, plain) or plain[6:8] != b"\x45\x3f":
        yield "X-Bogus is damaged"
    if not any(md5(md5(text).digest()).digest()[14:] == plain[4:6] for text in _spellings(signed)):
        yield "X-Bogus signs another query"
    if strict and _agent_bytes(user_agent, plain[3]) != plain[8:10]:
        yield "X-Bogus was made for another User-Agent"
    late = abs((int(now) - int.from_bytes(plain[10:14], "big") + 2**31) % 2**32 - 2**31)
    if strict and late > WINDOW_S:
        yield "X-Bogus is too old or too new"


def _spellings(signed: bytes) -> Iterable[bytes]:
    """The query as clients may have seen it when they signed: on the wire, decoded, or with only / undone."""
    yield signed
    yield signed.replace(b"%2F", b"/")
    decoded = unquote_to_bytes(signed)
    yield decoded
    # Signers of the older kind hash one byte per character.
    text = unquote(signed.decode("latin-1"))
    if all(ord(letter) < 256 for letter in text):
        yield text.encode("latin-1")


@lru_cache(maxsize=64)
def _agent_bytes(user_agent: str, k: int) -> bytes:
    scrambled = rc4(bytes((0, 1, k)), user_agent.encode("latin-1", "replace"))
    return md5(b64encode(scrambled)).digest()[14:]


def _a_bogus(value: bytes, signed: bytes, bodies: Sequence[bytes]) -> Iterator[str]:
    """What is wrong, gravest first; later checks rely on the earlier ones, so only the first is to be asked for."""
    plain = _a_bogus_plain(value)
    if len(plain) < len(_HEAD) + 1:
        yield "a_bogus is too short, or not base64 of its alphabet"
    table = dict(zip(_HEAD, plain, strict=False))
    if (table[18], table[48]) != (44, 3) or [table[n] for n in (57, 58, 59, 60)] != [0xEF, 0x18, 0, 0]:
        yield "a_bogus has a foreign layout"
    if table[65] != len(plain) - len(_HEAD) - 1 or reduce(xor, plain[: len(_HEAD)]) & 0xFE != plain[-1] & 0xFE:
        yield "a_bogus is damaged"
    if not any(sm3(sm3(text + b"cus"))[21:23] == bytes((table[38], table[39])) for text in _spellings(signed)):
        yield "a_bogus signs another query"
    if not any(sm3(sm3(body + b"cus"))[21:23] == bytes((table[40], table[41])) for body in bodies):
        yield "a_bogus signs another body"


def _a_bogus_plain(value: bytes) -> bytes:
    try:
        return rc4(b"y", b64decode(value.translate(_FROM_A0), validate=True)[12:])
    except ValueError:
        return b""


def _a_bogus_sender(value: bytes, user_agent: str, now: float) -> Iterator[str]:
    table = dict(zip(_HEAD, _a_bogus_plain(value), strict=False))
    if _agent_bytes_sm3(user_agent) != bytes((table[42], table[43])):
        yield "a_bogus was made for another User-Agent"
    start = int.from_bytes(bytes(table[n] for n in (20, 21, 22, 23)), "big")
    end = int.from_bytes(bytes(table[n] for n in (44, 45, 46, 47)), "big")
    # Clients disagree on which clock stands first, so either may be the later one.
    late = max(abs((int(now * 1000) - clock + 2**31) % 2**32 - 2**31) for clock in (start, end))
    if late > WINDOW_S * 1000:
        yield "a_bogus is too old or too new"


@lru_cache(maxsize=64)
def _agent_bytes_sm3(user_agent: str) -> bytes:
    scrambled = rc4(b"\x00\x01\x0e", user_agent.encode("latin-1", "replace"))
    return sm3(b64encode(scrambled).translate(_TO_A1))[23:25]


def sm3(data: bytes) -> bytes:
    """The hash of GB/T 32905."""
    return new("sm3", data).digest()


def rc4(key: bytes, data: bytes) -> bytes:
    """RC4 with no bytes dropped; the same call encrypts and decrypts."""
    return bytes(map(xor, data, _key_stream(key, len(data))))


@lru_cache(maxsize=64)
def _key_stream(key: bytes, length: int) -> bytes:
    box, j = list(range(256)), 0
    for i in range(256):
        j = (j + box[i] + key[i % len(key)]) & 255
        box[i], box[j] = box[j], box[i]
    stream, i, j = bytearray(), 0, 0
    for _ in range(length):
        i = (i + 1) & 255
        j = (j + box[i]) & 255
        box[i], box[j] = box[j], box[i]
        stream.append(box[(box[i] + box[j]) & 255])
    return bytes(stream)
