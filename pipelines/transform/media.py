"""The files that a post promises, as rows of `media`. No I/O here.

Galleries carry a film too, whose addresses lead to their sound: it is no promise but of that, where nothing else is.
"""

from __future__ import annotations

from pipelines.transform.addresses import expiry_of, format_of, usable
from pipelines.transform.films import film_of, sound_in, urls_in
from pipelines.transform.picks import Address, first_of, id_of
from pipelines.transform.picks_of_posts import Image, Post, Video
from pipelines.transform.rows import Batch, Layout
from pipelines.transform.salvage import read_as

_FILM_COLUMNS = (
    "media_id",
    "aweme_id",
    "sec_user_id",
    "position",
    "source_uri",
    "urls",
    "expires_at",
    "width",
    "height",
    "duration_ms",
    "size_bytes",
    "bit_rate",
    "fps",
    "codec",
    "format",
    "quality",
)
_PICTURE_COLUMNS = (
    "media_id",
    "aweme_id",
    "sec_user_id",
    "position",
    "source_uri",
    "urls",
    "expires_at",
    "width",
    "height",
    "format",
)
VIDEOS = Layout("media", _FILM_COLUMNS, shared={"kind": "video"})
LIVE_PHOTOS = Layout("media", _FILM_COLUMNS, shared={"kind": "live_photo"})
PICTURES = Layout("media", (*_PICTURE_COLUMNS, "kind"))
SOUNDS = Layout(
    "media",
    ("media_id", "aweme_id", "sec_user_id", "source_uri", "urls", "expires_at", "duration_ms", "format"),
    shared={"kind": "music", "position": 0},
)
CAPTIONS = Layout("media", ("media_id", "aweme_id", "sec_user_id"), shared={"kind": "caption", "position": 0})

_GALLERIES = (2, 68, 150)


def add_media(batch: Batch, post: Post, aweme_id: str, page: int) -> None:
    """A row for every file that a post promises, as Douyin gives it: barred posts may still carry addresses."""
    owner = id_of(post.author.sec_uid) if post.author else None
    has_pictures = False
    for position, image in enumerate(post.images or (), 1):
        has_pictures |= _add_image(batch, image, aweme_id, owner, position, page)
    if post.video is not None and not has_pictures and post.aweme_type not in _GALLERIES:
        _add_film(batch, VIDEOS, post.video, f"{aweme_id}:video:0", aweme_id, owner, 0, page)
    if post.video is not None:
        still, moving = post.video.origin_cover, post.video.dynamic_cover
        if not first_of(still):
            still = read_as(Address, post.video.cover)
        if not first_of(moving):
            moving = read_as(Address, post.video.animated_cover)
        _add_picture(batch, still, "cover", aweme_id, owner, page)
        _add_picture(batch, moving, "dynamic_cover", aweme_id, owner, page)
    _add_sound(batch, post, aweme_id, owner, page)
    if post.desc:
        batch[CAPTIONS].extend((f"{aweme_id}:caption:0", aweme_id, owner, page))


def _add_film(
    batch: Batch,
    layout: Layout,
    video: Video,
    media_id: str,
    aweme_id: str,
    owner: str | None,
    position: int,
    page: int,
) -> bool:
    """The row of a film; whether there is one at all."""
    film = film_of(video)
    if film is None:
        return False
    batch[layout].extend(
        (
            media_id,
            aweme_id,
            owner,
            position,
            film.source_uri,
            film.urls,
            expiry_of(film.urls),
            film.width,
            film.height,
            video.duration,
            film.size_bytes,
            film.bit_rate,
            film.fps,
            film.codec,
            film.format,
            film.quality,
            page,
        )
    )
    return True


def _add_image(batch: Batch, image: Image, aweme_id: str, owner: str | None, position: int, page: int) -> bool:
    """The rows of a picture; whether it is one at all."""
    # Those to download carry a watermark.
    urls = usable(image.url_list) or urls_in(image.download_url_list)
    if urls or image.uri:
        batch[PICTURES].extend(
            (
                f"{aweme_id}:image:{position}",
                aweme_id,
                owner,
                position,
                image.uri or None,
                urls,
                expiry_of(urls),
                image.width,
                image.height,
                format_of(urls),
                "image",
                page,
            )
        )
    if image.video is None:
        return bool(urls or image.uri)
    media_id = f"{aweme_id}:live_photo:{position}"
    has_film = _add_film(batch, LIVE_PHOTOS, image.video, media_id, aweme_id, owner, position, page)
    return has_film or bool(urls or image.uri)


def _add_picture(batch: Batch, picture: Address | None, kind: str, aweme_id: str, owner: str | None, page: int) -> None:
    urls = usable(picture.url_list) if picture else ()
    if picture is None or not urls:
        return
    batch[PICTURES].extend(
        (
            f"{aweme_id}:{kind}:0",
            aweme_id,
            owner,
            0,
            picture.uri or None,
            urls,
            expiry_of(urls),
            picture.width,
            picture.height,
            format_of(urls),
            kind,
            page,
        )
    )


def _add_sound(batch: Batch, post: Post, aweme_id: str, owner: str | None, page: int) -> None:
    music = post.music
    address = music.play_url if music else None
    uri, urls = (address.uri, usable(address.url_list)) if address else (None, ())
    if not urls and post.video is not None:
        uri, urls = sound_in(post.video)
    if not urls:
        return
    batch[SOUNDS].extend(
        (
            f"{aweme_id}:music:0",
            aweme_id,
            owner,
            uri or None,
            urls,
            expiry_of(urls),
            None if music is None or music.duration is None else music.duration * 1000,
            format_of(urls) or "mp3",
            page,
        )
    )
