"""Requests about what the cookie's owner collected. No I/O here."""

from __future__ import annotations

from schemas.requests.base import BaseRequest


class UserCollect(BaseRequest):
    """A page of what the cookie's owner has collected; `cursor` in µs."""

    cursor: int = 0
    count: int = 20


class UserCollects(BaseRequest):
    """A page of the folders (收藏夹) of the cookie's owner."""

    cursor: int = 0
    count: int = 20


class UserCollectsVideo(BaseRequest):
    """A page of one folder."""

    cursor: int = 0
    count: int = 20
    collects_id: str


class UserMusicCollection(BaseRequest):
    """A page of the sounds that the cookie's owner has collected."""

    cursor: int = 0
    count: int = 20


class UserMixCollection(BaseRequest):
    """A page of the mixes that the cookie's owner has collected."""

    cursor: int = 0
    count: int = 12
