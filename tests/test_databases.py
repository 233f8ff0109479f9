"""AsyncUserDB and AsyncVideoDB: windows on the archive in force; folders that follow the names of accounts."""

from __future__ import annotations

import asyncio
import hashlib
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import orjson
import polars as pl
import pytest
from in_force import in_force, rows
from lakes import begin

from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines import handler
from pipelines.errors import ArchiveError, BadInput
from pipelines.handler import AsyncUserDB, AsyncVideoDB, DouyinDownloader
from pipelines.house import new_id, open_lake, utc_now
from pipelines.jobs import run_job
from pipelines.renaming import mend, own_folder
from pipelines.settings import load_settings
from pipelines.transform.frames import frames_of
from pipelines.transform.interface import post_dict
from schemas.jobs import ArchiveJob
from schemas.pages import Page

NAMES = ("木匠阿福", "石匠阿福", "铁匠阿福")


@pytest.fixture
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


async def posts_of(account: Any, count: int = 20) -> list[dict[str, Any]]:
    pages = handler.fetch_user_post_videos(account.sec_user_id, 0, 20, count)
    return [post async for page in pages for post in page]


def requests(simulator: Simulator, operation: str) -> int:
    return sum(one.operation == operation for one in simulator.log)


async def test_a_nickname_is_asked_of_douyin_once_and_of_the_archive_then(simulator: Simulator, account: Any) -> None:
    async with AsyncUserDB("douyin_users.db") as db:
        assert await handler.get_user_nickname(account.sec_user_id, db=db) == account.nickname
        assert await handler.get_user_nickname(sec_user_id=account.sec_user_id, db=db) == account.nickname
    async with AsyncUserDB("another name") as db:
        assert await handler.get_user_nickname(account.sec_user_id, db) == account.nickname
    assert requests(simulator, "user_profile") == 1
    assert rows("SELECT outcome FROM runs") == [("complete",)]


async def test_what_was_being_kept_when_its_caller_was_stopped_is_kept_before_the_archive_closes(root: Path) -> None:
    lock = sqlite3.connect(root / "catalog.sqlite.lock", isolation_level=None)
    async with AsyncUserDB() as db:
        lock.execute("BEGIN EXCLUSIVE")  # somebody else writes
        keeping = asyncio.create_task(db.add_user_info(sec_user_id="MS4wLjABAAAAx", nickname="阿福"))
        await asyncio.sleep(0.2)
        keeping.cancel()
        await asyncio.sleep(0)
        lock.close()
    assert (await asyncio.wait([keeping]))[0].pop().cancelled()
    assert rows("SELECT nickname FROM users") == [("阿福",)]
    assert rows("SELECT outcome FROM runs WHERE ended_at IS NOT NULL") == [("complete",)]


async def test_a_failure_that_the_caller_takes_for_nothing_leaves_its_page_to_the_next_job(account: Any) -> None:
    async with AsyncUserDB() as db:
        await db.add_user_info(sec_user_id=account.sec_user_id, nickname="阿福")
        page = Page(new_id(utc_now()), "given_user", "MS4wLjABAAAAx", None, utc_now(), 200, b'{"sec_user_id": "MS4wx"}')
        db.lake.keep_page(page, run_id=db.lake.query("FROM runs")["run_id"].item())
    await run_job(load_settings(), ArchiveJob(target=account.home, media="none"))
    assert rows("SELECT count(*) FROM users WHERE sec_user_id = 'MS4wx'") == [(1,)]


async def test_an_account_that_the_archive_knows_without_a_name_is_asked_for(
    simulator: Simulator, account: Any
) -> None:
    async with AsyncUserDB("u") as users:
        await users.add_user_info(sec_user_id=account.sec_user_id, last_aweme_id="7000000000000000001")
        assert await handler.get_user_nickname(account.sec_user_id, users) == account.nickname
        assert await handler.get_user_nickname(account.sec_user_id, users) == account.nickname
        assert (await users.get_user_info(account.sec_user_id))["last_aweme_id"] == "7000000000000000001"
    assert requests(simulator, "user_profile") == 1


async def test_an_account_unknown_from_its_posts_only_is_asked_for(simulator: Simulator, account: Any) -> None:
    async with AsyncVideoDB("v") as videos:
        await handler.get_or_add_video_data((await posts_of(account, 1))[0], videos)
    async with AsyncUserDB("u") as users:
        assert await users.get_user_info(account.sec_user_id) == {}
        assert await users.get_user_info("nobody") == {}
        assert await handler.get_user_nickname(account.sec_user_id, users) == account.nickname
        found = await users.get_user_info(account.sec_user_id)
    assert {"signature", "user_age", "follower_count", "aweme_count", "uid"} <= set(found)
    assert found["aweme_count"] is not None


async def test_a_folder_under_a_path_is_renamed_with_the_nickname(
    simulator: Simulator, account: Any, tmp_path: Path
) -> None:
    kwargs = {"path": str(tmp_path / "Download"), "mode": "post"}
    async with AsyncUserDB("u") as db:
        first = await handler.get_or_add_user_data(kwargs, account.sec_user_id, db)
        (first / "kept.txt").write_text("kept")
        for name in NAMES[1:]:
            simulator.world.rename(0, name)
            now = await handler.get_or_add_user_data(kwargs=kwargs, sec_user_id=account.sec_user_id, db=db)
    assert first == tmp_path / "Download" / "douyin" / "post" / NAMES[0]
    assert now.name == NAMES[-1]
    assert [one.name for one in now.parent.iterdir()] == [NAMES[-1]], "no second folder grows"
    assert (now / "kept.txt").read_text() == "kept"
    changed = rows("SELECT old_value, new_value FROM changes WHERE column_name = 'nickname' ORDER BY observed_at")
    assert [old for old, _ in changed] == list(NAMES[:2])


def put(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True)
    path.write_text(text)


def taken(path: Path) -> str:
    text = path.read_text()
    path.unlink()
    return text


async def archived(account: Any) -> None:
    await run_job(load_settings(), ArchiveJob(target=account.home, max_counts=6))


def kept_paths(root: Path) -> set[str]:
    stored = rows("SELECT path, sha256 FROM files WHERE state = 'stored'")
    for path, sha256 in stored:
        assert hashlib.sha256((root / path).read_bytes()).hexdigest() == sha256
    on_disk = {one.relative_to(root).as_posix() for one in (root / "media").rglob("*") if one.is_file()}
    assert on_disk == {path for path, _ in stored}
    assert not list(root.glob(".renaming-*")), "no intent is left"
    return on_disk


async def test_the_archives_own_folder_is_renamed_and_its_rows_follow(
    simulator: Simulator, account: Any, root: Path
) -> None:
    await archived(account)
    before = kept_paths(root)
    simulator.world.rename(0, NAMES[1])
    async with AsyncUserDB("u") as db:
        folder = await handler.get_or_add_user_data({}, account.sec_user_id, db)
        assert folder == await handler.get_or_add_user_data({"path": str(root)}, account.sec_user_id, db)
    assert folder.parent == root / "media"
    assert folder.name.startswith(NAMES[1])
    after = kept_paths(root)
    assert len(after) == len(before) > 0
    assert all(path.startswith(f"media/{folder.name}/") for path in after)
    await archived(account)
    assert kept_paths(root) == after, "the next run finds everything where it is"


@pytest.mark.parametrize("moved", [False, True])
async def test_a_crash_between_folder_and_rows_is_mended_at_the_next_start(
    account: Any, root: Path, moved: bool
) -> None:
    await archived(account)
    before = kept_paths(root)
    old = rows("SELECT folder FROM users WHERE sec_user_id = ?", account.sec_user_id)[0][0]
    new = f"{NAMES[1]}_somewhere"
    intent = {"sec_user_id": account.sec_user_id, "old": old, "new": new}
    (root / ".renaming-one.json").write_bytes(orjson.dumps(intent))
    if moved:
        (root / "media" / old).rename(root / "media" / new)
    async with AsyncUserDB("u"):
        pass
    after = kept_paths(root)
    assert len(after) == len(before)
    assert all(path.startswith(f"media/{new}/") for path in after)
    with open_lake(load_settings()) as lake:
        assert mend(load_settings(), lake) == 0, "once mended is mended"


async def test_two_accounts_of_one_name_have_two_folders(simulator: Simulator, account: Any) -> None:
    other = simulator.world.accounts[1]
    simulator.world.rename(1, account.nickname)
    async with AsyncUserDB("u") as db:
        folders = {await handler.get_or_add_user_data({}, one.sec_user_id, db) for one in (account, other)}
    assert len(folders) == 2


async def test_a_name_that_comes_back_leaves_one_folder_with_everything(account: Any, root: Path) -> None:
    await archived(account)
    count = len(kept_paths(root))
    with open_lake(load_settings()) as lake:
        for name in (NAMES[1], NAMES[0], NAMES[1], NAMES[0]):
            own_folder(load_settings(), lake, account.sec_user_id, name)
    assert len(kept_paths(root)) == count
    assert len(list((root / "media").iterdir())) == 1


async def test_a_file_in_the_way_stops_a_rename_before_anything_moves(account: Any, root: Path) -> None:
    await archived(account)
    before = kept_paths(root)
    name = min(before).rpartition("/")[2]
    stray = root / "media" / f"{NAMES[1]}_{account.sec_user_id[-8:]}" / name
    put(stray, "another file")
    with open_lake(load_settings()) as lake, pytest.raises(BadInput, match="differs"):
        own_folder(load_settings(), lake, account.sec_user_id, NAMES[1])
    assert taken(stray) == "another file"
    assert kept_paths(root) == before


async def test_dicts_of_listings_and_details_become_posts_with_all_their_keys(account: Any) -> None:
    posts = await posts_of(account)
    detail = await handler.fetch_one_video(posts[0]["aweme_id"])
    async with AsyncVideoDB("douyin_videos.db") as db:
        await handler.get_or_add_video_data(aweme_data=detail, db=db, ignore_fields=["video_bit_rate", "images"])
        for post in posts:
            await handler.get_or_add_video_data(post, db)
        info = await db.get_video_info(posts[1]["aweme_id"])
    assert info["desc"] == posts[1]["desc_raw"]
    assert info["sec_user_id"] == posts[1]["sec_user_id"]
    known = dict(rows("SELECT aweme_id, caption FROM posts"))
    assert known == {post["aweme_id"]: post["desc_raw"] for post in posts}
    assert rows("SELECT count(*) FROM rejects") == [(0,)]
    bodies = rows("SELECT body FROM raw_pages WHERE operation = 'given_post' AND target = ?", posts[1]["aweme_id"])
    assert orjson.loads(bodies[0][0]) == posts[1], "nothing of a dict is lost"
    times = rows("SELECT strftime(created_at AT TIME ZONE 'Asia/Shanghai', '%Y-%m-%d %H-%M-%S') FROM posts "
                 "WHERE aweme_id = ?", posts[1]["aweme_id"])  # fmt: skip
    assert times == [(posts[1]["create_time"],)]


async def test_ignored_fields_are_left_out(account: Any) -> None:
    post = (await posts_of(account, 3))[2]
    async with AsyncVideoDB("v") as db:
        await handler.get_or_add_video_data(post, db, ignore_fields=["desc", "desc_raw", "video_play_addr"])
    assert rows("SELECT caption, aweme_type FROM posts") == [(None, post["aweme_type"])]
    assert rows("SELECT count(*) FROM media WHERE kind = 'video'") == [(0,)]


async def test_a_post_that_is_known_is_neither_written_again_nor_made_worse(account: Any) -> None:
    await archived(account)
    before = rows("SELECT * FROM posts ORDER BY aweme_id"), rows("SELECT * FROM users ORDER BY sec_user_id")
    async with AsyncVideoDB("v") as db:
        for (aweme_id,) in rows("SELECT aweme_id FROM posts"):
            await handler.get_or_add_video_data({"aweme_id": aweme_id, "desc": "________", "nickname": "__"}, db)
    assert (rows("SELECT * FROM posts ORDER BY aweme_id"), rows("SELECT * FROM users ORDER BY sec_user_id")) == before


async def test_a_cleaned_name_never_takes_the_place_of_the_true_one(account: Any) -> None:
    async with AsyncUserDB("u") as users:
        await handler.get_user_nickname(account.sec_user_id, users)
    post = {"aweme_id": "7000000000000000001", "sec_user_id": account.sec_user_id, "nickname": "木匠__"}
    async with AsyncVideoDB("v") as db:
        await db.add_video_info(**post)
    assert rows("SELECT nickname FROM users WHERE sec_user_id = ?", account.sec_user_id) == [(account.nickname,)]


async def test_how_far_an_account_was_read_is_noted_and_an_older_post_is_no_news(account: Any) -> None:
    async with AsyncUserDB("u") as users:
        await users.add_user_info(sec_user_id=account.sec_user_id, nickname="木匠")
        for aweme_id in ("7000000000000000002", 7000000000000000003, "7000000000000000001", None):
            await users.update_user_info(account.sec_user_id, last_aweme_id=aweme_id)
        found = await users.get_user_info(account.sec_user_id)
    assert (found["last_aweme_id"], found["nickname"]) == ("7000000000000000003", "木匠")
    assert rows("SELECT count(*) FROM posts") == [(0,)]


async def test_updates_are_newer_observations_and_the_older_value_stays_in_changes(account: Any) -> None:
    async with AsyncUserDB("u") as users:
        await users.update_user_info(account.sec_user_id, nickname="x")
        assert await users.get_user_info(account.sec_user_id) == {}, "an unknown account is not made by an update"
        await users.add_user_info(sec_user_id=account.sec_user_id, nickname="旧", signature="一", extra=[1])
        await users.update_user_info(account.sec_user_id, nickname="新")
        found = await users.get_user_info(account.sec_user_id)
    assert (found["nickname"], found["signature"]) == ("新", "一")
    assert rows("SELECT old_value, new_value FROM changes WHERE column_name = 'nickname'") == [("旧", "新")]


async def test_what_cannot_be_is_said_and_nothing_is_forgotten(account: Any) -> None:
    async with AsyncVideoDB("v") as db, AsyncUserDB("u") as users:
        with pytest.raises(BadInput):
            await handler.get_or_add_video_data({"desc": "no id"}, db)
        with pytest.raises(TypeError):
            await handler.get_or_add_video_data(["no dict"], db)  # type: ignore[arg-type]
        with pytest.raises(TypeError):
            await handler.get_or_add_user_data(None, account.sec_user_id, users)  # type: ignore[arg-type]
        with pytest.raises(BadInput):
            await db.delete_video_info("7000000000000000001")
        with pytest.raises(BadInput):
            await users.delete_user_info(account.sec_user_id)
        with pytest.raises(ArchiveError):
            await handler.get_user_nickname("MS4wLjABAAAA" + "x" * 43, users)
    with pytest.raises(BadInput, match="async with"):
        await db.get_video_info("7000000000000000001")


async def test_many_dicts_are_kept_at_once_and_the_callers_stay_as_they_were(account: Any) -> None:
    posts = await posts_of(account, 10)
    copies = [dict(post) for post in posts]
    async with AsyncVideoDB("v") as db:
        await db.batch_insert_videos(posts, ignore_fields=["images"])
        await db.batch_insert_videos([])
        for wrong in ([*posts, None], ["7000000000000000001"], {"aweme_id": "7000000000000000001"}):
            with pytest.raises(TypeError, match="list of dicts"):
                await db.batch_insert_videos(wrong)  # type: ignore[arg-type]
    assert posts == copies
    assert rows("SELECT count(*) FROM posts") == [(10,)]


def given(operation: str, **fields: Any) -> dict[str, pl.DataFrame]:
    page = Page("p1", operation, "t", None, utc_now(), 200, orjson.dumps(fields), item_count=1)
    return frames_of([page])


def test_a_given_post_makes_the_rows_of_an_answer() -> None:
    frames = given(
        "given_post",
        aweme_id="7000000000000000001",
        aweme_type=0,
        desc="a_b",
        desc_raw="a b",
        create_time="2024-01-01 08-00-00",
        nickname_raw="木 匠",
        nickname="木_匠",
        sec_user_id="MS4",
        uid=9007199254740993,
        video_play_addr="https://v3.douyinvod.com/a.mp4",
        animated_cover="https://p3.douyinpic.com/a.webp",
        digg_count=7,
        has_more=True,
        max_cursor=1,
        video_bit_rate=[1, 2],
    )
    post = frames["posts"].to_dicts()[0]
    assert (post["caption"], post["nickname"], post["uid"]) == ("a b", "木 匠", "9007199254740993")
    assert post["created_at"].isoformat() == "2024-01-01T00:00:00+00:00"
    assert frames["post_stats"]["like_count"].to_list() == [7]
    assert set(frames["media"]["kind"]) == {"video", "dynamic_cover", "caption"}


def test_a_picture_without_an_address_keeps_its_place_in_a_given_post() -> None:
    images = [{"url_list": ["https://a/1.webp"]}, {"url_list": []}, {"url_list": ["https://a/3.webp"]}]
    post = post_dict({"aweme_id": "1", "aweme_type": 68, "images": images}, has_more=0, max_cursor=0)
    frames = given("given_post", **post)
    assert frames["media"].select("media_id", "urls").rows() == [
        ("1:image:1", ["https://a/1.webp"]),
        ("1:image:3", ["https://a/3.webp"]),
    ]
    assert frames["posts"]["image_count"].to_list() == [3]


def test_a_given_user_makes_the_rows_of_a_profile() -> None:
    frames = given("given_user", sec_user_id="MS4", nickname="a_b", nickname_raw="a b", follower_count=3, signature="s")
    user = frames["users"].to_dicts()[0]
    assert (user["sec_user_id"], user["nickname"], user["bio"]) == ("MS4", "a b", "s")
    assert user["profile_seen_at"] is not None
    assert frames["user_stats"]["follower_count"].to_list() == [3]


@pytest.mark.parametrize("odd", [{}, {"aweme_id": None}, {"images": "x", "create_time": [], "video_play_addr": 5}])
def test_odd_dicts_make_rows_or_none_but_never_an_error(odd: dict[str, Any]) -> None:
    for operation in ("given_post", "given_user"):
        assert isinstance(given(operation, **odd), dict)


async def test_the_books_of_a_downloader_do_not_touch_what_is_known(account: Any) -> None:
    await archived(account)
    before = rows("SELECT * FROM files ORDER BY media_id")
    (aweme_id,) = rows("SELECT aweme_id FROM files JOIN media USING (media_id) WHERE kind = 'video' LIMIT 1")[0]
    folder = load_settings().root + "/media/" + rows("SELECT folder FROM users WHERE folder IS NOT NULL")[0][0]
    async with DouyinDownloader() as downloader:
        done = await downloader.handle_download({}, await handler.fetch_one_video(aweme_id), folder)
    assert [kept.state for kept in done] == ["stored"]
    assert rows("SELECT * FROM files ORDER BY media_id") == before
