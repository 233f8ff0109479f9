"""A stage for handlers of the made-up Douyin: a world, a clock that tests move, and what handlers remember."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

from deployments.simulator.http import Handler, Request, Response, params_of
from deployments.simulator.world import World

START = 1_790_000_000.0


@dataclass
class Stage:
    """What handlers use of an app; `sleep` moves the clock instead of waiting."""

    world: World = field(default_factory=World)
    now: float = START
    state: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self):
        self.state.setdefault("sleep", self.sleep)

    def clock(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds

    async def ask(self, handler: Handler, url: str, method: str = "GET", **headers: str) -> Response:
        parts = urlsplit(url)
        query = parts.query.encode()
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        request = Request(method, parts.netloc, parts.path, query, named, b"", params_of(query))
        return await handler(request, self)


def header(response: Response, name: str) -> str | None:
    """The first header of that name."""
    return next((value for key, value in response.headers if key == name), None)


def cookies(response: Response) -> dict[str, str]:
    """What an answer sets, by name."""
    lines = [value.partition(";")[0] for key, value in response.headers if key == "set-cookie"]
    return dict(line.split("=", 1) for line in lines)


async def body_of(response: Response) -> bytes:
    """The whole body."""
    if isinstance(response.body, bytes):
        return response.body
    return b"".join([chunk async for chunk in response.body])


def absolute(base: str, address: str) -> str:
    """An address as a playlist means it."""
    return urljoin(base, address)
