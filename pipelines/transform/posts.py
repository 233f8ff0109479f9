"""Posts and their counts as rows of `posts` and `post_stats`. No I/O here."""

from __future__ import annotations

from pipelines.transform.picks import ShareInfo, User, flag_of, id_of
from pipelines.transform.picks_of_posts import Image, Mix, MixCounts, Post, Statistics, Status, Video
from pipelines.transform.rows import Batch, Layout
from schemas.posts import COUNTS

POSTS = Layout(
    "posts",
    (
        "aweme_id",
        "sec_user_id",
        "uid",
        "nickname",
        "aweme_type",
        "media_type",
        "caption",
        "title",
        "created_at",
        "duration_ms",
        "is_top",
        "mix_id",
        "mix_episode",
        "music_id",
        "is_prohibited",
        "is_deleted",
        "private_status",
        "part_see",
        "is_ad",
        "region",
        "share_url",
        "width",
        "height",
        "image_count",
        *(f"last_{name}" for name in COUNTS),
    ),
)
GONE_POSTS = Layout("posts", ("aweme_id", "gone_reason"), seen=("gone_at",))
POST_STATS = Layout(
    "post_stats",
    ("aweme_id", *COUNTS),
    seen=(),
)

NOBODY = User()
NO_FILM = Video()
_NO_IMAGE = Image()
_NO_STATUS = Status()
_NO_SHARE = ShareInfo()
_NO_MIX = Mix()
_NO_COUNTS = MixCounts()
_NO_STATISTICS = Statistics()


def add_post(batch: Batch, post: Post, aweme_id: str, page: int) -> None:
    """The row of a post, with what it has; the rest is NULL."""
    author = post.author or NOBODY
    video = post.video or NO_FILM
    status = post.status or _NO_STATUS
    mix = post.mix_info or _NO_MIX
    counts = post.statistics or _NO_STATISTICS
    width, height = size_of(post, video)
    batch[POSTS].extend(
        (
            aweme_id,
            id_of(author.sec_uid),
            id_of(author.uid) or id_of(post.author_user_id),
            author.nickname or None,
            post.aweme_type,
            post.media_type,
            post.desc,
            post.item_title or None,
            post.create_time or None,
            post.duration if post.duration is not None else video.duration,
            flag_of(post.is_top),
            mix.key(),
            (mix.statis or _NO_COUNTS).current_episode,
            post.music.key() if post.music else None,
            flag_of(status.is_prohibited),
            flag_of(status.is_delete),
            status.private_status,
            status.part_see,
            flag_of(post.is_ads),
            post.region or None,
            post.share_url or (post.share_info or _NO_SHARE).share_url or None,
            width,
            height,
            image_count_of(post),
            counts.digg_count,
            counts.comment_count,
            counts.share_count,
            counts.collect_count,
            counts.play_count,
            counts.admire_count,
            page,
        )
    )


def image_count_of(post: Post) -> int | None:
    """How many pictures a set has; None for a list that holds none, which films may carry."""
    images = post.images or []
    return len(images) if any(image != _NO_IMAGE for image in images) else None


def size_of(post: Post, video: Video) -> tuple[int | None, int | None]:
    """Width and height in pixels: of the film, or of the first picture where there is none."""
    if video.width or video.height or not post.images:
        return video.width or None, video.height or None
    return post.images[0].width or None, post.images[0].height or None


def add_post_stats(batch: Batch, post: Post, aweme_id: str, page: int) -> None:
    """The counts of a post; no row where Douyin gave none. Zeros are counts."""
    counts = post.statistics
    if counts is None or counts == _NO_STATISTICS:
        return
    batch[POST_STATS].extend(
        (
            aweme_id,
            counts.digg_count,
            counts.comment_count,
            counts.share_count,
            counts.collect_count,
            counts.play_count,
            counts.admire_count,
            page,
        )
    )


def add_gone_post(batch: Batch, aweme_id: str, reason: str | None, page: int) -> None:
    """The row of a post that was asked for and is not there, with Douyin's own word for it."""
    batch[GONE_POSTS].extend((aweme_id, reason, page))
