"""Walks through listings, held against a listing that changes while it is read."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipelines.errors import BadInput, RateLimited
from pipelines.extract.listings import walk
from pipelines.extract.stretches import add, covering, decode, encode
from schemas.pages import Checkpoint, Page, Stretch

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class Listing:
    """A listing in order of falling time, as Douyin serves it: short pages, empty ones, overlaps, pinned posts."""

    times: set[int]
    pinned: tuple[int, ...] = ()
    hidden: frozenset[int] = frozenset()
    overlap: bool = False
    asked: list[tuple[str | None, int]] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    fail_at: int | None = None
    size: int = 3

    async def ask(self, cursor: str | None, count: int) -> Page:
        self.asked.append((cursor, count))
        if self.fail_at is not None and len(self.asked) > self.fail_at:
            raise RateLimited("slow down")
        top = int(cursor) if cursor else None
        order = sorted(self.times, reverse=True)
        below = [t for t in order if top is None or t < top or (self.overlap and t == top)]
        slots = below[: self.size]
        shown = [t for t in slots if t not in self.hidden]
        self.seen.update(shown)
        pinned = list(self.pinned) if top is None else []
        more = len(below) > len(slots)
        return Page(
            page_id=f"p{len(self.asked)}",
            operation="user_post",
            target="u",
            cursor=cursor,
            fetched_at=NOW,
            http_status=200,
            body=b"{}",
            next_cursor=str(slots[-1] if slots else 0),
            has_more=more,
            item_count=len(shown) + len(pinned),
            item_ids=tuple(str(t) for t in (*pinned, *shown)),
            unpinned_ids=tuple(str(t) for t in shown),
        )


async def read(
    listing: Listing, checkpoint: Checkpoint | None = None, *, pages: int | None = None, kept=None, **kwargs
):
    """Walk, and stop after so many pages as a killed program does; the checkpoint as it was kept."""
    before = {str(t) for t in listing.seen}

    async def known(ids: Sequence[str]) -> set[str]:
        return before.intersection(ids)

    options = {"operation": "user_post", "owner_id": "u", "now": lambda: NOW, "known": known, **kwargs}
    count = 0
    async for _page, checkpoint in walk(listing.ask, checkpoint=checkpoint, **options):  # noqa: B020, PLR1704
        if kept is not None:
            kept.append(checkpoint)
        count += 1
        if pages is not None and count >= pages:
            break
    assert checkpoint is not None
    return checkpoint


def posts(count: int, start: int = 1000) -> set[int]:
    return {start + 10 * i for i in range(count)}


async def test_a_first_walk_reads_everything_and_is_complete():
    listing = Listing(posts(20))
    end = await read(listing)
    assert listing.seen == listing.times
    assert (end.verdict, end.reason, end.cursor, end.finished_at) == ("complete", None, None, NOW)
    assert end.stretches[0].is_end
    assert end.item_count == 20
    assert end.newest_aweme_id == "1190"
    assert end.full_walk_at is None


@dataclass
class Counted:
    """A listing, newest first, whose cursor counts what was shown."""

    ids: list[str]
    step: int = 2
    start: int = 0
    asked: list[str | None] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)

    async def ask(self, cursor: str | None, _count: int) -> Page:
        self.asked.append(cursor)
        begin = int(cursor or self.start) - self.start
        ids = tuple(self.ids[begin : begin + self.step])
        self.seen.update(int(one) for one in ids)
        return Page(
            page_id=f"p{len(self.asked)}",
            operation="user_collect",
            target="self",
            cursor=cursor,
            fetched_at=NOW,
            http_status=200,
            body=b"{}",
            next_cursor=str(begin + self.step + self.start),
            has_more=begin + self.step < len(self.ids),
            item_count=len(ids),
            item_ids=ids,
            unpinned_ids=ids,
        )


async def test_a_listing_whose_cursor_counts_upwards_is_read_to_its_end_each_time():
    listing = Counted([str(n) for n in range(9)])
    end = await read(listing, operation="user_collect", owner_id="self")
    assert (end.verdict, end.item_count, listing.asked) == ("complete", 9, [None, "2", "4", "6", "8"])
    listing.ids = ["20", "21", *listing.ids]
    end = await read(listing, end, operation="user_collect", owner_id="self")
    assert (end.verdict, end.item_count, len(listing.asked)) == ("complete", 11, 5 + 6)
    assert not any(one.is_end for one in end.stretches)


async def test_a_listing_whose_cursor_counts_upwards_goes_on_where_it_was_cut():
    listing = Counted([str(n) for n in range(9)])
    cut = await read(listing, operation="user_collect", owner_id="self", pages=3)
    end = await read(listing, cut, operation="user_collect", owner_id="self")
    assert (end.verdict, listing.asked) == ("complete", [None, "2", "4", "6", "8"])


async def test_moments_that_rise_lead_nowhere():
    end = await read(Counted([str(n) for n in range(9)], start=10**12), operation="user_collect", owner_id="self")
    assert end.verdict == "partial"
    assert "did not lead on" in end.reason


async def test_an_end_that_names_a_later_moment_is_an_end_all_the_same():
    def page(cursor: str | None, following: int, *, has_more: bool) -> Page:
        ids = (str(following),)
        facts = {"next_cursor": str(following), "has_more": has_more, "item_count": 1}
        return Page("p", "user_post", "u", cursor, NOW, 200, b"{}", item_ids=ids, unpinned_ids=ids, **facts)

    first, last = page(None, 10**12, has_more=True), page(str(10**12), 10**12 + 5, has_more=False)
    end, asked = await ends_as([first, last])
    assert (end.verdict, asked, end.stretches[0].is_end) == ("complete", 2, True)


async def test_three_new_posts_of_a_large_account_take_two_requests():
    listing = Listing(posts(5000), size=18)
    end = await read(listing)
    listing.times |= {100_000, 100_010, 100_020}
    listing.asked.clear()
    end = await read(listing, end)
    assert len(listing.asked) == 2
    assert listing.seen == listing.times
    assert end.verdict == "complete"


async def test_nothing_new_takes_one_request():
    listing = Listing(posts(100))
    end = await read(listing)
    listing.asked.clear()
    end = await read(listing, end)
    assert len(listing.asked) == 1
    assert end.verdict == "complete"


async def test_a_cut_walk_resumes_at_its_checkpoint_with_its_beginning():
    listing = Listing(posts(30))
    cut = await read(listing, pages=4)
    assert (cut.cursor, cut.finished_at, cut.verdict) == ("1180", None, "partial")
    listing.asked.clear()
    end = await read(listing, cut, now=lambda: NOW + timedelta(days=1))
    assert listing.asked[0][0] == "1180"
    assert end.started_at == NOW
    assert listing.seen == listing.times
    assert end.item_count == 30


async def test_a_hole_left_by_a_stopped_walk_is_known_and_only_that_is_read():
    listing = Listing(posts(300))
    limited = await read(listing, max_items=60)
    assert limited.verdict == "partial"
    assert limited.is_as_asked
    listing.times |= posts(90, start=10_000)
    listing.asked.clear()
    end = await read(listing, limited)
    assert listing.seen == listing.times
    assert end.verdict == "complete"
    # 90 new ones, one page of known ones, and the 240 that were never read
    assert len(listing.asked) <= 30 + 2 + 80


async def test_a_full_walk_goes_to_the_end_whatever_is_known():
    listing = Listing(posts(60))
    end = await read(listing)
    listing.asked.clear()
    end = await read(listing, end, is_full=True)
    assert len(listing.asked) == 20
    assert end.full_walk_at == NOW


async def test_a_cut_full_walk_goes_on_as_a_full_one():
    listing = Listing(posts(60))
    end = await read(listing)
    cut = await read(listing, end, is_full=True, pages=5)
    listing.asked.clear()
    end = await read(listing, cut)
    assert len(listing.asked) == 15
    assert end.full_walk_at == NOW


async def test_a_full_walk_does_not_take_up_a_cut_one_that_may_have_jumped():
    listing = Listing(posts(60))
    cut = await read(listing, pages=5)
    listing.asked.clear()
    await read(listing, cut, is_full=True)
    assert listing.asked[0][0] is None


async def test_pinned_posts_never_count_as_known_and_never_end_a_walk():
    listing = Listing(posts(30), pinned=(7, 8))
    end = await read(listing)
    listing.times |= posts(2, start=9000)
    end = await read(listing, end)
    assert listing.seen == listing.times
    assert end.newest_aweme_id == "9010"


async def test_an_empty_page_with_more_behind_it_is_no_end():
    listing = Listing(posts(30), hidden=frozenset(posts(9, start=1100)))
    end = await read(listing)
    assert end.verdict == "complete"
    assert listing.seen == listing.times - listing.hidden


async def test_an_error_passes_through_and_the_walk_can_be_taken_up():
    listing = Listing(posts(30), fail_at=3)
    kept: list[Checkpoint] = []
    with pytest.raises(RateLimited):
        await read(listing, kept=kept)
    assert len(kept) == 3
    assert kept[-1].verdict == "partial"
    listing.fail_at = None
    end = await read(listing, kept[-1])
    assert end.verdict == "complete"
    assert listing.seen == listing.times


async def test_the_asking_stops_at_the_limit_and_asks_for_no_more_than_is_left():
    listing = Listing(posts(100), size=10)
    end = await read(listing, max_items=25, page_size=10)
    assert [count for _, count in listing.asked] == [10, 10, 5]
    assert end.is_as_asked
    assert end.finished_at == NOW


async def test_the_same_limit_again_does_not_read_deeper_and_a_greater_one_does():
    listing = Listing(posts(100), size=10)
    end = await read(listing, max_items=30, page_size=10)
    listing.asked.clear()
    end = await read(listing, end, max_items=30, page_size=10)
    assert len(listing.asked) == 1
    end = await read(listing, end, max_items=60, page_size=10)
    assert len(listing.seen) >= 60


async def test_a_limit_is_counted_from_the_newest_though_a_walk_was_cut_off_further_down():
    listing = Listing(posts(100), size=10)
    cut = await read(listing, pages=4, page_size=10)
    listing.times |= posts(5, start=10_000)
    end = await read(listing, cut, max_items=50, page_size=10)
    assert end.is_as_asked
    assert posts(5, start=10_000) <= listing.seen, "what came since is among the newest"
    assert len(listing.seen) <= 60, "what the cut walk read counts"


async def test_a_limit_of_a_listing_by_place_counts_what_was_read_before_the_cut():
    pages = [page(next_cursor=str(n), item_count=1, item_ids=(str(n),), has_more=True) for n in (3, 4, 5)]
    cut = Checkpoint("mix", "u", cursor="2", is_full=True, item_count=2, started_at=NOW)
    last, asked = await ends_as(pages, operation="user_mix", checkpoint=cut, max_items=3)
    assert (last.is_as_asked, last.item_count, asked) == (True, 3, 1)


async def test_an_interval_ends_the_walk_and_the_stretch_says_what_was_read():
    day = 86_400_000
    listing = Listing({day * d for d in range(1, 40)})
    since = datetime.fromtimestamp(30 * 86_400, UTC)
    end = await read(listing, since=since)
    assert (end.verdict, end.reason) == ("partial", "as asked: only the newer part, down to 1970-01-31 00:00 UTC")
    assert end.is_as_asked
    assert {day * d for d in range(30, 40)} <= listing.seen
    assert len(listing.seen) < 16
    assert not end.stretches[0].is_end
    assert end.full_walk_at is None


@pytest.mark.parametrize(
    "part",
    [
        {"since": datetime.fromtimestamp(30, UTC), "is_full": True},
        {"since": datetime.fromtimestamp(10, UTC), "start_cursor": "20000", "is_full": True},
        {"start_cursor": "20000"},
        {"max_items": 5, "page_size": 5},
    ],
    ids=["the newest days", "days of long ago", "from further down", "the newest few"],
)
async def test_a_listing_that_was_read_to_its_end_stays_complete_when_a_part_is_read_again(part):
    listing = Listing({1000 * d for d in range(1, 40)})
    whole = await read(listing)
    end = await read(listing, whole, **part)
    assert (end.verdict, end.full_walk_at) == ("complete", None)


async def test_a_part_far_above_what_was_read_leaves_a_hole_and_no_complete_listing():
    listing = Listing(posts(5))
    whole = await read(listing)
    listing.times |= posts(50, start=5_000)
    end = await read(listing, whole, max_items=5, page_size=5)
    assert (end.verdict, end.is_as_asked) == ("partial", True)


async def test_a_walk_that_began_further_down_is_never_taken_for_a_whole_one():
    listing = Listing(posts(30))
    cut = await read(listing, start_cursor="1150", pages=2)
    assert cut.cursor is None
    end = await read(listing, cut, start_cursor="1150")
    assert end.verdict == "partial"
    assert end.is_as_asked
    end = await read(listing, end)
    assert listing.seen == listing.times
    assert end.verdict == "complete"


def page(**kwargs) -> Page:
    plain = {
        "page_id": "p",
        "operation": "user_post",
        "target": "u",
        "cursor": None,
        "fetched_at": NOW,
        "http_status": 200,
        "body": b"{}",
        "has_more": True,
    }
    return Page(**{**plain, **kwargs})


async def ends_as(pages, operation="user_post", **kwargs) -> tuple[Checkpoint, int]:
    """Feed these pages to a walk, the last one for ever."""
    asked = 0

    async def ask(_cursor, _count):
        nonlocal asked
        asked += 1
        assert asked < 200, "the walk does not end"
        return pages[min(asked, len(pages)) - 1] if isinstance(pages, list) else pages(_cursor)

    async def nothing(_ids):
        return set()

    last = None
    async for _page, last in walk(  # noqa: B007 - the last one is what is asked for
        ask, operation=operation, owner_id="u", known=nothing, now=lambda: NOW, **kwargs
    ):
        pass
    assert last is not None
    return last, asked


async def test_a_cursor_that_does_not_move_ends_the_walk_as_partial():
    last, asked = await ends_as([page(next_cursor="900", item_count=1, item_ids=("1",), unpinned_ids=("1",))])
    assert (last.verdict, asked) == ("partial", 4)
    assert "did not lead on" in (last.reason or "")


async def test_a_cursor_that_goes_back_ends_the_walk_as_partial():
    pages = [page(next_cursor=c, item_count=1, item_ids=(c,), unpinned_ids=(c,)) for c in ("900", "950")]
    last, _ = await ends_as(pages)
    assert last.verdict == "partial"


async def test_more_without_a_cursor_is_partial_and_not_an_end():
    last, _ = await ends_as([page(next_cursor="0", item_count=1, item_ids=("1",))])
    assert last.verdict == "partial"


async def test_one_stale_repetition_is_asked_again_and_survived():
    first = page(next_cursor="900", item_count=1, item_ids=("1",), unpinned_ids=("1",))
    end = page(next_cursor="0", has_more=False)
    last, asked = await ends_as([first, first, end])
    assert (last.verdict, asked) == ("complete", 3)


async def test_the_same_page_again_and_again_ends_the_walk_as_partial():
    last, _ = await ends_as(lambda c: page(next_cursor=str(int(c or 9000) - 1), item_count=1, item_ids=("1",)))
    assert last.verdict == "partial"
    assert "repeated" in (last.reason or "")


async def test_empty_pages_without_end_end_the_walk_as_partial():
    last, asked = await ends_as(lambda c: page(next_cursor=str(int(c or 9000) - 1)))
    assert (last.verdict, asked) == ("partial", 20)


async def test_a_last_page_behind_the_login_wall_is_partial():
    last, _ = await ends_as([page(next_cursor="900", has_more=False, login_wall=True, item_count=1, item_ids=("1",))])
    assert last.verdict == "partial"
    assert "aweme login" in (last.reason or "")
    assert not any(one.is_end for one in last.stretches)


async def test_an_answer_that_does_not_say_whether_there_is_more_is_unknown():
    last, _ = await ends_as([page(has_more=None, item_count=1, item_ids=("1",))], operation="user_mix")
    assert last.verdict == "unknown"


async def test_a_mix_is_read_by_place_to_its_end_and_resumes_there():
    pages = [page(next_cursor=str(n), item_count=1, item_ids=(str(n),), has_more=n < 3) for n in (1, 2, 3)]
    last, asked = await ends_as(pages, operation="user_mix")
    assert (last.listing, last.verdict, asked) == ("mix", "complete", 3)
    assert last.stretches == ()
    cut = Checkpoint("mix", "u", cursor="2", started_at=NOW)
    _, asked = await ends_as(pages[2:], operation="user_mix", checkpoint=cut)
    assert asked == 1


async def test_the_feed_ends_at_its_limit_and_is_never_complete():
    feed = lambda c: page(next_cursor=str(int(c or 1) + 1), item_count=2, item_ids=(str(c), f"x{c}"))  # noqa: E731
    last, asked = await ends_as(feed, operation="post_feed", max_items=7)
    assert (last.verdict, asked) == ("unknown", 4)


async def test_the_friends_feed_may_deny_its_own_second_page():
    pages = [
        page(next_cursor="5,2", has_more=False, item_count=1, item_ids=("1",)),
        page(next_cursor="9,3", has_more=False, item_count=1, item_ids=("2",)),
    ]
    last, asked = await ends_as(pages, operation="friend_feed")
    assert (last.verdict, asked) == ("complete", 2)


@pytest.mark.parametrize(
    ("operation", "limit"), [("post_feed", None), ("post_detail", None), ("user_post", 0), ("nonsense", None)]
)
async def test_a_walk_that_cannot_be_is_bad_input(operation, limit):
    with pytest.raises(BadInput):
        await ends_as([page()], operation=operation, max_items=limit)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_post_is_missed_however_often_walks_are_cut_while_the_listing_changes(data):
    numbers = st.integers(1, 400)
    times = data.draw(st.sets(numbers, min_size=1, max_size=60))
    listing = Listing(
        set(times),
        overlap=data.draw(st.booleans()),
        hidden=frozenset(data.draw(st.sets(st.sampled_from(sorted(times)), max_size=10))),
        size=data.draw(st.integers(2, 6)),
    )
    stayed, newest, checkpoint = set(times), 400, None
    for _ in range(data.draw(st.integers(0, 6))):
        kind = data.draw(st.sampled_from(("cut", "cut", "limited", "full cut", "further down", "since")))
        options: dict[str, object] = {"pages": data.draw(st.integers(1, 12)), "is_full": kind == "full cut"}
        if kind == "limited":
            options["max_items"] = data.draw(st.integers(1, 30))
        if kind == "further down":
            options["start_cursor"] = str(data.draw(numbers))
        if kind == "since":
            options["since"] = datetime.fromtimestamp(data.draw(numbers) / 1000, UTC)
        checkpoint = asyncio.run(read(listing, checkpoint, **options))
        assert_truthful(listing, checkpoint)
        gone = data.draw(st.sets(st.sampled_from(sorted(listing.times)), max_size=3))
        fresh = {newest + n for n in range(1, data.draw(st.integers(0, 9)) + 1)}
        newest += 10
        listing.times = (listing.times - gone) | fresh
        if not listing.times:
            listing.times = {newest}
        stayed &= listing.times
    # A walk that was cut is taken up as it was: what came after its beginning is the next walk's.
    checkpoint = asyncio.run(read(listing, checkpoint))
    assert_truthful(listing, checkpoint)
    assert stayed - listing.hidden <= listing.seen
    assert checkpoint.verdict == "complete"
    checkpoint = asyncio.run(read(listing, checkpoint))
    assert listing.times - listing.hidden <= listing.seen
    assert_truthful(listing, checkpoint)


def assert_truthful(listing: Listing, checkpoint: Checkpoint) -> None:
    for one in checkpoint.stretches:
        covered = {t for t in listing.times - listing.hidden if one.low <= t <= one.high}
        assert covered <= listing.seen, f"{one} claims posts that nobody saw"
    assert decode(encode(checkpoint.stretches)) == checkpoint.stretches


def test_stretches_that_touch_become_one_and_others_stay_apart():
    both = add((Stretch(100, 80, items=5),), Stretch(80, 60, items=4))
    assert both == (Stretch(100, 60, items=9),)
    assert add(both, Stretch(50, 0, is_end=True)) == (Stretch(100, 60, items=9), Stretch(50, 0, is_end=True))
    assert covering(both, 60) == both[0]
    assert covering(both, 59) is None


def test_stretches_are_kept_as_json_and_nothing_reads_as_none():
    one = (Stretch(9_007_199_254_740_993, 5, is_end=True, items=2),)
    assert decode(encode(one)) == one
    assert decode('[{"high":2,"low":1,"is_end":false}]') == (Stretch(2, 1),)
    assert decode(None) == decode("") == ()
    with pytest.raises(BadInput, match="stretches"):
        decode('[{"high":"x"}]')
