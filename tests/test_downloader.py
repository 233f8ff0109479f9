from __future__ import annotations

import asyncio
import hashlib
import os
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from botocore.exceptions import ReadTimeoutError
from media_hosts import Film, MediaHosts, media_hosts, mp4, webp
from servers import S3Server

from deployments.simulator.addresses import Asset, image_url, music_url, play_url, video_url
from deployments.simulator.media import make
from deployments.simulator.media_host import file_of
from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.errors import BadInput, Blocked, Deleted, LoginExpired, Transient, Unreachable
from pipelines.extract.media import MediaSource
from pipelines.load.downloader import DouyinDownloader
from pipelines.load.local_writer import LocalWriter
from pipelines.load.storage import Storage, part_key
from schemas.files import Kept, Wanted

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
BODY = mp4(3_000_000)
NAME = "media/山野来信_WXYZ1234/2024-05-06 07-08-09_好汤_7001.mp4"
PART = "media/山野来信_WXYZ1234/.7001_video_0.part"


@pytest.fixture
def hosts() -> Iterator[MediaHosts]:
    with media_hosts() as running:
        yield running


async def until(condition: Callable[[], bool]) -> None:
    for _ in range(3000):
        if condition():
            return
        await asyncio.sleep(0.02)
    raise TimeoutError("it did not come about within a minute")


class Round:
    """A downloader over the hosts and a folder, with what it told."""

    def __init__(self, source: MediaSource, root: Path) -> None:
        self.source, self.root = source, root
        self.slept: list[float] = []
        self.bytes = 0
        self.kept: dict[str, Kept] = {}

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        await asyncio.sleep(0)

    def count(self, size: int) -> None:
        self.bytes += size

    def note(self, kept: Kept) -> None:
        assert kept.media_id not in self.kept
        self.kept[kept.media_id] = kept

    async def get(self, *wanted: Wanted, storage: Storage | None = None, **how: Any) -> Kept:
        self.kept.clear()
        downloader = DouyinDownloader(
            source=self.source,
            storage=storage or Storage.open(str(self.root)),
            now=lambda: NOW,
            sleep=self.sleep,
            **{name: how.pop(name) for name in ("naming", "folderize", "kwargs") if name in how},
        )
        await downloader.download(wanted, on_done=self.note, on_bytes=self.count, **how)
        return self.kept[wanted[0].media_id]

    def files(self) -> set[str]:
        return {path.relative_to(self.root).as_posix() for path in self.root.rglob("*") if path.is_file()}


@pytest_asyncio.fixture
async def round_(hosts: MediaHosts, tmp_path: Path) -> AsyncIterator[Round]:
    async with MediaSource(upstream=hosts.url, timeout=5, now=lambda: NOW) as source:
        yield Round(source, tmp_path)


def wanted(*paths: str, number: int = 7001, **values: Any) -> Wanted:
    given = {
        "media_id": f"{number}:video:0",
        "kind": "video",
        "position": 0,
        "urls": tuple(f"https://v3-web.douyinvod.com{path}" for path in paths or ("/film",)),
        "aweme_id": str(number),
        "sec_user_id": "MS4wLjABAAAAabcdWXYZ1234",
        "nickname": "山野来信",
        "caption": "好汤",
        "created_at": datetime(2024, 5, 5, 23, 8, 9, tzinfo=UTC),
    } | values
    return Wanted(**given)


def sha256(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


async def test_a_file_is_kept_with_its_hash_type_and_host(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY)
    kept = await round_.get(wanted())
    assert kept == Kept(
        media_id="7001:video:0",
        state="stored",
        attempts=1,
        tried_at=NOW,
        path=NAME,
        size_bytes=len(BODY),
        sha256=sha256(BODY),
        mime_type="video/mp4",
        stored_at=NOW,
        verified_at=NOW,
        source_host="v3-web.douyinvod.com",
    )
    assert (round_.root / NAME).read_bytes() == BODY
    assert round_.files() == {NAME}
    assert round_.bytes == len(BODY)


@pytest.mark.parametrize("mood", ["no_range", "chunked", "no_length", "gzip"])
async def test_however_a_host_sends_it_the_file_is_the_same(hosts: MediaHosts, round_: Round, mood: str) -> None:
    hosts.films["/film"] = Film(BODY, script=[mood])
    assert (await round_.get(wanted())).sha256 == sha256(BODY)


@pytest.mark.parametrize("mood", ["cut:1200000", "reset:1200000", "cut:70000"])
async def test_a_stream_that_breaks_off_goes_on_where_it_was(hosts: MediaHosts, round_: Round, mood: str) -> None:
    hosts.films["/film"] = Film(BODY, script=[mood, "cut:1000000"])
    assert (await round_.get(wanted())).sha256 == sha256(BODY)
    asked = hosts.asked("/film")
    assert [("range" in one.headers, one.headers.get("if-range")) for one in asked] == [
        (False, None),
        (True, '"v1"'),
        (True, '"v1"'),
    ]
    assert round_.files() == {NAME}


async def test_a_host_that_ignores_range_is_read_from_the_start(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY, script=["cut:1200000", "no_range"])
    assert (await round_.get(wanted())).sha256 == sha256(BODY)


async def test_a_file_that_changed_in_between_is_read_from_the_start(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY, script=["cut:1200000"])

    def change(_asked: object) -> None:
        if len(hosts.asked("/film")) == 2:
            hosts.films["/film"] = Film(mp4(2_500_000, seed=9), etag='"v2"')

    hosts.on_request = change
    assert (await round_.get(wanted())).sha256 == sha256(mp4(2_500_000, seed=9))


async def test_another_part_than_was_asked_for_is_not_taken(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY, script=["cut:1200000", "other_part:5000"])
    assert (await round_.get(wanted())).sha256 == sha256(BODY)


async def test_a_part_longer_than_the_file_is_begun_again(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY, script=["cut:1200000", "status:416"])
    assert (await round_.get(wanted())).sha256 == sha256(BODY)


async def test_an_error_page_in_between_does_not_cost_the_part(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY, script=["cut:1200000", "html"])
    hosts.films["/copy"] = Film(BODY)
    assert (await round_.get(wanted("/film", "/copy"))).sha256 == sha256(BODY)
    assert hosts.asked("/copy")[0].headers["range"] == "bytes=1200000-"


async def test_a_host_that_always_breaks_off_is_left_and_its_part_kept(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY, script=["cut:1200000", *["cut:0"] * 9])
    kept = await round_.get(wanted())
    assert (kept.state, kept.path, kept.sha256) == ("failed", None, None)
    assert "Interrupted" in str(kept.error)
    assert round_.files() == {PART, PART + ".json"}
    assert round_.slept == [0.5, 1.0, 2.0, 4.0]
    hosts.films["/film"].script.clear()
    hosts.log.clear()
    kept = await round_.get(wanted(attempts=1))
    assert (kept.state, kept.attempts, kept.sha256) == ("stored", 2, sha256(BODY))
    assert hosts.log[0].headers["range"] == "bytes=1200000-"
    assert round_.files() == {NAME}


@pytest.mark.parametrize("etag", ['"v1"', ""])
@pytest.mark.parametrize(("form", "kind"), [("mp4", "video"), ("jpeg", "image"), ("webp", "image"), ("m4a", "music")])
async def test_a_file_that_breaks_off_before_its_end_is_not_taken_for_whole(
    hosts: MediaHosts, round_: Round, form: str, kind: str, etag: str
) -> None:
    body = make(form, 1, 300_000).read()
    rest = f"HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 100000-299999/*\r\nETag: {etag}\r\n\r\n"
    moods = [f"says_last:{rest}" + body[100_000:150_000].decode("latin-1"), "ok"] if etag else ["no_length:50000"]
    hosts.films["/film"] = Film(body, etag, script=["no_length:100000", *moods, "no_length"])
    assert (await round_.get(wanted(kind=kind))).sha256 == sha256(body)
    assert ["range" in asked.headers for asked in hosts.asked("/film")] == [False, bool(etag), bool(etag)]


@pytest.mark.parametrize("etag", ['"v1"', ""])
async def test_a_whole_file_that_promises_more_than_it_holds_is_kept(
    hosts: MediaHosts, round_: Round, etag: str
) -> None:
    body = make("mp4", 1, 300_000).read()[:-100]
    hosts.films["/film"] = Film(body, etag, script=["no_length", *(["status:416"] if etag else []), "no_length"])
    assert (await round_.get(wanted())).sha256 == sha256(body)
    hosts.films["/told"] = Film(body, etag)
    assert (await round_.get(wanted("/told", number=7002))).sha256 == sha256(body)
    assert len(hosts.asked("/told")) == 1


async def test_a_host_that_gives_crumbs_is_left_and_its_part_kept(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY, script=["cut:1200000", *["cut:100"] * 60])
    kept = await round_.get(wanted())
    assert (kept.state, len(hosts.asked("/film"))) == ("failed", 5)
    hosts.log.clear()
    await round_.get(wanted(attempts=1))
    assert hosts.log[0].headers["range"] == "bytes=1200400-"


async def test_a_host_that_breaks_off_all_the_time_gives_the_file_in_the_end(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY, script=["cut:20000"] * 200)
    assert (await round_.get(wanted())).sha256 == sha256(BODY)


async def test_every_address_is_tried_before_giving_up(hosts: MediaHosts, round_: Round) -> None:
    for mood in ("status:404", "html", "xml", "json", "status:500", "status:418", "status:403"):
        hosts.films[f"/{mood}"] = Film(b"", script=[mood] * 9)
    hosts.films["/good"] = Film(BODY)
    paths = [path for path in hosts.films if path != "/good"]
    dead = "https://127.0.0.1:1/x", "ftp://a/b"
    kept = await round_.get(replace(wanted(*paths, "/good"), urls=(*dead[1:], *wanted(*paths, "/good").urls)))
    assert kept.state == "stored"
    assert [asked.path for asked in hosts.log] == [*paths, "/good"]


@pytest.mark.parametrize(
    ("moods", "state", "said"),
    [
        (["status:404"], "absent", "no such file"),
        (["status:410", "status:404"], "absent", "no such file"),
        ([], "absent", "no address"),
        (["html"], "refused", "text/html in place of a video"),
        (["xml"], "refused", "application/xml"),
        (["json", "status:404"], "refused", "application/json"),
        (["status:404", "status:500"], "failed", "Unreachable"),
        (["html", "status:500"], "failed", "Unreachable"),
        (["status:403", "status:404"], "failed", "expired"),
        (["status:418"], "failed", "Unfamiliar"),
        (["empty"], "failed", "empty file"),
        (["not_gzip"], "failed", "broke off"),
    ],
)
async def test_what_cannot_be_had_is_said_with_its_reason(
    hosts: MediaHosts, round_: Round, moods: list[str], state: str, said: str
) -> None:
    for number, mood in enumerate(moods):
        hosts.films[f"/{number}"] = Film(BODY, script=[mood] * 99)
    urls = wanted(*(f"/{number}" for number in range(len(moods)))).urls if moods else ()
    kept = await round_.get(replace(wanted(), urls=urls))
    assert (kept.state, kept.path, kept.size_bytes, kept.stored_at) == (state, None, None, None)
    assert said in str(kept.error)
    assert round_.files() == set()


async def test_media_of_another_kind_is_refused(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(webp(5000))
    kept = await round_.get(wanted())
    assert (kept.state, kept.source_host) == ("refused", "v3-web.douyinvod.com")
    assert "image/webp in place of a video" in str(kept.error)


async def test_the_suffix_is_that_of_the_bytes(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/p.jpeg"] = Film(webp(5000))
    kept = await round_.get(wanted("/p.jpeg", kind="image", position=2, media_id="7001:image:2"))
    assert kept.path == NAME.replace(".mp4", "_2.webp")
    assert kept.mime_type == "image/webp"


async def test_a_host_that_asks_for_a_pause_gets_it_from_all(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY, script=["status:429 7", "status:429"])
    assert (await round_.get(wanted())).state == "stored"
    assert round_.slept == [7.0, 1.0]


async def test_a_long_pause_is_left_to_the_next_run(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY, script=["status:429 3600"])
    kept = await round_.get(wanted())
    assert kept.state == "failed"
    assert round_.slept == []


async def test_an_expired_address_is_refreshed_once(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/old"] = Film(BODY, script=["status:403"] * 9)
    hosts.films["/new"] = Film(BODY)
    asked = []

    async def refresh(one: Wanted) -> Wanted:
        asked.append(one.media_id)
        return replace(one, urls=wanted("/new").urls)

    assert (await round_.get(wanted("/old"), refresh=refresh)).state == "stored"
    assert asked == ["7001:video:0"]
    kept = await round_.get(wanted("/old", number=7002), refresh=lambda one: as_is(one, asked))
    assert (kept.state, len(asked)) == ("failed", 2)
    assert "expired" in str(kept.error)


async def as_is(one: Wanted, asked: list[str]) -> Wanted:
    asked.append(one.media_id)
    return one


async def test_an_address_that_says_it_has_expired_is_not_asked(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/new"] = Film(BODY)

    async def refresh(one: Wanted) -> Wanted:
        return replace(one, urls=wanted("/new").urls, expires_at=NOW + timedelta(hours=1))

    late = wanted("/old", expires_at=NOW - timedelta(seconds=1))
    assert (await round_.get(late, refresh=refresh)).state == "stored"
    assert [asked.path for asked in hosts.log] == ["/new"]


@pytest.mark.parametrize(
    ("error", "state"),
    [(Deleted("the post is gone"), "absent"), (Unreachable("no answer"), "failed"), (None, "failed")],
)
async def test_without_fresh_addresses_the_old_ones_get_their_chance(
    hosts: MediaHosts, round_: Round, error: Exception | None, state: str
) -> None:
    async def refresh(_one: Wanted) -> None:
        if error is not None:
            raise error

    hosts.films["/lasting"] = Film(BODY)
    late = wanted("/old", "/lasting", expires_at=NOW - timedelta(seconds=1))
    assert (await round_.get(late, refresh=refresh)).state == "stored"
    del hosts.films["/lasting"]
    assert (await round_.get(replace(late, media_id="x:video:0", aweme_id="7009"), refresh=refresh)).state == state


async def test_a_login_that_expired_stops_refreshing_but_not_the_others(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY)
    asked = []

    async def refresh(one: Wanted) -> Wanted:
        asked.append(one.media_id)
        raise LoginExpired("run `aweme login`")

    late = [wanted("/old", number=n, expires_at=NOW - timedelta(1), attempts=3) for n in (7001, 7002)]
    with pytest.raises(LoginExpired, match="aweme login"):
        await round_.get(*late, wanted("/film", number=7003), refresh=refresh, concurrency=1)
    told = [round_.kept[f"{number}:video:0"] for number in (7001, 7002, 7003)]
    assert [kept.state for kept in told] == ["failed", "failed", "stored"]
    assert [kept.attempts for kept in told] == [3, 3, 1]
    assert len(asked) == 1


async def test_a_storage_that_is_full_stops_everything(hosts: MediaHosts, round_: Round) -> None:
    class FullWriter(LocalWriter):
        def _finish(self) -> None:
            raise OSError(28, "No space left on device")

    class Full(Storage):
        def new_local(self, folder: str, key: str) -> LocalWriter:
            return FullWriter(Path(self.full(folder)), part_key(key), self.run, self._mapped, self.full)

    hosts.films["/film"] = Film(BODY)
    storage = Full.open(str(round_.root))
    with pytest.raises(Blocked, match="make room"):
        await round_.get(*(wanted(number=n) for n in range(7001, 7020)), storage=storage)
    assert round_.kept == {}


async def test_a_storage_that_fails_at_file_after_file_is_not_tried_with_all_others(
    hosts: MediaHosts, round_: Round
) -> None:
    class FailingWriter(LocalWriter):
        def _finish(self) -> None:
            if takes_every and int(self.final.rpartition("_")[2].partition(".")[0]) % takes_every == 0:
                super()._finish()
            else:
                raise OSError(5, "Please reduce your request rate")

    class Failing(Storage):
        def new_local(self, folder: str, key: str) -> LocalWriter:
            return FailingWriter(Path(self.full(folder)), part_key(key), self.run, self._mapped, self.full)

    hosts.films["/film"] = Film(BODY)
    storage = Failing.open(str(round_.root))
    files = [wanted(number=n) for n in range(7001, 7101)]
    takes_every = 0
    with pytest.raises(Transient, match=r"reduce your request rate.*So it was with the last 16 files"):
        await round_.get(*files, storage=storage, concurrency=4)
    assert {kept.state for kept in round_.kept.values()} == {"failed"}
    assert 16 <= len(round_.kept) <= len(hosts.log) < 50
    # One that takes some of them is worth trying with every one.
    takes_every = 10
    await round_.get(*files, storage=storage, concurrency=4)
    assert sorted(kept.state for kept in round_.kept.values()) == ["failed"] * 90 + ["stored"] * 10


async def test_a_storage_that_says_nothing_is_not_waited_for_with_each_file(hosts: MediaHosts, round_: Round) -> None:
    class SilentWriter(LocalWriter):
        def _finish(self) -> None:
            raise ReadTimeoutError(endpoint_url="http://bucket")

    class Silent(Storage):
        def new_local(self, folder: str, key: str) -> LocalWriter:
            return SilentWriter(Path(self.full(folder)), part_key(key), self.run, self._mapped, self.full)

    hosts.films["/film"] = Film(BODY)
    storage = Silent.open(str(round_.root))
    with pytest.raises(Transient, match="Read timeout"):
        await round_.get(*(wanted(number=n) for n in range(7001, 7101)), storage=storage, concurrency=4)
    assert len(round_.kept) < 8


async def test_a_whole_part_needs_no_request(hosts: MediaHosts, round_: Round) -> None:
    writer = await Storage.open(str(round_.root)).write(NAME.rpartition("/")[0], "7001:video:0")
    await writer.begin(NAME, validator='"v1"', total=len(BODY))
    await writer.write(BODY)
    await writer.pause()
    assert (await round_.get(wanted())).sha256 == sha256(BODY)
    assert hosts.log == []


async def test_a_file_under_its_final_name_is_adopted_after_it_was_read(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY)
    first = await round_.get(wanted())
    hosts.log.clear()
    again = await round_.get(wanted(attempts=1, size_bytes=len(BODY)))
    assert again == replace(first, attempts=2, source_host=None)
    assert hosts.log == []


@pytest.mark.parametrize(("body", "promised"), [(b"<html>403</html>", None), (mp4(2_000_000), len(BODY)), (b"", None)])
async def test_a_file_that_is_not_what_was_promised_is_not_adopted(
    hosts: MediaHosts, round_: Round, body: bytes, promised: int | None
) -> None:
    hosts.films["/film"] = Film(BODY)
    (round_.root / NAME).parent.mkdir(parents=True)
    (round_.root / NAME).write_bytes(body)
    assert (await round_.get(wanted(size_bytes=promised))).sha256 == sha256(BODY)
    assert (round_.root / NAME).read_bytes() == BODY


async def test_a_repair_adopts_nothing(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY)
    await round_.get(wanted())
    (round_.root / NAME).write_bytes(mp4(len(BODY), seed=5))
    assert (await round_.get(wanted(), adopt=False)).sha256 == sha256(BODY)


async def test_a_caption_is_kept_as_it_is(round_: Round) -> None:
    caption = "第一行\n第二行 \U0001f468 / \\ \ud800 ..."
    kept = await round_.get(wanted(kind="caption", media_id="7001:caption:0", urls=(), caption=caption))
    assert (kept.state, kept.mime_type) == ("stored", "text/plain")
    assert (round_.root / str(kept.path)).read_bytes() == caption.replace("\ud800", "?").encode()
    assert str(kept.path).endswith("_7001.txt")


async def test_wild_names_stay_in_their_folder(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY)
    wild = wanted(nickname="../../..\\x:?*", caption="\0/etc/passwd\n" + "汉" * 300 + "\U0001f1e8\U0001f1f3" * 50)
    kept = await round_.get(wild)
    assert kept.state == "stored"
    assert round_.files() == {str(kept.path)}
    assert len(Path(str(kept.path)).name.encode()) <= 200


async def test_posts_of_one_moment_and_caption_do_not_replace_each_other(hosts: MediaHosts, round_: Round) -> None:
    posts = []
    for number in range(7001, 7011):
        hosts.films[f"/{number}"] = Film(mp4(50_000, seed=number))
        posts.append(wanted(f"/{number}", number=number))
    await round_.get(*posts, naming="{create}_{desc}")
    assert len(round_.files()) == 10
    for number in range(7001, 7011):
        kept = round_.kept[f"{number}:video:0"]
        assert sha256((round_.root / str(kept.path)).read_bytes()) == sha256(mp4(50_000, seed=number)) == kept.sha256


async def test_the_configuration_of_the_spec_is_understood(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY)
    kept = await round_.get(wanted(), kwargs={"naming": "{aweme_id}", "folderize": True})
    assert kept.path == "media/山野来信_WXYZ1234/7001/7001.mp4"
    with pytest.raises(BadInput):
        await round_.get(wanted(), naming="{aid}")


async def test_a_host_gets_no_more_requests_at_a_time_than_allowed(hosts: MediaHosts, round_: Round) -> None:
    posts = []
    for number in range(40):
        hosts.films[f"/{number}"] = Film(mp4(200_000))
        posts.append(wanted(number=8000 + number, urls=(f"https://v{number % 2}.douyinvod.com/{number}",)))
    await round_.get(*posts, concurrency=6, per_host=2)
    assert {kept.state for kept in round_.kept.values()} == {"stored"}
    assert all(busy <= 2 for busy in hosts.busiest.values())
    assert len(hosts.busiest) == 2


async def test_what_is_wanted_twice_is_got_once(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY)
    await round_.get(wanted(), wanted(), wanted())
    assert len(hosts.log) == 1


async def test_a_listener_that_fails_stops_the_work_without_half_files(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY)
    downloader = DouyinDownloader(source=round_.source, storage=Storage.open(str(round_.root)), now=lambda: NOW)

    async def fail(_kept: Kept) -> None:
        raise ValueError("the listener fails")

    with pytest.raises(ValueError, match="listener"):
        await downloader.download([wanted(number=n) for n in range(7001, 7020)], on_done=fail)
    assert all((round_.root / path).stat().st_size == len(BODY) for path in round_.files() if path.endswith(".mp4"))


async def test_a_cancelled_download_leaves_a_part_and_no_file(hosts: MediaHosts, round_: Round) -> None:
    hosts.films["/film"] = Film(BODY, script=["slow:1500000"])
    task = asyncio.create_task(round_.get(wanted()))
    await until(lambda: round_.bytes >= 1_500_000)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert round_.files() == {PART, PART + ".json"}
    hosts.log.clear()
    assert (await round_.get(wanted())).sha256 == sha256(BODY)
    assert hosts.log[0].headers["range"] == "bytes=1500000-"


KILLED = """
import asyncio, sys
from datetime import UTC, datetime
from pipelines.extract.media import MediaSource
from pipelines.load.downloader import DouyinDownloader
from pipelines.load.local_writer import LocalWriter
from pipelines.load.storage import Storage, part_key
from pipelines.load.writers import Writer
from schemas.files import Wanted

async def main(upstream, root):
    posts = [
        Wanted(f"{n}:video:0", "video", 0, (f"https://v3.douyinvod.com/{n}",), aweme_id=str(n), nickname="n")
        for n in range(12)
    ]
    async with MediaSource(upstream=upstream) as source:
        downloader = DouyinDownloader(source=source, storage=Storage.open(root), now=lambda: datetime.now(UTC))
        await downloader.download(posts, concurrency=4)

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.skipif(os.name == "nt", reason="no kill -9 there")
async def test_a_killed_process_leaves_no_half_file_and_the_next_goes_on(hosts: MediaHosts, round_: Round) -> None:
    bodies = {number: mp4(2_500_000, seed=number) for number in range(12)}
    for number, body in bodies.items():
        hosts.films[f"/{number}"] = Film(body, script=["slow:1600000"] if number >= 6 else [])
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", KILLED, hosts.url, str(round_.root))

    def is_stuck() -> bool:
        # Four parts are there at times before, too: of files that are about to be whole.
        paths = [path for path in round_.files() if path.endswith((".part", ".mp4"))]
        try:
            sizes = [(round_.root / path).stat().st_size for path in paths]
        except FileNotFoundError:  # it got its final name since
            return False
        return sorted(sizes) == [1_600_000] * 4 + [2_500_000] * 6

    await until(is_stuck)
    process.kill()
    await process.wait()
    before = round_.files()
    assert sum(path.endswith(".part") for path in before) == 4
    for path in (path for path in before if path.endswith(".mp4")):
        assert (round_.root / path).stat().st_size == 2_500_000
    for film in hosts.films.values():
        film.script.clear()
    hosts.log.clear()
    posts = [
        Wanted(f"{n}:video:0", "video", 0, (f"https://v3.douyinvod.com/{n}",), aweme_id=str(n), nickname="n")
        for n in bodies
    ]
    await round_.get(*posts)
    assert {kept.sha256 for kept in round_.kept.values()} == {sha256(body) for body in bodies.values()}
    assert len(hosts.log) == 6, "finished files are adopted"
    assert sum("range" in asked.headers for asked in hosts.log) == 4, "parts are gone on with"
    assert not [path for path in round_.files() if ".part" in path]


@pytest.mark.server
async def test_a_bucket_gets_the_same_files(hosts: MediaHosts, round_: Round, s3_server: S3Server) -> None:
    hosts.films["/film"] = Film(mp4(14_000_000), script=["cut:7000000", "reset:100000"])
    hosts.films["/bad"] = Film(mp4(14_000_000), script=["cut:7000000", *["cut:0"] * 9])
    hosts.films["/small"] = Film(webp(20_000))
    storage = Storage.open(f"s3://{s3_server.new_bucket()}/root", s3=s3_server.options)
    picture = wanted("/small", number=7003, kind="image", position=1, media_id="7003:image:1")
    posts = [wanted(), wanted("/bad", number=7002), picture]
    await round_.get(*posts, storage=storage)
    assert [round_.kept[one.media_id].state for one in posts] == ["stored", "failed", "stored"]
    assert round_.kept["7001:video:0"].sha256 == sha256(mp4(14_000_000))
    kept = [(one.path, one.size_bytes) for one in round_.kept.values() if one.path]
    assert await storage.list() == sorted(kept)
    hosts.log.clear()
    assert (await round_.get(*posts[::2], storage=storage)).sha256 == sha256(mp4(14_000_000))
    assert hosts.log == []


async def test_files_of_the_made_up_douyin_are_kept_in_every_mood(tmp_path: Path) -> None:
    moods = ("", "html", "truncated", "no_range", "no_length", "no_head", "referer", "wrong_type", "changing", "dead")
    later = int(time.time()) + 3600
    films = {mood: Asset("video", "mp4", 100 + number, 300_000, mood=mood) for number, mood in enumerate(moods)}
    with Simulator(World(seed=1, users=1, posts=1)) as simulator:
        async with MediaSource(upstream=simulator.url, timeout=5) as source:
            round_ = Round(source, tmp_path)
            posts = [
                wanted(number=7000 + n, urls=(video_url(film, later), play_url(film.in_mood(""))))
                for n, film in enumerate(films.values())
            ]
            picture = Asset("image", "webp", 900, 50_000)
            posts.append(wanted(number=7900, kind="image", position=1, urls=(image_url(picture, later),)))
            music = Asset("music", "mp3", 901, 50_000)
            posts.append(wanted(number=7901, kind="music", urls=(music_url(music),)))
            old = wanted(number=7902, urls=(video_url(films[""], later - 9999),))
            await round_.get(*posts, old, refresh=lambda one: as_is(replace(one, urls=(play_url(films[""]),)), []))
            for one, asset in zip(posts, [*films.values(), picture, music], strict=True):
                kept = round_.kept[one.media_id]
                assert kept.state == "stored", (asset.mood, kept)
                if asset.mood != "changing":
                    assert kept.sha256 == sha256(file_of(asset).read()), asset.mood
            assert round_.kept[old.media_id].state == "stored"
            assert not any("cookie" in record.headers for record in simulator.log)
