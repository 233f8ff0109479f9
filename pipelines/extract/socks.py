"""A SOCKS proxy kept to the time that it has: httpcore waits for its greeting for ever, and takes any word for one."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx

_GREETING = "setup_socks5_connection"


class ThroughSocks(httpx.AsyncBaseTransport):
    """The road through such a proxy; ConnectTimeout where it is silent, ProxyError where it speaks otherwise."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it there."""
        greeting = _Greeting(request.extensions.get("timeout", {}).get("connect"))
        request.extensions = {**request.extensions, "trace": greeting.hear}
        try:
            return await self._inner.handle_async_request(request)
        except httpx.HTTPError:
            raise
        except Exception as error:
            if not greeting.is_under_way:
                raise
            if greeting.is_late:
                raise httpx.ConnectTimeout("the proxy does not answer") from error
            raise httpx.ProxyError("the proxy does not speak SOCKS5") from error
        finally:
            await greeting.end()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class _Greeting:
    """What the proxy and we say to each other before it lets a request through, cut where it takes too long."""

    def __init__(self, within_s: float | None) -> None:
        self._within_s = within_s
        self._timer: asyncio.TimerHandle | None = None
        self._stream: Any = None
        self.is_under_way = self.is_late = False

    async def hear(self, name: str, info: Mapping[str, Any]) -> None:
        """What httpcore tells of its doings."""
        if name.endswith(f"{_GREETING}.started"):
            self.is_under_way, self._stream = True, info["stream"]
            if self._within_s is not None:
                loop, sock = asyncio.get_running_loop(), self._stream.get_extra_info("socket")
                self._timer = loop.call_later(self._within_s, self._cut, sock)
        elif name.endswith(f"{_GREETING}.complete"):
            self.is_under_way = False
            await self.end()

    async def end(self) -> None:
        """No time counts any more; a connection without success is closed, which httpcore leaves open."""
        if self._timer is not None:
            self._timer.cancel()
        if self.is_under_way:
            await self._stream.aclose()

    def _cut(self, sock: socket.socket) -> None:
        # Cut and not cancelled: httpcore would count a connection for ever that was cancelled while it was made.
        self.is_late = True
        with suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)
