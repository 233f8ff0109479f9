"""The crawler and its walks against the made-up Douyin, with its gates, its moods and its failures."""

from __future__ import annotations

import asyncio
import gc
import random
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest

from deployments.simulator.app import make_app
from deployments.simulator.gates import GATES
from deployments.simulator.routes import routes
from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.errors import (
    ArchiveError,
    BadInput,
    Deleted,
    Interrupted,
    LoginExpired,
    NotFound,
    Private,
    RateLimited,
    SignatureRefused,
    Unfamiliar,
    Unreachable,
    VerificationAsked,
)
from pipelines.extract.crawler import DouyinCrawler
from pipelines.extract.endpoints import ENDPOINTS, Order
from pipelines.extract.listings import walk
from pipelines.extract.pacing import Pace
from pipelines.extract.questions import question
from pipelines.extract.signing import signer_from
from schemas import requests as r
from schemas.pages import Checkpoint, Page


@dataclass
class Reader:
    """A crawler on a world, and what its walks have shown so far."""

    world: World
    app: Any
    crawler: DouyinCrawler
    seen: set[str] = field(default_factory=set)
    pages: list[Page] = field(default_factory=list)

    @property
    def sec_user_id(self) -> str:
        return self.world.accounts[0].sec_user_id

    async def ask(self, operation: str, target: str, cursor: str | None = None, count: int = 18, **params: Any) -> Page:
        asked = question(operation, target, cursor=cursor, count=count, **params)
        return await self.crawler.ask(operation, asked, target=target, cursor=cursor)

    async def walk(
        self, operation: str, target: str, checkpoint: Checkpoint | None = None, *, cut: int | None = None, **more: Any
    ) -> Checkpoint:
        before, self.pages = set(self.seen), []
        params = more.pop("params", {})

        async def known(ids: Sequence[str]) -> set[str]:
            return before.intersection(ids)

        async def ask(cursor: str | None, count: int) -> Page:
            return await self.ask(operation, target, cursor, count, **params)

        options: dict[str, Any] = {"known": known, "now": lambda: datetime.now(UTC), **more}
        last = checkpoint
        async for page, kept in walk(ask, operation=operation, owner_id=target, checkpoint=checkpoint, **options):
            last = kept
            self.seen.update(page.item_ids)
            self.pages.append(page)
            if cut is not None and len(self.pages) >= cut:
                break
        assert last is not None
        return last

    def posts(self) -> set[str]:
        return {self.world.post(0, n).aweme_id for n in range(self.world.total(0))}


async def reading(world: World, faults: Sequence[str] = (), *, login: bool = True, **options: Any) -> Reader:
    app = make_app(world, faults=faults)
    plain: dict[str, Any] = {"pace": Pace(random.Random(1), min_interval_s=0, max_tries=3)}
    crawler = DouyinCrawler(
        cookie=world.cookie if login else None, transport=httpx.ASGITransport(app=app), **(plain | options)
    )
    return Reader(world, app, crawler)


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    made = await reading(World(posts=60))
    yield made
    await made.crawler.close()


def test_every_operation_is_answered_by_the_made_up_douyin_under_its_own_name():
    asked = {(endpoint.host, endpoint.path): name for name, endpoint in ENDPOINTS.items()}
    assert {address: gate.operation for address, gate in GATES.items()} == asked
    assert set(asked) <= set(routes())


async def test_every_listing_is_walked_to_its_end(reader):
    first = (await reader.ask("user_post", reader.sec_user_id)).item_ids[3]
    targets = {"user_mix": reader.world.mix_id(0), "post_comment": first, "post_related": first}
    for operation, endpoint in ENDPOINTS.items():
        if not endpoint.is_listing or operation in ("comment_reply", "collects_posts", "locate_post"):
            continue
        target = targets.get(operation, reader.sec_user_id)
        search = {"keyword": "a", "from_user": reader.world.uid(0)} if operation == "search_user_posts" else {}
        limit = 40 if endpoint.order is Order.FEED else None
        end = await reader.walk(operation, target, max_items=limit, params=search)
        assert end.finished_at, operation
        assert end.verdict == "complete" or end.is_as_asked, (operation, end)
        assert sum(page.item_count for page in reader.pages) > 0, operation
        if operation == "post_comment":
            replies = await reader.walk("comment_reply", reader.pages[0].item_ids[0], params={"item_id": first})
            assert replies.verdict == "complete"
        if operation == "collects_list":
            assert (await reader.walk("collects_posts", reader.pages[0].item_ids[0])).verdict == "complete"


async def test_headers_copied_from_a_browser_change_no_request_but_by_what_they_may_say():
    copied = {
        ":authority": "www.douyin.com",
        "Host": "www.douyin.com",
        "Accept-Encoding": "gzip, deflate, br, zstd",
        "Connection": "close",
        "Content-Length": "5",
        "Content-Type": "text/plain",
        "Range": "bytes=0-",
        "Origin": None,
        "sec-ch-ua-platform": '"Windows"',
    }
    with Simulator(World(posts=5)) as simulator:
        given = {"cookie": simulator.world.cookie, "headers": copied}
        pace = Pace(random.Random(1), min_interval_s=0, max_tries=1)
        async with DouyinCrawler(given, upstream=simulator.url, pace=pace) as crawler:
            assert (await crawler.fetch_live(r.UserLive(web_rid=simulator.world.account(0).webcast_id)))["data"]["data"]
            assert (await crawler.fetch_user_collect(r.UserCollect()))["aweme_list"]
        sent = [record.headers for record in simulator.log if record.operation in ("live", "user_collect")]
    assert [headers["host"] for headers in sent] == ["live.douyin.com", "www.douyin.com"]
    assert {headers["accept-encoding"] for headers in sent} == {httpx.Client().headers["accept-encoding"]}
    assert all(not {"range", "origin"} & set(headers) for headers in sent)
    assert all(headers["sec-ch-ua-platform"] == '"Windows"' for headers in sent)
    assert sent[1]["content-type"] == "application/json"


@pytest.mark.parametrize("headers", [{"X": "中"}, {"User-Agent": "a\nb"}, {"a b": "c"}, {"X: y": "z"}])
def test_a_header_that_cannot_be_sent_is_named_before_anything_is_asked(headers):
    with pytest.raises(BadInput, match="header"):
        DouyinCrawler({"headers": headers})


async def test_every_related_post_is_seen_and_none_twice(reader):
    about = (await reader.ask("user_post", reader.sec_user_id)).item_ids[3]
    end = await reader.walk("post_related", about)
    shown = [one for page in reader.pages for one in page.item_ids]
    assert end.verdict == "complete", end.reason
    assert len(shown) == len(set(shown)) > 40


async def test_every_post_of_an_account_is_seen_pinned_ones_and_short_pages_too(reader):
    end = await reader.walk("user_post", reader.sec_user_id)
    assert reader.seen == reader.posts()
    assert end.stretches[0].is_end


async def test_single_answers_of_every_kind_are_read(reader):
    account = reader.world.accounts[0]
    crawler = reader.crawler
    profile = await crawler.fetch_user_profile(r.UserProfile(sec_user_id=account.sec_user_id))
    assert profile["user"]["sec_uid"] == account.sec_user_id
    post = reader.world.post(0, 5).aweme_id
    detail = await crawler.fetch_post_detail(r.PostDetail(aweme_id=post))
    assert detail["aweme_detail"]["aweme_id"] == post
    live = await crawler.fetch_live(r.UserLive(web_rid=account.webcast_id))
    assert live["data"]["data"][0]["id_str"] == account.room_id
    room = await crawler.fetch_live_room_id(r.UserLive2(room_id=account.room_id))
    assert str(room["data"]["room"]["id"]) == account.room_id
    assert (await crawler.fetch_follow_live(r.FollowUserLive()))["data"]["data"]
    assert (await crawler.fetch_hot_board(r.HotBoard()))["data"]["word_list"]
    code = await crawler.fetch_login_qrcode(r.LoginGetQr())
    poll = await crawler.fetch_check_qrcode(r.LoginCheckQr(token=code["data"]["token"]))
    assert poll.json()["data"]["status"] == "1"
    located = await crawler.fetch_locate_post(
        r.PostLocate(sec_user_id=account.sec_user_id, max_cursor="0", locate_item_id=post, locate_item_cursor="0")
    )
    assert located["aweme_list"]


async def test_a_visitor_gets_his_tokens_and_reads_without_a_login():
    reader = await reading(World(posts=30), login=False)
    async with reader.crawler:
        await reader.walk("user_post", reader.sec_user_id)
    assert reader.seen == reader.posts()
    hosts = [record.host for record in reader.app.log]
    assert hosts.count("ttwid.bytedance.com") == 1


async def test_both_signatures_pass_a_strict_gate_and_none_gets_no_answer():
    world = World(posts=20, strict=True)
    for name in ("xbogus", "abogus"):
        reader = await reading(world, signer=signer_from(name))
        async with reader.crawler:
            assert (await reader.ask("user_collect", "self")).item_count
            assert (await reader.ask("user_post", reader.sec_user_id)).item_count
    reader = await reading(world, signer=signer_from("none"))
    async with reader.crawler:
        with pytest.raises(RateLimited):
            await reader.ask("user_post", reader.sec_user_id)


async def test_operations_of_the_owner_ask_for_a_login():
    reader = await reading(World(posts=5), login=False)
    async with reader.crawler:
        for operation, endpoint in ENDPOINTS.items():
            if endpoint.needs_login:
                with pytest.raises(LoginExpired):
                    await reader.ask(operation, "1")


async def test_three_new_posts_of_an_account_of_100_000_take_two_requests():
    reader = await reading(World(posts=100_000, users=1))
    async with reader.crawler:
        whole = await reader.walk("user_post", reader.sec_user_id, max_items=200)
        # As if the first walk had gone on to the end: that is 5,500 pages of the same.
        done = whole.stretches[0].__class__(whole.stretches[0].high, 0, is_end=True, items=100_000)
        kept = Checkpoint("post", reader.sec_user_id, stretches=(done,))
        fresh = reader.world.add_posts(0, 3)
        sent = reader.crawler.requests_sent
        end = await reader.walk("user_post", reader.sec_user_id, kept)
    assert set(fresh) <= reader.seen
    assert reader.crawler.requests_sent - sent <= 2
    assert end.verdict == "complete"


@pytest.mark.parametrize("cut", [1, 2, 3, 5])
async def test_a_walk_cut_at_any_page_ends_with_the_same_posts(cut):
    reader = await reading(World(posts=90))
    async with reader.crawler:
        kept = await reader.walk("user_post", reader.sec_user_id, cut=cut)
        end = await reader.walk("user_post", reader.sec_user_id, kept)
        assert end.verdict == "complete"
        again = await reader.walk("user_post", reader.sec_user_id, end)
    assert reader.seen == reader.posts()
    assert again.verdict == "complete"


async def test_likes_and_the_collection_are_updated_by_their_own_time():
    reader = await reading(World(posts=20, likes=300, collected=300))
    async with reader.crawler:
        for operation, target in (("user_like", reader.sec_user_id), ("user_collect", "self")):
            end = await reader.walk(operation, target)
            sent = reader.crawler.requests_sent
            end = await reader.walk(operation, target, end)
            assert end.verdict == "complete"
            assert reader.crawler.requests_sent - sent <= 2


async def test_the_login_wall_keeps_the_checkpoint_and_asks_for_a_login():
    reader = await reading(World(posts=200, login_wall_after_pages=2), login=False)
    async with reader.crawler:
        try:
            end = await reader.walk("user_post", reader.sec_user_id)
        except LoginExpired as error:
            assert "aweme login" in str(error)  # noqa: PT017 - either end is right, a complete one is not
        else:
            assert end.verdict == "partial"
    assert reader.pages
    assert len(reader.seen) < 200


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        ("empty", RateLimited),
        ("blank", RateLimited),
        ("444", RateLimited),
        ("444;body", RateLimited),
        ("429", RateLimited),
        ("503;retry_after=0", RateLimited),
        ("500", Unreachable),
        ("502", Unreachable),
        ("503", Unreachable),
        ("408", Unreachable),
        ("401", LoginExpired),
        ("302", Unreachable),
        ("404", NotFound),
        ("captcha", VerificationAsked),
        ("acrawler", VerificationAsked),
        ("access_denied", VerificationAsked),
        ("bdturing", VerificationAsked),
        ("bdturing_verify", VerificationAsked),
        ("passport_decision", VerificationAsked),
        ("throughput_abort", VerificationAsked),
        ("verify_ticket", VerificationAsked),
        ("verify_check", VerificationAsked),
        ("argus:Sign Invalid", SignatureRefused),
        ("broken_json", Interrupted),
        ("json_null", Unfamiliar),
        ("json_list", Unfamiliar),
        ("no_list", LoginExpired),
        ("status_code:8", LoginExpired),
        ("status_code:4", Unreachable),
        ("status_code:5", BadInput),
        ("status_code:2065", NotFound),
        ("status_code:2096", Private),
    ],
)
async def test_every_failure_is_an_error_with_its_answer_and_no_end(fault, kind):
    reader = await reading(World(posts=60), [f"user_post:2-9={fault}"])
    kept: list[Checkpoint] = []
    async with reader.crawler:
        first = await reader.walk("user_post", reader.sec_user_id, cut=1)
        kept.append(first)
        with pytest.raises(ArchiveError) as caught:
            await reader.walk("user_post", reader.sec_user_id, first)
        assert type(caught.value) is kind
        assert caught.value.facts["page"].outcome == kind.__name__
        reader.app.faults.clear()
        end = await reader.walk("user_post", reader.sec_user_id, kept[-1])
    assert end.verdict == "complete"
    assert reader.seen == reader.posts()


async def test_a_failure_that_passes_is_survived():
    faults = ["user_post:2=empty", "user_post:4=429;retry_after=0", "user_post:6=502", "user_post:7=broken_json"]
    reader = await reading(World(posts=60), faults)
    async with reader.crawler:
        end = await reader.walk("user_post", reader.sec_user_id)
    assert end.verdict == "complete"
    assert reader.seen == reader.posts()


@pytest.mark.parametrize(
    ("fault", "kind"),
    [("reset", Interrupted), ("truncated", Interrupted), ("wrong_encoding", Interrupted), ("slow:3", Unreachable)],
)
async def test_an_answer_that_breaks_off_on_a_real_connection_is_tried_again_and_then_said(fault, kind):
    with Simulator(World(posts=30), faults=[f"user_post:1-2={fault}", f"user_post:4-9={fault}"]) as simulator:
        pace = Pace(random.Random(1), min_interval_s=0, max_tries=3)
        async with DouyinCrawler(upstream=simulator.url, pace=pace, timeout=1.0) as crawler:
            asked = r.UserPost(sec_user_id=simulator.world.accounts[0].sec_user_id)
            assert (await crawler.ask("user_post", asked)).item_count
            assert crawler.requests_sent == 3
            with pytest.raises(kind):
                await crawler.ask("user_post", asked)


async def test_an_empty_page_with_more_behind_it_is_passed_over():
    reader = await reading(World(posts=60), ["user_post:2=shift"])
    async with reader.crawler:
        assert (await reader.walk("user_post", reader.sec_user_id)).verdict == "complete"
    assert any(page.item_count == 0 and page.has_more for page in reader.pages)


async def test_a_post_that_is_gone_says_why():
    reader = await reading(World(posts=9))
    gone = reader.world.post(0, 3).aweme_id
    async with reader.crawler:
        for reason, kind in (("status_deleted", Deleted), ("status_self_see", Private)):
            reader.world.delete(gone, reason)
            with pytest.raises(kind) as caught:
                await reader.ask("post_detail", gone)
            assert caught.value.facts["filter_reason"] == reason


async def test_no_cookie_leaves_douyin(reader):
    await reader.walk("user_post", reader.sec_user_id)
    await reader.crawler.fetch_live_room_id(r.UserLive2(room_id=reader.world.accounts[0].room_id))
    for _ in range(3):
        await reader.crawler.hop(reader.world.accounts[0].short_link)
    for record in reader.app.log:
        if "cookie" in record.headers:
            assert record.host.endswith("douyin.com")
    assert not [record for record in reader.app.log if record.host == "v.douyin.com" and "cookie" in record.headers]


# Scripts


# The first loop takes its connections with it, which Python says of every script that does not close them.
@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_a_script_may_run_a_loop_for_each_call_and_open_the_crawler_again():
    async def nickname(crawler: DouyinCrawler, sec_user_id: str) -> str:
        answer = await crawler.fetch_user_profile(r.UserProfile(sec_user_id=sec_user_id))
        return str(answer["user"]["nickname"])

    async def opened(crawler: DouyinCrawler, sec_user_id: str) -> list[str]:
        names = []
        for _ in range(2):
            async with crawler:
                names.append(await nickname(crawler, sec_user_id))
        return names

    with Simulator(World(seed=1, users=1, posts=5)) as running:
        account, pace = running.world.accounts[0], Pace(random.Random(1), min_interval_s=0, max_tries=1)
        crawler = DouyinCrawler(cookie=running.world.cookie, upstream=running.url, pace=pace)
        names = [asyncio.run(nickname(crawler, account.sec_user_id)) for _ in range(2)]
        names += asyncio.run(opened(crawler, account.sec_user_id))
        asyncio.run(crawler.close())
    gc.collect()
    assert names == [account.nickname] * 4
