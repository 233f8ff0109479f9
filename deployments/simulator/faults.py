"""Faults by script: which requests of an operation get something else than their answer. No I/O here.

A script is `OPERATION:REQUESTS=KIND`: `user_post:3=empty`, `user_post:2-4=429;retry_after=2`, `post_detail:*=403`,
`media:1=html`, `*:5=slow:2`. REQUESTS counts from 1 within the operation: `3`, `2-4`, `3-` or `*`. KIND is one of
KINDS, a three-digit HTTP status (`;body` gives it a body, `;retry_after=SECONDS` that header), or one with an argument:
slow:SECONDS, status_code:NUMBER, filter_reason:REASON, argus:REASON.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace

from deployments.simulator.gates import GATES

STATUSES = (201, 302, 400, 401, 403, 404, 405, 408, 416, 429, 444, 500, 502, 503, 504)
ARGUMENTS = {"slow": "seconds", "status_code": "number", "filter_reason": "reason", "argus": "reason"}
KINDS: dict[str, str] = {
    "empty": "200 and no body",
    "blank": "200 and white space",
    "captcha": "the page 验证码中间页",
    "html": "the same, and for media a page of HTML in place of the file",
    "acrawler": "the page with byted_acrawler and an __ac_nonce cookie",
    "access_denied": "444 and the page Access Denied",
    "argus": "403 Blocked by ArgusSecurityPlugin, and why",
    "broken_json": "JSON that breaks off",
    "json_null": "the JSON value null",
    "json_list": "a JSON list where an object belongs",
    "status_code": "JSON with that status_code",
    "no_list": 'a bare {"status_code":0}',
    "login_wall": "the answer with not_login_module, and no_list for every request after it",
    "bdturing": "the header x-vc-bdturing-parameters and an empty body",
    "bdturing_verify": "the header bdturing-verify",
    "passport_decision": "the header x-tt-verify-passport-decision",
    "throughput_abort": "the header x-whale-throughput-abort-data",
    "verify_ticket": "JSON with verify_ticket",
    "verify_check": "JSON with search_nil_info of verify_check",
    "filter_reason": "a detail without a post, and why",
    "slow": "the answer, after so many seconds",
    "reset": "half of the answer, then the connection breaks",
    "truncated": "Content-Length promises more than comes",
    "wrong_encoding": "Content-Encoding: gzip over plain bytes",
    "shift": "the answer of a page that is empty though has_more is 1",
}
OPERATIONS = (
    *(gate.operation for gate in GATES.values()),
    *("media", "play", "stream", "short_link", "ms_token", "ttwid", "page"),
)
_STATUS_CODES = (4, 5, 8, 2053, 2065, 2096, 2149, 2154, 2156, 2483, 4031, 10011, 30003)
_SCRIPT = re.compile(r"([a-z_*]+):(\*|\d+(?:-\d*)?)=([a-z_0-9]+)(?::([^;]+))?((?:;[a-z_]+(?:=[^;]+)?)*)")
_OPTIONS = ("retry_after", "body")


@dataclass(frozen=True, slots=True)
class Fault:
    """What the requests `first` to `last` (None: to the end) of an operation get instead of their answer."""

    operation: str
    first: int
    last: int | None
    kind: str
    argument: str = ""
    retry_after: str | None = None
    has_body: bool = False

    def hits(self, operation: str, number: int) -> bool:
        """Whether it is meant for the request of that number, from 1, of that operation."""
        meant = self.operation in ("*", operation)
        return meant and number >= self.first and (self.last is None or number <= self.last)


def parse(script: str) -> Fault:
    """A script as a Fault; ValueError, with the accepted forms, where it is none."""
    found = _SCRIPT.fullmatch(script.strip())
    if found is None:
        raise _wrong(script, "it has another form")
    operation, numbers, kind, argument, options = found.groups(default="")
    first, last = _numbers(script, numbers)
    if first < 1 or (last is not None and last < first):
        raise _wrong(script, "requests count from 1, and a range goes upwards")
    fault = Fault(operation, first, last, kind, argument)
    for option in filter(None, options.split(";")):
        name, _, value = option.partition("=")
        if name not in _OPTIONS or (name == "retry_after") != bool(value):
            raise _wrong(script, f"there is no option {option}")
        fault = replace(fault, retry_after=value) if value else replace(fault, has_body=True)
    return _checked(script, fault)


def parse_all(faults: Iterable[str | Fault]) -> list[Fault]:
    """Scripts and Faults as Faults."""
    return [fault if isinstance(fault, Fault) else parse(fault) for fault in faults]


def _numbers(script: str, text: str) -> tuple[int, int | None]:
    if text == "*":
        return 1, None
    low, dash, high = text.partition("-")
    if len(low) > 9 or len(high) > 9:
        raise _wrong(script, "nobody asks that often")
    return int(low), int(high) if high else None if dash else int(low)


def _checked(script: str, fault: Fault) -> Fault:
    if fault.operation not in ("*", *OPERATIONS):
        raise _wrong(script, f"nothing is called {fault.operation}, only {', '.join(OPERATIONS)} and *")
    is_status = fault.kind.isdecimal() and int(fault.kind) in STATUSES
    if not is_status and fault.kind not in KINDS:
        raise _wrong(script, f"there is no kind {fault.kind}")
    if (fault.kind in ARGUMENTS) != bool(fault.argument):
        raise _wrong(script, f"{fault.kind} takes {'an' if fault.kind in ARGUMENTS else 'no'} argument")
    if not is_status and (fault.retry_after or fault.has_body):
        raise _wrong(script, "options are for a status")
    if fault.kind == "slow" and not re.fullmatch(r"\d+(\.\d+)?", fault.argument):
        raise _wrong(script, "slow takes seconds")
    if fault.kind == "status_code" and not fault.argument.isdecimal():
        raise _wrong(script, f"status_code takes a number, such as {', '.join(map(str, _STATUS_CODES))}")
    return fault


def _wrong(script: str, why: str) -> ValueError:
    plain = ", ".join(name for name in KINDS if name not in ARGUMENTS)
    with_argument = ", ".join(f"{name}:{what.upper()}" for name, what in ARGUMENTS.items())
    return ValueError(
        f"{script!r} is no fault: {why}. Write OPERATION:REQUESTS=KIND, for example user_post:3=empty, "
        "user_post:2-4=429;retry_after=2, post_detail:*=403 or media:1=html. REQUESTS is N, N-M, N- or *. "
        f"KIND is {plain}, {with_argument}, or a status of {', '.join(map(str, STATUSES))} (with ;body for a body)."
    )
