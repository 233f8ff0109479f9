"""What each mode reads: which operation, whose listing, and what a target must lead to. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.errors import BadInput
from schemas.jobs import Mode


@dataclass(frozen=True, slots=True)
class Listing:
    """One listing mode. `kind` is what the target must lead to; None where the cookie's owner is meant.

    `has_profile`: the owner's profile is read first, for their name and the number of posts to expect.
    `is_dated`: entries come by the time of publication, so an interval can end the walk.
    `default_limit`: how much is read of what has no end, unless the job says.
    """

    operation: str
    listing: str
    kind: str | None
    has_profile: bool = False
    has_media: bool = True
    is_dated: bool = False
    default_limit: int | None = None


LISTING_MODES: dict[Mode, Listing] = {
    Mode.POST: Listing("user_post", "post", "user", has_profile=True, is_dated=True),
    Mode.LIKE: Listing("user_like", "like", "user", has_profile=True),
    Mode.COLLECT: Listing("user_collect", "collect", None),
    Mode.MIX: Listing("user_mix", "mix", "mix"),
    Mode.FEED: Listing("post_feed", "feed", None, default_limit=100),
    Mode.FOLLOW_FEED: Listing("follow_feed", "follow_feed", None, default_limit=100),
    Mode.FRIEND_FEED: Listing("friend_feed", "friend_feed", None, default_limit=100),
    Mode.RELATED: Listing("post_related", "related", "post", default_limit=100),
    Mode.COMMENTS: Listing("post_comment", "post_comment", "post", has_media=False),
    Mode.COLLECTS: Listing("collects_list", "collects_list", None),
    Mode.COLLECTED_MUSIC: Listing("collected_music", "collected_music", None, has_media=False),
    Mode.COLLECTED_MIXES: Listing("collected_mixes", "collected_mixes", None, has_media=False),
    Mode.FOLLOWING: Listing("following", "following", "user", has_profile=True, has_media=False),
    Mode.FOLLOWERS: Listing("followers", "followers", "user", has_profile=True, has_media=False),
    Mode.SEARCH: Listing("search_user_posts", "search", "user", has_profile=True),
}

BRANCHES: dict[str, Listing] = {
    "comment_reply": Listing("comment_reply", "comment_reply", None, has_media=False),
    "collects_posts": Listing("collects_posts", "collects", None),
}
"""What hangs on a listing that was walked, by operation: replies on comments, posts on folders."""

# Modes about the cookie's owner, or about nobody: they need no target.
OWN = {mode for mode, listing in LISTING_MODES.items() if listing.kind is None} | {Mode.HOT}

GUESSED: dict[str, Mode] = {
    "user": Mode.POST,
    "post": Mode.ONE,
    "mix": Mode.MIX,
    "live": Mode.LIVE,
    "room": Mode.LIVE,
}


def kind_for(mode: Mode | None) -> str | None:
    """What a target should lead to in this mode, where a link can be read in two ways."""
    if mode in LISTING_MODES:
        return LISTING_MODES[mode].kind
    return {Mode.ONE: "post", Mode.LIVE: "live"}.get(mode) if mode else None


def mode_of(kind: str, asked: Mode | None) -> Mode:
    """The mode for a target of this kind: as asked, else guessed; BadInput where the two do not fit."""
    guessed = GUESSED[kind]
    if asked is None or asked is guessed or asked in OWN:
        return asked or guessed
    fits = kind_for(asked) == kind or (asked is Mode.MIX and kind == "post")  # a post of the mix names it
    if not fits:
        raise BadInput(f"Mode {asked} does not fit a link that leads to a {kind}: that takes mode {guessed}.")
    return asked


def first_operation(mode: Mode) -> str | None:
    """What a mode asks about its target before anything else, whatever the archive holds; None where that depends."""
    if mode is Mode.ONE:
        return "post_detail"
    return "user_profile" if mode in LISTING_MODES and LISTING_MODES[mode].has_profile else None
