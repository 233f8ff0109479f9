"""When an account published what: index, time and aweme_id follow from each other by arithmetic. No I/O here.

Index 0 is the oldest post. Nothing is kept per post: the time of an index is a grid line plus a jitter of less than
half a step, so that the index of a time is a division and a look at the neighbours.
"""

from __future__ import annotations

from dataclasses import dataclass

from deployments.simulator.numbers import mix

NEWEST_AT = 1_790_000_000
_SPAN = 3 * 365 * 86_400
_ADDED_STEP = 3_600
_INDEX_BITS = 22
MAX_INDEX = 2**_INDEX_BITS
MAX_USER = 2 ** (32 - _INDEX_BITS)


@dataclass(frozen=True, slots=True)
class Timeline:
    """The posts of one account: `first` were there at the start; `twin`, if any, shares its second with twin+1."""

    seed: int
    user: int
    first: int
    twin: int | None = None

    @property
    def step(self) -> int:
        """Seconds between grid lines."""
        return max(120, min(_SPAN // max(self.first, 1), 7 * 86_400))

    def time_of(self, index: int) -> int:
        """When the post was published, unix seconds."""
        if index == self.twin:
            index += 1
        if index >= self.first:
            return NEWEST_AT + (index - self.first + 1) * _ADDED_STEP
        jitter = mix(self.seed, self.user, index, 1) % (self.step // 2)
        return NEWEST_AT - (self.first - 1 - index) * self.step - jitter

    def last_before(self, time_ms: int, total: int) -> int:
        """The newest of `total` posts that was published before that moment (unix ms); -1 where there is none."""
        if time_ms <= 0:
            return -1
        guess = self.first - 1 - (NEWEST_AT * 1000 - time_ms) // (self.step * 1000)
        if time_ms > NEWEST_AT * 1000:
            guess = self.first + (time_ms - NEWEST_AT * 1000) // (_ADDED_STEP * 1000)
        index = max(-1, min(total - 1, guess + 2))
        while index >= 0 and self.time_of(index) * 1000 >= time_ms:
            index -= 1
        return index

    def id_of(self, index: int) -> str:
        """The post's aweme_id: the time in the upper half, whose post it is in the lower."""
        low = (self.user << _INDEX_BITS | index) ^ _veil(self.seed)
        return str(self.time_of(index) << 32 | low)


def place_of(aweme_id: str, seed: int) -> tuple[int, int] | None:
    """Which account and index an aweme_id speaks of, None where it cannot be one; the caller compares the whole id."""
    if not (aweme_id.isascii() and aweme_id.isdecimal() and len(aweme_id) == 19):
        return None
    low = (int(aweme_id) & 0xFFFFFFFF) ^ _veil(seed)
    return low >> _INDEX_BITS, low & (MAX_INDEX - 1)


def _veil(seed: int) -> int:
    return mix(seed, 77) & 0xFFFFFFFF
