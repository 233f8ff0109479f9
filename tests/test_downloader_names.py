"""The downloader's methods by the names of the spec, on the machinery of the load stage."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from in_force import in_force, rows
from lakes import begin

from deployments.simulator.rooms import LiveRoom, Rooms
from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines import handler
from pipelines.errors import BadInput, NotFound
from pipelines.handler import AsyncUserDB, DouyinDownloader
from pipelines.load import downloader as load_stage
from pipelines.load.naming import file_path
from pipelines.load.plans import chosen, newest_by_author, plan
from schemas.files import Kept

KWARGS = {"music": True, "cover": True, "desc": True, "naming": "{create}_{desc}", "interval": "all"}
POST: dict[str, Any] = {
    "aweme_id": "7000000000000000001",
    "aweme_type": 0,
    "desc_raw": "text",
    "create_time": "2024-03-01 00-30-00",
    "sec_user_id": "MS4",
    "nickname": "n",
    "music_status": 1,
    "music_play_url": "https://m/1.mp3",
    "cover": "https://p/1.jpeg",
    "animated_cover": "https://p/1.webp",
    "video_play_addr": "https://v/1.mp4",
    "images": None,
    "is_prohibited": False,
    "private_status": 0,
}


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(World(seed=1, users=2, posts=30)) as running:
        yield running


@pytest.fixture(autouse=True)
def root(simulator: Simulator, tmp_path: Path) -> Iterator[Path]:
    begin(tmp_path / "archive")
    with in_force(simulator, tmp_path / "archive"):
        yield tmp_path / "archive"


@pytest.fixture
def account(simulator: Simulator) -> Any:
    return simulator.world.accounts[0]


async def posts_of(account: Any, count: int = 12) -> list[dict[str, Any]]:
    pages = handler.fetch_user_post_videos(account.sec_user_id, 0, 20, count)
    return [post async for page in pages for post in page]


async def own_folder(account: Any, kwargs: dict[str, Any] | None = None) -> Path:
    async with AsyncUserDB("u") as db:
        return await handler.get_or_add_user_data(kwargs or {}, account.sec_user_id, db)


def kinds(kwargs: dict[str, Any], **changed: Any) -> list[str]:
    return [wanted.media_id.partition(":")[2] for wanted in plan(kwargs, POST | changed)]


def check(folder: Path, done: list[Kept]) -> None:
    for kept in done:
        assert kept.state == "stored", kept.error
        assert kept.path is not None
        body = (folder / kept.path.rpartition("/")[2]).read_bytes()
        assert hashlib.sha256(body).hexdigest() == kept.sha256
    names = [one.name for one in folder.iterdir()]
    assert len(names) == len({kept.path for kept in done}), "nothing else lies there"


PLANS: list[tuple[dict[str, Any], dict[str, Any], list[str]]] = [
    ({}, {}, ["video:0"]),
    (KWARGS, {}, ["music:0", "dynamic_cover:0", "caption:0", "video:0"]),
    (KWARGS, {"music_status": 0}, ["dynamic_cover:0", "caption:0", "video:0"]),
    (KWARGS, {"music_play_url": None, "animated_cover": None}, ["cover:0", "caption:0", "video:0"]),
    (KWARGS, {"desc_raw": ""}, ["music:0", "dynamic_cover:0", "video:0"]),
    ({}, {"aweme_type": 68, "images": ["https://p/1", "https://p/2"]}, ["image:1", "image:2"]),
    ({}, {"aweme_type": 68, "images": ["https://p/1", None, "https://p/3"]}, ["image:1", "image:3"]),
    ({}, {"aweme_type": 68, "images": None}, []),
    ({}, {"aweme_type": 61}, ["video:0"]),
    ({}, {"video_play_addr": None}, []),
    ({}, {"private_status": None}, ["video:0"]),
    ({}, {"private_status": 7}, ["video:0"]),
    (KWARGS, {"is_prohibited": True}, []),
    ({"music": "no", "cover": "false", "desc": "0"}, {}, ["video:0"]),
    ({"music": "yes", "cover": 1, "desc": "True"}, {}, ["music:0", "dynamic_cover:0", "caption:0", "video:0"]),
]


@pytest.mark.parametrize(("kwargs", "changed", "expected"), PLANS)
def test_the_files_of_a_post_are_those_of_the_plan(
    kwargs: dict[str, Any], changed: dict[str, Any], expected: list[str]
) -> None:
    assert kinds(kwargs, **changed) == expected


@pytest.mark.parametrize("odd", [7, True, [], {}, ["x"], 1.5, None, ""])
def test_files_have_a_path_whatever_type_a_name_has(odd: Any) -> None:
    post = POST | dict.fromkeys(("sec_user_id", "uid", "nickname", "nickname_raw", "desc_raw", "create_time"), odd)
    for wanted in plan(KWARGS, post):
        assert file_path(wanted).startswith("media/")
    assert len(newest_by_author([post])) == (odd == 7)


INTERVALS = [
    (None, 1),
    ("all", 1),
    (" All ", 1),
    ("2024-03-01|2024-03-01", 1),  # 00:30 in China, still the day before in UTC
    ("2024-02-29|2024-02-29", 0),
    ("2024-02-01|2024-02-29", 0),
    ("2024-03-02|2024-03-09", 0),
]


@pytest.mark.parametrize(("interval", "count"), INTERVALS)
def test_an_interval_is_of_whole_days_in_china(interval: str | None, count: int) -> None:
    assert len(chosen({"interval": interval}, [POST])) == count
    assert len(chosen({"interval": interval}, POST | {"create_time": ""})) == 1, "a post without a time is no loss"


def test_what_cannot_be_is_said() -> None:
    for wrong in ({"interval": "yesterday"}, {"interval": "2024-02-30|2024-03-01"}, {"interval": 7}):
        with pytest.raises(BadInput, match="interval cannot be"):
            chosen(wrong, [POST])
    with pytest.raises(BadInput, match="music cannot be"):
        plan({"music": "loud"}, POST)
    with pytest.raises(BadInput):
        chosen({}, ["no dict"])
    with pytest.raises(BadInput):
        plan({}, {"desc": "no id"})


def test_the_newest_post_of_each_author_counts() -> None:
    posts = [POST | {"aweme_id": one, "sec_user_id": who} for one, who in (("9", "a"), ("10", "a"), ("3", "b"))]
    assert newest_by_author([*posts, POST | {"sec_user_id": None}]) == {"a": "10", "b": "3"}


def test_the_load_stage_alone_says_what_it_needs() -> None:
    with pytest.raises(BadInput, match=r"pipelines\.handler"):
        load_stage.DouyinDownloader({"naming": "{create}"})
    assert issubclass(DouyinDownloader, load_stage.DouyinDownloader)


async def test_tasks_within_the_archive_leave_files_with_rows(account: Any, root: Path) -> None:
    posts, folder = await posts_of(account), await own_folder(account)
    async with DouyinDownloader(KWARGS) as downloader:
        done = await downloader.create_download_tasks(KWARGS, posts, folder)
        check(folder, done)
        again = await downloader.create_download_task(KWARGS, posts, folder)
    assert sorted(kept.media_id for kept in again) == sorted(kept.media_id for kept in done)
    stored = rows("SELECT path, sha256 FROM files WHERE state = 'stored'")
    assert sorted(stored) == sorted((kept.path, kept.sha256) for kept in done)
    assert all((root / path).is_file() for path, _ in stored)
    assert rows("SELECT count(*) FROM files ANTI JOIN media USING (media_id)") == [(0,)], "every file is promised"
    assert {"video", "image", "music", "caption"} <= {kept.media_id.split(":")[1] for kept in done}


async def test_a_folder_elsewhere_gets_the_files_and_the_archive_the_posts(account: Any, tmp_path: Path) -> None:
    kwargs = KWARGS | {"path": str(tmp_path / "Download"), "mode": "post", "folderize": True}
    posts, folder = await posts_of(account, 5), await own_folder(account, kwargs)
    async with DouyinDownloader(kwargs) as downloader:
        done = await downloader.handler_download(kwargs, posts[4], folder)
        assert done == [] or {kept.state for kept in done} == {"stored"}
        done += await downloader.create_download_tasks(kwargs, posts, folder)
    assert {kept.state for kept in done} == {"stored"}
    assert all((folder.parent / (kept.path or "")).is_file() for kept in done)
    assert all(one.is_dir() for one in folder.iterdir()), "folderize gives each post its folder"
    assert rows("SELECT count(*) FROM files") == [(0,)]
    assert rows("SELECT count(*) FROM posts") == [(5,)]


@pytest.mark.parametrize(("switch", "depth"), [("no", 1), ("false", 1), (False, 1), (None, 1), ("yes", 2), (True, 2)])
async def test_a_post_has_a_folder_of_its_own_where_asked_for(
    account: Any, tmp_path: Path, switch: Any, depth: int
) -> None:
    posts = [post for post in await posts_of(account) if post["video_play_addr"] and not post["images"]][:1]
    async with DouyinDownloader({"folderize": switch}) as downloader:
        done = await downloader.handle_download({"folderize": switch}, posts[0], tmp_path / "own")
    assert [(kept.path or "").count("/") for kept in done] == [depth]


async def test_nothing_to_do_is_no_error_and_no_exit(account: Any, tmp_path: Path) -> None:
    posts = await posts_of(account, 3)
    async with DouyinDownloader(KWARGS) as downloader:
        assert await downloader.create_download_tasks(KWARGS, [], tmp_path) == []
        assert await downloader.create_download_tasks(KWARGS, None, tmp_path) == []
        past = KWARGS | {"interval": "2001-01-01|2001-01-02"}
        assert await downloader.create_download_tasks(past, posts, tmp_path / "x") == []
        for wrong in ((None, posts, tmp_path), (KWARGS, posts, ""), (KWARGS | {"max_tasks": "x"}, posts, tmp_path)):
            with pytest.raises(BadInput):
                await downloader.create_download_tasks(*wrong)


async def test_the_last_aweme_id_is_the_newest_in_whatever_order(account: Any) -> None:
    posts, folder = await posts_of(account), await own_folder(account)
    newest = max(post["aweme_id"] for post in posts)
    saved = "SELECT last_aweme_id FROM users WHERE sec_user_id = ?"
    async with DouyinDownloader({}) as downloader:
        for post in posts[:4]:
            await downloader.handle_download({}, post, folder)
        await downloader.create_download_tasks({}, sorted(posts, key=lambda post: post["aweme_id"])[-2:], folder)
        assert rows(saved, account.sec_user_id) == [(newest,)]
        await downloader.save_last_aweme_id(sec_user_id=account.sec_user_id, aweme_id="7000000000000000001")
        assert rows(saved, account.sec_user_id) == [(newest,)], "an older one is no news"
        later = str(int(newest) + 1)
        await downloader.save_last_aweme_id(account.sec_user_id, later)
        assert rows(saved, account.sec_user_id) == [(later,)]
        await downloader.save_last_aweme_id("nobody", later)
        assert rows("SELECT count(*) FROM users WHERE sec_user_id = 'nobody'") == [(0,)]
        with pytest.raises(BadInput):
            await downloader.save_last_aweme_id("", later)


async def test_files_that_cannot_be_had_are_told_and_not_raised(account: Any, tmp_path: Path) -> None:
    with Simulator(World(seed=1, users=1, posts=30), faults=["media:*=404"]) as running, in_force(running, tmp_path):
        posts, folder = await posts_of(account, 4), await own_folder(account)
        async with DouyinDownloader({}) as downloader:
            done = await downloader.create_download_tasks({}, posts, folder)
        assert Counter(kept.state for kept in done)["stored"] == 0
        assert all(kept.error for kept in done)
        assert rows("SELECT count(*) FROM files WHERE state = 'stored'") == [(0,)]


async def test_a_file_is_got_from_its_other_addresses_where_the_first_leads_nowhere(
    account: Any, tmp_path: Path
) -> None:
    posts = await posts_of(account, 30)
    async with DouyinDownloader(KWARGS) as downloader:
        done = await downloader.create_download_tasks(KWARGS, posts, tmp_path / "own")
    check(tmp_path / "own", done)


async def test_files_that_fail_together_ask_for_each_post_once_and_in_turn(account: Any, tmp_path: Path) -> None:
    with (
        Simulator(World(seed=1, users=1, posts=30), faults=["media:*=403"]) as running,
        in_force(running, tmp_path, AWEME_MIN_INTERVAL="0.2"),
    ):
        posts = await posts_of(account, 4)
        began = time.monotonic()
        async with DouyinDownloader(KWARGS) as downloader:
            done = await downloader.create_download_tasks(KWARGS, posts, tmp_path / "own")
        failed = {kept.media_id.split(":")[0] for kept in done if kept.state == "failed"}
        assert len(failed) == len(running.app.requests_to("post_detail")) > 2
        assert time.monotonic() - began > 0.2 * (len(failed) - 1)


async def test_a_file_that_was_removed_is_got_again(account: Any) -> None:
    posts, folder = await posts_of(account, 6), await own_folder(account)
    async with DouyinDownloader({}) as downloader:
        first = await downloader.create_download_tasks({}, posts, folder)
        for path in folder.iterdir():
            path.unlink()
        check(folder, await downloader.create_download_tasks({}, posts, folder))
    assert rows("SELECT count(*) FROM files WHERE state = 'stored'") == [(len(first),)]


def on_air(simulator: Simulator, account: Any, **script: Any) -> LiveRoom:
    usual = {"started": time.time() - 1, "length_s": 4.0, "segment_s": 0.4, "ending": "endlist"}
    room = LiveRoom(account.webcast_id, account.room_id, 0, **(usual | script))
    simulator.app.state["rooms"] = Rooms([room])
    return room


async def test_a_room_is_recorded_into_the_archive_by_either_spelling(simulator: Simulator, account: Any) -> None:
    folder = await own_folder(account)
    on_air(simulator, account)
    data = await handler.fetch_user_live_videos(account.webcast_id)
    async with DouyinDownloader({}) as downloader:
        (kept,) = await downloader.create_stream_tasks({}, data, folder)
    assert (kept.state, kept.mime_type) == ("stored", "video/mp2t")
    assert rows("SELECT path, sha256 FROM files WHERE media_id = ?", kept.media_id) == [(kept.path, kept.sha256)]
    assert rows("SELECT room_id FROM lives") == [(account.room_id,)]


@pytest.mark.parametrize("form", ["hls", "flv"])
async def test_a_room_is_recorded_into_a_folder_elsewhere(
    simulator: Simulator, account: Any, tmp_path: Path, form: str
) -> None:
    on_air(simulator, account)
    data = await handler.fetch_user_live_videos_by_room_id(account.room_id)
    kwargs = {"naming": "{create}_{desc}", "stream": form, "max_duration_s": 2}
    folder = tmp_path / "Download" / "n"
    async with DouyinDownloader(kwargs) as downloader:
        done = await downloader.handler_stream(kwargs, data, folder)
    assert done
    check(folder, done)
    assert all("_live" in (kept.path or "") for kept in done)


async def test_every_argument_can_be_given_by_the_name_that_the_spec_knows(
    simulator: Simulator, account: Any, tmp_path: Path
) -> None:
    on_air(simulator, account)
    post = await handler.fetch_one_video(aweme_id=simulator.world.post(0, 5).aweme_id)
    room = await handler.fetch_user_live_videos(webcast_id=account.webcast_id)
    given: dict[str, Any] = {"kwargs": {"max_duration_s": 2}, "user_path": tmp_path / "x"}
    async with DouyinDownloader({}) as downloader:
        assert await downloader.create_download_task(aweme_datas=[post], **given)
        assert await downloader.create_stream_tasks(webcast_datas=[room], **given)
        for handle in (downloader.handle_download, downloader.handler_download):
            assert await handle(aweme_data_dict=post, **given)
        for record in (downloader.handle_stream, downloader.handler_stream):
            assert await record(webcast_data_dict=room, **given)
        await downloader.save_last_aweme_id(sec_user_id=account.sec_user_id, aweme_id=post["aweme_id"])


async def test_a_room_that_is_not_live_is_said_to_be_so(simulator: Simulator, account: Any, tmp_path: Path) -> None:
    on_air(simulator, account, started=time.time() - 100)
    data = await handler.fetch_user_live_videos(account.webcast_id)
    assert not data["m3u8_pull_url"]
    async with DouyinDownloader({}) as downloader:
        with pytest.raises(NotFound):
            await downloader.handle_stream({}, data, tmp_path / "x")
        with pytest.raises(NotFound):
            await downloader.create_stream_tasks({}, [data], tmp_path / "x")
        with pytest.raises(BadInput):
            await downloader.handle_stream({}, {"nickname": "n"}, tmp_path / "x")
        assert await downloader.create_stream_tasks({}, [], tmp_path / "x") == []
