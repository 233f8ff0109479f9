"""Films that come quickly go to the disk without a copy in the system's cache, and are the same bytes as ever."""

from __future__ import annotations

import hashlib
import mmap
import os
from pathlib import Path

import pytest
from media_hosts import mp4

from pipelines.load.local_writer import LocalWriter
from pipelines.load.storage import Storage

MB = 1 << 20
BODY = mp4(4 * MB)


def in_room(body: bytes) -> memoryview:
    """Bytes as a thread that reads from a host has them: from the beginning of a page of memory on."""
    room = memoryview(mmap.mmap(-1, len(body)))
    room[:] = body
    return room


async def writer_of(root: Path, key: str = "k") -> LocalWriter:
    writer = await Storage.open(str(root)).write("a", key)
    assert isinstance(writer, LocalWriter)
    return writer


async def kept(root: Path, body: bytes, *lengths: int) -> Path:
    """A file of which so many bytes came at a time."""
    writer = await writer_of(root)
    await writer.begin("a/film.mp4", validator='"v1"', total=len(body))
    start = 0
    for length in (*lengths, len(body)):
        piece = body[start : start + length]
        writer.take(in_room(piece)) if piece else None
        start += len(piece)
    written = await writer.commit()
    assert (written.size_bytes, written.sha256) == (len(body), hashlib.sha256(body).hexdigest())
    assert (root / "a/film.mp4").read_bytes() == body
    return root / "a/film.mp4"


def is_cached(path: Path) -> bool:
    """Whether the system can give a file's beginning at once; asking does not fetch it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        return bool(os.preadv(handle, [bytearray(4096)], 0, os.RWF_NOWAIT))
    except BlockingIOError:
        return False
    finally:
        os.close(handle)


def needs_such_a_disk(folder: Path) -> None:
    if not hasattr(os, "O_DIRECT") or not hasattr(os, "RWF_NOWAIT"):
        pytest.skip("this system has no such writing, or does not tell of it")
    try:
        handle = os.open(folder / "probe", os.O_CREAT | os.O_WRONLY | os.O_DIRECT)
        os.write(handle, in_room(BODY[:MB]))
        os.close(handle)
        if is_cached(folder / "probe"):
            pytest.skip("this disk keeps everything in memory")
    except OSError as error:
        pytest.skip(f"this disk knows no such writing: {error}")


@pytest.mark.parametrize(
    "lengths",
    [(), (MB,), (MB, MB, MB), (600_000,), (MB, 700_001), (1, MB), (100, 2 * MB, 5000), (MB - 1, MB, 1)],
    ids=str,
)
@pytest.mark.parametrize("size", [3 * MB, 3 * MB + 1, 2_500_000])
async def test_the_bytes_are_the_same_whatever_came_at_a_time(
    tmp_path: Path, size: int, lengths: tuple[int, ...]
) -> None:
    await kept(tmp_path, BODY[:size], *lengths)


async def test_a_film_that_comes_quickly_fills_no_cache(tmp_path: Path) -> None:
    needs_such_a_disk(tmp_path)
    (tmp_path / "usual").write_bytes(BODY)
    assert is_cached(tmp_path / "usual"), "or this says nothing"
    path = tmp_path / "a/film.mp4"
    writer = await writer_of(tmp_path)
    await writer.begin("a/film.mp4", validator='"v1"')
    writer.take(in_room(BODY[:MB]))
    writer.take(in_room(BODY[MB : 2 * MB + 17]))
    await writer.commit()
    assert not is_cached(path)
    assert path.read_bytes() == BODY[: 2 * MB + 17]


async def test_what_lies_anywhere_in_memory_is_kept_as_well(tmp_path: Path) -> None:
    writer = await writer_of(tmp_path)
    await writer.begin("a/film.mp4", validator='"v1"')
    writer.take(memoryview(b"-" + BODY[: 2 * MB])[1:])
    writer.take(memoryview(bytearray(b"---" + BODY[2 * MB :]))[3:])
    assert (await writer.commit()).sha256 == hashlib.sha256(BODY).hexdigest()
    assert (tmp_path / "a/film.mp4").read_bytes() == BODY


async def test_a_part_that_was_left_goes_on_from_its_last_byte(tmp_path: Path) -> None:
    for cut in (MB, MB + 5000, 2_000_001):
        first = await writer_of(tmp_path, "7")
        await first.begin("a/film.mp4", validator='"v1"', total=len(BODY))
        first.take(in_room(BODY[:cut]))
        await first.pause()
        second = await writer_of(tmp_path, "7")
        assert second.offset == cut
        await second.begin("a/film.mp4", validator='"v1"', total=len(BODY))
        second.take(in_room(BODY[cut : cut + MB]))
        second.take(in_room(BODY[cut + MB :]))
        assert (await second.commit()).sha256 == hashlib.sha256(BODY).hexdigest()
        assert (tmp_path / "a/film.mp4").read_bytes() == BODY


async def test_a_file_that_begins_again_is_written_from_its_first_byte(tmp_path: Path) -> None:
    writer = await writer_of(tmp_path)
    await writer.begin("a/film.mp4", validator='"v1"')
    writer.take(in_room(BODY[:MB]))
    await writer.restart()
    await writer.begin("a/film.mp4", validator='"v2"')
    writer.take(in_room(BODY[MB:]))
    assert (await writer.commit()).sha256 == hashlib.sha256(BODY[MB:]).hexdigest()
    assert (tmp_path / "a/film.mp4").read_bytes() == BODY[MB:]
