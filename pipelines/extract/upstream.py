"""The road to Douyin: HTTP clients without a memory for cookies, and the switch that puts a stand-in in its place."""

from __future__ import annotations

import logging
import os
import ssl
from collections.abc import Mapping
from http.cookiejar import CookieJar, DefaultCookiePolicy
from importlib.util import find_spec
from typing import Any

import httpx

from pipelines.errors import BadInput
from pipelines.extract.socks import ThroughSocks
from pipelines.extract.unpacking import CODINGS


def make_client(
    upstream: str | None = None,
    *,
    proxy: str | None = None,
    timeout: float = 10.0,
    max_connections: int = 10,
    headers: Mapping[str, str] | None = None,
    http2: bool = False,
    transport: httpx.AsyncBaseTransport | None = None,
) -> httpx.AsyncClient:
    """An async client that never keeps a cookie, never follows a redirect and reads no environment.

    With `upstream` every request goes to that address, whatever its host, and no proxy is used. `transport` takes the
    place of the network. `timeout` is in seconds. Raises BadInput where an address cannot be one.
    """
    road = transport or make_road(upstream, proxy=proxy, max_connections=max_connections, http2=http2)
    _keep_secrets_out_of_logs()
    return httpx.AsyncClient(
        transport=road,
        timeout=timeout,
        headers={"Accept-Encoding": CODINGS, **(headers or {})},
        cookies=_no_cookies(),
        follow_redirects=False,
        trust_env=False,
    )


def make_road(
    upstream: str | None = None, *, proxy: str | None = None, max_connections: int = 10, http2: bool = False
) -> httpx.AsyncBaseTransport:
    """The network under such a client, for callers that need nothing of a client."""
    _keep_secrets_out_of_logs()
    if not upstream:
        road = httpx.AsyncHTTPTransport(**_options(None, proxy, max_connections, http2))
        return ThroughSocks(road) if proxy and _proxy(proxy).url.scheme.startswith("socks") else road
    address = upstream_address(upstream)
    return AsyncUpstream(address, httpx.AsyncHTTPTransport(**_options(address, None, max_connections, http2)))


def make_sync_client(
    upstream: str | None = None,
    *,
    proxy: str | None = None,
    timeout: float = 10.0,
    max_connections: int = 10,
    headers: Mapping[str, str] | None = None,
    http2: bool = False,
    transport: httpx.BaseTransport | None = None,
) -> httpx.Client:
    """The same client for callers that are not async."""
    road: httpx.BaseTransport
    if transport is not None:
        road = transport
    elif upstream:
        address = upstream_address(upstream)
        road = SyncUpstream(address, httpx.HTTPTransport(**_options(address, None, max_connections, http2)))
    else:
        road = httpx.HTTPTransport(**_options(None, proxy, max_connections, http2))
    _keep_secrets_out_of_logs()
    return httpx.Client(
        transport=road, timeout=timeout, headers=headers, cookies=_no_cookies(), follow_redirects=False, trust_env=False
    )


def stand_in(given: str | None) -> str | None:
    """The address that stands in for Douyin: as given, else AWEME_UPSTREAM, for callers who have no settings."""
    # A script that was pointed at a made-up Douyin must not ask the real one through a function that takes no settings.
    return (os.environ.get("AWEME_UPSTREAM") or None) if given is None else given


def upstream_address(text: str) -> httpx.URL:
    """The stand-in's address; BadInput unless it is http(s)://host[:port] and nothing more."""
    try:
        url = httpx.URL(text)
    except (httpx.InvalidURL, TypeError) as error:
        raise BadInput(f"upstream is no address: {error}; write it as http://127.0.0.1:8080") from error
    if url.scheme not in ("http", "https") or not url.host or url.path not in ("", "/") or url.query or url.userinfo:
        raise BadInput("upstream must be http://host:port with no path, query or user; requests keep their own")
    if _is_beyond(url):
        raise BadInput("upstream names a port that cannot be; write it as http://127.0.0.1:8080")
    return url


def _is_beyond(url: httpx.URL) -> bool:
    """Whether the port of an address is none: httpx takes any number, and the machine breaks off over it."""
    return not 0 < (url.port or 1) < 1 << 16


class AsyncUpstream(httpx.AsyncBaseTransport):
    """Sends every request to one address; Host header, path, query and headers stay as they were."""

    def __init__(self, address: httpx.URL, inner: httpx.AsyncBaseTransport) -> None:
        self._address = address
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send it there."""
        return await self._inner.handle_async_request(_readdressed(request, self._address))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._inner.aclose()


class SyncUpstream(httpx.BaseTransport):
    """The same for callers that are not async."""

    def __init__(self, address: httpx.URL, inner: httpx.BaseTransport) -> None:
        self._address = address
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        """Send it there."""
        return self._inner.handle_request(_readdressed(request, self._address))

    def close(self) -> None:
        """Close the connections."""
        self._inner.close()


def _readdressed(request: httpx.Request, address: httpx.URL) -> httpx.Request:
    # `target` puts these very bytes on the request line: nothing on the way quotes them a second time.
    extensions = {"target": request.url.raw_path, **request.extensions}
    return httpx.Request(request.method, address, headers=request.headers, stream=request.stream, extensions=extensions)


def _options(address: httpx.URL | None, proxy: str | None, max_connections: int, http2: bool) -> dict[str, Any]:
    limits = httpx.Limits(max_connections=max_connections, max_keepalive_connections=max_connections)
    options: dict[str, Any] = {"trust_env": False, "http2": http2, "limits": limits}
    if address is not None and address.scheme == "http":
        # No certificate is ever looked at on this road; loading the bundle would cost more than the request.
        options["verify"] = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if proxy:
        options["proxy"] = _proxy(proxy)
    return options


def _proxy(address: str) -> httpx.Proxy:
    """The proxy; BadInput, without a word of an address that may hold a password, where it cannot be one."""
    try:
        proxy = httpx.Proxy(address)
    except (ValueError, httpx.InvalidURL) as error:
        raise BadInput("the proxy is no address; write it as http://host:port or socks5://host:port") from error
    if not proxy.url.host or _is_beyond(proxy.url):
        raise BadInput("the proxy is no address; write it as http://host:port or socks5://host:port")
    if proxy.url.scheme.startswith("socks") and find_spec("socksio") is None:
        raise BadInput("a SOCKS proxy needs one more package: python -m pip install socksio; or name an http proxy")
    return proxy


def _no_cookies() -> CookieJar:
    # One client talks to many hosts; a cookie set by one must never reach another, nor outlive its answer.
    return CookieJar(policy=DefaultCookiePolicy(allowed_domains=[]))


def _keep_secrets_out_of_logs() -> None:
    # httpx logs whole addresses, which carry tokens; httpcore logs headers, which carry cookies, and passwords.
    logging.getLogger("httpx").addFilter(_without_queries)
    for name in ("http11", "http2", "proxy", "socks"):
        logging.getLogger(f"httpcore.{name}").addFilter(_nothing)


def _without_queries(record: logging.LogRecord) -> bool:
    if isinstance(record.args, tuple):
        record.args = tuple(arg.copy_with(query=None) if isinstance(arg, httpx.URL) else arg for arg in record.args)
    return True


def _nothing(_record: logging.LogRecord) -> bool:
    return False
