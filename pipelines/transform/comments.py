"""Comments and their replies as rows of `comments`. No I/O here."""

from __future__ import annotations

from msgspec import Raw

from pipelines.transform.answers import Odd, cut
from pipelines.transform.picks import (
    NOTHING,
    Address,
    Count,
    Flag,
    Id,
    Pick,
    Seconds,
    Subject,
    Text,
    User,
    first_of,
    flag_of,
    id_of,
)
from pipelines.transform.posts import NOBODY
from pipelines.transform.rows import Batch, Layout
from pipelines.transform.salvage import read_as

COMMENTS = Layout(
    "comments",
    (
        "comment_id",
        "aweme_id",
        "parent_id",
        "root_id",
        "sec_user_id",
        "uid",
        "nickname",
        "text",
        "created_at",
        "like_count",
        "reply_count",
        "ip_label",
        "image_urls",
        "is_author_liked",
        "is_pinned",
    ),
)


class CommentImage(Pick, gc=False):
    """A picture in a comment, in several sizes."""

    origin_url: Address | None = None
    medium_url: Address | None = None
    download_url: Address | None = None
    crop_url: Address | None = None
    thumb_url: Address | None = None

    def url(self) -> str | None:
        """The address of the largest size that has one."""
        sizes = (self.origin_url, self.medium_url, self.download_url, self.crop_url, self.thumb_url)
        return next((url for size in sizes if (url := first_of(size))), None)


class Sticker(Pick, gc=False):
    """A sticker in a comment."""

    static_url: Address | None = None


class Comment(Subject, gc=False):
    """A comment or reply."""

    cid: Id = None
    aweme_id: Id = None
    reply_id: Id = None
    reply_to_reply_id: Id = None
    root_comment_id: Id = None
    user: User | None = None
    text: Text = None
    create_time: Seconds = None
    digg_count: Count = None
    reply_comment_total: Count = None
    ip_label: Text = None
    label_text: Text = None
    image_list: list[CommentImage] | None = None
    sticker: Sticker | None = None
    is_author_digged: Flag = None
    stick_position: Count = None
    reply_comment: Raw = NOTHING

    def key(self) -> str | None:
        """The comment_id."""
        return id_of(self.cid)


def add_comment(batch: Batch, comment: Comment, post: str | None, page: int, *, root: str | None = None) -> list[Odd]:
    """The rows of a comment and of the replies shown under it; what was no reply is given back.

    `post` is whose comments were asked for, `root` the comment under which this one was shown: both only stand in
    where the comment itself does not say.
    """
    comment_id = comment.key()
    if comment_id is None:
        return []
    aweme_id = id_of(comment.aweme_id) or post
    thread = id_of(comment.reply_id) or id_of(comment.root_comment_id) or root
    if thread == comment_id:
        thread = None
    user = comment.user or NOBODY
    batch[COMMENTS].extend(
        (
            comment_id,
            aweme_id,
            id_of(comment.reply_to_reply_id) or thread,
            thread,
            id_of(user.sec_uid),
            id_of(user.uid),
            user.nickname or None,
            comment.text,
            comment.create_time or None,
            comment.digg_count,
            comment.reply_comment_total,
            ip_label_of(comment),
            image_urls_of(comment) or None,
            flag_of(comment.is_author_digged),
            None if comment.stick_position is None else comment.stick_position > 0,
            page,
        )
    )
    return _add_replies(batch, comment, aweme_id, page, thread or comment_id)


def _add_replies(batch: Batch, comment: Comment, aweme_id: str | None, page: int, root: str) -> list[Odd]:
    odd: list[Odd] = []
    for raw in cut(comment.reply_comment):
        reply = read_as(Comment, raw)
        if reply is None or reply.key() is None:
            odd.append(Odd(0, "a reply without a usable id", bytes(raw).decode("utf-8", "replace")))
        else:
            odd.extend(add_comment(batch, reply, aweme_id, page, root=root))
    return odd


def ip_label_of(comment: Comment) -> str | None:
    """The IP属地 label; replies of 2023 have it as IP:上海 in another field."""
    if comment.ip_label:
        return comment.ip_label
    label = comment.label_text or ""
    return label[3:] or None if label.startswith(("IP:", "IP：")) else None


def image_urls_of(comment: Comment) -> list[str]:
    """One address for each picture in a comment, its sticker included."""
    found = [image.url() for image in comment.image_list or ()]
    found.append(first_of(comment.sticker.static_url) if comment.sticker else None)
    return [url for url in found if url]
