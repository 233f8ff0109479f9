"""What addresses say about themselves."""

from __future__ import annotations

import pytest

from pipelines.transform.addresses import expiry_of, format_of, stable_last, usable

FOLDER = "0123456789abcdef" * 2


@pytest.mark.parametrize(
    ("url", "expiry"),
    [
        ("https://p3-pc-sign.douyinpic.com/a.webp?x-expires=1790000000&x-signature=x", 1790000000),
        ("https://p3-pc-sign.douyinpic.com/a.webp?lk=1&x-expires=1790000000", 1790000000),
        (f"http://v26-web.douyinvod.com/{FOLDER}/6ab13b80/video/tos/cn/x/?a=6383", 0x6AB13B80),
        (f"https://v3.zjcdn.com/{FOLDER}/6ab13b80/video/?x-expires=1790000000", 1790000000),
        (f"http://v26-web.douyinvod.com/{FOLDER}/00000001/video/", None),
        ("https://p3.test/a.webp?x-expires=17900000000000", None),
        ("https://p3.test/a.webp?not-x-expires=1790000000", None),
        ("https://www.douyin.com/aweme/v1/play/?video_id=v0", None),
        ("https://sf5-hl-cdn-tos.douyinstatic.com/obj/ies-music/1.mp3", None),
        ("", None),
    ],
)
def test_an_address_says_when_it_expires(url: str, expiry: int | None) -> None:
    assert expiry_of((url, "https://p3.test/b.webp?x-expires=1")) == expiry


def test_without_an_address_nothing_expires() -> None:
    assert expiry_of(()) is None
    assert format_of(()) is None


@pytest.mark.parametrize(
    ("url", "kind"),
    [
        ("https://p3.test/a~tplv-x:1440:1920:q75.webp?x-expires=1", "webp"),
        ("https://p3.test/a.JPG", "jpeg"),
        ("https://p3.test/a.heic?b=c.mp3", "heic"),
        ("https://sf5.test/obj/ies-music/1.m4a", "m4a"),
        ("https://p3.test/a~tplv-x.image?x-expires=1", None),
        ("https://p3.test/obj/a", None),
        ("mp3", "mp3"),
    ],
)
def test_an_address_says_what_it_leads_to(url: str, kind: str | None) -> None:
    assert format_of((url,)) == kind


def test_empty_addresses_are_left_out() -> None:
    assert usable(("", "a", "", "b")) == ("a", "b")
    assert usable(None) == usable(()) == ()


def test_addresses_that_never_expire_come_last_and_each_comes_once() -> None:
    stable = "https://www.douyin.com/aweme/v1/play/?video_id=v0"
    assert stable_last((stable, "a", "b", "a", stable)) == ("a", "b", stable)
