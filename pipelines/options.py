"""The kwargs dict of the developer interface as settings, and as a job for a flow."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from pipelines.errors import BadInput
from pipelines.extract.options import proxy_of
from pipelines.load.plans import is_on
from pipelines.settings import Settings, load_settings
from schemas.jobs import ArchiveJob

_SAME = ("cookie", "naming", "folderize", "timeout", "root", "upstream", "signer", "min_interval")
_RENAMED = {"max_tasks": "download_concurrency", "max_connections": "per_host"}
_IN_JOB = {"url": "target", "path": "root", "interval": "interval"}
_SIDES = {"music": "music", "cover": "cover", "desc": "caption"}


def settings_from(kwargs: Mapping[str, Any] | None) -> Settings:
    """The settings in force with the kwargs' own on top: cookie, headers, proxies, naming, folderize, timeout,
    max_retries, max_tasks, max_connections, music, cover, desc, and settings by their own names (root, upstream, ...).

    `path` is none of them: it says where the folders of the spec's functions are made, and the archive stays in force.
    Raises BadInput for a value that cannot be, TypeError where kwargs is no mapping.
    """
    if kwargs is None:
        return load_settings()
    if not isinstance(kwargs, Mapping):
        raise TypeError("kwargs must be a dict")
    options = {name: kwargs[name] for name in _SAME if kwargs.get(name) not in (None, "")}
    options |= {_RENAMED[name]: kwargs[name] for name in _RENAMED if kwargs.get(name) not in (None, "")}
    if kwargs.get("max_retries") not in (None, ""):
        options["max_tries"] = _tries(kwargs["max_retries"])
    headers = kwargs.get("headers") or {}
    if not isinstance(headers, Mapping):
        raise BadInput('headers must be a dict such as {"User-Agent": "...", "Referer": "..."}.')
    said = {str(name).lower(): value for name, value in headers.items() if value}
    if agent := said.get("user-agent"):
        options["user_agent"] = agent
    if cookie := said.get("cookie"):
        options.setdefault("cookie", cookie)
    if proxy := _proxy(kwargs.get("proxies")):
        options["proxy"] = proxy
    if media := _media(kwargs):
        options["media"] = media
    return load_settings(options)


def job_from(kwargs: Mapping[str, Any]) -> ArchiveJob:
    """The job that the kwargs of a handle_* flow describe: url, path (the archive's root), mode, interval, naming,
    folderize, music, cover, desc, max_cursor, page_counts, max_counts, and fields of ArchiveJob by their own names.

    A cookie among them is not taken along, since Prefect shows the parameters of its runs: it belongs to the settings.
    Raises BadInput for a value that cannot be, TypeError where kwargs is no mapping.
    """
    if not isinstance(kwargs, Mapping):
        raise TypeError("kwargs must be a dict")
    fields = {name: value for name, value in kwargs.items() if name in ArchiveJob.model_fields}
    fields |= {own: kwargs[name] for name, own in _IN_JOB.items() if kwargs.get(name)}
    if fields.get("interval") == "all":
        fields["interval"] = None
    if media := _media(kwargs):
        fields["media"] = media
    if isinstance(fields.get("root"), os.PathLike):
        fields["root"] = os.fspath(fields["root"])
    given = {name: value for name, value in fields.items() if value not in (None, "")}
    try:
        return ArchiveJob(**given)
    except ValidationError as error:
        first = error.errors()[0]
        raise BadInput(f"{'.'.join(map(str, first['loc']))}: {first['msg']}.") from error


def _media(kwargs: Mapping[str, Any]) -> str | None:
    """Which files are asked for by the switches of the sides, where there are any."""
    if all(kwargs.get(name) is None for name in _SIDES):
        return None
    return ",".join(["video", "image", *(kind for name, kind in _SIDES.items() if is_on(kwargs, name))])


def _tries(retries: Any) -> int:
    try:
        return 1 + max(int(retries), 0)
    except (TypeError, ValueError, OverflowError) as error:
        raise BadInput(f"max_retries cannot be {retries!r}: give a whole number.") from error


def _proxy(proxies: Any) -> str | None:
    if not proxies:
        return None
    if not isinstance(proxies, Mapping):
        raise BadInput('proxies must be a dict such as {"http": None, "https": "http://host:port"}.')
    return proxy_of(proxies)
