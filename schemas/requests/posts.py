"""Requests about one post or a mix. No I/O here."""

from __future__ import annotations

from typing import Any

from pydantic import field_validator

from schemas.requests.base import BaseRequest, as_text


class PostDetail(BaseRequest):
    """One post."""

    aweme_id: str


class PostComment(BaseRequest):
    """A page of the comments on a post; `cursor` is a place."""

    aweme_id: str
    cursor: int = 0
    count: int = 20
    item_type: int = 0
    insert_ids: str = ""
    whale_cut_token: str = ""
    cut_version: int = 1
    rcFT: str = ""  # noqa: N815 - the name on the wire


class PostCommentReply(BaseRequest):
    """A page of the replies to a comment; `item_id` is the post's id."""

    item_id: str
    comment_id: str
    cursor: int = 0
    count: int = 20
    item_type: int = 0
    cut_version: int = 1


class PostRelated(BaseRequest):
    """Posts related to a post; `filterGids` are the ids already shown, each followed by a comma."""

    aweme_id: str
    count: int = 20
    filterGids: str = ""  # noqa: N815 - the name on the wire
    awemePcRecRawData: str = '{"is_client":"false"}'  # noqa: N815 - the name on the wire
    sub_channel_id: int = 3

    @field_validator("awemePcRecRawData", mode="before")
    @classmethod
    def _as_json(cls, value: Any) -> Any:
        return as_text(value) if isinstance(value, dict) else value


class UserMix(BaseRequest):
    """A page of a mix, by episode; `cursor` is a place."""

    cursor: int = 0
    count: int = 20
    mix_id: str
