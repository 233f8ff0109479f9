"""What each mode reads: which operation, whose listing, and what a target must lead to. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.errors import BadInput
from schemas.jobs import Mode


@dataclass(frozen=True, slots=True)
class Listing:
    """One listing mode. `kind` is what the target must lead to; None where the cookie's owner is meant.

    `has_profile`: the owner's profile is read first, for their name and the number of posts to expect.
    """

    operation: str
    listing: str
    kind: str | None
    has_profile: bool = False
    is_dated: bool = False  # entries come by the time of publication: an interval can end the walk


LISTING_MODES: dict[Mode, Listing] = {
    Mode.POST: Listing("user_post", "post", "user", has_profile=True, is_dated=True),
    Mode.LIKE: Listing("user_like", "like", "user", has_profile=True),
    Mode.COLLECT: Listing("user_collect", "collect", None),
    Mode.MIX: Listing("user_mix", "mix", "mix"),
    Mode.FEED: Listing("post_feed", "feed", None),
}

GUESSED: dict[str, Mode] = {
    "user": Mode.POST,
    "post": Mode.ONE,
    "mix": Mode.MIX,
    "live": Mode.LIVE,
    "room": Mode.LIVE,
}


def mode_of(kind: str, asked: Mode | None) -> Mode:
    """The mode for a target of this kind: as asked, else guessed; BadInput where the two do not fit."""
    guessed = GUESSED[kind]
    if asked is None or asked is guessed:
        return asked or guessed
    listing = LISTING_MODES.get(asked)
    fits = listing is not None and (listing.kind is None or listing.kind == kind)
    if asked is Mode.MIX and kind == "post":
        fits = True  # a post of the mix names it
    if not fits:
        raise BadInput(f"Mode {asked} does not fit a link that leads to a {kind}; leave --mode out to use {guessed}.")
    return asked
