"""The id fetchers of the interface list, called as the spec calls them."""

from __future__ import annotations

import time
from typing import Any

import httpx
import pytest

from pipelines.errors import ArchiveError, BadInput, NotFound, Unreachable
from pipelines.extract.fetchers import (
    AwemeIdFetcher,
    MixIdFetcher,
    SecUserIdFetcher,
    WebCastIdFetcher,
    hop_through,
    mix_id_of,
)
from pipelines.extract.upstream import make_client

USER = "MS4wLjABAAAA" + "aB3_-" * 8
POST = "7298145681699622000"
MIX = "7360898383181809000"
ROOM = "7318296342189919000"
WEB = "https://www.douyin.com"


class ShortLinks(httpx.AsyncBaseTransport):
    """A made-up v.douyin.com: codes that lead somewhere, 404 for others; it keeps the requests."""

    def __init__(self, **codes: str) -> None:
        self.codes = codes
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        where = self.codes.get(request.url.path.strip("/"))
        if where is None:
            return httpx.Response(404)
        return httpx.Response(302, headers={"Location": where}, content=b"<a>Found</a>")


class NobodyThere(httpx.AsyncBaseTransport):
    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("connection refused", request=request)


async def test_the_specs_calls_need_nothing_but_the_link():
    assert await SecUserIdFetcher.get_sec_user_id(f"{WEB}/user/{USER}") == USER
    assert await AwemeIdFetcher.get_aweme_id(f"{WEB}/video/{POST}") == POST
    assert await MixIdFetcher.get_mix_id(f"{WEB}/collection/{MIX}") == MIX
    assert await WebCastIdFetcher.get_webcast_id("https://live.douyin.com/775841227000") == "775841227000"
    assert await WebCastIdFetcher.get_room_id(f"https://live.douyin.com/775841227000?room_id={ROOM}") == ROOM


async def test_lists_give_one_value_or_error_per_text_in_their_order():
    texts = [f"{WEB}/video/{POST}", "没有链接", f"{WEB}/user/{USER}", f"看 {WEB}/note/{MIX}，", f"{WEB}/video/{POST}"]
    found = await AwemeIdFetcher.get_all_aweme_id(texts)
    assert [found[0], found[3], found[4]] == [POST, MIX, POST]
    assert isinstance(found[1], BadInput)
    assert isinstance(found[2], BadInput)
    assert await SecUserIdFetcher.get_all_sec_user_id([f"{WEB}/user/{USER}"] * 2) == [USER, USER]
    assert await MixIdFetcher.get_all_mix_id([MIX]) == [MIX]
    assert await WebCastIdFetcher.get_all_webcast_id(["775841227000"]) == ["775841227000"]
    assert await WebCastIdFetcher.get_all_room_id([ROOM]) == [ROOM]
    assert await AwemeIdFetcher.get_all_aweme_id([]) == []


async def test_short_links_are_asked_through_the_client_without_its_cookies():
    service = ShortLinks(iUser1=f"https://www.iesdouyin.com/share/user/{USER}?sec_uid={USER}")
    async with make_client(transport=service, headers={"Cookie": "sessionid=secret"}) as client:
        assert await SecUserIdFetcher.get_sec_user_id("看https://v.douyin.com/iUser1/，", client=client) == USER
        with pytest.raises(NotFound):
            await SecUserIdFetcher.get_sec_user_id("https://v.douyin.com/iNone1/", client=client)
    assert [request.url.host for request in service.requests] == ["v.douyin.com"] * 2
    assert all("Cookie" not in request.headers for request in service.requests)


async def test_short_links_of_a_list_are_asked_for_a_second_apart():
    service, asked_at = ShortLinks(iPost1=f"{WEB}/video/{POST}"), list[float]()

    async def noted(_request: httpx.Request) -> None:
        asked_at.append(time.monotonic())

    async with make_client(transport=service) as client:
        client.event_hooks["request"].append(noted)
        texts = ["https://v.douyin.com/iPost1/", f"{WEB}/video/{MIX}", "https://v.douyin.com/iPost1/"]
        assert await AwemeIdFetcher.get_all_aweme_id(texts, client=client) == [POST, MIX, POST]
    assert len(asked_at) == 2, "what stands in the address is not asked for"
    assert 0.95 < asked_at[1] - asked_at[0] < 3


async def test_a_hop_that_is_given_is_used_before_any_client():
    async def hop(_url: str) -> tuple[int, str | None]:
        return 302, f"{WEB}/video/{POST}"

    async with make_client(transport=NobodyThere()) as client:
        assert await AwemeIdFetcher.get_aweme_id("https://v.douyin.com/iPost1/", hop=hop, client=client) == POST


async def test_a_short_link_to_no_address_is_told():
    async with make_client(transport=ShortLinks(iPost1="javascript:alert(1)")) as client:
        with pytest.raises(BadInput, match="no address"):
            await AwemeIdFetcher.get_aweme_id("https://v.douyin.com/iPost1/", client=client)


async def test_where_nobody_answers_the_error_names_the_host():
    async with make_client(transport=NobodyThere()) as client:
        with pytest.raises(Unreachable, match="does not answer"):
            await hop_through(client)("https://v.douyin.com/iPost1/")
    with pytest.raises(Unreachable):  # port 9 of loopback: nobody listens there
        await AwemeIdFetcher.get_aweme_id("https://v.douyin.com/iPost1/", upstream="http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("get", "text", "leads_to"),
    [
        (SecUserIdFetcher.get_sec_user_id, f"{WEB}/video/{POST}", "a post"),
        (AwemeIdFetcher.get_aweme_id, f"{WEB}/user/{USER}", "an account"),
        (AwemeIdFetcher.get_aweme_id, "https://live.douyin.com/775841227000", "a live room"),
        (MixIdFetcher.get_mix_id, f"{WEB}/user/{USER}", "an account"),
        (WebCastIdFetcher.get_webcast_id, f"{WEB}/collection/{MIX}", "a mix"),
        (WebCastIdFetcher.get_room_id, "https://live.douyin.com/775841227000", "a live room"),
    ],
)
async def test_a_link_of_another_kind_is_refused_with_what_it_is(get: Any, text: str, leads_to: str):
    with pytest.raises(BadInput, match=f"leads to {leads_to}"):
        await get(text)


async def test_the_apps_link_of_a_broadcast_gives_its_room_id_to_both():
    link = f"https://webcast.amemv.com/douyin/webcast/reflow/{ROOM}?user_id=1"
    assert await WebCastIdFetcher.get_webcast_id(link) == ROOM
    assert await WebCastIdFetcher.get_room_id(link) == ROOM


# Mixes by way of a post


@pytest.mark.parametrize(
    "answer",
    [
        {"aweme_detail": {"aweme_id": POST, "mix_info": {"mix_id": MIX}}},
        {"aweme_id": POST, "mix_info": {"mix_id": int(MIX)}},
        {"aweme_id": POST, "mix_id": MIX},
    ],
)
async def test_a_posts_link_gives_the_mix_that_its_detail_names(answer: dict[str, Any]):
    asked: list[str] = []

    async def detail(aweme_id: str) -> dict[str, Any]:
        asked.append(aweme_id)
        return answer

    assert await MixIdFetcher.get_mix_id(f"{WEB}/video/{POST}", detail=detail) == MIX
    assert asked == [POST]
    # The mix's own link needs no detail, even where a post is open over it.
    assert await MixIdFetcher.get_mix_id(f"{WEB}/collection/{MIX}?modal_id={POST}", detail=detail) == MIX
    assert asked == [POST]


@pytest.mark.parametrize("answer", [{}, {"aweme_detail": None}, {"aweme_detail": {"mix_info": None}}, {"mix_id": ""}])
def test_a_post_without_a_mix_is_said_to_have_none(answer: dict[str, Any]):
    with pytest.raises(BadInput, match="part of no mix"):
        mix_id_of(answer)


async def test_what_goes_wrong_in_a_detail_is_a_value_in_a_list():
    async def detail(aweme_id: str) -> dict[str, Any]:
        raise NotFound(f"{aweme_id} is gone")

    found = await MixIdFetcher.get_all_mix_id([f"{WEB}/video/{POST}", MIX], detail=detail)
    assert isinstance(found[0], ArchiveError)
    assert found[1] == MIX


# Arguments of another type


@pytest.mark.parametrize("wrong", [None, 7298145681699622000, b"https://www.douyin.com", [f"{WEB}/video/{POST}"]])
async def test_a_link_that_is_no_text_is_a_type_error(wrong: Any):
    for get in (
        SecUserIdFetcher.get_sec_user_id,
        AwemeIdFetcher.get_aweme_id,
        MixIdFetcher.get_mix_id,
        WebCastIdFetcher.get_webcast_id,
        WebCastIdFetcher.get_room_id,
    ):
        with pytest.raises(TypeError, match="str"):
            await get(wrong)


@pytest.mark.parametrize("wrong", [None, f"{WEB}/video/{POST}", {f"{WEB}/video/{POST}"}, [None], [f"{WEB}/", 7]])
async def test_links_that_are_no_list_of_texts_are_a_type_error(wrong: Any):
    for get in (
        SecUserIdFetcher.get_all_sec_user_id,
        AwemeIdFetcher.get_all_aweme_id,
        MixIdFetcher.get_all_mix_id,
        WebCastIdFetcher.get_all_webcast_id,
        WebCastIdFetcher.get_all_room_id,
    ):
        with pytest.raises(TypeError, match="list of str"):
            await get(wrong)


async def test_an_unknown_keyword_is_a_type_error():
    with pytest.raises(TypeError):
        await AwemeIdFetcher.get_aweme_id(f"{WEB}/video/{POST}", proxy="http://x")
