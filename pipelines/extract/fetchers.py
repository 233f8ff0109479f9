"""The four id fetchers of the interface list: links in, ids out, over `links.py`.

`get_x` takes one text. `get_all_x` takes a list and gives one value per text, in the same order: the id, or the error
that `get_x` would have raised. Both raise TypeError for an argument of another type. Errors are those of
`links.resolve`, and BadInput where the link leads to something of another kind.

The keywords of `Way` say how short links are asked for; without them, a client is made for as long as it is needed.
So is a crawler without a login, where a mix is wanted of which only a post is known.
Those of a list are asked for about a second apart, unless a `hop` is given, which keeps its own pace.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypedDict, Unpack

import httpx

from pipelines.errors import ArchiveError, BadInput, Unreachable
from pipelines.extract.crawler import DouyinCrawler
from pipelines.extract.link_forms import Kind
from pipelines.extract.links import Hop, Link, resolve
from pipelines.extract.pacing import Pace
from pipelines.extract.upstream import make_client, stand_in
from schemas import requests as r
from schemas.settings import DEFAULT_USER_AGENT

Detail = Callable[[str], Awaitable[Mapping[str, Any]]]
"""Post id -> the post's detail: Douyin's answer, or the post in it."""

_NAMES: dict[Kind, str] = {
    "user": "an account",
    "post": "a post",
    "mix": "a mix",
    "live": "a live room",
    "room": "a broadcast",
}


class Way(TypedDict, total=False):
    """The way to the network: a `hop`, else an open `client`, else a client of its own.

    That one goes to `upstream`, by default AWEME_UPSTREAM, where there is one.
    """

    hop: Hop | None
    client: httpx.AsyncClient | None
    upstream: str | None


class SecUserIdFetcher:
    """The sec_user_id of an account's page, share text or short link."""

    @classmethod
    async def get_sec_user_id(cls, url: str, **way: Unpack[Way]) -> str:
        """The account that a text leads to."""
        return (await _link(("user",), url, way)).id

    @classmethod
    async def get_all_sec_user_id(cls, urls: Sequence[str], **way: Unpack[Way]) -> list[str | ArchiveError]:
        """One account or error per text, in the order of the texts."""
        return await _each(urls, way, lambda url, paced: cls.get_sec_user_id(url, **paced))


class AwemeIdFetcher:
    """The aweme_id of a post's page, overlay, share text or short link."""

    @classmethod
    async def get_aweme_id(cls, url: str, **way: Unpack[Way]) -> str:
        """The post that a text leads to."""
        return (await _link(("post",), url, way)).id

    @classmethod
    async def get_all_aweme_id(cls, urls: Sequence[str], **way: Unpack[Way]) -> list[str | ArchiveError]:
        """One post or error per text, in the order of the texts."""
        return await _each(urls, way, lambda url, paced: cls.get_aweme_id(url, **paced))


class MixIdFetcher:
    """The mix_id of a mix's link, or of a post's link by way of the post's detail."""

    @classmethod
    async def get_mix_id(cls, url: str, *, detail: Detail | None = None, **way: Unpack[Way]) -> str:
        """The mix that a text leads to, or that the post it leads to is part of; BadInput where that is part of none.

        A post's mix stands in its detail: `detail` says how to ask for it, by default without a login.
        """
        link = await _link(("mix", "post"), url, way)
        if link.kind == "mix":
            return link.id
        async with _asking(detail, way) as ask:
            return mix_id_of(await ask(link.id))

    @classmethod
    async def get_all_mix_id(
        cls, urls: Sequence[str], *, detail: Detail | None = None, **way: Unpack[Way]
    ) -> list[str | ArchiveError]:
        """One mix or error per text, in the order of the texts."""
        async with _asking(detail, way) as ask:  # one visitor for all of them, who keeps a pause between two posts
            return await _each(urls, way, lambda url, paced: cls.get_mix_id(url, detail=ask, **paced))


class WebCastIdFetcher:
    """The webcast_id of a live room's page; the app's share links carry the broadcast's room_id in its place."""

    @classmethod
    async def get_webcast_id(cls, url: str, **way: Unpack[Way]) -> str:
        """The webcast_id of the room that a text leads to, or the room_id (19 digits) where the link has only that."""
        return (await _link(("live", "room"), url, way)).id

    @classmethod
    async def get_all_webcast_id(cls, urls: Sequence[str], **way: Unpack[Way]) -> list[str | ArchiveError]:
        """One room or error per text, in the order of the texts."""
        return await _each(urls, way, lambda url, paced: cls.get_webcast_id(url, **paced))

    @classmethod
    async def get_room_id(cls, url: str, **way: Unpack[Way]) -> str:
        """The room_id of the broadcast that a text leads to; BadInput where the link carries none."""
        return (await _link(("room",), url, way)).id

    @classmethod
    async def get_all_room_id(cls, urls: Sequence[str], **way: Unpack[Way]) -> list[str | ArchiveError]:
        """One room_id or error per text, in the order of the texts."""
        return await _each(urls, way, lambda url, paced: cls.get_room_id(url, **paced))


def mix_id_of(detail: Mapping[str, Any]) -> str:
    """The mix that a post is part of, by its detail; BadInput where it is part of none."""
    post = detail.get("aweme_detail", detail)
    post = post if isinstance(post, Mapping) else {}
    info = post.get("mix_info")
    mix_id = (info if isinstance(info, Mapping) else post).get("mix_id")
    if not mix_id:
        raise BadInput("The post is part of no mix; give the link of one that is, or of the mix itself.")
    return str(mix_id)


def hop_through(client: httpx.AsyncClient) -> Hop:
    """A `hop` that asks through an open client, sends no cookie and reads no body; Unreachable where nobody answers."""

    async def hop(url: str) -> tuple[int, str | None]:
        request = httpx.Request("GET", url, headers={"User-Agent": DEFAULT_USER_AGENT})
        try:
            answer = await client.send(request, stream=True, follow_redirects=False)
        except httpx.HTTPError as error:
            raise Unreachable(
                f"{request.url.host} does not answer ({type(error).__name__}); check the network, the proxy, and "
                "`upstream` where it is set, then try again, or give the full address."
            ) from error
        except httpx.InvalidURL as error:
            raise BadInput("The short link leads to something that is no address; copy a fresh one.") from error
        await answer.aclose()
        return answer.status_code, answer.headers.get("location")

    return hop


async def _link(kinds: tuple[Kind, ...], text: str, way: Way) -> Link:
    """What the text leads to, if that is one of `kinds`, of which the first is preferred."""
    if not isinstance(text, str):
        raise TypeError(f"the link must be a str, not {type(text).__name__}")
    link = await resolve(text, _hop(**way), prefer=kinds[0])
    if link.kind not in kinds:
        wanted = " or ".join(_NAMES[kind] for kind in kinds)
        raise BadInput(f"The link leads to {_NAMES[link.kind]}; give one that leads to {wanted}.")
    return link


async def _each(urls: Sequence[str], way: Way, one: Callable[[str, Way], Awaitable[str]]) -> list[str | ArchiveError]:
    if isinstance(urls, str) or not isinstance(urls, Sequence):
        raise TypeError(f"the links must be a list of str, not {type(urls).__name__}")
    strangers = {type(url).__name__ for url in urls if not isinstance(url, str)}
    if strangers:
        raise TypeError(f"the links must be a list of str; it holds {', '.join(sorted(strangers))}")
    found: list[str | ArchiveError] = []
    # One after another, and a pause between them: a burst of short links is what Douyin answers with a block. Whoever
    # gives a hop of their own keeps its pace.
    paced = way if way.get("hop") is not None else Way(hop=_paced(_hop(**way)))
    for url in urls:
        try:
            found.append(await one(url, paced))
        except ArchiveError as error:
            found.append(error)
    return found


@asynccontextmanager
async def _asking(detail: Detail | None, way: Way) -> AsyncIterator[Detail]:
    """The way to a post's detail: as given, else a crawler that is closed at the end."""
    if detail is not None:
        yield detail
        return
    async with DouyinCrawler(upstream=way.get("upstream")) as crawler:
        yield lambda aweme_id: crawler.fetch_post_detail(r.PostDetail(aweme_id=aweme_id))


def _paced(hop: Hop) -> Hop:
    """The same hop, about once a second as all requests."""
    pace, began = Pace(random.Random()), None  # noqa: S311 - pauses, no secrets

    async def paced(url: str) -> tuple[int, str | None]:
        nonlocal began
        now = time.monotonic()
        pause = pace.before_request(None if began is None else now - began)
        began = now + pause
        await asyncio.sleep(pause)
        return await hop(url)

    return paced


def _hop(hop: Hop | None = None, client: httpx.AsyncClient | None = None, upstream: str | None = None) -> Hop:
    if hop is not None:
        return hop
    if client is not None:
        return hop_through(client)

    async def through_own_client(url: str) -> tuple[int, str | None]:
        async with make_client(stand_in(upstream)) as own:
            return await hop_through(own)(url)

    return through_own_client
