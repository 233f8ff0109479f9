"""Which handler answers at which address: the tables of all modules put together. No I/O here."""

from __future__ import annotations

from deployments.simulator import collected, feeds, live, media_host, pages, people, posts, remarks, search, sso
from deployments.simulator.http import App, Handler, Request, Response, text_response
from deployments.simulator.pull_hosts import is_pull_host, pull


def routes() -> dict[tuple[str, str], Handler]:
    """All addresses with a fixed path."""
    tables = (posts, people, feeds, remarks, search, collected, pages, live, sso, media_host)
    return {address: handler for table in tables for address, handler in table.ROUTES.items()}


async def not_found(_: Request, __: App) -> Response:
    """A host or path that nobody serves."""
    return text_response("<html><head><title>404 Not Found</title></head><body>404 Not Found</body></html>", 404)


def page_handler(host: str, path: str) -> Handler:
    """Who answers where no fixed path fits: the media hosts, the pages of the site, or nobody."""
    if media_host.is_media_host(host):
        return media_host.media
    if is_pull_host(host):
        return pull
    return pages.page_at(host, path) or not_found


def methods_at(host: str) -> tuple[str, ...]:
    """How an address that is no operation of the API may be asked."""
    return ("POST",) if host in (pages.TOKENS, pages.TTWID) else ("GET", "HEAD")


def operation_at(host: str, path: str) -> str:
    """What fault scripts and the log call an address that is no operation of the API; `path` ends in a slash."""
    if path == "/aweme/v1/play/":
        return "play"
    if media_host.is_media_host(host):
        return "media"
    if is_pull_host(host):
        return "stream"
    return {pages.TOKENS: "ms_token", pages.TTWID: "ttwid", pages.SHORT: "short_link"}.get(host, "page")
