"""Listings as lists of dicts, a list for each page that shows something new, with where to go on in every dict."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pipelines.errors import BadInput, Interrupted
from pipelines.house import utc_now

if TYPE_CHECKING:
    from pipelines.extract.crawler import DouyinCrawler
    from schemas.pages import Checkpoint, Page

Posts = list[dict[str, Any]]

_ENDLESS = 1_000_000_000  # the feed never ends; whoever reads it stops
_MOST = 20  # what Douyin gives at a time


@dataclass
class Reading:
    """One reading of a listing. `left` is how many posts are still asked for; None for all."""

    crawler: DouyinCrawler
    operation: str
    owner_id: str
    start: str | None
    page_size: int
    left: int | None
    last: Checkpoint | None = None
    _given: set[str] = field(default_factory=set)

    async def posts(self) -> AsyncGenerator[Posts, None]:
        """The posts, each once; ends at the end of the listing or of what was asked for, and raises otherwise."""
        async with aclosing(self._walk()) as pages:
            async for page in pages:
                posts = self._new(page)
                if posts:
                    yield posts
                if self.left == 0:
                    return
        self._judge()

    async def _walk(self) -> AsyncGenerator[Page, None]:
        from pipelines.extract.endpoints import Order, endpoint_of
        from pipelines.extract.listings import walk

        # The limit counts posts as they are given, so it is kept here; a feed is not walked without one.
        is_feed = endpoint_of(self.operation).order is Order.FEED
        async for page, checkpoint in walk(
            self._ask,
            operation=self.operation,
            owner_id=self.owner_id,
            is_full=True,
            max_items=_ENDLESS if is_feed else None,
            page_size=self.page_size,
            start_cursor=self.start,
            known=_nothing,
            now=utc_now,
        ):
            self.last = checkpoint
            yield page

    async def _ask(self, cursor: str | None, count: int) -> Page:
        from pipelines.extract.questions import question

        size = count if self.left is None else min(count, self.left)
        asked = question(self.operation, self.owner_id, cursor=cursor, count=size)
        return await self.crawler.ask(self.operation, asked, target=self.owner_id, cursor=cursor)

    def _new(self, page: Page) -> Posts:
        """The posts of a page that were not given before, as many as are asked for."""
        fresh: dict[str, tuple[dict[str, Any], Mapping[str, Any]]] = {}
        for post, item in posts_of(page):
            if str(item["aweme_id"]) not in self._given:
                fresh.setdefault(str(item["aweme_id"]), (post, item))
        given = dict(list(fresh.items())[: self.left])
        self._given.update(given)
        if self.left is not None:
            self.left -= len(given)
        posts = [post for post, _ in given.values()]
        if len(given) < len(fresh):
            items = {key: item for key, (_, item) in fresh.items()}
            place = _place_before(page, items, set(given))
            for post in posts:
                post.update(place)
        return posts

    def _judge(self) -> None:
        """Raise where the listing ended otherwise than at its end, or than it was asked to."""
        last = self.last
        if last is None or last.verdict == "complete" or last.is_as_asked:
            return
        if last.verdict == "unknown" and self.operation == "post_feed":
            return
        raise Interrupted(
            f"The listing could not be read to its end: {last.reason}. What was given is right; go on at the "
            "max_cursor of the last post.",
            reason=last.reason,
        )


def begin(
    crawler: DouyinCrawler,
    operation: str,
    owner_id: str,
    max_cursor: Any = 0,
    page_counts: Any = _MOST,
    max_counts: Any = None,
) -> Reading | None:
    """A reading as the spec's arguments ask for it; None where nothing is asked for. BadInput for what is no number."""
    limit = _whole("max_counts", max_counts) if max_counts is not None else 0
    cursor = str(max_cursor or 0).strip()
    if not all(part.isdecimal() for part in cursor.split(",")):
        raise BadInput(f"max_cursor cannot be {max_cursor!r}: give 0, or the max_cursor of a post that was given.")
    if limit < 0:
        return None
    size = min(max(_whole("page_counts", _MOST if page_counts is None else page_counts), 1), _MOST)
    return Reading(crawler, operation, owner_id, None if cursor == "0" else cursor, size, limit or None)


def posts_of(page: Page) -> list[tuple[dict[str, Any], Mapping[str, Any]]]:
    """The posts of an answer as dicts of the spec, each with the post it was made of; what is no post is left out."""
    from pipelines.extract.endpoints import endpoint_of
    from pipelines.transform.interface import at, post_dict
    from schemas.bodies import load_json

    answer = load_json(page.body)
    endpoint = endpoint_of(page.operation)
    entries = at(answer, ".".join(endpoint.items)) or []
    items = [at(entry, ".".join(endpoint.item)) if endpoint.item else entry for entry in entries]
    place = {
        "has_more": page.has_more,
        "max_cursor": _number(page.next_cursor),
        "min_cursor": answer.get("min_cursor"),
    }
    found = [item for item in items if isinstance(item, Mapping) and item.get("aweme_id")]
    return [(post_dict(item, **place), item) for item in found]


def _place_before(page: Page, items: Mapping[str, Mapping[str, Any]], given: set[str]) -> dict[str, Any]:
    """Where to go on when a page held more than was asked for: nothing is passed over, posts may come again.

    Posts of an account go on below the last one given, as Douyin's own pages do, and above what was kept back; pinned
    ones are shown at the top only.
    """
    unpinned = set(page.unpinned_ids)
    is_timed = page.operation == "user_post" and unpinned.issuperset(items.keys() - given)
    moments: dict[str, Any] = {key: item.get("create_time") for key, item in items.items()}
    told = [moment for key, moment in moments.items() if key in given and key in unpinned]
    kept_back = [moment for key, moment in moments.items() if key not in given]
    # Where the pinned ones alone were given, all others are still to come.
    if is_timed and all(isinstance(moment, int) for moment in (*told[-1:], *kept_back)):
        # A cursor cannot stand between two posts of one second, so what was given of it comes again.
        cursors = [*(moment * 1000 for moment in told[-1:]), *(moment * 1000 + 1 for moment in kept_back)]
        return {"has_more": True, "max_cursor": max(cursors)}
    return {"has_more": True, "max_cursor": _number(page.cursor) or 0}


def _whole(name: str, value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput(f"{name} cannot be {value!r}: give a whole number.") from error


def _number(cursor: str | None) -> int | str | None:
    return int(cursor) if cursor and cursor.isdecimal() else cursor


async def _nothing(_ids: Sequence[str]) -> set[str]:
    return set()
