from __future__ import annotations

import pytest

from deployments.simulator.media import make
from pipelines.load.sniff import families_of, sniff, sniff_as, suffixes_of
from schemas.kinds import MEDIA_KINDS

HEADS = [
    (b"\0\0\0\x20ftypisom\0\0\x02\0", "video/mp4", ".mp4"),
    (b"\0\0\0\x1cstypmsdh", "video/mp4", ".mp4"),
    (b"\0\0\0\x14ftypqt  ", "video/quicktime", ".mov"),
    (b"\0\0\0\x1cftypM4A \0\0", "audio/mp4", ".m4a"),
    (b"\0\0\0\x18ftypheic\0\0", "image/heic", ".heic"),
    (b"\0\0\0\x18ftypmif1\0\0", "image/heif", ".heif"),
    (b"\0\0\0\x1cftypavif\0\0", "image/avif", ".avif"),
    (b"RIFF\x10\0\0\0WEBPVP8 ", "image/webp", ".webp"),
    (b"RIFF\x10\0\0\0WAVEfmt ", "audio/wav", ".wav"),
    (b"\xff\xd8\xff\xe0\0\x10JFIF", "image/jpeg", ".jpg"),
    (b"\x89PNG\r\n\x1a\n\0\0", "image/png", ".png"),
    (b"GIF89a\x01\0", "image/gif", ".gif"),
    (b"ID3\x04\0\0", "audio/mpeg", ".mp3"),
    (b"\xff\xfb\x90\x64", "audio/mpeg", ".mp3"),
    (b"\xff\xf3\x40\xc4", "audio/mpeg", ".mp3"),
    (b"\xff\xf1\x50\x80", "audio/aac", ".aac"),
    (b"FLV\x01\x05\0\0\0\x09", "video/x-flv", ".flv"),
    (b"\x47\x40\0\x10" + bytes(184) + b"\x47", "video/mp2t", ".ts"),
    (b"<!DOCTYPE html><html>", "text/html", ".html"),
    (b"\xef\xbb\xbf\r\n <HTML>", "text/html", ".html"),
    (b'<?xml version="1.0"?>', "application/xml", ".xml"),
    (b'{"status_code":5}', "application/json", ".json"),
]


@pytest.mark.parametrize(("head", "mime", "suffix"), HEADS, ids=[case[1] for case in HEADS])
def test_first_bytes_tell_the_type(head: bytes, mime: str, suffix: str) -> None:
    found = sniff(head)
    assert found is not None
    assert (found.mime, found.suffix) == (mime, suffix)


@pytest.mark.parametrize("head", [b"", b"\xff", b"\0\0\0\0", b"RIFF", b"hello, world", b"RIFF\0\0\0\0AVI "])
def test_bytes_that_tell_nothing_have_no_type(head: bytes) -> None:
    assert sniff(head) is None


@pytest.mark.parametrize("kind", [kind for kind in MEDIA_KINDS if kind != "caption"])
@pytest.mark.parametrize(
    "page", [b"<html>403</html>", b"<?xml ?><Error/>", b'{"message":"denied"}', b"", b"Forbidden", b"Gateway Time-out"]
)
def test_an_error_page_is_never_taken_for_media(kind: str, page: bytes) -> None:
    assert sniff_as(kind, page) is None


def test_a_type_must_fit_the_promised_kind() -> None:
    assert sniff_as("video", HEADS[7][0]) is None
    assert sniff_as("image", HEADS[0][0]) is None
    assert sniff_as("music", HEADS[0][0]).suffix == ".m4a"
    assert sniff_as("dynamic_cover", HEADS[7][0]).suffix == ".webp"
    assert sniff_as("dynamic_cover", HEADS[0][0]).suffix == ".mp4"


@pytest.mark.parametrize("kind", MEDIA_KINDS)
def test_every_kind_has_families_and_suffixes(kind: str) -> None:
    assert families_of(kind)
    assert suffixes_of(kind)


@pytest.mark.parametrize(("head", "_mime", "suffix"), HEADS)
def test_every_type_that_fits_a_kind_can_be_found_again_by_its_suffix(head: bytes, _mime: str, suffix: str) -> None:
    for kind in MEDIA_KINDS:
        if (found := sniff_as(kind, head)) is not None:
            assert found.suffix in suffixes_of(kind), (kind, suffix)


@pytest.mark.parametrize(
    ("form", "kind", "suffix"),
    [("mp4", "video", ".mp4"), ("webp", "image", ".webp"), ("jpeg", "cover", ".jpg"), ("mp3", "music", ".mp3"),
     ("m4a", "music", ".m4a")],
)  # fmt: skip
def test_playable_files_of_the_made_up_douyin_are_known(form: str, kind: str, suffix: str) -> None:
    made = make(form, 7, 30_000)
    assert sniff_as(kind, made.read(0, 4096)).suffix == suffix
