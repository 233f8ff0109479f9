"""Sounds as rows of `music`. No I/O here."""

from __future__ import annotations

from msgspec import Raw

from pipelines.transform.picks import Address, first_of, flag_of, id_of
from pipelines.transform.picks_of_posts import Music
from pipelines.transform.rows import Batch, Layout
from pipelines.transform.salvage import read_as

MUSIC = Layout(
    "music",
    (
        "music_id",
        "title",
        "author",
        "album",
        "owner_id",
        "owner_nickname",
        "sec_user_id",
        "duration_ms",
        "play_url",
        "cover_url",
        "is_original",
        "is_original_sound",
        "is_commerce_music",
        "is_author_deleted",
        "status",
        "offline_reason",
    ),
)
SECONDS, MILLISECONDS = 1000, 1


def add_music(batch: Batch, music: Music | None, page: int, *, unit: int = SECONDS) -> None:
    """The row of a sound; `unit` is how many milliseconds Douyin counts its duration in."""
    music_id = music.key() if music else None
    if music is None or music_id is None:
        return
    batch[MUSIC].extend(
        (
            music_id,
            music.title or None,
            music.author or None,
            music.album or None,
            id_of(music.owner_id),
            music.owner_nickname or None,
            id_of(music.sec_uid),
            None if music.duration is None else music.duration * unit,
            first_of(music.play_url),
            cover_url_of(music),
            flag_of(music.is_original),
            flag_of(music.is_original_sound),
            flag_of(music.is_commerce_music),
            flag_of(music.author_deleted),
            music.status if music.status is not None else music.music_status,
            music.offline_desc or None,
            page,
        )
    )


def cover_url_of(music: Music) -> str | None:
    """The largest picture of a sound; the smaller ones are read only where it is missing."""
    return first_of(music.cover_hd) or _url_in(music.cover_large) or _url_in(music.cover_thumb)


def _url_in(raw: Raw) -> str | None:
    return first_of(read_as(Address, raw))
