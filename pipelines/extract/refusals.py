"""Every way in which Douyin says no, and the error that fits. No I/O here."""

from __future__ import annotations

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from pipelines.errors import (
    Absent,
    ArchiveError,
    BadInput,
    Deleted,
    LoginExpired,
    NotFound,
    Private,
    RateLimited,
    SignatureRefused,
    Unfamiliar,
    Unreachable,
    VerificationAsked,
)

_SLOW_DOWN = (
    "Douyin gave no answer (an empty body): it wants fewer requests, or refuses the signature or the cookie; "
    "wait a while, and log in with `aweme login` if it stays so"
)
_CHALLENGE = (
    "Douyin shows a challenge in place of an answer; stop for some hours, open douyin.com in a browser, solve it "
    "there, and bring a fresh cookie with `aweme login`"
)
_SIGNATURE = (
    "Douyin refuses how the request is signed; choose another signer (setting `signer`), bring a fresh cookie with "
    "`aweme login`, or update the program"
)
_LOGIN = "Douyin asks for a login; log in with `aweme login`, then run again: it goes on where it stopped"
_NETWORK = (
    "this network lets nothing through to Douyin ({why}): as hotels and offices do, it may want a login of its own; "
    "open a web page in a browser on this machine, log in there, then run again"
)

_APART_S = 300

# Where Douyin's own interface may send somebody: to other hosts of its company.
_FAMILY = ("amemv.com", "bytedance.com", "douyin.com", "iesdouyin.com", "snssdk.com", "toutiao.com", "zijieapi.com")

_CHALLENGE_HEADERS = (
    "x-vc-bdturing-parameters",
    "bdturing-verify",
    "x-tt-verify-passport-decision",
    "x-whale-throughput-abort-data",
)
_CHALLENGE_SIGNS = ("验证码中间页".encode(), b"byted_acrawler", b"_$jsvmprt", b"Access Denied", b"__ac_nonce")

_FILTERED: dict[str, type[ArchiveError]] = {
    "status_self_see": Private,
    "status_part_see": Private,
    "status_reviewing": Private,
    "copyright_foreign": Private,
    "copyright_geo_filter": Private,
    "cross_border_violation": Private,
    "content_classification": Private,
    "status_deleted": Deleted,
    "status_delete": Deleted,
    "status_audit_not_pass": Deleted,
    "SYSTEM_ITEM_NOT_EXIST": NotFound,
    "core_dep": Unreachable,
}

_CODES: dict[int, tuple[type[ArchiveError], str]] = {
    4: (Unreachable, "Douyin is busy; try again later"),
    5: (BadInput, "Douyin does not accept the parameters; check the link or id"),
    8: (LoginExpired, _LOGIN),
    2046: (VerificationAsked, "Douyin finds this surrounding abnormal; log in with a browser's cookie instead"),
    2053: (NotFound, "Douyin knows no such post; check the link in a browser"),
    2065: (NotFound, "Douyin knows no such account; check the link in a browser"),
    2096: (Private, "The account hides this list; nothing can be done from here"),
    2149: (NotFound, "Douyin shows no such post to this viewer; check the link in a browser"),
    2154: (LoginExpired, _LOGIN),
    2156: (RateLimited, "Douyin's login service is busy; wait a minute, then try again"),
    2483: (LoginExpired, _LOGIN),
    4031: (VerificationAsked, "Douyin's risk control refuses the login; log in with a browser's cookie instead"),
    10011: (BadInput, "Douyin does not accept the room; check the link or id"),
    30003: (Deleted, "The broadcast has finished; the room's next one has a room_id of its own"),
}

_OVER = ("直播已结束", "room has finished")


def refusal_of_http(status: int, headers: Mapping[str, str], body: bytes, now: datetime) -> ArchiveError | None:
    """What status and headers refuse; None where the body has the word. Without a Date it is `now` at the host, too."""
    there = _moment_of(headers.get("date", "")) or now
    if _is_argus(headers, body):
        return SignatureRefused(_SIGNATURE + _of_clocks(there, now))
    if any(name in headers for name in _CHALLENGE_HEADERS):
        return VerificationAsked(_CHALLENGE)
    if (refused := refusal_of_network(status, headers)) is not None:
        return refused
    if 300 <= status < 400:
        return _refusal_of_redirect(status, headers.get("location", ""))
    if status == 401:
        return LoginExpired(_LOGIN)
    wait = retry_after_s(headers.get("retry-after", ""), there)
    return _refusal_for_now(status, body, wait, _of_clocks(there, now))


def refusal_of_network(status: int, headers: Mapping[str, str]) -> Unreachable | None:
    """What a network says that wants a login of its own, in the place of whoever was asked; None where it does not."""
    if status == 511:
        return Unreachable(_NETWORK.format(why=status))
    if 300 <= status < 400 and (host := _host_of(headers.get("location", ""))) and not _is_family(host):
        return Unreachable(_NETWORK.format(why=f"it sends to {host}"))
    return None


def _host_of(location: str) -> str:
    try:
        return urlsplit(location).hostname or ""
    except ValueError:
        return ""


def _is_family(host: str) -> bool:
    return any(host == name or host.endswith("." + name) for name in _FAMILY)


def _refusal_for_now(status: int, body: bytes, wait: float | None, hint: str) -> ArchiveError | None:
    if status == 429 or (status == 503 and wait is not None):
        after = "later" if wait is None else f"in {_span(wait)}"
        return RateLimited(f"Douyin asks to slow down ({status}); run again {after}", retry_after_s=wait)
    if status == 408 or status >= 500:
        return Unreachable(f"Douyin's servers do not answer ({status}); try again later", retry_after_s=wait)
    if (status < 300 or status == 444) and (not body or body.isspace()):
        return RateLimited(_SLOW_DOWN + hint, retry_after_s=wait)
    return None


def _of_clocks(there: datetime, here: datetime) -> str:
    """A further cause, where this machine's clock and the host's are far apart: signatures carry the time."""
    off = (here - there).total_seconds()
    if abs(off) < _APART_S:
        return ""
    return (
        f"; this machine's clock is {_span(abs(off))} {'ahead' if off > 0 else 'behind'}: set it, signatures carry it"
    )


def _span(seconds: float) -> str:
    return f"{seconds:.0f} seconds" if seconds < 120 else f"{-(-seconds // 60):.0f} minutes"


def refusal_of_html(status: int, headers: Mapping[str, str], body: bytes) -> ArchiveError | None:
    """What a web page in place of JSON says; None where the body does not begin as one does."""
    if not body[:256].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return None
    if any(sign in body for sign in _CHALLENGE_SIGNS) or "__ac_nonce" in headers.get("set-cookie", ""):
        return VerificationAsked(_CHALLENGE)
    return refusal_of_status(status, "the page") or Unfamiliar(
        "Douyin, or the network on the way, answered with a web page in place of JSON; it is kept raw. Open douyin.com "
        "in a browser on this machine to see what it wants, then run again"
    )


def refusal_of_status(status: int, target: str) -> ArchiveError | None:
    """What a status says by itself, where the body gives no reason; None for 200, with which alone Douyin answers."""
    if status == 200:
        return None
    if status == 404:
        return NotFound(f"Douyin knows nothing at this address (404) for {target}; check the link or id")
    if status == 403:
        return VerificationAsked(
            "Douyin refuses this address or session (403); stop for some hours, then bring a fresh cookie with "
            "`aweme login`"
        )
    if status == 444:
        return RateLimited("Douyin dropped the request (444); run again later")
    return Unfamiliar(f"Douyin answered with status {status}; the answer is kept raw, please report it")


def by_status_code(code: int, said: str, *, target: str) -> ArchiveError:
    """The error that fits a `status_code` (or the login's error_code) that is not 0; `said` is Douyin's own word."""
    kind, advice = _CODES.get(code, (Unfamiliar, "the answer is kept raw; please report the number"))
    word = f" {said!r}" if said else ""
    return kind(f"{advice} (Douyin's code {code}{word}, asked for {target})", status_code=code, status_msg=said)


def by_filter_reason(reason: str, target: str, **words: str) -> ArchiveError:
    """The error that fits Douyin's reason for hiding a post; the reason is kept verbatim in `facts`."""
    kind = _FILTERED.get(reason, Absent)
    advice = "try again later" if kind is Unreachable else "noted; what was archived of it stays"
    return kind(f"Douyin does not show the post {target} ({reason}); {advice}", filter_reason=reason, **words)


def by_prompt(said: str, target: str) -> ArchiveError:
    """The error that fits what the live service says in the place of a room, with no number beside it."""
    if any(sign in said for sign in _OVER):
        return Deleted(f"The broadcast has finished; the next one has a room_id of its own (Douyin says {said!r})")
    return NotFound(f"Douyin shows nothing of {target} and says {said!r}; check the link in a browser")


def retry_after_s(text: str, now: datetime) -> float | None:
    """Seconds that a Retry-After header asks to wait, from a number or an HTTP date; None where it says neither."""
    text = text.strip()
    if text.isascii() and text.replace(".", "", 1).isdigit():
        seconds = float(text)
        return seconds if math.isfinite(seconds) else None
    moment = _moment_of(text)
    return None if moment is None else max(0.0, (moment - now).total_seconds())


def _moment_of(text: str) -> datetime | None:
    try:
        moment = parsedate_to_datetime(text)
    except (TypeError, ValueError, OverflowError):  # the last for a year or a zone of twenty digits
        return None
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def _is_argus(headers: Mapping[str, str], body: bytes) -> bool:
    return "argus_security_code" in headers or body[:64].lstrip().startswith(b"Blocked by ArgusSecurityPlugin")


def _refusal_of_redirect(status: int, location: str) -> ArchiveError:
    where = location.lower()
    if not where:
        return Unreachable(f"Douyin sent a redirect to nowhere ({status}); try again later")
    if "login" in where or "passport" in where:
        return LoginExpired(_LOGIN)
    if "captcha" in where or "verify" in where:
        return VerificationAsked(_CHALLENGE)
    return Unfamiliar(f"Douyin redirects its own interface ({status}); the answer is kept raw, please report it")
