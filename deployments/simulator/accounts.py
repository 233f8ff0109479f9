"""Accounts and posts of the made-up Douyin as values. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

from deployments.simulator.kinds import Kind


@dataclass(frozen=True, slots=True)
class Account:
    """One account as it is now; `webcast_id` is its lasting room number, `room_id` the id of one broadcast."""

    number: int
    sec_user_id: str
    uid: str
    nickname: str
    unique_id: str
    short_id: str
    post_count: int
    is_private: bool
    is_gone: bool
    webcast_id: str
    room_id: str
    home: str
    short_link: str

    @property
    def share_text(self) -> str:
        """What the app puts on the clipboard when the account is shared."""
        return f"4.87 复制打开抖音，看看【{self.nickname}】的主页 {self.short_link} 05/21 :5pm f@B.gO"


@dataclass(frozen=True, slots=True)
class Post:
    """One post as it is now; `caption` None says null or absent, `bumped` is what tests added to its counts."""

    user: int
    index: int
    aweme_id: str
    created_at: int
    kind: Kind
    caption: str | None
    bumped: int
