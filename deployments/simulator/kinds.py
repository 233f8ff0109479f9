"""Kinds of posts, and where in an account each of them stands. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.simulator.numbers import mix


@dataclass(frozen=True, slots=True)
class Kind:
    """What is special about a post; everything else is an ordinary video of its era."""

    name: str
    era: int = 2024  # 2023: fat authors, no format; 2024: fat; 2026: slim, mp4 and dash mixed
    aweme_type: int = 0
    images: int = 0
    is_live_photo: bool = False
    caption: str = "plain"  # plain, wild, twin, empty, null, absent
    music: str = "own"  # own, song, off, absent
    play: str = "normal"  # normal, odd_order, absent
    mood: str = ""  # of the first address of every file: addresses.MOODS
    is_top: bool = False
    is_ad: bool = False
    has_author: bool = True
    is_delete: bool = False
    is_prohibited: bool = False
    part_see: int = 0
    private_status: int = 0


PLAIN = Kind("plain")
PLAIN_2023 = Kind("plain_2023", era=2023)
PLAIN_2026 = Kind("plain_2026", era=2026)
GALLERY = Kind("gallery", aweme_type=68, images=4)

# From the newest post downwards. Account 0 has them all, as far as its posts reach.
SHOWCASE: tuple[Kind, ...] = (
    PLAIN_2026,
    GALLERY,
    Kind("live_photos", era=2026, aweme_type=68, images=3, is_live_photo=True),
    Kind("wild_caption", caption="wild"),
    Kind("twin_newer", caption="twin"),
    Kind("twin_older", caption="twin"),
    Kind("pinned_repeated", is_top=True),
    PLAIN_2023,
    Kind("one_picture", aweme_type=68, images=1),
    Kind("no_music", music="absent"),
    Kind("music_off", music="off"),
    Kind("no_play_address", play="absent"),
    Kind("null_caption", caption="null"),
    Kind("empty_caption", caption="empty"),
    Kind("absent_caption", caption="absent"),
    Kind("no_author", has_author=False),
    Kind("prohibited", is_prohibited=True),
    Kind("private", private_status=1),
    Kind("part_see", part_see=1),
    Kind("friends_only", private_status=2),
    Kind("deleted_but_shown", is_delete=True),
    Kind("ad", era=2026, is_ad=True),
    Kind("dead_first_link", mood="dead"),
    Kind("odd_bit_rates", era=2026, play="odd_order"),
    Kind("pinned", era=2026, is_top=True),
    Kind("html_first_link", mood="html"),
    Kind("truncated_first_link", mood="truncated"),
    Kind("no_range", mood="no_range"),
    Kind("no_length", mood="no_length"),
    Kind("no_head", mood="no_head"),
    Kind("wrong_type", mood="wrong_type"),
    Kind("needs_referer", mood="referer"),
    Kind("changing_file", mood="changing"),
    Kind("old_gallery", era=2023, aweme_type=2, images=2),
    Kind("other_gallery", aweme_type=150, images=2),
    Kind("duet", era=2023, aweme_type=51),
    Kind("episode_like", aweme_type=53),
    Kind("type_54", aweme_type=54),
    Kind("type_55", aweme_type=55),
    Kind("type_61", aweme_type=61),
    Kind("type_66", era=2023, aweme_type=66),
    Kind("type_33", era=2023, aweme_type=33),
    Kind("type_4", aweme_type=4),
    Kind("type_109", era=2026, aweme_type=109),
    Kind("catalogue_song", music="song"),
    Kind("big_gallery", era=2026, aweme_type=68, images=12),
    Kind("pinned_old", is_top=True, era=2023),
)
TWIN_RANK = next(rank for rank, kind in enumerate(SHOWCASE) if kind.name == "twin_older")
PINNED_RANKS = tuple(rank for rank, kind in enumerate(SHOWCASE) if kind.is_top)
REPEATED_RANK = next(rank for rank, kind in enumerate(SHOWCASE) if kind.name == "pinned_repeated")


def kind_at(seed: int, user: int, rank: int) -> Kind:
    """The kind of a post; rank 0 was the newest when the world began, posts added later have ranks below 0."""
    if user == 0 and 0 <= rank < len(SHOWCASE):
        return SHOWCASE[rank]
    if rank < 0:
        return PLAIN_2026
    choice = mix(seed, user, rank, 2) % 20
    if choice < 3:
        return GALLERY
    return PLAIN_2023 if choice < 6 else PLAIN_2026 if choice < 10 else PLAIN
