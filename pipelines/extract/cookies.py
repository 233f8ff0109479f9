"""Cookies as text: gathered from answers, pasted by people, and whether a login is among them. No I/O here."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from pipelines.errors import BadInput

_HOME = "douyin.com"
SITES = (_HOME, "www." + _HOME)
"""Whose cookies a browser sends to www.douyin.com; those of other hosts below douyin.com stay with them."""

_SESSIONS = ("sessionid", "sessionid_ss", "sid_tt")


@dataclass
class CookieBox:
    """Cookies of douyin.com from several answers; the newest value of a name counts. Never shown in its repr."""

    _values: dict[str, str] = field(default_factory=dict, repr=False)

    @property
    def text(self) -> str:
        """The cookies as a browser sends them."""
        return "; ".join(f"{name}={value}" for name, value in self._values.items())

    def take(self, headers: Iterable[str]) -> None:
        """Take the Set-Cookie headers of an answer; those of other domains are left, those that are unset removed."""
        for header in headers:
            first, *rest = header.split(";")
            name, equals, value = (part.strip() for part in first.partition("="))
            told = {key.strip().lower(): word.strip() for key, _, word in (part.partition("=") for part in rest)}
            if not (equals and name) or not _belongs(told.get("domain", _HOME)) or not (name + value).isascii():
                continue
            if not value or told.get("max-age", "1").lstrip("-") == "0" or told.get("max-age", "").startswith("-"):
                self._values.pop(name, None)
            else:
                self._values[name] = value


def as_header(text: str) -> str:
    """What a file of cookies says as a browser would send it; any other text as it is.

    Such files are what extensions of browsers and download tools write, in the format of Netscape's: a line each, of
    domain, whether hosts below count, path, whether only over https, expiry, name and value, with tabs between them.
    """
    box, is_file = CookieBox(), False
    for line in text.splitlines():
        fields = line.removeprefix("#HttpOnly_").split("\t")
        if len(fields) == 7 and fields[1].upper() in ("TRUE", "FALSE") and not fields[0].startswith("#"):
            is_file = True
            if fields[0].lstrip(".").lower() in SITES:
                box.take([f"{fields[5]}={fields[6]}"])
    return box.text if is_file else text


def is_home(url: str) -> bool:
    """Whether an address is one of Douyin's own, asked in a way that nobody on the way can read."""
    try:
        parts = urlsplit(url)
        host, port = (parts.hostname or "").lower(), parts.port
    except ValueError:
        return False
    return parts.scheme == "https" and _belongs(host) and port in (None, 443) and "@" not in parts.netloc


def is_login(cookie: str) -> bool:
    """Whether a cookie claims a login; only Douyin knows whether it still holds."""
    values = _values_of(cookie)
    return any(values.get(name) for name in _SESSIONS)


def read_cookie(pasted: str) -> str:
    """A cookie that somebody pasted, as one line; BadInput, without any of its words, where it cannot be a login."""
    text = " ".join(as_header(pasted).split()).strip("'\" ;")
    if text[:7].lower() == "cookie:":
        text = text[7:].strip()
    if not text:
        raise BadInput("There is no cookie; copy the request header Cookie of www.douyin.com from a browser.")
    if not (text.isascii() and text.isprintable()):
        raise BadInput("The cookie holds characters that no cookie has; copy it again, as one line of text.")
    if not _values_of(text):
        raise BadInput("That is no cookie: it has the form name=value; name=value. Copy the whole header.")
    if not is_login(text):
        raise BadInput(
            "The cookie holds no login (no sessionid); log in to douyin.com in that browser, then try again."
        )
    return text


def _belongs(domain: str) -> bool:
    domain = domain.lstrip(".").lower()
    return domain == _HOME or domain.endswith("." + _HOME)


def _values_of(cookie: str) -> dict[str, str]:
    parts = (part.strip().partition("=") for part in cookie.split(";"))
    return {name: value for name, equals, value in parts if name and equals}
