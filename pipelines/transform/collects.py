"""Collect folders (收藏夹) as rows of `collects`. No I/O here."""

from __future__ import annotations

from pipelines.transform.picks import Address, Count, Id, Seconds, Subject, Text, User, first_of, id_of
from pipelines.transform.posts import NOBODY
from pipelines.transform.rows import Batch, Layout

COLLECTS = Layout(
    "collects",
    (
        "collects_id",
        "name",
        "uid",
        "nickname",
        "item_count",
        "play_count",
        "followed_count",
        "status",
        "cover_url",
        "created_at",
        "last_collected_at",
    ),
)


class Folder(Subject, gc=False):
    """A collect folder."""

    collects_id_str: Id = None
    collects_id: Id = None
    collects_name: Text = None
    user_id: Id = None
    user_info: User | None = None
    total_number: Count = None
    play_count: Count = None
    followed_count: Count = None
    status: Count = None
    collects_cover: Address | None = None
    create_time: Seconds = None
    last_collect_time: Seconds = None

    def key(self) -> str | None:
        """The collects_id."""
        return id_of(self.collects_id_str) or id_of(self.collects_id)


def add_folder(batch: Batch, folder: Folder, page: int) -> None:
    """The row of a folder."""
    owner = folder.user_info or NOBODY
    batch[COLLECTS].extend(
        (
            folder.key(),
            folder.collects_name or None,
            id_of(owner.uid) or id_of(folder.user_id),
            owner.nickname or None,
            folder.total_number,
            folder.play_count,
            folder.followed_count,
            folder.status,
            first_of(folder.collects_cover),
            folder.create_time or None,
            folder.last_collect_time or None,
            page,
        )
    )
