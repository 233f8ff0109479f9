"""The made-up pull hosts behind an httpx transport, on a clock that only moves when somebody sleeps."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

import httpx

from deployments.simulator.broken import BrokenConnectionError
from deployments.simulator.http import Request, params_of
from deployments.simulator.live_addresses import flv_url, playlist_url
from deployments.simulator.pull_hosts import pull
from deployments.simulator.rooms import LiveRoom, Rooms
from deployments.simulator.streams import flv_head, flv_tags, ts_segment
from deployments.simulator.world import World
from pipelines.extract.media import MediaSource
from pipelines.extract.watching import Watch

START = 1_760_000_000.0


@dataclass
class Clock:
    """Unix seconds; sleeping takes no time but moves it."""

    time: float = START

    def __call__(self) -> float:
        return self.time

    async def sleep(self, seconds: float) -> None:
        self.time += seconds

    def now(self) -> datetime:
        return datetime.fromtimestamp(self.time, UTC)


class Body(httpx.AsyncByteStream):
    def __init__(self, chunks: Any) -> None:
        self._chunks = chunks

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if isinstance(self._chunks, bytes):
            yield self._chunks
            return
        try:
            async for chunk in self._chunks:
                yield chunk
        except BrokenConnectionError as error:
            raise httpx.RemoteProtocolError("peer closed the connection") from error


@dataclass
class Broadcast(httpx.AsyncBaseTransport):
    """One room on the air: also the app that its hosts ask. `asked` are the paths of all requests."""

    room: LiveRoom
    clock: Clock = field(default_factory=Clock)
    world: World = field(default_factory=lambda: World(seed=1, users=1, posts=1))
    asked: list[str] = field(default_factory=list)
    entered: int = 0
    interfere: Callable[[str], httpx.Response | None] = lambda _url: None

    def __post_init__(self) -> None:
        self.state: dict[str, Any] = {"rooms": Rooms([self.room]), "sleep": self.clock.sleep}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        url = urlsplit(str(request.url))
        self.asked.append(url.path)
        instead = self.interfere(str(request.url))
        if instead is not None:
            return instead
        query = url.query.encode()
        found = await pull(Request("GET", url.hostname or "", url.path, query, {}, b"", params_of(query)), self)
        return httpx.Response(found.status, headers=list(found.headers), stream=Body(found.body))

    def address(self, form: str = "hls", quality: str = "FULL_HD1") -> str:
        make = {"hls": playlist_url, "flv": flv_url}[form]
        return make(self.room, quality, self.clock(), self.entered)

    def watch(self, form: str = "hls", quality: str = "FULL_HD1", **options: Any) -> Watch:
        """A watch whose way back into the room is what web/enter would say."""

        async def reenter() -> str | None:
            self.entered += 1
            return self.address(form, quality) if self.room.is_live(self.clock()) else None

        source = MediaSource(transport=self)
        return Watch(source, reenter, self.clock.sleep, self.clock, self.clock.now, **options)

    def segments(self, first: int, last: int, quality: str = "FULL_HD1", without: tuple[int, ...] = ()) -> bytes:
        """What a recording of these segments must hold, each once."""
        room, numbers = self.room, [n for n in range(first, last + 1) if n not in without]
        return b"".join(ts_segment(room.seed(quality), n, room.segment_s, room.began(n)) for n in numbers)

    def flv(self, first: int, last: int, quality: str = "FULL_HD1") -> bytes:
        """What one FLV part of these segments must hold."""
        room, seed = self.room, self.room.seed(quality)
        tags = (flv_tags(seed, n, room.segment_s, room.began(n)) for n in range(first, last + 1))
        return flv_head(seed) + b"".join(tags)


def on_air(**script: Any) -> LiveRoom:
    """A room that has been live for ten seconds and goes on for a minute, unless the script says otherwise."""
    usual = {
        "webcast_id": "123456789012",
        "room_id": "7318296340218717435",
        "owner": 0,
        "started": START - 10.0,
        "length_s": 70.0,
        "ending": "endlist",
    }
    return LiveRoom(**(usual | script))
