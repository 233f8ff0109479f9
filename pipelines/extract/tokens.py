"""Tokens of a visitor: msToken, ttwid and verify_fp. Asked for when needed, never at import."""

from __future__ import annotations

import json
import secrets
import string
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx

from pipelines.errors import ArchiveError, RateLimited, Unfamiliar, Unreachable
from pipelines.extract.refusals import refusal_of_network
from pipelines.extract.upstream import make_sync_client, stand_in
from schemas.settings import DEFAULT_USER_AGENT

_REPORT_URL = "https://mssdk.bytedance.com/web/report"
_TTWID_URL = "https://ttwid.bytedance.com/ttwid/union/register/"
# The lengths that answers of the service, now and earlier, have had.
_MS_TOKEN_LENGTHS = frozenset((120, 128, 164, 184))
_TTWID_BODY = json.dumps(
    {
        "region": "cn",
        "aid": 1768,
        "needFid": False,
        "service": "www.ixigua.com",
        "migrate_info": {"ticket": "", "source": "node"},
        "cbUrlProtocol": "https",
        "union": True,
    },
    separators=(",", ":"),
)
_FALSE_LETTERS = string.ascii_letters + string.digits + "+-"
_REPORT_LETTERS = string.ascii_letters + string.digits
_FP_LETTERS = string.digits + string.ascii_uppercase + string.ascii_lowercase
_BASE36 = string.digits + string.ascii_lowercase
# The second, which is no HTTPError, for an answer whose Location is no address.
_NO_ANSWER = (httpx.HTTPError, httpx.InvalidURL)

Rng = Callable[[], float]
_strong: Rng = secrets.SystemRandom().random


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


class TokenManager:
    """msToken and ttwid, for callers that are not async; each call asks anew.

    It asks `upstream`, by default AWEME_UPSTREAM, where there is one.
    """

    @classmethod
    def gen_real_msToken(  # noqa: N802 - the interface list's name
        cls, *, upstream: str | None = None, str_data: str | None = None
    ) -> str:
        """A token from Douyin's token service, or a false one where it gives none.

        `str_data` is a browser's own report; without one, a made-up report is sent. Unreachable where nobody answers.
        """
        token = _ms_token_in(_send(_ms_token_request(str_data), upstream))
        return token or cls.gen_false_msToken()

    @classmethod
    def gen_false_msToken(cls, *, rng: Rng = _strong) -> str:  # noqa: N802 - the interface list's name
        """A made-up token in the shape of a real one, 128 characters; percent-encode it in a query."""
        return _letters(_FALSE_LETTERS, 126, rng) + "=="

    @classmethod
    def gen_ttwid(cls, *, upstream: str | None = None) -> str:
        """A visitor's id, percent-encoded as cookies carry it.

        Unreachable or RateLimited where asking again may help, Unfamiliar where the answer brings no ttwid.
        """
        return _ttwid_in(_send(_ttwid_request(), upstream))


class VerifyFpManager:
    """verify_fp and s_v_web_id: made up by every client for itself, in one format."""

    @classmethod
    def gen_verify_fp(cls, *, now_ms: Callable[[], int] = _now_ms, rng: Rng = _strong) -> str:
        """A fresh value, 52 characters; `now_ms` gives unix milliseconds, `rng` numbers in [0, 1)."""
        letters: list[str] = []
        for place in range(36):
            if place in (8, 13, 18, 23):
                letters.append("_")
            elif place == 14:
                letters.append("4")
            else:
                drawn = int(rng() * 62)
                letters.append(_FP_LETTERS[(drawn & 3) | 8 if place == 19 else drawn])
        return f"verify_{_base36(now_ms())}_{''.join(letters)}"

    @classmethod
    def gen_s_v_web_id(cls, *, now_ms: Callable[[], int] = _now_ms, rng: Rng = _strong) -> str:
        """A fresh value in the format of `gen_verify_fp`; where both are sent, send one value in both places."""
        return cls.gen_verify_fp(now_ms=now_ms, rng=rng)


async def fetch_ms_token(client: httpx.AsyncClient) -> str:
    """A token from Douyin's token service, or a false one whatever goes wrong: a crawl need not end for it."""
    try:
        return _ms_token_in(await _ask(client, _ms_token_request(None))) or TokenManager.gen_false_msToken()
    except Unreachable:
        return TokenManager.gen_false_msToken()


def ms_token_of(answer: httpx.Response) -> str:
    """The fresh msToken that an answer of the web service brings, in a header or as a cookie; '' where it has none."""
    return answer.headers.get("x-ms-token") or _cookie(answer, "msToken")


async def fetch_ttwid(client: httpx.AsyncClient) -> str:
    """A visitor's id through a client that is open already; errors as `TokenManager.gen_ttwid` has them."""
    return _ttwid_in(await _ask(client, _ttwid_request()))


def _ms_token_request(str_data: str | None) -> httpx.Request:
    report = {
        "magic": 538969122,
        "version": 1,
        "dataType": 8,
        "strData": str_data or "f" + _letters(_REPORT_LETTERS, 4035, _strong),
        "tspFromClient": _now_ms(),
    }
    headers = {"Content-Type": "application/json"}
    return httpx.Request("POST", _REPORT_URL, content=json.dumps(report), headers=headers)


def _ttwid_request() -> httpx.Request:
    return httpx.Request("POST", _TTWID_URL, content=_TTWID_BODY)


def _send(request: httpx.Request, upstream: str | None) -> httpx.Response:
    request.headers["User-Agent"] = DEFAULT_USER_AGENT
    with make_sync_client(stand_in(upstream)) as client:
        try:
            # Tokens stand in headers; a body of any length says nothing more.
            with closing(client.send(request, stream=True, follow_redirects=False)) as answer:
                return answer
        except _NO_ANSWER as error:
            raise _unreachable(request, error) from error


async def _ask(client: httpx.AsyncClient, request: httpx.Request) -> httpx.Response:
    # Built apart from the client: its cookies and other headers are Douyin's own and must not reach the token hosts.
    request.headers["User-Agent"] = client.headers.get("User-Agent", DEFAULT_USER_AGENT)
    try:
        answer = await client.send(request, stream=True, follow_redirects=False)
        await answer.aclose()
    except _NO_ANSWER as error:
        raise _unreachable(request, error) from error
    # A stream and its answer know each other, and would wait for Python to look for garbage.
    answer.stream = httpx.ByteStream(b"")
    return answer


def _unreachable(request: httpx.Request, error: Exception) -> Unreachable:
    return Unreachable(
        f"{request.url.host} does not answer ({type(error).__name__}); check the network, the proxy, and "
        "`upstream` where it is set, then try again."
    )


def _ms_token_in(answer: httpx.Response) -> str | None:
    token = _cookie(answer, "msToken")
    return token if answer.status_code == 200 and len(token) in _MS_TOKEN_LENGTHS else None


def _ttwid_in(answer: httpx.Response) -> str:
    token = _cookie(answer, "ttwid")
    if answer.status_code == 200 and token:
        return token
    raise refusal_of_network(answer.status_code, answer.headers) or _no_ttwid(answer.status_code)


def _no_ttwid(status: int) -> ArchiveError:
    facts: dict[str, Any] = {"http_status": status}
    if status in (429, 444):
        return RateLimited(
            f"Douyin gives no ttwid just now (HTTP {status}); wait some minutes, then try again.", **facts
        )
    if status >= 500:
        return Unreachable(f"Douyin's ttwid service is down (HTTP {status}); try again later.", **facts)
    return Unfamiliar(
        f"The answer (HTTP {status}) brings no ttwid; open douyin.com in a browser on this machine: either the network "
        "wants a login of its own, or set the cookie that Douyin gives there.",
        **facts,
    )


def _cookie(answer: httpx.Response, name: str) -> str:
    # Read from the header itself: a cookie jar drops it where a stand-in answers for the host that it belongs to.
    for header in answer.headers.get_list("set-cookie"):
        key, _, value = header.partition(";")[0].partition("=")
        if key.strip() == name:
            return value.strip()
    return ""


def _letters(alphabet: str, count: int, rng: Rng) -> str:
    return "".join(alphabet[int(rng() * len(alphabet))] for _ in range(count))


def _base36(number: int) -> str:
    digits = ""
    while number:
        number, digit = divmod(number, 36)
        digits = _BASE36[digit] + digits
    return digits or "0"
