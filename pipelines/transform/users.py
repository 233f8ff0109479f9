"""Accounts as rows of `users`, `user_stats` and `follows`, and the avatars of profiles. No I/O here.

Counts, places and the like are taken from profiles only: in lists they are missing, outdated or 0.
"""

from __future__ import annotations

import re

from pipelines.transform.addresses import expiry_of, format_of, usable
from pipelines.transform.picks import Address, Count, Flag, Id, ShareInfo, Text, User, first_of, flag_of, id_of
from pipelines.transform.rows import Batch, Layout

_MET_COLUMNS = (
    "sec_user_id",
    "uid",
    "short_id",
    "unique_id",
    "nickname",
    "bio",
    "avatar_url",
    "avatar_uri",
    "gender",
    "age",
    "custom_verify",
    "enterprise_verify_reason",
    "verification_type",
    "is_ban",
    "is_secret",
    "is_canceled",
)
MET = Layout("users", _MET_COLUMNS)
AUTHORS = Layout("users", (*_MET_COLUMNS, "last_aweme_id"))
PROFILES = Layout(
    "users",
    (
        *_MET_COLUMNS,
        "ip_location",
        "country",
        "province",
        "city",
        "school_name",
        "is_block",
        "is_blocked",
        "is_star",
        "has_open_likes",
        "live_status",
        "room_id",
        "last_aweme_id",
    ),
    seen=("first_seen_at", "last_seen_at", "profile_seen_at"),
)
USER_STATS = Layout(
    "user_stats",
    (
        "sec_user_id",
        "follower_count",
        "mplatform_followers_count",
        "following_count",
        "aweme_count",
        "favoriting_count",
        "total_favorited",
        "mix_count",
    ),
    seen=(),
)
AVATARS = Layout(
    "media",
    ("media_id", "sec_user_id", "source_uri", "urls", "expires_at", "width", "height", "format"),
    shared={"kind": "avatar", "position": 0},
)
FOLLOWS = Layout("follows", ("sec_user_id", "direction", "other_sec_user_id", "position"))

# The same picture is named with its size before it in lists: 1080x1080/aweme-avatar/...
_SIZE_BEFORE = re.compile(r"^\d+x\d+/")
_SHARED = re.compile(r"/share/user/([A-Za-z0-9_.-]+)")


class Profile(User, gc=False):
    """An account with what only its profile tells."""

    ip_location: Text = None
    country: Text = None
    province: Text = None
    city: Text = None
    school_name: Text = None
    is_block: Flag = None
    is_blocked: Flag = None
    is_star: Flag = None
    show_favorite_list: Flag = None
    live_status: Count = None
    room_id: Id = None
    room_id_str: Id = None
    # No answer of Douyin's has it: AsyncUserDB is given it, which is how the spec notes how far an account was read.
    last_aweme_id: Id = None
    follower_count: Count = None
    mplatform_followers_count: Count = None
    following_count: Count = None
    aweme_count: Count = None
    favoriting_count: Count = None
    total_favorited: Count = None
    mix_count: Count = None
    share_info: ShareInfo | None = None
    avatar_medium: Address | None = None
    avatar_300x300: Address | None = None
    avatar_168x168: Address | None = None
    avatar_thumb: Address | None = None

    def key(self) -> str | None:
        """The sec_user_id, or what else shows that somebody is described."""
        return self.sec_user_id() or id_of(self.uid) or self.nickname or None

    def sec_user_id(self) -> str | None:
        """The sec_user_id; where Douyin left it out, the address that shares the account still has it."""
        if sec_uid := id_of(self.sec_uid):
            return sec_uid
        found = _SHARED.search((self.share_info.share_url if self.share_info else None) or "")
        return found[1] if found else None

    def avatar(self) -> Address | None:
        """The largest avatar that has an address."""
        sizes = (self.avatar_larger, self.avatar_medium, self.avatar_300x300, self.avatar_168x168, self.avatar_thumb)
        return next((avatar for avatar in sizes if first_of(avatar)), None)


def add_author(batch: Batch, author: User | None, aweme_id: str, page: int) -> None:
    """The row of a post's author; none where the post does not say who it is."""
    sec_user_id = id_of(author.sec_uid) if author is not None else None
    if author is not None and sec_user_id is not None:
        batch[AUTHORS].extend((*_met(author, sec_user_id, author.avatar_larger), aweme_id, page))


def add_met(batch: Batch, user: User | None, page: int) -> None:
    """The row of an account met in a list or a room."""
    sec_user_id = id_of(user.sec_uid) if user is not None else None
    if user is not None and sec_user_id is not None:
        batch[MET].extend((*_met(user, sec_user_id, user.avatar_larger), page))


def add_follow(batch: Batch, owner: str, direction: str, user: User, position: int, page: int) -> None:
    """The row that an account stands in a list of another's; direction is following or follower."""
    add_met(batch, user, page)
    batch[FOLLOWS].extend((owner, direction, user.sec_uid, position, page))


def add_profile(batch: Batch, user: Profile, asked_for: str, page: int) -> None:
    """The rows of a profile: the account, its counts, its avatar; `asked_for` names it where it does not itself."""
    owner = user.sec_user_id() or asked_for
    user.user_canceled = user.user_canceled or False  # profiles that are shown leave it out, also after a return
    batch[PROFILES].extend(
        (
            *_met(user, owner, user.avatar()),
            user.ip_location or None,
            user.country or None,
            user.province or None,
            user.city or None,
            user.school_name or None,
            flag_of(user.is_block),
            flag_of(user.is_blocked),
            flag_of(user.is_star),
            flag_of(user.show_favorite_list),
            user.live_status,
            id_of(user.room_id_str) or id_of(user.room_id),
            id_of(user.last_aweme_id),
            page,
        )
    )
    _add_stats(batch, user, owner, page)
    _add_avatar(batch, user.avatar(), owner, page)


def _met(user: User, sec_user_id: str | None, avatar: Address | None) -> tuple[object, ...]:
    return (
        sec_user_id,
        id_of(user.uid),
        id_of(user.short_id),
        id_of(user.unique_id),
        user.nickname or None,
        user.signature or None,
        first_of(avatar),
        _SIZE_BEFORE.sub("", avatar.uri) if avatar and avatar.uri else None,
        user.gender,
        user.user_age if user.user_age != -1 else None,
        user.custom_verify or None,
        user.enterprise_verify_reason or None,
        user.verification_type,
        flag_of(user.is_ban),
        flag_of(user.secret),
        flag_of(user.user_canceled),
    )


def _add_stats(batch: Batch, user: Profile, owner: str, page: int) -> None:
    counts = (
        user.follower_count,
        user.mplatform_followers_count,
        user.following_count,
        user.aweme_count,
        user.favoriting_count,
        user.total_favorited,
        user.mix_count,
    )
    if any(count is not None for count in counts):
        batch[USER_STATS].extend((owner, *counts, page))


def _add_avatar(batch: Batch, avatar: Address | None, owner: str, page: int) -> None:
    if avatar is None:
        return
    urls = usable(avatar.url_list)
    batch[AVATARS].extend(
        (
            f"{owner}:avatar:0",
            owner,
            _SIZE_BEFORE.sub("", avatar.uri) if avatar.uri else None,
            urls,
            expiry_of(urls),
            avatar.width,
            avatar.height,
            format_of(urls),
            page,
        )
    )
