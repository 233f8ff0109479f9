"""The mixes of an account, as arithmetic: which post is which episode of which mix. No I/O here."""

from __future__ import annotations

from deployments.simulator.numbers import mix

_EVERY = 10
_STARTS = (3, 7)  # every tenth post from the fourth on belongs to the first mix, from the eighth on to the second


def mix_id_of(seed: int, user: int, which: int) -> str:
    """The id of one of the account's two mixes; looks like an aweme_id."""
    return str((1_600_000_000 + mix(seed, user, which, 9) % 10**8) << 32 | user << 4 | which | 1 << 31)


def mix_place_of(mix_id: str, seed: int) -> tuple[int, int] | None:
    """Whose mix it is, and which of theirs; None where there is none."""
    if not (mix_id.isascii() and mix_id.isdecimal() and len(mix_id) == 19):
        return None
    low = int(mix_id) & 0x7FFFFFFF
    user, which = low >> 4, low & 15
    return (user, which) if which < len(_STARTS) and mix_id_of(seed, user, which) == mix_id else None


def episode_of(index: int) -> tuple[int, int] | None:
    """Which mix the post at an index belongs to, and its episode from 1; None for most."""
    which = {start: at for at, start in enumerate(_STARTS)}.get(index % _EVERY)
    return None if which is None else (which, index // _EVERY + 1)


def index_of(which: int, episode: int) -> int:
    """The index of an episode, from 1."""
    return (episode - 1) * _EVERY + _STARTS[which]


def episodes_in(total: int, which: int) -> int:
    """How many episodes a mix has in an account of so many posts."""
    return max(0, (total - _STARTS[which] + _EVERY - 1) // _EVERY)
