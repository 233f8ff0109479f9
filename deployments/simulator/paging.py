"""Pages of an account's posts: by time, pinned posts first, with the oddities of the service. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from deployments.simulator.kinds import PINNED_RANKS, REPEATED_RANK
from deployments.simulator.world import Post, World

MOST = 20
USUAL = 18


@dataclass(frozen=True, slots=True)
class PostPage:
    """One page; cursors are unix milliseconds, `number` counts pages from 0, about."""

    posts: list[Post]
    min_cursor: int
    max_cursor: int
    has_more: bool
    number: int = 0


def clamp(count: int) -> int:
    """How many the service gives at most when asked for that many."""
    return min(count, MOST) if count > 0 else USUAL


def page_of_posts(world: World, user: int, cursor: int, count: int) -> PostPage:
    """The page of an account's posts that begins below a time; cursor 0 is the newest.

    With quirks, pages take turns in being plain, one short, empty though there is more (the page after it then repeats
    the last post before it), and two over.
    """
    total, timeline = world.total(user), world.timeline(user)
    start = total - 1 if cursor <= 0 else timeline.last_before(cursor, total)
    number = (total - 1 - start) // count
    turn = number % 4 if world.quirks and cursor > 0 else 0
    if start < 0:
        return PostPage([], cursor, 0 if user % 2 else cursor, has_more=False, number=number)
    if turn == 2 and cursor % 1000 == 0:
        return PostPage([], cursor, cursor - 1, has_more=True, number=number)
    stop = max(-1, start - max(1, count + {1: -1, 3: 2}.get(turn, 0)))
    # A cursor cannot stand between two posts of one second, so they are on one page.
    while stop >= 0 and timeline.time_of(stop) == timeline.time_of(stop + 1):
        stop -= 1
    first = min(start + 1, total - 1) if turn == 2 else start
    posts = _chronological(world, user, range(first, stop, -1))
    if cursor <= 0:
        posts = _pinned(world, user) + posts
    last = timeline.time_of(stop + 1) * 1000
    ends = 0 if stop < 0 and user % 2 else last
    return PostPage(posts, timeline.time_of(first) * 1000, ends, has_more=stop >= 0, number=number)


def time_list(world: World, user: int) -> list[str]:
    """The months in which an account published, newest first, as "2026·09"."""
    total, timeline = world.total(user), world.timeline(user)
    if not total:
        return []
    newest, oldest = (datetime.fromtimestamp(timeline.time_of(index), UTC) for index in (total - 1, 0))
    months = range(newest.year * 12 + newest.month - 1, oldest.year * 12 + oldest.month - 2, -1)
    return [f"{month // 12}·{month % 12 + 1:02d}" for month in months]


def _pinned_indexes(world: World, user: int) -> list[int]:
    if user != 0:
        return []
    first = world.first_total(user)
    return [first - 1 - rank for rank in PINNED_RANKS if rank < first]


def _pinned(world: World, user: int) -> list[Post]:
    posts = [world.post(user, index) for index in _pinned_indexes(world, user)]
    return [post for post in posts if world.is_shown("post", post)]


def _chronological(world: World, user: int, indexes: range) -> list[Post]:
    hidden = set(_pinned_indexes(world, user)) - {world.first_total(user) - 1 - REPEATED_RANK}
    posts = [world.post(user, index) for index in indexes if index not in hidden]
    return [post for post in posts if world.is_shown("post", post)]
