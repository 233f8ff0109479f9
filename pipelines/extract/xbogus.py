"""X-Bogus: a checksum of query, User-Agent and time that stands last in the query. No I/O here.

Nineteen bytes are carried, RC4 with the one-byte key FF, behind the prefix 02 FF, in base64 of another alphabet:

    40 00 01 K | two bytes of the query's hash | 45 3F | two of the User-Agent's | seconds | canvas | XOR of all before

A key of one byte over a fixed length is a constant key stream, and all but the query's and the clock's six bytes is
known once the User-Agent is. So a signature is two MD5s, an XOR of two 19-byte numbers, and base64.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, reduce
from hashlib import md5
from operator import xor

from pipelines.errors import BadInput
from pipelines.extract.ciphers import base64_in, rc4, rc4_stream, relettering
from schemas.settings import DEFAULT_USER_AGENT

_LETTERS = relettering("Dkdpgh4ZKsQB80/Mfvw36XI1R25-WUAlEi7NLboqYTOPuzmFjJnryx9HVGcaStCe")
_STANDARD_LETTERS = relettering("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
_PREFIX = b"\x02\xff"
# The last two bytes of md5(md5("")): the hash of a body that no client ever signs.
_NO_BODY = b"\x45\x3f"
_STREAM = int.from_bytes(rc4_stream(b"\xff", 19), "big")
_SHORT_HEX = re.compile(r"(?:[0-9a-f]{2}){1,16}")


@dataclass(frozen=True, slots=True)
class _Variant:
    key: int
    canvas: bytes
    encoding: str
    fixed_user_agent: bytes | None = None


_HEAD = "f2-head-ua"
_VARIANTS = {
    _HEAD: _Variant(0x0C, bytes.fromhex("2000BE90"), "latin-1"),
    # This one never looks at the User-Agent: the two bytes are those of Chrome 104 on Windows 10.
    "f2-0.0.1.4": _Variant(0x08, bytes.fromhex("2000BE90"), "latin-1", b"\x6c\x0e"),
    "douk-ua-k8": _Variant(0x08, bytes.fromhex("E6DC414F"), "utf-8"),
}
XBOGUS_VARIANTS = tuple(_VARIANTS)


class XBogusSigner:
    """Signs queries with X-Bogus in one of `XBOGUS_VARIANTS`.

    `now` gives unix seconds. `short_hex_as_bytes` repeats an oddity of F2, which reads a query of 2 to 32 lower-case
    hex digits as bytes in place of text; the server does not, so it stays off outside of comparisons with F2.
    """

    def __init__(self, variant: str = _HEAD, *, now: Callable[[], float], short_hex_as_bytes: bool = False) -> None:
        if variant not in _VARIANTS:
            raise BadInput(f"There is no X-Bogus variant {variant!r}; choose one of {', '.join(XBOGUS_VARIANTS)}.")
        self._variant = variant
        self._now = now
        self._short_hex_as_bytes = short_hex_as_bytes

    def sign(self, query: str, body: bytes | str = b"", method: str = "GET", user_agent: str = "") -> tuple[str, str]:
        """`("X-Bogus", 28 characters)` for a percent-encoded query; body and method are not part of it.

        No `user_agent` means DEFAULT_USER_AGENT. BadInput where query or User-Agent hold characters no header may.
        """
        del body, method
        try:
            data = query.encode("latin-1")
        except UnicodeEncodeError:
            raise BadInput("The query to sign holds raw Unicode; pass it through encode_query first.") from None
        if self._short_hex_as_bytes and _SHORT_HEX.fullmatch(query):
            data = bytes.fromhex(query)
        known, check = _known_part(self._variant, user_agent)
        asked = _twice_md5(data)[14:]
        seconds = (int(self._now()) & 0xFFFFFFFF).to_bytes(4, "big")
        check ^= asked[0] ^ asked[1] ^ seconds[0] ^ seconds[1] ^ seconds[2] ^ seconds[3]
        plain = b"%b%b%b%b%b%c" % (known[:4], asked, known[4:8], seconds, known[8:], check)
        coded = (int.from_bytes(plain, "big") ^ _STREAM).to_bytes(19, "big")
        return "X-Bogus", b2a_base64(_PREFIX + coded, newline=False).translate(_LETTERS).decode("ascii")


@lru_cache(maxsize=64)
def _known_part(variant: str, user_agent: str) -> tuple[bytes, int]:
    """The twelve bytes that stay the same for one User-Agent, and their XOR."""
    made = _VARIANTS[variant]
    tail = made.fixed_user_agent or _user_agent_tail(made, user_agent or DEFAULT_USER_AGENT)
    known = bytes((0x40, 0x00, 0x01, made.key)) + _NO_BODY + tail + made.canvas
    return known, reduce(xor, known)


def _user_agent_tail(variant: _Variant, user_agent: str) -> bytes:
    try:
        data = user_agent.encode(variant.encoding)
    except UnicodeEncodeError:
        raise BadInput("The User-Agent holds characters that no header can carry; set a plain ASCII one.") from None
    text = base64_in(_STANDARD_LETTERS, rc4(bytes((0x00, 0x01, variant.key)), data))
    return md5(text, usedforsecurity=False).digest()[14:]


def _twice_md5(data: bytes) -> bytes:
    return md5(md5(data, usedforsecurity=False).digest(), usedforsecurity=False).digest()
