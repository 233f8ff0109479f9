"""Links: every form, every refusal, and wild text around them."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import (
    ArchiveError,
    BadInput,
    NotFound,
    RateLimited,
    Unfamiliar,
    Unreachable,
    VerificationAsked,
)
from pipelines.extract.fetchers import AwemeIdFetcher, MixIdFetcher, SecUserIdFetcher, WebCastIdFetcher
from pipelines.extract.links import MAX_HOPS, Link, ShortLink, parse, read_address, resolve

CASES = Path(__file__).parents[2] / "shared" / "protocol" / "link_cases.json"
USER = "MS4wLjABAAAA" + "aB3_-" * 8
POST = "7298145681699622000"
MIX = "7360898383181809000"
ROOM = "7318296342189919000"
WEB = "https://www.douyin.com"


class Redirects:
    """A made-up short-link service: a table of answers, and what it was asked."""

    def __init__(self, table: dict[str, tuple[int, str | None]]) -> None:
        self.table = table
        self.asked: list[str] = []

    async def __call__(self, url: str) -> tuple[int, str | None]:
        self.asked.append(url)
        return self.table[url]


async def never(url: str) -> tuple[int, str | None]:
    raise AssertionError(f"{url} was asked, though its id stands in it")


# The cases of the protocol notes


def the_cases() -> dict[str, Any]:
    if not CASES.exists():
        return {"redirects": [], "cases": []}
    found: dict[str, Any] = json.loads(CASES.read_text("utf-8"))
    return found


@pytest.mark.skipif(not CASES.exists(), reason="link_cases.json lies in the shared folder, which is not here")
@pytest.mark.parametrize("case", the_cases()["cases"], ids=lambda case: f"{case['kind']}: {case['input'][:60]}")
async def test_every_case_of_the_notes_comes_out(case: dict[str, Any]):
    hop = Redirects({row["url"]: (row["status"], row["location"]) for row in the_cases()["redirects"]})
    kind = {"aweme": "post"}.get(case["kind"], case["kind"])
    expected = case["expected"]
    if expected["type"] == "error":
        with pytest.raises(ArchiveError):
            await fetched(kind, case["input"], hop)
        return
    link = await resolve(case["input"], hop, prefer=kind)
    kinds = {"sec_user_id": "user", "aweme_id": "post", "mix_id": "mix", "webcast_id": "live", "room_id": "room"}
    assert (link.kind, link.id) == (kinds[expected["type"]], expected["id"])
    assert link.form == expected.get("form", link.form)
    assert await fetched(kind, case["input"], hop) == ("mix of the post" if "then" in expected else expected["id"])


async def fetched(kind: str, text: str, hop: Redirects) -> str:
    async def detail(_aweme_id: str) -> dict[str, Any]:
        return {"aweme_detail": {"mix_info": {"mix_id": "mix of the post"}}}

    if kind == "mix":
        return await MixIdFetcher.get_mix_id(text, hop=hop, detail=detail)
    get = {
        "user": SecUserIdFetcher.get_sec_user_id,
        "post": AwemeIdFetcher.get_aweme_id,
        "live": WebCastIdFetcher.get_webcast_id,
    }[kind]
    return await get(text, hop=hop)


# Addresses that name an id


@pytest.mark.parametrize(
    ("text", "kind", "form", "wanted"),
    [
        (f"{WEB}/user/{USER}", "user", "page", USER),
        (f"{WEB}/user/{USER}/?showTab=like#top", "user", "page", USER),
        (f"https://www.iesdouyin.com/share/user/{USER}?sec_uid={USER}", "user", "share", USER),
        (f"https://www.iesdouyin.com/share/user/94231000000?sec_uid={USER}&u_code=x", "user", "share", USER),
        (f"{WEB}/video/{POST}", "post", "video", POST),
        (f"{WEB}/note/{POST}?previous_page=app_code_link", "post", "note", POST),
        (f"{WEB}/slides/{POST}/", "post", "slides", POST),
        (f"https://m.douyin.com/share/video/{POST}/?a=1", "post", "video", POST),
        (f"https://iesdouyin.com/share/note/{POST}", "post", "note", POST),
        (f"{WEB}/jingxuan?modal_id={POST}", "post", "modal", POST),
        (f"{WEB}/search/%E7%8C%AB?type=video&modal_id={POST}", "post", "modal", POST),
        (f"{WEB}/channel/300201?modal_id={POST}", "post", "modal", POST),
        (f"{WEB}/music/{MIX}?modal_id={POST}", "post", "modal", POST),
        (f"{WEB}/user/self?modal_id={POST}", "post", "modal", POST),
        (f"{WEB}/search/猫咪 视频?type=video&modal_id={POST}".replace(" ", ""), "post", "modal", POST),
        (f"{WEB}/root/search/日常?modal_id={POST}，快看", "post", "modal", POST),
        (f"{WEB}/search/猫{WEB}/video/{POST}", "post", "video", POST),
        (f"{WEB}/user/{USER}?a=1&amp;modal_id={POST}", "post", "modal", POST),
        (f"{WEB}/?modal_id={POST}%EF%BC%8C", "post", "modal", POST),
        (f"{WEB}/?vid={POST}", "post", "vid", POST),
        (f"{WEB}/collection/{MIX}", "mix", "page", MIX),
        (f"{WEB}/collection/{MIX}/12", "mix", "page", MIX),
        (f"https://www.iesdouyin.com/share/mix/detail/{MIX}/?schema_type=24", "mix", "share", MIX),
        ("https://live.douyin.com/775841227000", "live", "page", "775841227000"),
        ("https://live.douyin.com/room_alias-1/?enter_from=x", "live", "page", "room_alias-1"),
        (f"{WEB}/follow/live/775841227000", "live", "overlay", "775841227000"),
        (f"https://live.douyin.com/{ROOM}", "room", "page", ROOM),
        (f"https://www.iesdouyin.com/share/live/{ROOM}?x=1", "room", "overlay", ROOM),
        (f"{WEB}/follow?webRid={ROOM}", "room", "overlay", ROOM),
        (f"{WEB}/root/live/775841227000?x=1", "live", "overlay", "775841227000"),
        (f"{WEB}/follow?webRid=775841227000", "live", "overlay", "775841227000"),
        (f"https://webcast.amemv.com/douyin/webcast/reflow/{ROOM}?roomId={ROOM}", "room", "share", ROOM),
        ("HTTPS://WWW.DOUYIN.COM/video/" + POST, "post", "video", POST),
        (f"http://www.douyin.com:80/video/{POST}", "post", "video", POST),
        (f"douyin.com/video/{POST}", "post", "video", POST),
        (f"看这个www.iesdouyin.com/share/video/{POST}/很好", "post", "video", POST),
        (f"（{WEB}/video/{POST}）", "post", "video", POST),
        (f'<a href="{WEB}/video/{POST}">', "post", "video", POST),
        (f"{WEB}/video/{POST}.", "post", "video", POST),
        (f"{WEB}/video/{POST},next(word", "post", "video", POST),
        (f"{WEB}/video/{POST}%20", "post", "video", POST),
        (f"{WEB}/video/{POST}%E3%80%82?x=1", "post", "video", POST),
        (f'<a href="//www.douyin.com/video/{POST}">', "post", "video", POST),
        (f"https：//www.douyin.com/video/{POST}", "post", "video", POST),
        (f"https://webcast.amemv.com/douyin/webcast/reflow/?roomId={ROOM}&x=1", "room", "page", ROOM),
        (POST, "post", "bare", POST),
        (f"作品：{POST}，快看", "post", "bare", POST),
        (USER, "user", "bare", USER),
        (f"看{USER}。", "user", "bare", USER),
        (f"@{USER}", "user", "bare", USER),
        (f"sec_uid={USER}&x=1", "user", "bare", USER),
        (f"作品id:{POST}", "post", "bare", POST),
        (f'{{"aweme_id":"{POST}"}}', "post", "bare", POST),
    ],
)
async def test_an_id_that_stands_in_the_text_needs_no_request(text: str, kind: str, form: str, wanted: str):
    link = await resolve(text, never)
    assert (link.kind, link.form, link.id) == (kind, form, wanted)


def test_a_page_that_names_two_things_gives_both_and_the_preferred_one_first():
    over_user = f"{WEB}/user/{USER}?modal_id={POST}"
    assert parse(over_user) == Link("post", POST, "modal", (("user", USER),))
    assert parse(over_user, "user") == Link("user", USER, "page", (("post", POST),))
    over_mix = f"{WEB}/collection/{MIX}?modal_id={POST}"
    assert parse(over_mix, "mix") == Link("mix", MIX, "page", (("post", POST),))
    live = f"https://live.douyin.com/775841227000?room_id={ROOM}"
    assert parse(live) == Link("live", "775841227000", "page", (("room", ROOM),))
    assert parse(live, "room").id == ROOM
    assert parse(f"{WEB}/user/{USER}?vid={POST}") == Link("user", USER, "page", (("post", POST),))
    assert parse(f"{WEB}/user/{USER}?modal_id={POST}&vid={MIX}") == Link("post", POST, "modal", (("user", USER),))


def test_a_preference_that_cannot_be_met_gives_what_the_link_does_name():
    assert parse(f"{WEB}/video/{POST}", "user").kind == "post"


@pytest.mark.parametrize(
    ("text", "prefer", "kind"),
    [
        (MIX, "mix", "mix"),
        (ROOM, "room", "room"),
        (ROOM, "live", "room"),
        ("775841227000", "live", "live"),
        (POST, "post", "post"),
    ],
)
def test_a_bare_number_is_of_the_kind_that_was_asked_for(text: str, prefer: str, kind: str):
    assert parse(text, prefer) == Link(kind, text, "bare")


def test_a_labelled_number_is_of_the_kind_that_was_asked_for():
    assert parse(f"mix_id={MIX}", "mix") == Link("mix", MIX, "bare")
    assert parse("web_rid: 775841227000", "live") == Link("live", "775841227000", "bare")


def test_a_bare_number_of_no_known_shape_asks_what_it_is():
    with pytest.raises(BadInput, match="--mode"):
        parse(" 775841227000 ")


def test_of_several_links_the_first_of_the_preferred_kind_is_taken():
    both = f"https://evil.example/x {WEB}/video/{POST} 和 {WEB}/user/{USER}"
    assert parse(both).id == POST
    assert parse(both, "user").id == USER
    assert parse(f"{WEB}/video/{POST}{WEB}/user/{USER}", "user").id == USER


# What is refused


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "no link"),
        ("没有链接的文字", "no link"),
        (f"https://www.tiktok.com/@x/video/{POST}", "no host of Douyin"),
        (f"https://www.douyin.com.evil.example/video/{POST}", "no host of Douyin"),
        (f"https://evil.example/?u=https://www.douyin.com/video/{POST}", "no host of Douyin"),
        (f"https://evil.example/www.douyin.com/video/{POST}", "no host of Douyin"),
        (f"https://www.douyin.com@evil.example/video/{POST}", "no address"),
        (f"https://me:secret@www.douyin.com/video/{POST}", "no address"),
        (f"https://www.douyin.com:8443/video/{POST}", "no address"),
        (f"https://www.douyin.com:port/video/{POST}", "no address"),
        ("https://[::1/video", "no address"),
        (f"ftp://www.douyin.com/video/{POST}", "no link"),
        (f"evil.example//www.douyin.com/video/{POST}", "no link"),
        (f"www.tiktok.com/@x/video/{POST}", "no link"),
        (f"www.tiktok.com/x?id={POST}", "no link"),
        (f"{WEB}/search/{POST}", "names no"),
        (f"id:{POST}.0", "no link"),
        (f"id:{POST}abc", "no link"),
        (f"{WEB}/", "names no"),
        (f"{WEB}/video/", "names no"),
        (f"{WEB}/video/self", "names no"),
        (f"{WEB}/video/{POST}abc", "names no"),
        (f"{WEB}/video/७२९८१४५६८१६९९६२२०००", "names no"),
        (f"{WEB}/user/12345", "names no"),
        (f"{WEB}/user/self?showTab=like", "your own page"),
        (f"{WEB}/series/{MIX}", "short drama"),
        (f"{WEB}/lvdetail/{MIX}", "long video"),
        (f"{WEB}/music/{MIX}", "music"),
        (f"https://www.iesdouyin.com/share/music/{MIX}", "music"),
        (f"{WEB}/hashtag/{MIX}", "hashtag"),
        (f"{WEB}/challenge/{MIX}", "hashtag"),
        (f"{WEB}/hot/{MIX}", "hot topic"),
        ("https://live.douyin.com/", "names no"),
        ("https://live.douyin.com/category/1_1", "names no"),
        ("https://live.douyin.com/webcast", "names no"),
        ("https://v.douyin.com/", "no code"),
        ("https://v.douyin.com/../etc/", "no code"),
    ],
)
def test_what_leads_nowhere_is_refused_with_a_reason(text: str, why: str):
    with pytest.raises(BadInput, match=why):
        parse(text)


# Short links


@pytest.mark.parametrize(
    "text",
    [
        "https://v.douyin.com/iAbC-1_x/",
        "http://v.douyin.com/iAbC-1_x",
        "v.douyin.com/iAbC-1_x/ 复制此链接",
        "7.43 复制打开抖音，看看【某人的作品】https://V.Douyin.com/iAbC-1_x/复制此链接，打开Dou音搜索 05/12 Abc:/",
    ],
)
async def test_a_short_link_is_asked_for_once_and_in_its_full_form(text: str):
    assert parse(text) == ShortLink("https://v.douyin.com/iAbC-1_x/")
    hop = Redirects({"https://v.douyin.com/iAbC-1_x/": (302, f"https://www.iesdouyin.com/share/video/{POST}/?a=1")})
    assert (await resolve(text, hop)).id == POST
    assert hop.asked == ["https://v.douyin.com/iAbC-1_x/"]


async def test_hops_go_on_over_short_links_only_and_always_encrypted():
    hop = Redirects(
        {
            "https://v.douyin.com/first1/": (301, "http://v.douyin.com/second2/"),
            "https://v.douyin.com/second2/": (302, "/third3"),
            "https://v.douyin.com/third3/": (307, f"{WEB}/user/{USER}"),
        }
    )
    assert (await resolve("v.douyin.com/first1", hop)).id == USER
    assert len(hop.asked) == 3


async def test_short_links_that_go_in_a_circle_end():
    hop = Redirects({"https://v.douyin.com/round1/": (301, "https://v.douyin.com/round1/")})
    with pytest.raises(BadInput, match="more than"):
        await resolve("https://v.douyin.com/round1/", hop)
    assert len(hop.asked) == MAX_HOPS


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://evil.example/video/" + POST,
        "//evil.example/",
        "snssdk1128://aweme/detail/" + POST,
        "https://[broken",
        f"{WEB}/series/{MIX}",
    ],
)
async def test_a_short_link_that_leads_out_of_douyin_is_not_followed(location: str):
    hop = Redirects({"https://v.douyin.com/outside/": (302, location)})
    with pytest.raises(BadInput):
        await resolve("https://v.douyin.com/outside/", hop)
    assert len(hop.asked) == 1


@pytest.mark.parametrize(
    ("status", "location", "error"),
    [
        (302, "https://www.douyin.com/", NotFound),
        (302, "https://www.douyin.com", NotFound),
        (302, None, Unfamiliar),
        (200, None, Unfamiliar),
        (404, None, NotFound),
        (410, None, NotFound),
        (403, None, VerificationAsked),
        (429, None, RateLimited),
        (444, None, RateLimited),
        (503, None, Unreachable),
    ],
)
async def test_a_short_link_that_does_not_lead_on_says_what_to_do(
    status: int, location: str | None, error: type[ArchiveError]
):
    with pytest.raises(error):
        await resolve(
            "https://v.douyin.com/somecode/", Redirects({"https://v.douyin.com/somecode/": (status, location)})
        )


# Wild text

wild = st.text(max_size=60)
link = st.one_of(
    st.from_regex(r"MS4wLjABAAAA[A-Za-z0-9_-]{30,64}", fullmatch=True).map(lambda i: ("user", i, f"{WEB}/user/{i}")),
    st.from_regex(r"[67][0-9]{18}", fullmatch=True).map(lambda i: ("post", i, f"www.douyin.com/note/{i}?x=1#y")),
    st.from_regex(r"[67][0-9]{18}", fullmatch=True).map(lambda i: ("mix", i, f"http://www.douyin.com/collection/{i}")),
    st.from_regex(r"[1-9][0-9]{5,11}", fullmatch=True).map(lambda i: ("live", i, f"https://live.douyin.com/{i}")),
)
behind = st.sampled_from("， 。」】）”\n\t复看👉\"'<>").flatmap(lambda first: wild.map(lambda rest: first + rest))


@given(before=wild.filter(lambda text: "http" not in text.lower()), found=link, after=behind)
def test_a_link_in_any_text_is_found(before: str, found: tuple[str, str, str], after: str):
    kind, wanted, address = found
    # A letter before an address without a scheme makes it part of another word.
    glue = "" if address.startswith("http") else " "
    link = parse(before + glue + address + after)
    assert isinstance(link, Link)
    assert (link.kind, link.id) == (kind, wanted)


@given(st.one_of(wild, wild.map(WEB.__add__), wild.map("https://v.douyin.com/".__add__), wild.map("https://".__add__)))
def test_wild_text_is_read_or_refused_and_nothing_else(text: str):
    for read in (parse, read_address):
        for prefer in (None, "user", "live"):
            try:
                found = read(text, prefer)
            except BadInput:
                continue
            assert isinstance(found, Link | ShortLink)


@given(st.text(max_size=60))
def test_wherever_a_short_link_leads_only_short_links_are_asked(location: str):
    hop = Redirects({"https://v.douyin.com/somecode/": (302, location)})

    async def go() -> None:
        with suppress(ArchiveError, KeyError):
            await resolve("https://v.douyin.com/somecode/", hop)

    asyncio.run(go())
    assert all(url.startswith("https://v.douyin.com/") for url in hop.asked)


def test_a_long_text_is_read_in_no_time():
    with pytest.raises(BadInput):
        parse("https://" * 20_000 + "www.douyin.com/" * 20_000 + "7" * 100_000)
