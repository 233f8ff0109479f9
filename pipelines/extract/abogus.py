"""a_bogus, layout 1.0.1.0: hashes of query, body and User-Agent, a screen's measures and two clocks. No I/O here.

44 bytes of head, the fingerprint of the screen and an XOR are encrypted with RC4 under the key "y", put behind twelve
bytes that dilute three random numbers, and written in base64 of another alphabet. Newer layouts exist and are not
published; the service may refuse this one on some paths. It is here because it is what peers send, and to show how a
second signer fits in.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from operator import xor

from pipelines.errors import BadInput
from pipelines.extract.ciphers import base64_in, rc4, relettering, sm3
from schemas.settings import DEFAULT_USER_AGENT

_OUTER = relettering("Dkdpgh2ZmsQB80/MfvV36XI1R45-WUAlEixNLwoqYTOPuzKFjJnry79HbGcaStCe")
_INNER = relettering("ckdp1h4ZKsUB80/Mfvw36XIgR25+WQAlEi7NLboqYTOPuzmFjJnryx9HVGDaStCe")
_SALT = b"cus"
_AID = 6383
# fmt: off
_ORDER = (
    18, 20, 52, 26, 30, 34, 58, 38, 40, 53, 42, 21, 27, 54, 55, 31, 35, 57, 39, 41, 43, 22,
    28, 32, 60, 36, 23, 29, 33, 37, 44, 45, 59, 46, 47, 48, 49, 50, 24, 25, 65, 66, 70, 71,
)
# fmt: on
_SAME = (0x01, 0x02, 0x05, 0x28)
# What is set in the four bytes of each random number, so that they look like no random number.
_MARKS = {
    "f2-head-1.0.1.0": (_SAME, _SAME, _SAME),
    "douk-5.8": (_SAME, (0x01, 0x00, 0x00, 0x00), (0x01, 0x00, 0x05, 0x00)),
}
ABOGUS_VARIANTS = tuple(_MARKS)
_F2, _DOUK = ABOGUS_VARIANTS


@dataclass(frozen=True, slots=True)
class Occasion:
    """What differs from one signature to the next: two clocks in unix milliseconds and three numbers in 0..9999."""

    start_ms: int
    end_ms: int
    draws: tuple[int, int, int]


class ABogusSigner:
    """Signs queries with a_bogus in one of `ABOGUS_VARIANTS`; nothing is carried from one signature to the next.

    `now` gives unix seconds, `rng` numbers in [0, 1). A browser's screen does not change between requests, so one
    `fingerprint` serves all signatures of a signer; where none is given, `rng` makes it.
    """

    def __init__(
        self,
        variant: str = _F2,
        *,
        now: Callable[[], float],
        rng: Callable[[], float],
        fingerprint: str | None = None,
        options: tuple[int, int, int] = (0, 1, 14),
    ) -> None:
        if variant not in _MARKS:
            raise BadInput(f"There is no a_bogus variant {variant!r}; choose one of {', '.join(ABOGUS_VARIANTS)}.")
        self._variant = variant
        self._now = now
        self._rng = rng
        self._fingerprint = fingerprint or make_fingerprint(rng)
        self._options = options

    def sign(self, query: str, body: bytes | str = b"", method: str = "GET", user_agent: str = "") -> tuple[str, str]:
        """`("a_bogus", text)` for a percent-encoded query; no `user_agent` means DEFAULT_USER_AGENT."""
        start_ms = round(self._now() * 1000)
        draws = (self._draw(10000), self._draw(10000), self._draw(10000))
        end_ms = start_ms + 4 + self._draw(5) if self._variant == _DOUK else round(self._now() * 1000)
        second = method if self._variant == _DOUK else body
        value = a_bogus(
            query,
            second,
            user_agent or DEFAULT_USER_AGENT,
            Occasion(start_ms, end_ms, draws),
            fingerprint=self._fingerprint,
            options=self._options,
            variant=self._variant,
        )
        return "a_bogus", value

    def _draw(self, below: int) -> int:
        return int(self._rng() * below)


def a_bogus(
    query: str,
    second: bytes | str,
    user_agent: str,
    occasion: Occasion,
    *,
    fingerprint: str,
    options: tuple[int, int, int] = (0, 1, 14),
    variant: str = _F2,
) -> str:
    """The signature of one occasion; `second` is the body for F2's variant and the method's name for DouK's."""
    # DouK's script writes the later clock where F2's writes the earlier one.
    clocks = (occasion.end_ms, occasion.start_ms) if variant == _DOUK else (occasion.start_ms, occasion.end_ms)
    head = _head(_hashes(query, second, user_agent) | _clocks(*clocks) | _constants(len(fingerprint), options))
    plain = head + fingerprint.encode("ascii")
    plain += bytes((reduce(xor, head),))
    return base64_in(_OUTER, _dilute(occasion.draws, variant) + rc4(b"y", plain)).decode("ascii")


def make_fingerprint(rng: Callable[[], float]) -> str:
    """The measures of a plausible Windows screen and browser window, 17 fields joined by `|`."""

    def between(low: int, high: int) -> int:
        return low + int(rng() * (high - low + 1))

    inner = (between(1024, 1920), between(768, 1080))
    outer = (inner[0] + between(24, 32), inner[1] + between(75, 90))
    place = (0, 30 if rng() >= 0.5 else 0)
    size = (between(1024, 1920), between(768, 1080))
    free = (between(1280, 1920), between(800, 1080))
    fields = (*inner, *outer, *place, 0, 0, *size, *free, *inner, 24, 24, "Win32")
    return "|".join(str(field) for field in fields)


def _hashes(query: str, second: bytes | str, user_agent: str) -> dict[int, int]:
    asked = sm3(sm3(query.encode("utf-8", "replace") + _SALT))
    sent = sm3(sm3((second.encode("utf-8", "replace") if isinstance(second, str) else second) + _SALT))
    agent = sm3(base64_in(_INNER, rc4(b"\x00\x01\x0e", user_agent.encode("utf-8", "replace"))))
    return {39: asked[22], 38: asked[21], 40: sent[21], 41: sent[22], 42: agent[23], 43: agent[24]}


def _clocks(first_ms: int, second_ms: int) -> dict[int, int]:
    table = {24: first_ms >> 32, 25: first_ms >> 40, 49: second_ms >> 32, 50: second_ms >> 40}
    table |= enumerate((first_ms & 0xFFFFFFFF).to_bytes(4, "big"), 20)
    table |= enumerate((second_ms & 0xFFFFFFFF).to_bytes(4, "big"), 44)
    return table


def _constants(length: int, options: tuple[int, int, int]) -> dict[int, int]:
    table = {18: 44, 48: 3, 65: length}
    table |= enumerate(options[0].to_bytes(4, "big"), 26)
    table |= {30: options[1] >> 8, 31: options[1], 32: options[1] >> 24, 33: options[1] >> 16}
    table |= enumerate(options[2].to_bytes(4, "big"), 34)
    table |= enumerate(_AID.to_bytes(4, "little"), 57)
    return table


def _head(table: dict[int, int]) -> bytes:
    """The numbered values in the order in which they travel; numbers that nothing set are 0."""
    # Douyin's own script leaves nine bits in entries 24 and 49; the ninth is lost in its base64 until 2039.
    return bytes(table.get(number, 0) & 0xFF for number in _ORDER)


def _dilute(draws: tuple[int, int, int], variant: str) -> bytes:
    diluted = bytearray()
    for draw, marks in zip(draws, _MARKS[variant], strict=True):
        low, high = draw & 0xFF, draw >> 8
        parts = (low & 0xAA, low & 0x55, high & 0xAA, high & 0x55)
        diluted += bytes(part | mark for part, mark in zip(parts, marks, strict=True))
    return bytes(diluted)
