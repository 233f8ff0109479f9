"""The made-up media: real files of any size, and hosts that misbehave in known ways."""

from __future__ import annotations

import json
import shutil
import struct
import subprocess
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stand_in import START, Stage, body_of, header

from deployments.simulator.addresses import Asset, encode, image_url, music_url, play_url, video_url
from deployments.simulator.media import MAKERS, animated_webp, jpeg, make, mp3, video, webp
from deployments.simulator.media_host import etag_of, file_of, is_media_host, media, play

SIZES = (10_000, 10_001, 65_537, 66_180, 200_003)
ASSET = Asset("video", "mp4", 12_345, 300_000)
LATER = int(START) + 3600


def boxes(data: bytes) -> dict[bytes, tuple[int, int]]:
    """The boxes of an MP4: name to (begin, length), which must fill it exactly."""
    found, at = {}, 0
    while at < len(data):
        length = int.from_bytes(data[at : at + 4], "big")
        found[data[at + 4 : at + 8]] = (at, length)
        at += length
    assert at == len(data)
    return found


@pytest.mark.parametrize("form", MAKERS)
@pytest.mark.parametrize("size", SIZES)
def test_a_file_has_exactly_the_size_that_was_asked_for(form, size):
    file = make(form, 7, size)
    assert file.size == size == len(file.read())


@pytest.mark.parametrize("form", MAKERS)
def test_a_size_too_small_for_its_format_gives_the_smallest_file(form):
    assert make(form, 7, 0).size == make(form, 8, 10).size < 5_000


@pytest.mark.parametrize("form", MAKERS)
def test_every_seed_has_bytes_of_its_own_and_always_the_same(form):
    hashes = {make(form, seed, 0).sha256() for seed in range(50)}
    assert len(hashes) == 50
    assert MAKERS[form](3, 20_000).sha256() == MAKERS[form](3, 20_000).sha256()


@settings(max_examples=60)
@given(
    form=st.sampled_from(sorted(MAKERS)),
    size=st.integers(0, 250_000),
    start=st.integers(0, 260_000),
    length=st.integers(0, 90_000),
)
def test_a_part_is_the_same_bytes_as_in_the_whole(form, size, start, length):
    file = make(form, 5, size)
    assert file.read(start, length) == file.read()[start : start + length]


def test_chunks_put_together_are_the_file():
    file = video(1, 300_001)
    assert b"".join(file.chunks(step=7_777)) == file.read()
    assert b"".join(file.chunks(100, 200_000)) == file.read()[100:200_000]


def test_a_file_of_two_gigabytes_is_read_in_part_without_being_made():
    file = video(9, 2_000_000_000)
    assert file.size == 2_000_000_000
    assert len(file.read(1_234_567_890, 1_000)) == 1_000
    assert file.read(0, 12)[4:8] == b"ftyp"


def test_an_mp4_is_boxes_whose_index_points_into_the_data():
    data = video(3, 50_000).read()
    found = boxes(data)
    assert list(found) == [b"ftyp", b"moov", b"free", b"mdat"]
    begin, length = found[b"mdat"]
    at = data.index(b"stco")
    while at >= 0:
        count = int.from_bytes(data[at + 8 : at + 12], "big")
        places = struct.unpack(f">{count}I", data[at + 12 : at + 12 + 4 * count])
        assert all(begin + 8 <= place < begin + length for place in places)
        at = data.find(b"stco", at + 4)


def test_a_jpeg_is_segments_up_to_its_image():
    data, at = jpeg(3, 200_000).read(), 2
    assert data[:2] == b"\xff\xd8"
    assert data[-2:] == b"\xff\xd9"
    kinds = []
    while data[at + 1] != 0xDA:
        assert data[at] == 0xFF
        kinds.append(data[at + 1])
        at += 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    assert kinds.count(0xFE) == 4
    assert 0xC0 in kinds


@pytest.mark.parametrize("maker", [webp, animated_webp])
@pytest.mark.parametrize("size", [30_000, 30_001])
def test_a_webp_is_chunks_that_end_where_riff_says(maker, size):
    data, at = maker(3, size).read(), 12
    end = 8 + int.from_bytes(data[4:8], "little")
    assert (data[:4], data[8:16]) == (b"RIFF", b"WEBPVP8X")
    assert end == size - size % 2  # RIFF counts in pairs
    names = []
    while at < end:
        names.append(data[at : at + 4])
        length = int.from_bytes(data[at + 4 : at + 8], "little")
        at += 8 + length + length % 2
    assert at == end
    assert names[-1] == b"made"
    assert (b"ANMF" in names) == (maker is animated_webp)


def test_an_mp3_begins_with_a_tag_that_ends_at_its_first_frame():
    data = mp3(3, 40_000).read()
    length = sum(byte << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    assert data[:5] == b"ID3\x03\x00"
    assert data[10 + length] == 0xFF
    assert data[11 + length] & 0xE0 == 0xE0


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
@pytest.mark.parametrize(
    ("form", "codecs", "frames"),
    [
        ("mp4", ["h264", "aac"], 10),
        ("silent_mp4", ["h264"], 10),
        ("m4a", ["aac"], 16),
        ("jpeg", ["mjpeg"], 1),
        ("webp", ["webp"], 1),
        ("mp3", ["mp3"], 30),
    ],
)
def test_files_decode_without_a_complaint(form, codecs, frames, tmp_path):
    path = tmp_path / f"file.{form.rpartition('_')[2]}"
    path.write_bytes(make(form, 11, 123_457).read())
    command = ["ffprobe", "-v", "warning", "-count_frames", "-show_streams", "-of", "json", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    streams = json.loads(done.stdout)["streams"]
    assert [stream["codec_name"] for stream in streams] == codecs
    assert int(streams[0]["nb_read_frames"]) == frames
    assert "corrupt" not in done.stderr
    assert "nvalid" not in done.stderr


def test_media_hosts_are_known_by_their_domain():
    assert is_media_host("v26-web.douyinvod.com")
    assert is_media_host("sf5-hl-cdn-tos.douyinstatic.com")
    assert not is_media_host("www.douyin.com")
    assert not is_media_host("evildouyinvod.com")


async def test_a_host_keeps_files_of_its_kind_and_a_path_without_a_signature_sounds_and_faces():
    picture, token = Asset("image", "webp", 4, 9_000), encode(ASSET)
    addresses = (
        video_url(ASSET, LATER).replace("v26-web.douyinvod.com", "sf3-cdn-tos.douyinstatic.com"),
        image_url(picture, LATER).replace("p3-pc-sign.douyinpic.com", "v26-web.douyinvod.com"),
    )
    assert [(await Stage().ask(media, address)).status for address in addresses] == [404, 404]
    for path in ("obj/ies-music", "aweme-avatar"):
        assert (await Stage().ask(media, f"https://v26-web.douyinvod.com/{path}/{token}.mp4")).status == 403


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        (video_url(ASSET, LATER), "video/mp4"),
        (image_url(Asset("image", "webp", 4, 9_000), LATER), "image/webp"),
        (image_url(Asset("image", "jpeg", 4, 9_000), LATER), "image/jpeg"),
        (music_url(Asset("music", "mp3", 4, 9_000)), "audio/mpeg"),
    ],
)
async def test_an_address_gives_the_file_it_names(address, kind):
    answer = await Stage().ask(media, address)
    data = await body_of(answer)
    assert answer.status == 200
    assert header(answer, "content-type") == kind
    assert int(header(answer, "content-length")) == len(data)


async def test_head_tells_the_length_and_sends_nothing():
    answer = await Stage().ask(media, video_url(ASSET, LATER), method="HEAD")
    assert header(answer, "content-length") == "300000"
    assert await body_of(answer) == b""


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [
        ("bytes=0-99", 0, 100),
        ("bytes=250000-", 250_000, 300_000),
        ("bytes=-10", 299_990, 300_000),
        ("bytes=5-999999", 5, 300_000),
    ],
)
async def test_a_range_gives_that_part(asked, start, stop):
    answer = await Stage().ask(media, video_url(ASSET, LATER), range=asked)
    assert answer.status == 206
    assert header(answer, "content-range") == f"bytes {start}-{stop - 1}/300000"
    assert await body_of(answer) == file_of(ASSET).read()[start:stop]


@pytest.mark.parametrize("asked", ["bytes=300000-", "bytes=999999-", "bytes=-0"])
async def test_a_range_beyond_the_end_is_416_with_the_size(asked):
    answer = await Stage().ask(media, video_url(ASSET, LATER), range=asked)
    assert (answer.status, header(answer, "content-range")) == (416, "bytes */300000")


@pytest.mark.parametrize(
    "asked", ["bytes=9-3", "bytes=x-", "items=0-9", "bytes=-", "bytes=0-1,5-6", "bytes=" + "9" * 5000 + "-"]
)
async def test_a_range_that_is_none_gives_everything(asked):
    assert (await Stage().ask(media, video_url(ASSET, LATER), range=asked)).status == 200


async def test_if_range_gives_the_part_only_of_the_same_file():
    stage, address = Stage(), video_url(ASSET, LATER)
    whole = await stage.ask(media, address)
    for guard in (header(whole, "etag"), header(whole, "last-modified")):
        assert (await stage.ask(media, address, range="bytes=5-", if_range=guard)).status == 206
    assert (await stage.ask(media, address, range="bytes=5-", if_range='"other"')).status == 200


async def test_a_file_that_changes_has_another_etag_and_other_bytes_each_time():
    stage, address = Stage(), video_url(ASSET.in_mood("changing"), LATER)
    first, second = await stage.ask(media, address), await stage.ask(media, address)
    assert header(first, "etag") != header(second, "etag")
    assert await body_of(first) != await body_of(second)
    resumed = await stage.ask(media, address, range="bytes=9-", if_range=header(second, "etag"))
    assert resumed.status == 200


async def test_an_expired_address_is_403_and_a_fresh_one_is_not():
    stage, address = Stage(), video_url(ASSET, LATER)
    stage.now = LATER + 1.0
    refused = await stage.ask(media, address)
    assert refused.status == 403
    assert (await body_of(refused)).startswith(b"<?xml")
    assert (await stage.ask(media, video_url(ASSET, LATER + 9))).status == 200


async def test_an_address_that_was_changed_is_refused():
    address = video_url(ASSET, LATER)
    longer = address.replace(f"/{LATER:x}/", f"/{LATER + 1:x}/")
    assert (await Stage().ask(media, longer)).status == 403
    assert (await Stage().ask(media, "https://v26-web.douyinvod.com/guessed/by/nobody")).status == 404


@pytest.mark.parametrize("mood", ["dead", "html", "truncated", "no_range", "no_length", "referer", "wrong_type"])
async def test_each_mood_shows(mood):
    answer = await Stage().ask(media, video_url(ASSET.in_mood(mood), LATER), range="bytes=9-")
    whole = await Stage().ask(media, video_url(ASSET.in_mood(mood), LATER))
    shown = {
        "dead": answer.status == 404,
        "html": answer.status == 200 and (await body_of(answer)).startswith(b"<!DOCTYPE html>"),
        "truncated": len(await body_of(whole)) < int(header(whole, "content-length") or 0),
        "no_range": answer.status == 200 and header(answer, "accept-ranges") is None,
        "no_length": header(whole, "content-length") is None,
        "referer": header(answer, "x-ccdn-forbid-code") == "020200",
        "wrong_type": header(answer, "content-type") == "text/plain",
    }
    assert shown[mood]


async def test_what_broke_off_can_be_gone_on_with():
    stage, address = Stage(), video_url(ASSET.in_mood("truncated"), LATER)
    first = await stage.ask(media, address)
    data = await body_of(first)
    rest = await stage.ask(media, address, range=f"bytes={len(data)}-", if_range=header(first, "etag"))
    assert sha256(data + await body_of(rest)).hexdigest() == file_of(ASSET).sha256()


async def test_some_nodes_want_the_site_as_referer():
    address = video_url(ASSET.in_mood("referer"), LATER)
    assert (await Stage().ask(media, address)).status == 403
    assert (await Stage().ask(media, address, referer="https://www.douyin.com/")).status == 200


async def test_some_nodes_refuse_head_with_405_and_some_with_403():
    statuses = set()
    for seed in (1, 2):
        address = video_url(Asset("video", "mp4", seed, 9_000, mood="no_head"), LATER)
        statuses.add((await Stage().ask(media, address, method="HEAD")).status)
        assert (await Stage().ask(media, address)).status == 200
    assert statuses == {403, 405}


async def test_the_play_form_leads_to_a_node_that_has_the_file():
    stage = Stage()
    answer = await stage.ask(play, play_url(ASSET))
    assert answer.status == 302
    found = await stage.ask(media, header(answer, "location"))
    assert header(found, "etag") == etag_of(ASSET)
    assert (await stage.ask(play, "https://www.douyin.com/aweme/v1/play/?video_id=nothing")).status == 404


async def test_a_rate_slows_every_answer():
    stage = Stage(state={"media_rate": 100_000})
    await body_of(await stage.ask(media, video_url(ASSET, LATER)))
    assert stage.now == pytest.approx(START + 3.0, abs=0.2)


def test_the_moving_cover_is_a_webp_that_moves():
    asset = Asset("dynamic_cover", "webp", 4, 9_000)
    assert b"ANMF" in file_of(asset).read()
    assert len(encode(asset)) == 37
