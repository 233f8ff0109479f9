"""The four id fetchers of the interface list: links in, ids out, over `links.py`.

All methods take, by keyword, the way to the network for short links: `hop` (see `links.Hop`), an open httpx `client`,
or an `upstream` that stands in for Douyin; with none of them a client of their own, for as long as it is needed.

`get_x` takes one text. `get_all_x` takes a list and gives one value per text, in the same order: the id, or the error
that `get_x` would have raised. Both raise TypeError for an argument of another type.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, ClassVar

import httpx

from pipelines.errors import ArchiveError, BadInput, Unreachable
from pipelines.extract.links import Hop, Kind, Link, resolve
from pipelines.extract.upstream import make_client
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


def hop_through(client: httpx.AsyncClient) -> Hop:
    """A `hop` that asks through an open client, sends no cookie and reads no body; Unreachable where nobody answers."""

    async def hop(url: str) -> tuple[int, str | None]:
        request = httpx.Request("GET", url, headers={"User-Agent": DEFAULT_USER_AGENT})
        try:
            answer = await client.send(request, stream=True, follow_redirects=False)
        except httpx.HTTPError as error:
            raise Unreachable(
                f"{request.url.host} does not answer ({type(error).__name__}); check the network or the proxy, then try "
                "again, or give the full address."
            ) from error
        await answer.aclose()
        return answer.status_code, answer.headers.get("location")

    return hop


class _Fetcher:
    """One kind of id: which kinds of link give it, the wanted one first."""

    kinds: ClassVar[tuple[Kind, ...]]

    @classmethod
    async def _one(cls, text: str, hop: Hop | None, client: httpx.AsyncClient | None, upstream: str | None) -> Link:
        """What the text leads to, if that is of a kind wanted here."""
        if not isinstance(text, str):
            raise TypeError(f"the link must be a str, not {type(text).__name__}")
        link = await resolve(text, hop or _lazy_hop(client, upstream), prefer=cls.kinds[0])
        if link.kind not in cls.kinds:
            wanted = " or ".join(_NAMES[kind] for kind in cls.kinds)
            raise BadInput(f"The link leads to {_NAMES[link.kind]}; give one that leads to {wanted}.")
        return link

    @classmethod
    async def _id(cls, text: str, hop: Hop | None, client: httpx.AsyncClient | None, upstream: str | None) -> str:
        return (await cls._one(text, hop, client, upstream)).id


class SecUserIdFetcher(_Fetcher):
    """The sec_user_id of an account's page, share text or short link."""

    kinds = ("user",)

    @classmethod
    async def get_sec_user_id(
        cls,
        url: str,
        *,
        hop: Hop | None = None,
        client: httpx.AsyncClient | None = None,
        upstream: str | None = None,
    ) -> str:
        """The account that a text leads to; errors as `links.resolve` has them, BadInput where it is no account."""
        return await cls._id(url, hop, client, upstream)

    @classmethod
    async def get_all_sec_user_id(
        cls,
        urls: Sequence[str],
        *,
        hop: Hop | None = None,
        client: httpx.AsyncClient | None = None,
        upstream: str | None = None,
    ) -> list[str | ArchiveError]:
        """One account or error per text, in the order of the texts."""
        return await _each(urls, lambda url: cls._id(url, hop, client, upstream))


class AwemeIdFetcher(_Fetcher):
    """The aweme_id of a post's page, overlay, share text or short link."""

    kinds = ("post",)

    @classmethod
    async def get_aweme_id(
        cls,
        url: str,
        *,
        hop: Hop | None = None,
        client: httpx.AsyncClient | None = None,
        upstream: str | None = None,
    ) -> str:
        """The post that a text leads to; errors as `links.resolve` has them, BadInput where it is no post."""
        return await cls._id(url, hop, client, upstream)

    @classmethod
    async def get_all_aweme_id(
        cls,
        urls: Sequence[str],
        *,
        hop: Hop | None = None,
        client: httpx.AsyncClient | None = None,
        upstream: str | None = None,
    ) -> list[str | ArchiveError]:
        """One post or error per text, in the order of the texts."""
        return await _each(urls, lambda url: cls._id(url, hop, client, upstream))


class MixIdFetcher(_Fetcher):
    """The mix_id of a mix's link, or of a post's link by way of the post's detail."""

    kinds = ("mix", "post")

    @classmethod
    async def get_mix_id(
        cls,
        url: str,
        *,
        detail: Detail | None = None,
        hop: Hop | None = None,
        client: httpx.AsyncClient | None = None,
        upstream: str | None = None,
    ) -> str:
        """The mix that a text leads to, or that the post it leads to is part of.

        A post's link needs `detail`. BadInput where it is neither mix nor post, or the post is part of none.
        """
        link = await cls._one(url, hop, client, upstream)
        if link.kind == "mix":
            return link.id
        if detail is None:
            raise BadInput("The link leads to a post; its mix is known by its detail only: give a link of the mix.")
        return _mix_of(await detail(link.id))

    @classmethod
    async def get_all_mix_id(
        cls,
        urls: Sequence[str],
        *,
        detail: Detail | None = None,
        hop: Hop | None = None,
        client: httpx.AsyncClient | None = None,
        upstream: str | None = None,
    ) -> list[str | ArchiveError]:
        """One mix or error per text, in the order of the texts."""
        return await _each(
            urls, lambda url: cls.get_mix_id(url, detail=detail, hop=hop, client=client, upstream=upstream)
        )


class WebCastIdFetcher(_Fetcher):
    """The webcast_id of a live room's page; the app's share links carry the broadcast's room_id in its place."""

    kinds = ("live", "room")

    @classmethod
    async def get_webcast_id(
        cls,
        url: str,
        *,
        hop: Hop | None = None,
        client: httpx.AsyncClient | None = None,
        upstream: str | None = None,
    ) -> str:
        """The room that a text leads to: its webcast_id, or the room_id where the link has only that.

        A room_id has 19 digits, a webcast_id fewer. Errors as `links.resolve` has them, BadInput where it is no room.
        """
        return await cls._id(url, hop, client, upstream)

    @classmethod
    async def get_all_webcast_id(
        cls,
        urls: Sequence[str],
        *,
        hop: Hop | None = None,
        client: httpx.AsyncClient | None = None,
        upstream: str | None = None,
    ) -> list[str | ArchiveError]:
        """One room or error per text, in the order of the texts."""
        return await _each(urls, lambda url: cls._id(url, hop, client, upstream))

    @classmethod
    async def get_room_id(
        cls,
        url: str,
        *,
        hop: Hop | None = None,
        client: httpx.AsyncClient | None = None,
        upstream: str | None = None,
    ) -> str:
        """The room_id of the broadcast that a text leads to; BadInput where the link carries none."""
        return await _RoomIdFetcher._id(url, hop, client, upstream)

    @classmethod
    async def get_all_room_id(
        cls,
        urls: Sequence[str],
        *,
        hop: Hop | None = None,
        client: httpx.AsyncClient | None = None,
        upstream: str | None = None,
    ) -> list[str | ArchiveError]:
        """One room_id or error per text, in the order of the texts."""
        return await _each(urls, lambda url: _RoomIdFetcher._id(url, hop, client, upstream))


class _RoomIdFetcher(_Fetcher):
    kinds = ("room",)


async def _each(urls: Sequence[str], one: Callable[[str], Awaitable[str]]) -> list[str | ArchiveError]:
    if isinstance(urls, str) or not isinstance(urls, Sequence):
        raise TypeError(f"the links must be a list of str, not {type(urls).__name__}")
    strangers = {type(url).__name__ for url in urls if not isinstance(url, str)}
    if strangers:
        raise TypeError(f"the links must be a list of str; it holds {', '.join(sorted(strangers))}")
    found: list[str | ArchiveError] = []
    for url in urls:  # one after another: a burst of short links is what Douyin answers with a block
        try:
            found.append(await one(url))
        except ArchiveError as error:
            found.append(error)
    return found


def _lazy_hop(client: httpx.AsyncClient | None, upstream: str | None) -> Hop:
    if client is not None:
        return hop_through(client)

    async def hop(url: str) -> tuple[int, str | None]:
        async with make_client(upstream) as own:
            return await hop_through(own)(url)

    return hop


def _mix_of(detail: Mapping[str, Any]) -> str:
    post = detail.get("aweme_detail", detail)
    post = post if isinstance(post, Mapping) else {}
    info = post.get("mix_info")
    mix_id = (info if isinstance(info, Mapping) else post).get("mix_id")
    if not mix_id:
        raise BadInput("The post is part of no mix; give the link of one that is, or of the mix itself.")
    return str(mix_id)
