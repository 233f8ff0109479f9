"""The made-up Douyin itself: accounts, their posts, and what tests may change about them. No I/O here.

Everything is a function of (seed, account number, post index), so an account of any size costs nothing; only changes
are remembered. Accounts 0 to `users`-1 are those to archive; from CROWD on live the many authors of liked, collected,
recommended and related posts, the commenters and the followers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from deployments.simulator.captions import caption_of
from deployments.simulator.kinds import TWIN_RANK, Kind, kind_at
from deployments.simulator.numbers import base62, digest, digits, mix, opaque
from deployments.simulator.timeline import MAX_INDEX, MAX_USER, Timeline, place_of

CROWD = 256
CROWD_POSTS = 200
MIX_EVERY = 10
_NICKNAMES = ("木匠阿福", "🐼🎋✨", "../../秘密", "", "  前后有空格 ", "a/b\\c:d*e?", "CON", "很长" * 60)
_FAMILY = "赵钱孙李周吴郑王冯陈褚卫蒋沈韩杨"
_GIVEN = ("在路上", "爱做饭", "的小店", "看世界", "讲故事", "修钟表", "养花记", "练字日常")
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
    share_text: str


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


class World:
    """What there is. `posts` is a number for all accounts, or one number per account.

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
        if not 1 <= users <= CROWD or len(counts) != users or not all(0 <= n < MAX_INDEX for n in counts):
            raise ValueError(f"a world has 1 to {CROWD} users, and for each a number of posts below {MAX_INDEX}")
        self.seed, self.users, self.strict, self.quirks = seed, users, strict, quirks
        self.login_wall_after_pages, self.media_bytes = login_wall_after_pages, media_bytes
        self.likes, self.collected = likes, collected
        self._counts = counts
        self._added: dict[int, int] = {}
        self._nicknames: dict[int, str] = {}
        self._captions: dict[str, str | None] = {}
        self._bumped: dict[str, int] = {}
        self._gone: dict[str, str] = {}
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
        home = f"https://www.douyin.com/user/{sec}"
        short = self.short_link(f"https://www.iesdouyin.com/share/user/{sec}?sec_uid={sec}&from_ssr=1")
        nickname = self.nickname(number)
        return Account(
            number=number,
            sec_user_id=sec,
            uid=self.uid(number),
            nickname=nickname,
            unique_id="" if number % 4 == 3 else f"dy{base62(8, self.seed, number, 'handle').lower()}",
            short_id=digits(10, self.seed, number, "short") if number % 4 == 3 else "0",
            post_count=self.total(number),
            is_private=closed == "private",
            is_gone=closed == "gone" or not self.knows(number),
            webcast_id=digits(12, self.seed, number, "webcast"),
            room_id="7" + digits(18, self.seed, number, "room"),
            home=home,
            short_link=short,
            share_text=f"4.87 复制打开抖音，看看【{nickname}】的主页 {short} 05/21 :5pm f@B.gO",
        )

    def knows(self, number: int) -> bool:
        """Whether there is an account of that number."""
        return 0 <= number < self.users or CROWD <= number < MAX_USER

    def uid(self, number: int) -> str:
        """The account's numeric id; every fourth is beyond 2**53."""
        return ("1" + digits(18, self.seed, number, "uid")) if number % 4 == 2 else digits(12, self.seed, number, "uid")

    def sec_user_id(self, number: int) -> str:
        """The account's lasting id: 55 characters for old accounts, 76 for most."""
        return "MS4wLjABAAAA" + opaque(43 if number % 3 == 1 else 64, self.seed, number, "sec")

    def nickname(self, number: int) -> str:
        """The account's name as it is now."""
        if number in self._nicknames:
            return self._nicknames[number]
        if number < len(_NICKNAMES):
            return _NICKNAMES[number]
        choice = mix(self.seed, number, 5)
        return f"{_FAMILY[choice % len(_FAMILY)]}{_GIVEN[(choice >> 8) % len(_GIVEN)]}{number}"

    @cached_property
    def _numbers(self) -> dict[str, int]:
        known = [number for number in range(MAX_USER) if self.knows(number)]
        by_sec = {self.sec_user_id(number): number for number in known}
        return by_sec | {self.uid(number): number for number in known}

    def number_of(self, name: str) -> int | None:
        """The number of the account with that sec_user_id or uid."""
        return self._numbers.get(name)

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

    # -- who is asking

    @property
    def sessionid(self) -> str:
        """The session of account 0's owner."""
        return digest(self.seed, "session").hex()[:32]

    @property
    def ttwid(self) -> str:
        """A visitor's ttwid; the service takes any of its form."""
        return f"1%7C{opaque(43, self.seed, 'ttwid')}%7C1789000000%7C{digest(self.seed, 'ttwid').hex()[:64]}"

    @property
    def cookie(self) -> str:
        """A Cookie header that is logged in as account 0."""
        csrf = digest(self.seed, "csrf").hex()[:32]
        return (
            f"ttwid={self.ttwid}; sessionid={self.sessionid}; sessionid_ss={self.sessionid}; "
            f"sid_tt={self.sessionid}; passport_csrf_token={csrf}; odin_tt={digest(self.seed, 'odin').hex()}"
        )

    @property
    def visitor_cookie(self) -> str:
        """A Cookie header without a login."""
        return f"ttwid={self.ttwid}"

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
        """The id of one of the account's two mixes; looks like an aweme_id."""
        return str((1_600_000_000 + mix(self.seed, user, which, 9) % 10**8) << 32 | user << 4 | which | 1 << 31)

    def mix_place(self, mix_id: str) -> tuple[int, int] | None:
        """Whose mix it is, and which of theirs; None where there is none."""
        if not (mix_id.isascii() and mix_id.isdecimal() and len(mix_id) == 19):
            return None
        low = int(mix_id) & 0x7FFFFFFF
        user, which = low >> 4, low & 15
        return (user, which) if which < 2 and self.knows(user) and self.mix_id(user, which) == mix_id else None

    def mix_of(self, post: Post) -> tuple[int, int] | None:
        """Which mix of its author a post belongs to, and its episode from 1."""
        which = {3: 0, 7: 1}.get(post.index % MIX_EVERY)
        return None if which is None else (which, post.index // MIX_EVERY + 1)

    def episodes(self, user: int, which: int) -> int:
        """How many episodes a mix has."""
        return max(0, (self.total(user) - (3, 7)[which] + MIX_EVERY - 1) // MIX_EVERY)

    def episode(self, user: int, which: int, number: int) -> Post:
        """The post that is episode `number`, from 1."""
        return self.post(user, (number - 1) * MIX_EVERY + (3, 7)[which])

    def links(self) -> list[tuple[str, str]]:
        """What a person could paste: (what it is, link or share text), for every account."""
        return [link for account in self.accounts for link in self.links_of(account)]

    def links_of(self, account: Account) -> list[tuple[str, str]]:
        """The links of one account."""
        user, name = account.number, f"account {account.number}"
        found = [
            (f"{name} home", account.home),
            (f"{name} short link", account.short_link),
            (f"{name} share text", account.share_text),
            (f"{name} live", f"https://live.douyin.com/{account.webcast_id}"),
            (f"{name} room", f"https://webcast.amemv.com/douyin/webcast/reflow/{account.room_id}"),
        ]
        for rank in range(min(2, self.total(user))):
            post = self.post(user, self.total(user) - 1 - rank)
            form = "note" if post.kind.images else "video"
            shared = f"https://www.iesdouyin.com/share/{form}/{post.aweme_id}/?region=CN&from_ssr=1"
            found += [
                (f"{name} {form}", f"https://www.douyin.com/{form}/{post.aweme_id}"),
                (f"{name} {form} short link", self.short_link(shared)),
            ]
        if self.episodes(user, 0):
            found.append((f"{name} mix", f"https://www.douyin.com/collection/{self.mix_id(user)}/1"))
        return found

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

    def _user(self, target: str | int) -> int | None:
        return target if isinstance(target, int) else self.number_of(target)

    def _must_find(self, aweme_id: str) -> Post:
        post = self.find(aweme_id)
        if post is None:
            raise ValueError(f"there is no post {aweme_id} in this world")
        return post


def describe(world: World) -> list[dict[str, str | int]]:
    """Rows for people: one per link of every account, with its name and number of posts."""
    rows: list[dict[str, str | int]] = []
    for account in world.accounts:
        rows += [
            {
                "account": account.number,
                "nickname": account.nickname,
                "posts": account.post_count,
                "what": what,
                "link": link,
            }
            for what, link in world.links_of(account)
        ]
    return rows
