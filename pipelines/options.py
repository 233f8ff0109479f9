"""The kwargs dict of the developer interface -> settings."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pipelines.errors import BadInput
from pipelines.settings import Settings, load_settings

_SAME = ("cookie", "naming", "folderize", "timeout", "root", "upstream", "signer", "min_interval")
_RENAMED = {
    "path": "root",
    "max_retries": "max_tries",
    "max_tasks": "download_concurrency",
    "max_connections": "per_host",
}


def settings_from(kwargs: Mapping[str, Any] | None) -> Settings:
    """The settings in force with the kwargs' own on top: cookie, headers, proxies, path, naming, folderize, timeout,
    max_retries, max_tasks, max_connections, music, cover, desc.

    Raises BadInput for a value that cannot be, TypeError where kwargs is no mapping.
    """
    if kwargs is None:
        return load_settings()
    if not isinstance(kwargs, Mapping):
        raise TypeError("kwargs must be a dict")
    options = {name: kwargs[name] for name in _SAME if kwargs.get(name) not in (None, "")}
    options |= {_RENAMED[name]: kwargs[name] for name in _RENAMED if kwargs.get(name) not in (None, "")}
    headers = kwargs.get("headers") or {}
    if agent := headers.get("User-Agent") or headers.get("user-agent"):
        options["user_agent"] = agent
    if proxy := _proxy(kwargs.get("proxies")):
        options["proxy"] = proxy
    kinds = [kind for key, kind in (("music", "music"), ("cover", "cover"), ("desc", "caption")) if kwargs.get(key)]
    if kinds:
        options["media"] = ",".join(["video", "image", *kinds])
    return load_settings(options)


def _proxy(proxies: Any) -> str | None:
    if not proxies:
        return None
    if not isinstance(proxies, Mapping):
        raise BadInput('proxies must be a dict such as {"http": None, "https": "http://host:port"}.')
    for name in ("https", "https://", "http", "http://", "all://"):
        if proxies.get(name):
            return str(proxies[name])
    return None
