"""The head of an answer about a file: what it says of the bytes that follow, or why there are none. No I/O here."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import NoReturn, Protocol

from pipelines.errors import Interrupted, NotFound, Private, RateLimited, Unfamiliar, Unreachable
from pipelines.extract.refusals import retry_after_s

_CONTENT_RANGE = re.compile(r"bytes (\d{1,18})-\d+/(\d{1,18}|\*)")


@dataclass(frozen=True, slots=True)
class MediaHead:
    """What a host says of a file before its bytes, which come from `offset` on; `host` is the one that sends them.

    `total_size` counts the whole file in bytes, None where the host does not say. `validator` is a strong ETag or else
    Last-Modified: with it, the rest of the same version can be asked for later.
    """

    status: int
    total_size: int | None
    offset: int
    validator: str | None
    content_type: str | None
    host: str


class Told(Protocol):
    """What a host says of its answer before the bytes; httpx's responses are that, too."""

    @property
    def status_code(self) -> int:
        """Of HTTP."""
        ...

    @property
    def headers(self) -> Mapping[str, str]:
        """Its headers, by their names in lower case."""
        ...


@dataclass(frozen=True, slots=True)
class Saying:
    """The same for who has no response of httpx."""

    status_code: int
    headers: Mapping[str, str]


def by_name(headers: Iterable[tuple[bytes, bytes]]) -> dict[str, str]:
    """Headers by their names in lower case, with a comma between texts of one name, as httpx reads them."""
    found: dict[str, str] = {}
    for name, value in headers:
        try:
            text = value.decode()
        except UnicodeDecodeError:
            text = value.decode("iso-8859-1")
        key = name.decode("iso-8859-1").lower()
        found[key] = f"{found[key]}, {text}" if key in found else text
    return found


Facts = tuple[int, int | None, int, str | None, str | None, str]


def facts_of(response: Told, host: str, now: Callable[[], datetime]) -> Facts:
    """The fields of MediaHead; raises where the answer is a refusal."""
    status = response.status_code
    if status not in (200, 206):
        _refuse(response, host, now)
    offset, total = _span(response)
    content_type = response.headers.get("content-type")
    if is_coded(response):
        # Its lengths count other bytes than those we keep, so it can be neither measured nor resumed.
        return status, None, offset, None, content_type, host
    return status, total, offset, _validator(response), content_type, host


def is_coded(response: Told) -> bool:
    """Whether the bytes on the wire are others than those of the file."""
    return response.headers.get("content-encoding", "identity").lower() not in ("", "identity")


def _refuse(response: Told, host: str, now: Callable[[], datetime]) -> NoReturn:
    status = response.status_code
    pause = retry_after_s(response.headers.get("retry-after", ""), now())
    facts = {"http_status": status, "host": host} | ({} if pause is None else {"retry_after_s": pause})
    if status in (404, 410):
        raise NotFound(f"{host} has no such file ({status}).", **facts)
    if status in (401, 403):
        raise Private(f"{host} refuses the address ({status}): it has expired.", is_expired=True, **facts)
    if status == 416:
        raise Interrupted(f"{host} has no bytes from there on (416): it is asked for from the start.", **facts)
    if status == 429:
        raise RateLimited(f"{host} asks to slow down (429).", **facts)
    if status == 511:
        raise Unreachable(
            f"{host} is not reached: this network wants a login of its own (511); open a web page in a browser.",
            **facts,
        )
    if status >= 500:
        raise Unreachable(f"{host} cannot serve it now ({status}).", **facts)
    raise Unfamiliar(f"{host} answers {status} where a file should be; another address is tried.", **facts)


def _span(response: Told) -> tuple[int, int | None]:
    length = response.headers.get("content-length", "")
    size = int(length) if length.isdecimal() else None
    if response.status_code == 200:
        return 0, size
    found = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", "").strip())
    if found is None:
        raise Interrupted("A host sends part of a file without saying which; it is asked for from the start.")
    start, total = int(found[1]), found[2]
    if total != "*":
        return start, int(total)
    return start, None if size is None else start + size


def _validator(response: Told) -> str | None:
    etag = response.headers.get("etag", "")
    if etag.startswith('"'):
        return str(etag)
    modified: str | None = response.headers.get("last-modified")
    return modified
