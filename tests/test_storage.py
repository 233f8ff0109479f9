from __future__ import annotations

import asyncio
import hashlib
import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from media_hosts import mp4
from servers import S3Server

from pipelines.errors import BadInput, Blocked, NotFound, Unreachable
from pipelines.load.bucket_writer import BucketWriter
from pipelines.load.contents import problem_of
from pipelines.load.local_writer import LocalWriter
from pipelines.load.shelf import Shelf
from pipelines.load.storage import Storage
from pipelines.load.writers import Writer

BODY = mp4(3_500_000)


async def put(storage: Storage, path: str, body: bytes, key: str = "k", size: int = 65_536) -> Writer:
    writer = await storage.write(path.rpartition("/")[0], key)
    await writer.begin(path, validator='"v1"', total=len(body))
    for start in range(0, len(body), size):
        await writer.write(body[start : start + size])
    return writer


def files_in(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}


@pytest.mark.parametrize("size", [0, 1, 20_000, 1 << 20, 3_500_000])
async def test_a_file_gets_its_name_when_it_is_whole(tmp_path: Path, size: int) -> None:
    storage = Storage.open(str(tmp_path))
    writer = await put(storage, "media/a/film.mp4", BODY[:size])
    assert not (tmp_path / "media/a/film.mp4").exists()
    written = await writer.commit()
    assert (written.size_bytes, written.sha256) == (size, hashlib.sha256(BODY[:size]).hexdigest())
    assert written.head == BODY[:size][:4096]
    assert (tmp_path / "media/a/film.mp4").read_bytes() == BODY[:size]
    assert files_in(tmp_path) == {"media/a/film.mp4"}
    await writer.pause()
    assert files_in(tmp_path) == {"media/a/film.mp4"}


async def test_a_part_is_taken_up_where_it_was_left(tmp_path: Path) -> None:
    storage = Storage.open(str(tmp_path))
    first = await put(storage, "media/a/film.mp4", BODY[:2_000_000], "7:video:0")
    await first.pause()
    assert files_in(tmp_path) == {"media/a/.7_video_0.part", "media/a/.7_video_0.part.json"}
    second = await Storage.open(str(tmp_path)).write("media/a", "7:video:0")
    assert (second.offset, second.validator, second.total) == (2_000_000, '"v1"', 2_000_000)
    assert second.head == BODY[:4096]
    await second.begin("media/a/film.mp4", validator='"v1"', total=len(BODY))
    await second.write(BODY[2_000_000:])
    assert (await second.commit()).sha256 == hashlib.sha256(BODY).hexdigest()
    assert files_in(tmp_path) == {"media/a/film.mp4"}


async def test_a_part_of_which_nobody_knows_the_version_is_begun_again(tmp_path: Path) -> None:
    storage = Storage.open(str(tmp_path))
    first = await put(storage, "a/film.mp4", BODY, "k")
    await first.pause()
    (tmp_path / "a/.k.part.json").write_text("{")
    second = await storage.write("a", "k")
    assert (second.offset, second.validator, second.head) == (0, None, b"")
    await second.begin("a/film.mp4")
    await second.write(b"new")
    assert (await second.commit()).size_bytes == 3
    assert (tmp_path / "a/film.mp4").read_bytes() == b"new"
    assert files_in(tmp_path) == {"a/film.mp4"}, "nor does what was said of the part stay for ever"


async def test_a_file_without_a_version_leaves_no_part(tmp_path: Path) -> None:
    storage = Storage.open(str(tmp_path))
    writer = await storage.write("a", "k")
    await writer.begin("a/film.mp4")
    await writer.write(BODY)
    await writer.pause()
    assert files_in(tmp_path) == set()


async def test_restart_and_abort_forget_every_byte(tmp_path: Path) -> None:
    storage = Storage.open(str(tmp_path))
    writer = await put(storage, "a/film.mp4", BODY)
    await writer.restart()
    assert (writer.offset, writer.head, writer.validator) == (0, b"", None)
    await writer.begin("a/film.mp4", validator='"v2"')
    await writer.write(BODY[:1_500_000])
    assert (await writer.commit()).sha256 == hashlib.sha256(BODY[:1_500_000]).hexdigest()
    other = await put(storage, "a/other.mp4", BODY, "o")
    await other.abort()
    assert files_in(tmp_path) == {"a/film.mp4"}


async def test_two_writers_of_one_file_do_not_mix_their_bytes(tmp_path: Path) -> None:
    one = await put(Storage.open(str(tmp_path)), "a/film.mp4", BODY[:1_200_000])
    two = await put(Storage.open(str(tmp_path)), "a/film.mp4", BODY)
    await one.write(BODY[1_200_000:])
    digest = hashlib.sha256(BODY).hexdigest()
    assert [(await one.commit()).sha256, (await two.commit()).sha256] == [digest, digest]
    assert (tmp_path / "a/film.mp4").read_bytes() == BODY
    assert files_in(tmp_path) == {"a/film.mp4"}


async def test_a_cancelled_write_is_finished_before_the_cancellation_goes_on(tmp_path: Path) -> None:
    storage = Storage.open(str(tmp_path))
    begun, may_end = threading.Event(), threading.Event()
    ended = []

    def work() -> None:
        begun.set()
        may_end.wait(10)
        ended.append(True)

    task = asyncio.create_task(storage.run(work))
    await asyncio.to_thread(begun.wait, 10)
    task.cancel()
    await asyncio.sleep(0.05)
    task.cancel()
    await asyncio.sleep(0.05)
    assert not task.done()
    may_end.set()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]


BAD = ["../x", "a/../../x", "/etc/passwd", "a//b", "", ".", "a/./b", "C:/x", "a\\..\\x", "a/\0", "..", "a/.."]


@pytest.mark.parametrize("path", BAD)
async def test_no_path_leads_out_of_the_root(tmp_path: Path, path: str) -> None:
    storage = Storage.open(str(tmp_path / "root"))
    for call in (storage.exists, storage.size, storage.remove, storage.measure):
        with pytest.raises(BadInput, match="out of the root"):
            await call(path)
    with pytest.raises(BadInput):
        await storage.rename("a", path)
    with pytest.raises(BadInput):
        storage.open_file(path)
    writer = await storage.write("a", "k")
    with pytest.raises(BadInput):
        await writer.begin(path)


@pytest.mark.parametrize("key", ["../../x", "a/b", "con", "\0", "x" * 400, "汉" * 200])
async def test_no_key_leads_out_of_its_folder(tmp_path: Path, key: str) -> None:
    writer = await put(Storage.open(str(tmp_path)), "a/b/film.mp4", BODY, key)
    await writer.pause()
    assert {path.rpartition("/")[0] for path in files_in(tmp_path)} == {"a/b"}
    await writer.abort()


async def test_files_can_be_looked_up_renamed_and_removed(tmp_path: Path) -> None:
    storage = Storage.open(f"file://{tmp_path}")
    await (await put(storage, "media/a/one.mp4", b"one")).commit()
    await (await put(storage, "media/a/two.webp", b"two!")).commit()
    part = await put(storage, "media/a/three.mp4", BODY, "three")
    assert await storage.list() == [("media/a/one.mp4", 3), ("media/a/two.webp", 4)]
    assert await storage.list("media/b") == []
    await part.abort()
    assert await storage.exists("media/a/one.mp4")
    assert not await storage.exists("media/a")
    assert await storage.size("media/a/two.webp") == 4
    assert await storage.find("media/a/two", (".mp4", ".webp")) == "media/a/two.webp"
    assert await storage.find("media/a/tw", (".mp4", ".webp")) is None
    assert await storage.sha256_of("media/a/one.mp4") == hashlib.sha256(b"one").hexdigest()
    with storage.open_file("media/a/one.mp4") as file:
        assert file.read() == b"one"
    await storage.rename("media/a", "media/b")
    with pytest.raises(BadInput, match="there already"):
        await storage.rename("media/b/one.mp4", "media/b/two.webp")
    await storage.remove("media/b/one.mp4")
    await storage.remove("media/b/one.mp4")
    assert await storage.list() == [("media/b/two.webp", 4)]
    with pytest.raises(NotFound):
        await storage.measure("media/b/one.mp4")


async def test_a_shelf_knows_files_and_parts(tmp_path: Path) -> None:
    storage = Storage.open(str(tmp_path))
    await (await put(storage, "media/a/one.mp4", b"one", "1")).commit()
    await (await put(storage, "media/a/two.mp4", BODY, "2:video:0")).pause()
    shelf = Shelf(storage)
    assert await shelf.find("media/a/one", (".webp", ".mp4")) == "media/a/one.mp4"
    assert await shelf.find("media/a/two", (".mp4",)) is None
    assert await shelf.has_part("media/a", "2:video:0")
    assert not await shelf.has_part("media/a", "1")
    assert not await shelf.has_part("media/none", "1")


async def test_a_disk_that_takes_nothing_stops_the_run(tmp_path: Path) -> None:
    storage = Storage.open(str(tmp_path))

    def full() -> None:
        raise OSError(28, "No space left on device")

    with pytest.raises(Blocked, match="make room"):
        await storage.run(full)

    def forbidden() -> None:
        raise PermissionError(13, "Permission denied")

    with pytest.raises(Blocked, match="rights"):
        await storage.run(forbidden)


@pytest.mark.parametrize("root", ["ftp://a/b", "s3://", "http://x"])
def test_a_root_that_cannot_be_is_said_so(root: str) -> None:
    with pytest.raises(BadInput):
        Storage.open(root)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
async def test_a_full_device_is_told_from_other_failures(tmp_path: Path) -> None:
    folder = tmp_path / "a"
    folder.mkdir()
    storage = Storage.open(str(tmp_path))
    writer = LocalWriter(folder, "k", storage.run, storage._mapped, storage.full)
    (folder / ".k.part").symlink_to("/dev/full")
    await writer.begin("a/film.mp4")
    with pytest.raises(Blocked, match="make room"):
        await writer.write(BODY)
    assert writer.is_broken
    await writer.pause()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
async def test_what_a_full_disk_took_of_the_record_beside_a_part_goes_with_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    storage = Storage.open(str(tmp_path))
    writer = await storage.write("a", "k")
    (tmp_path / "a/.k.part.json").symlink_to("/dev/full")
    await writer.begin("a/film.mp4", validator='"v1"')
    with pytest.raises(Blocked, match="make room"):
        await writer.write(BODY)
    await writer.abort()
    assert not any((tmp_path / "a").iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
async def test_a_part_is_let_go_where_a_full_disk_takes_no_record_of_it(tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    storage = Storage.open(str(tmp_path))
    (tmp_path / "a/.k.part.json").symlink_to("/dev/full")
    writer = await storage.write("a", "k")
    await writer.begin("a/film.mp4", validator='"v1"')
    await writer.write(b"abcdef")
    with pytest.raises(Blocked, match="make room"):
        await writer.pause()
    (tmp_path / "a/.k.part.json").unlink()
    again = await put(storage, "a/film.mp4", BODY)
    await again.commit()
    assert files_in(tmp_path) == {"a/film.mp4"}, "nobody holds the part any more"


@pytest.mark.server
@pytest.mark.parametrize("size", [0, 20_000, 3_500_000, 14_000_000])
async def test_an_object_appears_when_it_is_whole(s3_server: S3Server, size: int) -> None:
    storage = Storage.open(f"s3://{s3_server.new_bucket()}/pre fix/汉", s3=s3_server.options)
    body = mp4(size)
    writer = await put(storage, "media/某人_x/film.mp4", body)
    assert await storage.list() == []
    written = await writer.commit()
    assert written.sha256 == hashlib.sha256(body).hexdigest()
    assert await storage.list() == [("media/某人_x/film.mp4", size)]
    assert await storage.sha256_of("media/某人_x/film.mp4") == written.sha256
    assert await storage.find("media/某人_x/film", (".webp", ".mp4")) == "media/某人_x/film.mp4"
    assert await storage.find("media/某人_x/fil", (".mp4",)) is None


@pytest.mark.server
async def test_an_object_is_whole_though_the_bucket_was_away_for_one_of_its_parts(s3_server: S3Server) -> None:
    storage = Storage.open(f"s3://{s3_server.new_bucket()}/root", s3=s3_server.options)
    away = iter([ConnectionError("no answer")])

    def call(method: str, **query: Any) -> Any:
        if method == "upload_part" and (error := next(away, None)):
            raise error
        return storage._fs.call_s3(method, **query)

    body = mp4(14_000_000)
    writer = BucketWriter(call, storage.run, storage._mapped, storage.full)
    await writer.begin("media/film.ts")
    with pytest.raises(Unreachable):
        await writer.write(body[:7_000_000])
    await writer.write(body[7_000_000:])
    assert (await writer.commit()).sha256 == hashlib.sha256(body).hexdigest()
    assert await storage.sha256_of("media/film.ts") == hashlib.sha256(body).hexdigest()


@pytest.mark.server
async def test_an_object_that_is_given_up_never_appears(s3_server: S3Server) -> None:
    bucket = s3_server.new_bucket()
    storage = Storage.open(f"s3://{bucket}/root", s3=s3_server.options)
    body = mp4(14_000_000)
    for leave in ("pause", "abort", "restart"):
        writer = await put(storage, "media/film.mp4", body)
        await getattr(writer, leave)()
        del writer
    assert await storage.list() == []
    uploads = await storage.run(lambda: storage._fs.call_s3("list_multipart_uploads", Bucket=bucket))
    assert not uploads.get("Uploads")


@pytest.mark.server
async def test_objects_can_be_renamed_and_removed(s3_server: S3Server) -> None:
    storage = Storage.open(f"s3://{s3_server.new_bucket()}", s3=s3_server.options)
    await (await put(storage, "media/a/one.mp4", b"one")).commit()
    await (await put(storage, "media/a/two.mp4", b"two!")).commit()
    await storage.rename("media/a", "media/b")
    assert await storage.list("media") == [("media/b/one.mp4", 3), ("media/b/two.mp4", 4)]
    await storage.rename("media/b/one.mp4", "media/c.mp4")
    await storage.remove("media/b/two.mp4")
    await storage.remove("media/b/two.mp4")
    assert await storage.list() == [("media/c.mp4", 3)]
    assert await storage.exists("media/c.mp4")
    with pytest.raises(NotFound):
        await storage.size("media/none.mp4")


@pytest.mark.server
async def test_a_wrong_key_stops_the_run(s3_server: S3Server) -> None:
    storage = Storage.open(f"s3://{s3_server.new_bucket()}/x", s3={**s3_server.options, "secret": "wrong"})
    writer = await storage.write("a", "k")
    await writer.begin("a/b.mp4")
    await writer.write(b"x")
    with pytest.raises(Blocked, match="S3 key"):
        await writer.commit()


@pytest.mark.parametrize(
    ("failure", "told"),
    [(FileNotFoundError("gone"), "missing"), (PermissionError("in a glacier"), "unreadable"), (None, "changed")],
)
def test_what_a_bucket_says_of_one_file_is_about_that_file(failure: Exception | None, told: str) -> None:
    assert problem_of(Bucket.storage(failure), "media/a.mp4", 1, "0" * 64) == told


@pytest.mark.parametrize("failure", [ConnectionError("reset"), OSError("try later"), RuntimeError("no route")])
def test_a_bucket_that_gives_no_answer_says_nothing_about_a_file(failure: Exception) -> None:
    # A repair would put a whole file aside, and its post may be gone.
    with pytest.raises(Unreachable):
        problem_of(Bucket.storage(failure), "media/a.mp4", 1, "0" * 64)


class Bucket:
    """A file system whose files are one byte long, or fail as they are opened."""

    def __init__(self, failure: Exception | None) -> None:
        self._failure = failure

    @classmethod
    def storage(cls, failure: Exception | None) -> Storage:
        return Storage("s3://b/x", lambda: cls(failure), "b/x", is_local=False)

    def open(self, _path: str, _mode: str) -> BytesIO:
        if self._failure is not None:
            raise self._failure
        return BytesIO(b"x")
