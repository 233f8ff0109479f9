"""Lists that are not an account's own posts: what was liked, collected, recommended, as arithmetic. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass, replace

from deployments.simulator.numbers import mix
from deployments.simulator.timeline import NEWEST_AT
from deployments.simulator.world import CROWD, CROWD_POSTS, Post, World

_CROWD_SIZE = 768
_STEP_S = 5_400


@dataclass(frozen=True, slots=True)
class Shelf:
    """`total` posts of the crowd in an order of their own; `unit` is how many cursor units make a second."""

    world: World
    name: int
    owner: int
    total: int
    unit: int = 1000

    def post(self, place: int) -> Post:
        """The post at a place from 0; some are broken, as the liked posts of years ago are."""
        number = mix(self.world.seed, self.name, self.owner, place, 11)
        post = self.world.post(CROWD + number % _CROWD_SIZE, (number >> 16) % CROWD_POSTS)
        if self.name == LIKES and place % 9 == 4:
            return replace(post, kind=replace(post.kind, has_author=False, is_delete=True))
        return post

    def time_of(self, place: int) -> int:
        """When the post at that place was put there, in cursor units; falls strictly."""
        jitter = mix(self.world.seed, self.name, self.owner, place, 12) % (_STEP_S * self.unit // 2)
        return (NEWEST_AT - place * _STEP_S) * self.unit - jitter

    def first_before(self, cursor: int) -> int:
        """The first place whose time is below the cursor; `total` where none is. 0 stands for now."""
        if cursor <= 0:
            return 0
        place = max(0, (NEWEST_AT * self.unit - cursor) // (_STEP_S * self.unit) - 1)
        while place < self.total and self.time_of(place) >= cursor:
            place += 1
        return min(place, self.total)

    def visible(self, places: range) -> list[Post]:
        """The posts at those places that are still there."""
        posts, listing = [self.post(place) for place in places], _LISTINGS.get(self.name, "")
        return [post for post in posts if self.world.is_shown(listing, post)]


LIKES, COLLECTED, FOLDER, FEED, FOLLOWED, FRIENDS, RELATED, MUSIC = range(1, 9)
_LISTINGS = {LIKES: "like", COLLECTED: "collect", FOLDER: "collects"}
