"""A file's own word on where it ends."""

from __future__ import annotations

import random

import pytest
from media_hosts import mp4

from deployments.simulator.media import MAKERS, make
from pipelines.load.extent import Extent


def lacks_more(body: bytes, rng: random.Random | None = None) -> bool:
    """Fed as it comes from a host: in one piece, or in pieces of any size."""
    extent, at = Extent(), 0
    while at < len(body):
        size = len(body) if rng is None else rng.choice((1, 3, 7, 16, 100, 5000))
        extent.feed(memoryview(body)[at : at + size])
        at += size
    return extent.lacks_more


@pytest.mark.parametrize("form", MAKERS)
@pytest.mark.parametrize("size", [1, 4999, 30_000, 200_001])
def test_a_whole_file_lacks_nothing(form: str, size: int) -> None:
    whole, rng = make(form, 5, size).read(), random.Random(size)
    assert not lacks_more(whole)
    assert not lacks_more(whole, rng)


@pytest.mark.parametrize("form", [form for form in MAKERS if form != "mp3"])
def test_a_file_that_was_cut_lacks_more(form: str) -> None:
    whole, rng = make(form, 5, 100_000).read(), random.Random(1)
    cuts = [len(whole) - 1, len(whole) - 100, *(rng.randrange(100, len(whole)) for _ in range(200))]
    told = [lacks_more(whole[:cut], rng) for cut in cuts]
    assert told[:2] == [True, True]
    assert sum(told) > 195, "a cut between two boxes shows nothing, and noise may look like an end"


BOX = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom"


@pytest.mark.parametrize(
    "body",
    [
        mp4(5000),
        BOX + b"\0\0\0\0mdat" + b"x" * 50,
        BOX + b"\0\0\0\1mdat" + (66).to_bytes(8, "big") + b"x" * 50,
        BOX + b"\0\0\x10\0none" + b"x" * 50,
        BOX + b"\0\0\0\x07free" + b"x" * 50,
        BOX + b"\0\0\0\x08free\n",
        b"\0\0\x10\0mdat" + b"x" * 50,
        b"ID3\x04\0\0" + b"x" * 50,
        b"\xff\xd8\xff\xe0" + b"x" * 50 + b"\xff\xd9" + bytes(20),
        b"",
    ],
)
def test_what_says_nothing_of_its_end_is_taken_as_it_is(body: bytes) -> None:
    assert not lacks_more(body)
    assert not lacks_more(body, random.Random(2))


@pytest.mark.parametrize(
    "body", [BOX + b"\0\0\0\1mdat" + (67).to_bytes(8, "big") + b"x" * 50, BOX + b"\0\0\0\x3bmdat" + b"x" * 50]
)
def test_a_box_that_reaches_beyond_the_end_is_seen(body: bytes) -> None:
    assert lacks_more(body)
    assert lacks_more(body, random.Random(3))
