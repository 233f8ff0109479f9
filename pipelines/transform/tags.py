"""Hashtags, mentions and search words in captions as rows of `post_tags`. No I/O here."""

from __future__ import annotations

from pipelines.transform.picks import id_of
from pipelines.transform.picks_of_posts import Mark, Post
from pipelines.transform.rows import Batch, Layout

POST_TAGS = Layout("post_tags", ("aweme_id", "kind", "tag_id", "start", "end", "tag_name", "created_at"), seen=())

_KINDS = {0: "mention", 1: "hashtag", 5: "search"}


def add_tags(batch: Batch, post: Post, aweme_id: str, page: int) -> None:
    """A row for every mark in the caption that says anything at all."""
    created_at = post.create_time or None
    for mark in post.text_extra or ():
        kind = kind_of(mark)
        name = name_of(mark, kind, post.desc or "")
        tag_id = tag_id_of(mark, kind) or name
        if tag_id:
            batch[POST_TAGS].extend((aweme_id, kind, tag_id, mark.start or 0, mark.end, name, created_at, page))


def kind_of(mark: Mark) -> str:
    """hashtag, mention, search or other: what its type says, unless only the fields of another kind are there."""
    said = _KINDS.get(mark.type) if mark.type is not None else None
    if said is not None and _has_fields(mark, said):
        return said
    return next((kind for kind in ("hashtag", "mention") if _has_fields(mark, kind)), said or "other")


def _has_fields(mark: Mark, kind: str) -> bool:
    if kind == "hashtag":
        return bool(mark.hashtag_name or id_of(mark.hashtag_id))
    if kind == "mention":
        return bool(mark.sec_uid or id_of(mark.user_id))
    return bool(mark.search_text or id_of(mark.search_query_id))


def tag_id_of(mark: Mark, kind: str) -> str | None:
    """What names the mark for good, by kind; None where only its text does."""
    if kind == "hashtag":
        return id_of(mark.hashtag_id)
    if kind == "mention":
        return id_of(mark.sec_uid) or id_of(mark.user_id)
    if kind == "search":
        return mark.search_text or id_of(mark.search_query_id)
    return id_of(mark.hashtag_id) or id_of(mark.sec_uid) or id_of(mark.user_id) or id_of(mark.search_query_id)


def name_of(mark: Mark, kind: str, caption: str) -> str | None:
    """The text of the mark without # and @, from its fields or else from its place in the caption."""
    if kind == "search":
        return mark.search_text or None
    if kind != "mention" and mark.hashtag_name:
        return mark.hashtag_name
    return text_at(caption, mark.start, mark.end).strip().removeprefix("@").removeprefix("#") or None


def text_at(caption: str, start: int | None, end: int | None) -> str:
    """A piece of the caption; Douyin counts in UTF-16, where most emoji take two places."""
    if start is None or end is None or not 0 <= start < end:
        return ""
    if caption.isascii():
        return caption[start:end]
    return caption.encode("utf-16-le")[2 * start : 2 * end].decode("utf-16-le", "ignore")
