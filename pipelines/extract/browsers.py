"""The cookie of a login from a browser's own store; browser_cookie3 knows where each keeps it."""

from __future__ import annotations

import sqlite3
from datetime import datetime
from http.cookiejar import Cookie
from pathlib import Path
from typing import Any

from pipelines.errors import BadInput
from pipelines.extract.cookies import SITES, is_login

BROWSERS = (
    "chrome",
    "firefox",
    "edge",
    "opera",
    "opera_gx",
    "brave",
    "chromium",
    "vivaldi",
    "librewolf",
    "safari",
    "arc",
)


def cookie_from_browser(name: str, *, now: datetime, store: Path | None = None) -> str:
    """The cookie that a browser would send to www.douyin.com.

    `store` is its cookie file, where the library does not find it by itself. BadInput that says what to do: no
    such browser, its store locked or encrypted, no login in it.
    """
    known = name.strip().lower().replace("-", "_")
    if known not in BROWSERS:
        raise BadInput(f"browser cannot be {name!r}: choose from {', '.join(BROWSERS)}.")
    found = {cookie.name: cookie.value for cookie in _read(known, store) if _is_sent(cookie, now)}
    text = "; ".join(f"{key}={value}" for key, value in found.items())
    if not is_login(text):
        raise BadInput(
            f"{known} holds no login of Douyin; log in to douyin.com with it first, or name another browser."
        )
    return text


def _read(name: str, store: Path | None) -> list[Cookie]:
    import browser_cookie3

    read: Any = getattr(browser_cookie3, name)
    try:
        return list(read(cookie_file=str(store) if store else None, domain_name="douyin.com"))
    except browser_cookie3.BrowserCookieError as error:
        raise BadInput(
            f"The cookies of {name} cannot be read: it is not installed for this user, its store lies elsewhere "
            "(name it with --store), or this program may not open it. Another way: aweme login --cookie -"
        ) from error
    except (sqlite3.Error, PermissionError) as error:
        raise BadInput(f"{name} keeps its cookies locked while it runs; close it, then try again.") from error
    except Exception as error:
        # Each system has a key store of its own, with errors of its own; their words may hold anything.
        raise BadInput(
            f"The cookies of {name} cannot be decrypted ({type(error).__name__}); unlock the system's key store, or "
            "copy the cookie by hand: aweme login --cookie -"
        ) from error


def _is_sent(cookie: Cookie, now: datetime) -> bool:
    if cookie.domain.lstrip(".").lower() not in SITES or not cookie.value or cookie.path != "/":
        return False
    expires = cookie.expires
    if expires and expires > 10**11:  # newer browsers keep milliseconds
        expires //= 1000
    return (not expires or expires > now.timestamp()) and (cookie.name + cookie.value).isascii()
