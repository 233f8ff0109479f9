"""The made-up Douyin itself: accounts, their posts, and what tests may change about them. No I/O here.

Everything is a function of (seed, account number, post index), so an account of any size costs nothing; only changes
are remembered. Accounts 0 to `users`-1 are those to archive; from CROWD on live the many authors of liked, collected,
recommended and related posts, the commenters and the followers.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property

from deployments.simulator.accounts import Account, Post
from deployments.simulator.captions import caption_of
from deployments.simulator.identity import (
    first_nickname,
    handles_of,
    login_cookie,
    sec_user_id_of,
    sessionid_of,
    ttwid_of,
    uid_of,
)
from deployments.simulator.kinds import TWIN_RANK, kind_at
from deployments.simulator.mixes import episodes_in, index_of, mix_id_of, mix_place_of
from deployments.simulator.numbers import base62, digits
from deployments.simulator.timeline import MAX_INDEX, MAX_USER, Timeline, place_of

__all__ = ["CROWD", "CROWD_POSTS", "Account", "Post", "World"]

CROWD = 256
CROWD_POSTS = 200
_GONE_REASONS = (
    "status_self_see",
    "status_part_see",
    "status_deleted",
    "status_delete",
    "status_audit_not_pass",
    "status_reviewing",
    "core_dep",
    "copyright_foreign",
    "copyright_geo_filter",
    "cross_border_violation",
    "content_classification",
)


class World:
    """What there is. `posts` is a number for all of `users` accounts, or one number per account.

    `strict` checks User-Agent and clock of signatures; `quirks` gives short, empty, overlapping and over-long pages;
    `login_wall_after_pages` stops anonymous readers of posts after so many pages (None: never); `media_bytes` is the
    size of a video's best picture, about.
    """

    def __init__(
        self,
        seed: int = 1,
        users: int = 3,
        posts: int | Sequence[int] = 60,
        *,
        strict: bool = True,
        quirks: bool = True,
        login_wall_after_pages: int | None = None,
        media_bytes: int = 48_000,
        likes: int = 45,
        collected: int = 45,
    ) -> None:
        counts = [posts] * users if isinstance(posts, int) else list(posts)
        if not 1 <= len(counts) <= CROWD or not all(0 <= count < MAX_INDEX // 2 for count in counts):
            raise ValueError(f"a world has 1 to {CROWD} users, and for each a number of posts below {MAX_INDEX // 2}")
        self.seed, self.users, self.strict, self.quirks = seed, len(counts), strict, quirks
        self.login_wall_after_pages, self.media_bytes = login_wall_after_pages, media_bytes
        self.likes, self.collected = likes, collected
        self._counts = counts
        self._added: dict[int, int] = {}
        self._nicknames: dict[int, str] = {}
        self._captions: dict[str, str | None] = {}
        self._bumped: dict[str, int] = {}
        self._gone: dict[str, str] = {}
        self._unlisted: set[tuple[str, str]] = set()
        self._closed: dict[int, str] = {}
        self._short: dict[str, str] = {}

    # -- who and what there is

    @property
    def accounts(self) -> list[Account]:
        """The accounts to archive, as they are now."""
        return [self.account(number) for number in range(self.users)]

    def account(self, number: int) -> Account:
        """Any account, crowd included."""
        sec, closed = self.sec_user_id(number), self._closed.get(number)
        short = self.short_link(f"https://www.iesdouyin.com/share/user/{sec}?sec_uid={sec}&from_ssr=1")
        nickname = self.nickname(number)
        unique_id, short_id = handles_of(self.seed, number)
        return Account(
            number=number,
            sec_user_id=sec,
            uid=self.uid(number),
            nickname=nickname,
            unique_id=unique_id,
            short_id=short_id,
            post_count=self.total(number),
            is_private=closed == "private",
            is_gone=closed == "gone" or not self.knows(number),
            webcast_id=digits(12, self.seed, number, "webcast"),
            room_id="7" + digits(18, self.seed, number, "room"),
            home=f"https://www.douyin.com/user/{sec}",
            short_link=short,
        )

    def knows(self, number: int) -> bool:
        """Whether there is an account of that number."""
        return 0 <= number < self.users or CROWD <= number < MAX_USER

    def uid(self, number: int) -> str:
        """The account's numeric id."""
        return uid_of(self.seed, number)

    def sec_user_id(self, number: int) -> str:
        """The account's lasting id."""
        return sec_user_id_of(self.seed, number)

    def nickname(self, number: int) -> str:
        """The account's name as it is now."""
        return self._nicknames[number] if number in self._nicknames else first_nickname(self.seed, number)

    @cached_property
    def _numbers(self) -> dict[str, int]:
        return {self.sec_user_id(number): number for number in range(MAX_USER) if self.knows(number)}

    @cached_property
    def _numbers_by_uid(self) -> dict[str, int]:
        return {self.uid(number): number for number in range(MAX_USER) if self.knows(number)}

    def number_of(self, sec_user_id: str) -> int | None:
        """The number of the account with that sec_user_id."""
        return self._numbers.get(sec_user_id)

    def number_of_uid(self, uid: str) -> int | None:
        """The number of the account with that uid."""
        return self._numbers_by_uid.get(uid)

    def first_total(self, user: int) -> int:
        """How many posts the account had when the world began."""
        return self._counts[user] if user < self.users else CROWD_POSTS if user >= CROWD else 0

    def total(self, user: int) -> int:
        """How many posts it has now, gone ones included."""
        return self.first_total(user) + self._added.get(user, 0)

    def timeline(self, user: int) -> Timeline:
        """When the account published what."""
        first = self.first_total(user)
        twin = first - 1 - TWIN_RANK if user == 0 and first > TWIN_RANK else None
        return Timeline(self.seed, user, first, twin)

    def post(self, user: int, index: int) -> Post:
        """One post as it is now."""
        timeline = self.timeline(user)
        kind = kind_at(self.seed, user, timeline.first - 1 - index)
        aweme_id = timeline.id_of(index)
        caption = (
            self._captions.get(aweme_id) if aweme_id in self._captions else caption_of(self.seed, user, index, kind)
        )
        created_at = timeline.time_of(index)
        return Post(user, index, aweme_id, created_at, kind, caption, self._bumped.get(aweme_id, 0))

    def find(self, aweme_id: str) -> Post | None:
        """The post of that id, gone or not; None where there never was one."""
        place = place_of(aweme_id, self.seed)
        if place is None or not self.knows(place[0]) or place[1] >= self.total(place[0]):
            return None
        post = self.post(*place)
        return post if post.aweme_id == aweme_id else None

    def gone_reason(self, post: Post) -> str | None:
        """Why nobody sees the post now, in Douyin's word (filter_reason); None while it is there."""
        closed = self._closed.get(post.user)
        return self._gone.get(post.aweme_id) or ({"gone": "status_deleted"}.get(closed) if closed else None)

    def is_shown(self, listing: str, post: Post) -> bool:
        """Whether a listing (post, like, collect, collects, mix, ...) shows the post now."""
        return self.gone_reason(post) is None and (listing, post.aweme_id) not in self._unlisted

    # -- who is asking

    @property
    def sessionid(self) -> str:
        """The session of account 0's owner."""
        return sessionid_of(self.seed)

    @property
    def cookie(self) -> str:
        """A Cookie header that is logged in as account 0."""
        return login_cookie(self.seed)

    @property
    def visitor_cookie(self) -> str:
        """A Cookie header without a login."""
        return f"ttwid={ttwid_of(self.seed)}"

    # -- links

    def short_link(self, target: str) -> str:
        """A v.douyin.com link that leads to `target`."""
        code = base62(10, self.seed, target)
        self._short[code] = target
        return f"https://v.douyin.com/{code}/"

    def short_target(self, code: str) -> str | None:
        """Where a short code leads; None for dead ones."""
        return self._short.get(code)

    def mix_id(self, user: int, which: int = 0) -> str:
        """The id of one of the account's two mixes."""
        return mix_id_of(self.seed, user, which)

    def mix_place(self, mix_id: str) -> tuple[int, int] | None:
        """Whose mix it is, and which of theirs; None where there is none."""
        place = mix_place_of(mix_id, self.seed)
        return place if place is not None and self.knows(place[0]) else None

    def episodes(self, user: int, which: int) -> int:
        """How many episodes a mix has."""
        return episodes_in(self.total(user), which)

    def episode(self, user: int, which: int, number: int) -> Post:
        """The post that is episode `number`, from 1."""
        return self.post(user, index_of(which, number))

    # -- what tests change

    def add_posts(self, user: int, count: int = 1) -> list[str]:
        """Publish; gives the new ids, newest first."""
        before = self.total(user)
        self._added[user] = self._added.get(user, 0) + count
        return [self.timeline(user).id_of(index) for index in range(before + count - 1, before - 1, -1)]

    def rename(self, user: int, nickname: str) -> None:
        """Give an account another name."""
        self._nicknames[user] = nickname

    def edit_caption(self, aweme_id: str, text: str | None) -> None:
        """Change what a post says."""
        self._captions[self._must_find(aweme_id).aweme_id] = text

    def bump_stats(self, aweme_id: str, by: int = 1) -> None:
        """Raise every count of a post."""
        self._bumped[self._must_find(aweme_id).aweme_id] = self._bumped.get(aweme_id, 0) + by

    def delete(self, target: str | int, reason: str = "status_deleted") -> None:
        """Take a post (aweme_id) or an account (number or sec_user_id) away; a post with one of Douyin's reasons."""
        user = self._user(target)
        if user is not None:
            self._closed[user] = "gone"
        elif reason not in _GONE_REASONS:
            raise ValueError(f"{reason} is none of Douyin's reasons: {', '.join(_GONE_REASONS)}")
        else:
            self._gone[self._must_find(str(target)).aweme_id] = reason

    def make_private(self, target: str | int) -> None:
        """Hide a post (aweme_id) or an account (number or sec_user_id) from everyone."""
        user = self._user(target)
        if user is None:
            self._gone[self._must_find(str(target)).aweme_id] = "status_self_see"
        else:
            self._closed[user] = "private"

    def restore(self, target: str | int) -> None:
        """Undo `delete` or `make_private`."""
        user = self._user(target)
        if user is None:
            self._gone.pop(str(target), None)
        else:
            self._closed.pop(user, None)

    def unlist(self, listing: str, aweme_id: str) -> None:
        """Take a post out of a listing: hidden from its account's, liked or collected no more. It is there itself."""
        self._unlisted.add((listing, self._must_find(aweme_id).aweme_id))

    def relist(self, listing: str, aweme_id: str) -> None:
        """Undo `unlist`."""
        self._unlisted.discard((listing, aweme_id))

    def _user(self, target: str | int) -> int | None:
        return target if isinstance(target, int) else self.number_of(target)

    def _must_find(self, aweme_id: str) -> Post:
        post = self.find(aweme_id)
        if post is None:
            raise ValueError(f"there is no post {aweme_id} in this world")
        return post
