"""Connections to hosts of the public internet only: what a name leads to is looked at before anybody is asked.

A name that looks public may lead to a neighbour. It is looked up once, and what is connected to is the very address
that was looked at: the next answer may be another one. Blocking, for threads.
"""

from __future__ import annotations

import socket
import ssl
from collections.abc import Callable
from http.client import HTTPConnection

from pipelines.errors import BadInput

Allows = Callable[[str], bool]
"""Whether an address, as text, may be connected to."""


class ChosenConnection(HTTPConnection):
    """A connection to one of the addresses of its host that `allows` lets pass; BadInput where none does."""

    def __init__(self, host: str, port: int, allows: Allows, context: ssl.SSLContext | None = None) -> None:
        super().__init__(host, port)
        self._allows, self._context = allows, context

    def connect(self) -> None:
        """Connect; what the base class does beside serves proxies only."""
        sock = _connected(self.host, self.port, self.timeout, self._allows)
        try:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self.sock = sock
            if self._context is not None:
                self.sock = self._context.wrap_socket(sock, server_hostname=self.host)
        except BaseException:
            sock.close()
            raise


def _connected(host: str, port: int, timeout: float | None, allows: Allows) -> socket.socket:
    refused, failure = "", None
    for *_, place in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM):
        address = str(place[0])
        if not allows(address):
            refused = refused or address
            continue
        try:
            return socket.create_connection((address, port), timeout)
        except OSError as error:
            failure = error
    if failure is None:
        raise BadInput(
            f"Media is not asked for at {host}: it leads to {refused or 'nothing'}, which is no address of the public "
            "internet.",
            host=host,
        )
    raise failure
