from __future__ import annotations

import gc
import tracemalloc
from itertools import pairwise

import pytest
from visitor import Visitor

from deployments.simulator.paging import page_of_posts
from deployments.simulator.shelves import LIKES, Shelf
from deployments.simulator.world import World


def _ids(page):
    return [post["aweme_id"] for post in page["aweme_list"]]


async def test_a_walk_meets_every_post_though_pages_are_odd(world):
    async with Visitor(world) as visitor:
        pages = await visitor.walk()
    ids = [aweme_id for page in pages for aweme_id in _ids(page)]
    assert set(ids) == {world.post(0, index).aweme_id for index in range(60)}
    assert len(ids) > len(set(ids))
    sizes = [len(page["aweme_list"]) for page in pages]
    assert 0 in sizes
    assert sizes[0] == 21
    assert any(0 < size < 18 for size in sizes[:-1])
    assert [page["has_more"] for page in pages] == [1] * (len(pages) - 1) + [0]


async def test_an_over_long_page_comes_along():
    async with Visitor(World(posts=120)) as visitor:
        sizes = [len(page["aweme_list"]) for page in await visitor.walk(1)]
    assert 20 in sizes


async def test_pinned_posts_come_first_out_of_order_and_one_comes_again(world):
    async with Visitor(world) as visitor:
        pages = await visitor.walk()
    tops = [post["is_top"] for post in pages[0]["aweme_list"]]
    assert tops[:3] == [1, 1, 1]
    assert sum(tops) == 4
    pinned = _ids(pages[0])[:3]
    later = [aweme_id for page in pages for aweme_id in _ids(page)][3:]
    assert [later.count(aweme_id) for aweme_id in pinned] == [1, 0, 0]


async def test_cursors_are_times_of_the_last_post_in_ms_and_fall(world):
    async with Visitor(world) as visitor:
        pages = await visitor.walk()
    for page in pages:
        unpinned = [post["create_time"] for post in page["aweme_list"] if not post["is_top"]]
        assert unpinned == sorted(unpinned, reverse=True)
        if unpinned:
            assert page["max_cursor"] <= unpinned[-1] * 1000
    assert all(one["max_cursor"] > two["max_cursor"] for one, two in pairwise(pages))
    assert pages[0]["request_item_cursor"] == 0
    assert pages[1]["request_item_cursor"] == pages[0]["max_cursor"]


async def test_the_last_cursor_is_set_for_some_accounts_and_0_for_others():
    world = World(quirks=False)
    async with Visitor(world) as visitor:
        assert (await visitor.walk(0))[-1]["max_cursor"] > 0
        assert (await visitor.walk(1))[-1]["max_cursor"] == 0


async def test_without_quirks_pages_are_as_long_as_asked():
    world = World(posts=40, quirks=False)
    async with Visitor(world) as visitor:
        sizes = [len(page["aweme_list"]) for page in await visitor.walk(1, 10)]
    assert sizes == [10, 10, 10, 10]


@pytest.mark.parametrize(("count", "given"), [(50, 20), (0, 18), (-3, 18), (1, 1), (20, 20)])
async def test_the_count_is_a_hint_with_a_ceiling(count, given):
    async with Visitor(World(quirks=False)) as visitor:
        assert len((await visitor.posts(1, 0, count))["aweme_list"]) == given


async def test_two_posts_of_one_second_with_one_caption_are_never_torn_apart(world):
    twins = [world.post(0, 60 - 1 - rank) for rank in (4, 5)]
    assert twins[0].created_at == twins[1].created_at
    assert twins[0].caption == twins[1].caption
    assert twins[0].aweme_id != twins[1].aweme_id
    for count in range(1, 21):
        seen, cursor, has_more = set(), 0, True
        while has_more:
            page = page_of_posts(world, 0, cursor, count)
            seen |= {post.aweme_id for post in page.posts}
            cursor, has_more = page.max_cursor, page.has_more
        assert len(seen) == 60, count


async def test_months_are_listed_on_the_first_page_when_asked_for(world):
    async with Visitor(world) as visitor:
        assert (await visitor.posts())["time_list"] is None
        first = await visitor.posts(need_time_list=1)
        assert first["time_list"] == sorted(first["time_list"], reverse=True)
        assert (await visitor.posts(0, first["max_cursor"], need_time_list=1))["time_list"] is None


async def test_behind_the_login_wall_lists_end_without_an_end():
    world = World(quirks=False, login_wall_after_pages=2)
    async with Visitor(world) as visitor:
        one = await visitor.posts(1, 0)
        two = await visitor.posts(1, one["max_cursor"])
        three = await visitor.posts(1, two["max_cursor"])
    assert "not_login_module" not in one
    assert two["not_login_module"] == {"guide_login_tip_exist": True}
    assert three == {"status_code": 0}
    async with Visitor(world, cookie=world.cookie) as visitor:
        assert len(await visitor.walk(1)) == 4


async def test_an_account_of_100_000_posts_pages_anywhere_without_memory():
    world = World(posts=[100_000])
    cursors = [world.timeline(0).time_of(index) * 1000 for index in range(99_000, 0, -4_500)]
    async with Visitor(world) as visitor:
        used = []
        tracemalloc.start()
        for _ in range(2):
            for cursor in cursors:
                page = await visitor.posts(0, cursor)
                assert page["has_more"]
                assert all(post["create_time"] * 1000 <= cursor for post in page["aweme_list"])
            del page
            visitor.app.log.clear()
            gc.collect()
            used.append(tracemalloc.get_traced_memory()[0])
        tracemalloc.stop()
    assert used[1] - used[0] < 500_000
    assert len(await _oldest(world)) > 0


async def _oldest(world):
    async with Visitor(world) as visitor:
        page = await visitor.posts(0, world.timeline(0).time_of(3) * 1000)
        assert page["has_more"] == 0
        return page["aweme_list"]


def test_the_index_of_a_time_is_found_in_accounts_of_any_size():
    for first in (1, 2, 60, 5_000, 100_000):
        world = World(posts=[first, first], users=2)
        world.add_posts(1, 5)
        timeline, total = world.timeline(1), world.total(1)
        for index in range(0, total, max(1, total // 97)):
            assert timeline.last_before(timeline.time_of(index) * 1000, total) == index - 1
        assert timeline.last_before(10**14, total) == total - 1


async def test_likes_page_by_the_time_of_liking_and_belong_to_others(world):
    async with Visitor(world) as visitor:
        items, cursor, cursors = [], 0, []
        while True:
            asked = {"sec_user_id": world.sec_user_id(0), "max_cursor": cursor, "count": 18}
            page = (await visitor.ask("aweme/favorite", asked)).json()
            items += page["aweme_list"]
            cursor = page["max_cursor"]
            cursors.append(cursor)
            if not page["has_more"]:
                break
    assert "min_cursor" not in page
    assert len(items) == world.likes
    assert cursors == sorted(cursors, reverse=True)
    assert cursors[0] != items[17]["create_time"] * 1000
    broken = [item for item in items if item["author"] is None]
    assert broken
    assert all(item["status"]["is_delete"] for item in broken)
    authors = {item["author"]["sec_uid"] for item in items if item["author"]}
    assert len(authors) > 10
    assert world.sec_user_id(0) not in authors


async def test_hidden_likes_are_no_bytes_at_all(world):
    async with Visitor(world, cookie=world.cookie) as visitor:
        answer = await visitor.ask("aweme/favorite", {"sec_user_id": world.sec_user_id(2)})
        assert (answer.status_code, answer.content) == (200, b"")


def test_times_of_a_shelf_fall_strictly_and_places_are_found_again(world):
    shelf = Shelf(world, LIKES, 0, 500)
    times = [shelf.time_of(place) for place in range(500)]
    assert all(one > two for one, two in pairwise(times))
    assert all(shelf.first_before(time) == place + 1 for place, time in enumerate(times))
