"""Connections that wait for another request to the same host. For any thread."""

from __future__ import annotations

import ssl
from contextlib import suppress
from http.client import HTTPConnection, HTTPSConnection

import httpx

from pipelines.extract.connecting import Allows, ChosenConnection
from pipelines.extract.lines import Line

_MAX_IDLE = 16  # connections kept for each origin

Origin = tuple[str, str, int]


def origin_of(url: httpx.URL) -> Origin:
    """Whom an address leads to: scheme, host and port."""
    return url.scheme, url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80)


class Connections:
    """Connections by whom they lead to. Without a `context` hosts are checked as httpx checks them.

    With `allows`, only addresses that it lets pass are connected to; BadInput where a host has none.
    """

    def __init__(self, context: ssl.SSLContext | None = None, allows: Allows | None = None) -> None:
        self._idle: dict[Origin, list[HTTPConnection]] = {}
        self._ssl = context
        self._allows = allows
        self._is_closed = False

    def idle(self, origin: Origin) -> Line | None:
        """One that was kept; its host may have closed it meanwhile. None where there is none."""
        with suppress(KeyError, IndexError):
            return Line(self._idle[origin].pop())
        return None

    def new(self, origin: Origin) -> Line:
        """One that is not connected yet."""
        scheme, host, port = origin
        if scheme == "https":
            self._ssl = self._ssl or httpx.create_ssl_context(trust_env=False)
        context = self._ssl if scheme == "https" else None
        if self._allows is not None:
            return Line(ChosenConnection(host, port, self._allows, context))
        return Line(HTTPConnection(host, port) if context is None else HTTPSConnection(host, port, context=context))

    def keep(self, line: Line, origin: Origin) -> None:
        """Keep it for another request where it is of use, or close it."""
        idle = self._idle.setdefault(origin, [])
        if line.is_reusable and len(idle) < _MAX_IDLE and not self._is_closed:
            idle.append(line.connection)
        else:
            line.drop()

    def close(self) -> None:
        """Close those that are kept, and keep no more."""
        self._is_closed = True
        for connection in (one for idle in self._idle.values() for one in idle):
            connection.close()
        self._idle.clear()
