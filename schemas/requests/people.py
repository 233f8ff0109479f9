"""Requests about who follows whom, and who asks. No I/O here."""

from __future__ import annotations

from schemas.requests.base import BaseRequest


class UserFollowing(BaseRequest):
    """A page of the accounts that an account follows; `source_type` 1 newest first, 3 oldest first, 4 mixed."""

    user_id: str = ""
    sec_user_id: str = ""
    offset: int = 0
    min_time: int = 0
    max_time: int = 0
    count: int = 20
    source_type: int = 4
    gps_access: int = 0
    address_book_access: int = 0
    is_top: int = 1


class UserFollower(BaseRequest):
    """A page of an account's followers; `source_type` 1 newest first, 2 mixed."""

    user_id: str = ""
    sec_user_id: str
    offset: int = 0
    min_time: int = 0
    max_time: int = 0
    count: int = 20
    source_type: int = 1
    gps_access: int = 0
    address_book_access: int = 0
    is_top: int = 1


class QueryUser(BaseRequest):
    """Whose cookie it is; a guest has an id too."""

    update_version_code: str = "170400"
