"""The data interface of the spec, row by row, against the made-up Douyin."""

from __future__ import annotations

import inspect
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest
from in_force import in_force

from deployments.simulator.rooms import LiveRoom, Rooms
from deployments.simulator.server import Simulator
from deployments.simulator.sso import Login
from deployments.simulator.world import World
from pipelines import handler
from pipelines.errors import ArchiveError, BadInput, Deleted, Interrupted, NotFound, RateLimited, VerificationAsked
from pipelines.extract.crawler import DouyinCrawler
from pipelines.extract.endpoints import endpoint_of
from pipelines.extract.links import resolve
from pipelines.extract.pages import read as read_page
from pipelines.handler import DouyinHandler
from pipelines.house import utc_now
from pipelines.reading import Reading
from pipelines.settings import load_settings


def words(text: str) -> set[str]:
    return set(text.split())


POST_KEYS = words(
    "has_more max_cursor min_cursor animated_cover author_avatar_thumb author_deleted aweme_id aweme_type cover "
    "create_time desc images is_prohibited music_play_url music_status music_title nickname part_see private_status "
    "sec_user_id uid video_bit_rate video_duration video_play_addr"
)
DETAIL_KEYS = words(
    "admire_count allow_douplus allow_share animated_cover api_status_code aweme_id aweme_type can_comment can_forward "
    "can_share can_show_comment collect_count comment_count comment_gid cover create_time desc digg_count "
    "download_setting duration hashtag_ids hashtag_names images is_ads is_commerce_music is_delete is_original "
    "is_original_sound is_pgc is_prohibited is_story is_top media_type mix_create_time mix_desc mix_id mix_name "
    "mix_pic_type mix_share_url mix_type mix_update_time music_author music_author_deleted music_duration music_id "
    "music_mid music_owner_handle music_owner_id music_owner_nickname music_play_url music_status nickname part_see "
    "pgc_author pgc_author_title pgc_music_type position private_status region sec_user_id seo_ocr_content share_count "
    "short_id uid unique_id video_bit_rate video_play_addr"
)
PROFILE_KEYS = words(
    "avatar_url aweme_count city country favoriting_count follower_count following_count gender ip_location is_ban "
    "is_block is_blocked is_star live_status mix_count mplatform_followers_count nickname room_id school_name "
    "sec_user_id short_id signature total_favorited uid unique_id user_age"
)
LIVE_KEYS = words(
    "ChatAuth DiggAuth GiftAuth ShareAuth api_status_code avatar_thumb cover flv_pull_url follow_status like_count "
    "live_status live_title m3u8_pull_url nickname partition_id partition_title room_id sec_user_id sub_partition_id "
    "sub_partition_title total_user_count user_count user_id"
)
ROOM_KEYS = words(
    "api_status_code avatar_large city cover create_time finish_time flv_pull_url follower_count following_count "
    "gender hls_pull_url live_status live_title nickname resolution_name room_id sec_uid signature stream_id "
    "user_count verified web_rid"
)


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(World(seed=1, users=2, posts=60)) as running:
        yield running


@pytest.fixture(autouse=True)
def archive(simulator: Simulator, tmp_path: Path) -> Iterator[Path]:
    with in_force(simulator, tmp_path / "archive"):
        yield tmp_path / "archive"


@pytest.fixture
def account(simulator: Simulator) -> Any:
    return simulator.world.accounts[0]


async def read(pages: AsyncIterator[list[dict[str, Any]]]) -> list[list[dict[str, Any]]]:
    return [page async for page in pages]


def flat(pages: list[list[dict[str, Any]]]) -> list[dict[str, Any]]:
    return [post for page in pages for post in page]


def ids(pages: list[list[dict[str, Any]]]) -> list[str]:
    return [post["aweme_id"] for post in flat(pages)]


def visible(world: World, user: int = 0) -> set[str]:
    posts = (world.post(user, index) for index in range(world.total(user)))
    return {post.aweme_id for post in posts if world.gone_reason(post) is None}


def keys(found: dict[str, Any]) -> set[str]:
    raw = {name for name in found if name.endswith("_raw")}
    assert {name.removesuffix("_raw") for name in raw} <= set(found), "raw text stands beside the cleaned"
    return set(found) - raw


async def failure(pages: AsyncIterator[Any]) -> tuple[list[Any], ArchiveError | None]:
    given: list[Any] = []
    try:
        async for page in pages:
            given.append(page)  # noqa: PERF401 - what came before an error counts
    except ArchiveError as error:
        return given, error
    return given, None


def test_the_key_sets_are_as_long_as_the_spec_says() -> None:
    sizes = [len(found) for found in (POST_KEYS, DETAIL_KEYS, PROFILE_KEYS, LIVE_KEYS, ROOM_KEYS)]
    assert sizes == [24, 67, 26, 23, 22]


def test_every_signature_takes_what_the_spec_page_passes() -> None:
    listing = ["sec_user_id", "max_cursor", "page_counts", "max_counts"]
    expected = {
        "fetch_one_video": ["aweme_id"],
        "fetch_user_post_videos": listing,
        "fetch_user_like_videos": listing,
        "fetch_user_feed_videos": listing,
        "fetch_user_mix_videos": ["mix_id", *listing[1:]],
        "fetch_user_collect_videos": listing[1:],
        "fetch_user_live_videos": ["webcast_id"],
        "fetch_user_live_videos_by_room_id": ["room_id"],
        "handler_user_profile": ["sec_user_id"],
        "get_user_nickname": ["sec_user_id", "db"],
        "get_or_add_user_data": ["kwargs", "sec_user_id", "db"],
        "get_or_add_video_data": ["aweme_data", "db", "ignore_fields"],
        "handle_sso_login": [],
    }
    for name, names in expected.items():
        assert list(inspect.signature(getattr(handler, name)).parameters) == names, name
        method = [one for one in inspect.signature(getattr(DouyinHandler, name)).parameters if one != "self"]
        assert method == names, name


async def test_fetch_one_video_gives_the_67_keys_of_that_post(simulator: Simulator, account: Any) -> None:
    post = simulator.world.post(0, 5)
    found = await handler.fetch_one_video(aweme_id=post.aweme_id)
    assert keys(found) == DETAIL_KEYS
    assert (found["aweme_id"], found["sec_user_id"]) == (post.aweme_id, account.sec_user_id)
    assert found["desc_raw"] == post.caption
    assert found["nickname_raw"] == account.nickname


async def test_a_post_that_is_gone_is_an_error_with_douyins_reason() -> None:
    world = World(seed=4, users=1, posts=3)
    world.delete(world.post(0, 1).aweme_id, "status_deleted")
    with Simulator(world) as running, in_force(running, Path("unused")), pytest.raises(Deleted) as gone:
        await handler.fetch_one_video(world.post(0, 1).aweme_id)
    assert gone.value.facts["filter_reason"] == "status_deleted"


async def test_fetch_user_post_videos_reads_the_whole_account_each_post_once(
    simulator: Simulator, account: Any
) -> None:
    pages = await read(handler.fetch_user_post_videos(account.sec_user_id))
    assert len(pages) > 2, "it goes on behind the first page"
    assert all(pages), "no page is empty"
    assert all(keys(post) == POST_KEYS for post in flat(pages))
    found = ids(pages)
    assert len(found) == len(set(found))
    assert set(found) == visible(simulator.world)


@pytest.mark.parametrize("user", [0, 1])
async def test_each_dict_tells_of_its_own_post_whatever_its_neighbours_lack(simulator: Simulator, user: int) -> None:
    world, account = simulator.world, simulator.world.accounts[user]
    posts = flat(await read(handler.fetch_user_post_videos(account.sec_user_id)))
    details = {post["aweme_id"]: await handler.fetch_one_video(post["aweme_id"]) for post in posts}
    for post in posts:
        made = world.find(post["aweme_id"])
        assert made is not None
        assert post["desc_raw"] == made.caption, made.kind
        assert post["sec_user_id"] == (account.sec_user_id if made.kind.has_author else None), made.kind
        assert (post["music_play_url"] is None) == (details[post["aweme_id"]]["music_play_url"] is None), made.kind
        assert post["music_status"] == details[post["aweme_id"]]["music_status"], made.kind
        assert len(post["images"] or []) == made.kind.images, made.kind
        if made.kind.music == "absent":
            assert post["music_title"] is None
        if made.kind.play == "absent":
            assert post["video_play_addr"] is None
    addresses = [post["video_play_addr"] for post in posts if post["video_play_addr"]]
    assert len(addresses) == len(set(addresses)), "no post has its neighbour's film"


@pytest.mark.parametrize("page_counts", [1, 10, 20])
@pytest.mark.parametrize("max_counts", [1, 5, 25])
async def test_max_counts_is_exact(account: Any, page_counts: int, max_counts: int) -> None:
    found = ids(await read(handler.fetch_user_post_videos(account.sec_user_id, 0, page_counts, max_counts)))
    assert len(found) == len(set(found)) == max_counts


@pytest.mark.parametrize("max_counts", [0, None])
async def test_no_max_counts_means_all(simulator: Simulator, account: Any, max_counts: int | None) -> None:
    pages = await read(handler.fetch_user_post_videos(account.sec_user_id, 0, 20, max_counts))
    assert set(ids(pages)) == visible(simulator.world)


async def test_a_negative_max_counts_asks_for_nothing(simulator: Simulator, account: Any) -> None:
    before = len(simulator.log)
    assert await read(handler.fetch_user_post_videos(account.sec_user_id, 0, 20, -1)) == []
    assert len(simulator.log) == before


@pytest.mark.parametrize(
    ("page_counts", "asked"), [(500, "20"), (0, "1"), (-7, "1"), (2.7, "2"), (18, "18"), (None, "20")]
)
async def test_page_counts_is_clamped(simulator: Simulator, account: Any, page_counts: Any, asked: str) -> None:
    before = len(simulator.log)
    async for _ in handler.fetch_user_post_videos(account.sec_user_id, 0, page_counts, None):
        break
    first = next(one for one in simulator.log[before:] if one.operation == "user_post")
    assert f"&count={asked}&" in f"&{first.query}&"


@pytest.mark.parametrize("max_counts", [3, 5, 7, 10, 23])  # three of the account's posts are pinned
async def test_a_caller_goes_on_at_the_last_cursor_and_misses_nothing(
    simulator: Simulator, account: Any, max_counts: int
) -> None:
    found: set[str] = set()
    cursor, rounds = 0, 0
    while rounds < 60:
        rounds += 1
        posts = flat(await read(handler.fetch_user_post_videos(account.sec_user_id, cursor, 10, max_counts)))
        found.update(post["aweme_id"] for post in posts)
        if not posts or not posts[-1]["has_more"]:
            break
        cursor = posts[-1]["max_cursor"]
    assert found == visible(simulator.world)


async def test_likes_collections_and_mixes_are_read_to_their_ends(simulator: Simulator, account: Any) -> None:
    world = simulator.world
    likes = await read(handler.fetch_user_like_videos(account.sec_user_id, 0, 10, 20))
    collected = await read(handler.fetch_user_collect_videos(0, 10, 20))
    mix = await read(handler.fetch_user_mix_videos(world.mix_id(0), 0, 10, 20))
    assert (len(ids(likes)), len(ids(collected)), len(ids(mix))) == (20, 20, world.episodes(0, 0))
    assert all(keys(post) == POST_KEYS for post in flat([*likes, *collected, *mix]))
    everything = await read(handler.fetch_user_collect_videos())
    assert len(set(ids(everything))) > 20


async def test_the_feed_is_the_recommended_feed(simulator: Simulator, account: Any) -> None:
    before = len(simulator.log)
    pages = await read(handler.fetch_user_feed_videos(account.sec_user_id, 0, 10, 20))
    assert len(ids(pages)) == len(set(ids(pages))) == 20
    asked = {one.operation for one in simulator.log[before:]}
    assert "post_feed" in asked
    assert "user_post" not in asked


async def test_a_profile_is_a_dict_with_the_methods_of_the_page(account: Any) -> None:
    found = await handler.handler_user_profile(account.sec_user_id)
    assert keys(found) == PROFILE_KEYS
    assert found._to_dict() == dict(found)
    assert found.nickname_raw == found["nickname_raw"] == account.nickname
    assert (await DouyinHandler({}).handler_user_profile(account.sec_user_id))["uid"] == account.uid


async def test_an_id_may_be_a_number_or_have_blanks_around_it(simulator: Simulator, account: Any) -> None:
    simulator.app.state["rooms"] = Rooms([LiveRoom(account.webcast_id, account.room_id, 0, time.time() - 5, 600)])
    aweme_id = simulator.world.post(0, 0).aweme_id
    for found in (int(aweme_id), f" {aweme_id}\n"):
        assert (await handler.fetch_one_video(found))["aweme_id"] == aweme_id  # type: ignore[arg-type]
    assert (await handler.fetch_user_live_videos(int(account.webcast_id)))["live_status"] == 2  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "nobody", [None, True, 1.5, b"7", [], {}, "", " \n", "https://www.douyin.com/user/MS4wLjABAAAAx"]
)
async def test_what_is_no_id_is_said_to_be_none_and_douyin_is_not_asked(simulator: Simulator, nobody: Any) -> None:
    asked = len(simulator.app.log)
    for ask in (handler.fetch_one_video, handler.fetch_user_live_videos, handler.handler_user_profile):
        with pytest.raises(BadInput, match=r"An id cannot be|is a link"):
            await ask(nobody)
    with pytest.raises(BadInput, match=r"An id cannot be|is a link"):
        await read(handler.fetch_user_post_videos(nobody))
    for keep in (handler.get_user_nickname, lambda an_id, db: handler.get_or_add_user_data({}, an_id, db)):
        with pytest.raises(BadInput, match=r"An id cannot be|is a link"):
            await keep(nobody, None)  # type: ignore[arg-type]
    assert len(simulator.app.log) == asked


async def test_an_unknown_account_or_room_is_an_error_and_not_a_dict_of_nothing() -> None:
    with pytest.raises(ArchiveError):
        await handler.handler_user_profile("MS4wLjABAAAA" + "x" * 43)
    with pytest.raises(ArchiveError):
        await handler.fetch_user_live_videos_by_room_id("7000000000000000000")
    with pytest.raises(ArchiveError):
        await handler.fetch_one_video("7000000000000000000")


async def test_live_rooms_have_the_keys_of_both_interfaces(simulator: Simulator, account: Any) -> None:
    room = LiveRoom(account.webcast_id, account.room_id, 0, time.time() - 5, 600)
    simulator.app.state["rooms"] = Rooms([room])
    entered = await handler.fetch_user_live_videos(webcast_id=account.webcast_id)
    reflow = await handler.fetch_user_live_videos_by_room_id(room_id=account.room_id)
    assert (keys(entered), keys(reflow)) == (LIVE_KEYS, ROOM_KEYS)
    assert entered["live_status"] == reflow["live_status"] == 2
    assert str(entered["room_id"]) == str(reflow["room_id"]) == account.room_id
    assert entered["m3u8_pull_url"]
    assert reflow["hls_pull_url"]
    assert entered["sec_user_id"] == reflow["sec_uid"] == account.sec_user_id
    assert reflow["finish_time"] == "", "a room that is live has no end"


async def test_a_login_by_code_gives_the_cookie(simulator: Simulator, capsys: pytest.CaptureFixture[str]) -> None:
    simulator.app.state["login"] = Login(codes=(("3",),))
    is_login, login_cookie = await handler.handle_sso_login()
    assert is_login
    assert "sessionid=" in login_cookie
    assert "sessionid" not in capsys.readouterr().out


FAILURES = [
    ("user_post:2-9=empty", RateLimited),
    ("user_post:2-9=captcha", VerificationAsked),
    ("user_post:2-9=429", RateLimited),
    ("user_post:2-9=no_list", ArchiveError),
    ("user_post:2-9=broken_json", ArchiveError),
    ("user_post:2-9=json_null", ArchiveError),
    ("user_post:2-9=500", ArchiveError),
]


@pytest.mark.parametrize("max_counts", [None, 50])
@pytest.mark.parametrize(("fault", "kind"), FAILURES)
async def test_a_failure_is_raised_after_the_posts_before_it(
    tmp_path: Path, fault: str, kind: type[ArchiveError], max_counts: int | None
) -> None:
    with Simulator(World(seed=1, users=1, posts=60), faults=[fault]) as running, in_force(running, tmp_path):
        pages = handler.fetch_user_post_videos(running.world.accounts[0].sec_user_id, 0, 20, max_counts)
        given, error = await failure(pages)
    assert given
    assert isinstance(error, kind)


@pytest.mark.parametrize("max_counts", [None, 59])
async def test_a_listing_cut_by_a_login_wall_is_no_end(tmp_path: Path, max_counts: int | None) -> None:
    world = World(seed=1, users=1, posts=60, login_wall_after_pages=1)
    with Simulator(world) as running, in_force(running, tmp_path, AWEME_COOKIE="none=1"):
        given, error = await failure(handler.fetch_user_post_videos(world.accounts[0].sec_user_id, 0, 20, max_counts))
    assert isinstance(error, ArchiveError)
    assert "aweme login" in str(error)
    assert len(flat(given)) < 59


class Always(DouyinCrawler):
    """A crawler to which every question has one answer."""

    def __init__(self, body: bytes) -> None:
        super().__init__()
        self.body = body

    async def ask(self, operation: str, params: Any, *, target: str = "", cursor: str | None = None) -> Any:
        endpoint, now = endpoint_of(operation), utc_now()
        return read_page(endpoint, 200, {}, self.body, target=target, cursor=cursor, fetched_at=now, page_id="one")


async def test_a_server_that_repeats_a_page_neither_ends_nor_loops(account: Any) -> None:
    body = (
        b'{"status_code":0,"has_more":1,"max_cursor":1700000000000,"aweme_list":[{"aweme_id":"7000000000000000001"}]}'
    )
    async with Always(body) as crawler:
        given, error = await failure(Reading(crawler, "user_post", account.sec_user_id, None, 20, 7).posts())
    assert ids(given) == ["7000000000000000001"]
    assert isinstance(error, Interrupted)


@pytest.mark.parametrize(
    ("times", "cursor"),
    [
        ((30, 20, 10), 20_000),
        ((30, 20, 20), 20_001),
        ((30, 20, 25), 25_001),
        ((30, 20, None), 0),
        ((30, "x", 10), 0),
    ],
)
async def test_a_post_of_the_same_second_is_not_passed_over(account: Any, times: tuple[Any, ...], cursor: int) -> None:
    posts = [{"aweme_id": str(number), "create_time": moment} for number, moment in enumerate(times, 1)]
    body = orjson.dumps({"status_code": 0, "has_more": 1, "max_cursor": 5, "aweme_list": posts})
    async with Always(body) as crawler:
        given = flat(await read(Reading(crawler, "user_post", account.sec_user_id, None, 20, 2).posts()))
    assert [post["aweme_id"] for post in given] == ["1", "2"]
    assert (given[-1]["has_more"], given[-1]["max_cursor"]) == (True, cursor)


@pytest.mark.parametrize("wrong", [("abc",), (0, "x"), (0, 20, "many"), (-5,)])
async def test_arguments_that_are_no_numbers_are_said_to_be_wrong(account: Any, wrong: tuple[Any, ...]) -> None:
    with pytest.raises(BadInput):
        await read(handler.fetch_user_post_videos(account.sec_user_id, *wrong))


async def test_a_reader_may_stop_at_any_page_and_the_handler_keeps_one_connection(account: Any) -> None:
    async with DouyinHandler({"cookie": ""}, settings=load_settings()) as one:
        async for _ in one.fetch_user_post_videos(account.sec_user_id, 0, 5):
            break
        assert len(ids(await read(one.fetch_user_post_videos(account.sec_user_id, 0, 5, 7)))) == 7


async def test_kwargs_of_the_spec_reach_the_requests(simulator: Simulator, account: Any) -> None:
    kwargs = {
        "cookie": simulator.world.cookie,
        "headers": {"User-Agent": load_settings().user_agent, "Referer": "https://www.douyin.com/"},
        "proxies": {"http": None, "https": None},
        "timeout": 7,
        "max_retries": 3,
        "max_tasks": 4,
        "path": "Download",
        "music": True,
        "cover": False,
        "desc": True,
        "interval": "all",
        "languages": "zh_CN",
    }
    made = DouyinHandler(kwargs)
    assert made.settings.cookie == simulator.world.cookie
    assert (made.settings.timeout, made.settings.max_tries, made.settings.download_concurrency) == (7.0, 4, 4)
    assert made.settings.media == ("video", "image", "music", "caption", "live_photo")
    assert made.settings.root == load_settings().root, "the archive in force stays"
    assert (await made.handler_user_profile(account.sec_user_id))["uid"] == account.uid
    with pytest.raises(TypeError):
        DouyinHandler(["no", "dict"])  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["Cookie", "cookie"])
async def test_a_cookie_among_the_headers_is_the_cookie_unless_kwargs_have_their_own(name: str) -> None:
    headers = {name: "sessionid=of the headers", "USER-AGENT": "Mine/1.0"}
    settings = DouyinHandler({"headers": headers}).settings
    assert (settings.cookie, settings.user_agent) == ("sessionid=of the headers", "Mine/1.0")
    assert DouyinHandler({"headers": headers, "cookie": "sessionid=own"}).settings.cookie == "sessionid=own"


async def test_a_home_link_leads_to_what_the_functions_take(account: Any) -> None:
    async def never(_url: str) -> tuple[int, str | None]:
        raise NotFound("no request is needed")

    link = await resolve(account.home, never)
    assert link.id == account.sec_user_id
