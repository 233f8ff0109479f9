"""Mixes (合集) as rows of `mixes`. No I/O here."""

from __future__ import annotations

from pipelines.transform.picks import User, first_of, id_of
from pipelines.transform.picks_of_posts import Mix, MixCounts
from pipelines.transform.posts import NOBODY
from pipelines.transform.rows import Batch, Layout

MIXES = Layout(
    "mixes",
    (
        "mix_id",
        "name",
        "description",
        "sec_user_id",
        "nickname",
        "mix_type",
        "episode_count",
        "collect_count",
        "play_count",
        "cover_url",
        "created_at",
        "updated_at",
    ),
)
_NO_COUNTS = MixCounts()


def add_mix(batch: Batch, mix: Mix | None, owner: User | None, page: int) -> None:
    """The row of a mix; `owner` is who made it where the mix itself does not say."""
    mix_id = mix.key() if mix else None
    if mix is None or mix_id is None:
        return
    counts = mix.statis or _NO_COUNTS
    author = (mix.author if mix.author != NOBODY else None) or owner or NOBODY
    batch[MIXES].extend(
        (
            mix_id,
            mix.mix_name or None,
            mix.desc or mix.mix_desc or None,
            id_of(author.sec_uid),
            author.nickname or None,
            mix.mix_type,
            counts.updated_to_episode,
            counts.collect_vv,
            counts.play_vv,
            first_of(mix.cover_url),
            mix.create_time or mix.mix_create_time or None,
            mix.update_time or mix.mix_update_time or None,
            page,
        )
    )
