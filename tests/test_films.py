"""The encoding of a film to keep."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from pipelines.transform.films import MOST_URLS, Film, film_of
from pipelines.transform.picks_of_posts import Video


def variant(name: str, width: int, height: int, **more: Any) -> dict[str, Any]:
    size = more.pop("size", 100)
    urls = more.pop("urls", [f"https://v3.test/{name}", f"https://www.douyin.com/aweme/v1/play/?video_id={name}"])
    play = {"uri": name, "url_list": urls, "width": width, "height": height, "data_size": size}
    return {"gear_name": name, "FPS": 30, "bit_rate": 1000, "format": "mp4", "is_h265": 0, **more, "play_addr": play}


def film(**video: Any) -> Film | None:
    return film_of(msgspec.json.decode(msgspec.json.encode(video), type=Video))


def best(*variants: dict[str, Any]) -> str | None:
    found = film(bit_rate=list(variants))
    return found.quality if found else None


def test_the_largest_picture_wins_wherever_it_stands() -> None:
    assert best(variant("small", 720, 1280, bit_rate=9000), variant("large", 1080, 1920)) == "large"


def test_a_film_without_sound_is_never_chosen() -> None:
    assert best(variant("large", 2160, 3840, format="dash"), variant("small", 720, 1280)) == "small"


def test_what_common_players_cannot_decode_is_never_chosen() -> None:
    bytevc2 = variant("large", 2160, 3840, is_h265=2), variant("larger", 4320, 7680, is_bytevc1=2)
    assert best(*bytevc2, variant("small", 720, 1280, is_h265=1)) == "small"


def test_equal_pictures_are_told_apart_by_frames_then_rate_then_size() -> None:
    one = variant("one", 720, 1280, FPS=30, bit_rate=9000)
    two = variant("two", 720, 1280, FPS=60, bit_rate=100)
    three = variant("three", 720, 1280, FPS=60, bit_rate=200)
    four = variant("four", 720, 1280, FPS=60, bit_rate=200, size=101)
    assert best(one, two) == "two"
    assert best(two, three) == "three"
    assert best(four, three) == "four"


def test_an_encoding_without_addresses_is_passed_over() -> None:
    assert best(variant("large", 1080, 1920, urls=[]), variant("small", 720, 1280)) == "small"


@pytest.mark.parametrize("urls", [[None], ["", ""], [{}, ""], "x", {"a": 1}, [[]]])
def test_an_encoding_without_one_usable_address_is_passed_over(urls: Any) -> None:
    found = film(bit_rate=[variant("large", 1080, 1920, urls=urls), variant("small", 720, 1280)])
    assert found is not None
    assert (found.quality, found.width, found.urls[0]) == ("small", 720, "https://v3.test/small")


def test_a_sound_in_the_place_of_a_film_is_no_film() -> None:
    assert film(play_addr={"uri": "7", "url_list": ["https://sf3.test/obj/ies-music/7.mp3?a=1"]}, bit_rate=[]) is None


def test_where_no_encoding_will_do_the_plain_address_is_kept() -> None:
    main = variant("main", 720, 1280)["play_addr"]
    found = film(play_addr=main, bit_rate=[variant("large", 1080, 1920, format="dash")], is_h265=1)
    assert found is not None
    assert (found.source_uri, found.width, found.codec, found.quality) == ("main", 720, "h265", None)
    assert found.urls[0] == "https://v3.test/main"


@pytest.mark.parametrize("main", [None, {}, {"uri": "v0", "url_list": []}, {"url_list": [""]}, {"url_list": {}}])
@pytest.mark.parametrize("variants", [None, [], [variant("mute", 1080, 1920, format="dash")]])
def test_a_film_without_a_plain_address_is_kept_by_those_that_stand_beside_it(main: Any, variants: Any) -> None:
    marked, plain = ({"uri": "v0", "url_list": [f"https://v3.test/{name}"]} for name in ("marked", "plain"))
    beside = {"download_addr": marked, "play_addr_265": "odd", "play_addr_h264": {**plain, "url_list": [""]}}
    found = film(play_addr=main, bit_rate=variants, **beside)
    assert found is not None
    assert (found.source_uri, found.urls) == ("v0", ("https://v3.test/marked",))
    found = film(play_addr=main, bit_rate=variants, **{**beside, "play_addr_h264": plain})
    assert found is not None
    assert found.urls == ("https://v3.test/plain",)


@pytest.mark.parametrize(
    ("name", "says", "codec"),
    [
        ("play_addr_h264", None, "h264"),
        ("play_addr_265", 0, "h265"),
        ("play_addr_bytevc1", None, "h265"),
        ("play_addr_lowbr", 0, "h264"),
        ("download_addr", None, None),
    ],
)
def test_a_film_that_only_one_of_those_beside_leads_to_has_the_codec_of_that_one(
    name: str, says: int | None, codec: str | None
) -> None:
    found = film(**{name: {"uri": "v0", "url_list": ["https://v3.test/1"]}, "bit_rate": [], "is_h265": says})
    assert found is not None
    assert (found.urls, found.codec) == (("https://v3.test/1",), codec)


def test_a_smaller_rate_is_kept_rather_than_a_watermark() -> None:
    small, marked = ({"uri": "v0", "url_list": [f"https://v3.test/{name}"]} for name in ("small", "marked"))
    found = film(play_addr_lowbr=small, download_addr=marked)
    assert found is not None
    assert found.urls == ("https://v3.test/small",)


def test_the_plain_address_is_kept_where_its_picture_is_larger_than_all_that_play_by_themselves() -> None:
    main = variant("main", 1080, 1920, size=900)["play_addr"]
    small, mute = variant("small", 540, 960), variant("mute", 1080, 1920, format="dash")
    found = film(play_addr=main, bit_rate=[mute, small])
    assert found is not None
    assert (found.source_uri, found.width, found.size_bytes, found.quality) == ("main", 1080, 900, None)
    assert found.urls[:2] == ("https://v3.test/main", "https://v3.test/small")


@pytest.mark.parametrize(
    ("main", "more"),
    [
        (variant("main", 540, 960)["play_addr"], {}),
        (variant("main", 1080, 1920, urls=[])["play_addr"], {}),
        (variant("main", 1080, 1920)["play_addr"], {"is_h265": 2}),
        (variant("main", 1080, 1920)["play_addr"], {"format": "dash"}),
    ],
)
def test_a_plain_address_that_is_no_better_is_not_kept(main: dict[str, Any], more: dict[str, Any]) -> None:
    found = film(play_addr=main, bit_rate=[variant("small", 540, 960)], **more)
    assert found is not None
    assert (found.source_uri, found.quality) == ("small", "small")


@pytest.mark.parametrize("odd", [{"format": "dash"}, {"is_h265": 2}])
def test_a_plain_address_that_is_an_encoding_nobody_can_play_is_not_kept(odd: dict[str, Any]) -> None:
    large, small = variant("v0", 1080, 1920, size=900, **odd), variant("small", 540, 960, size=100)
    found = film(play_addr=large["play_addr"], bit_rate=[large, small])
    assert found is not None
    assert (found.source_uri, found.quality) == ("small", "small")


def test_addresses_come_best_first_each_once_and_those_that_never_expire_last() -> None:
    large, small = variant("large", 1080, 1920), variant("small", 720, 1280)
    found = film(play_addr=large["play_addr"], bit_rate=[small, large])
    assert found is not None
    assert found.urls == (
        "https://v3.test/large",
        "https://v3.test/small",
        "https://www.douyin.com/aweme/v1/play/?video_id=large",
        "https://www.douyin.com/aweme/v1/play/?video_id=small",
    )


def test_two_dozen_encodings_do_not_fill_the_table_with_addresses() -> None:
    found = film(bit_rate=[variant(f"gear{n}", 720, 1280) for n in range(24)])
    assert found is not None
    assert len(found.urls) == MOST_URLS


def test_a_film_that_douyin_only_names_is_promised_without_an_address() -> None:
    assert film() is None
    found = film(play_addr={"uri": "v0", "url_list": []})
    assert found is not None
    assert (found.source_uri, found.urls) == ("v0", ())


@pytest.mark.parametrize("odd", [{"format": "dash"}, {"is_h265": 2}, {"is_bytevc1": 2}, {"urls": []}])
@pytest.mark.parametrize("main", [None, {}, {"uri": "", "url_list": []}])
def test_a_film_of_which_no_encoding_will_do_is_promised_by_its_name(odd: dict[str, Any], main: Any) -> None:
    found = film(play_addr=main, bit_rate=[{}, variant("v0", 720, 1280, **odd)], width=720, height=1280)
    assert found is not None
    assert (found.source_uri, found.urls, found.width, found.quality) == ("v0", (), 720, None)


def test_odd_addresses_are_left_out() -> None:
    found = film(play_addr={"uri": "v0", "url_list": [None, "https://v3.test/1", 7, ""]})
    assert found is not None
    assert found.urls == ("https://v3.test/1",)
