"""The error tree, sorted by what the run should do now. No I/O here.

ArchiveError
├── Transient      try again later        RateLimited · Unreachable · Interrupted · LakeBusy
├── Absent         note it, go on         Deleted · Private · NotFound
├── Blocked        stop, call a person    LoginExpired · VerificationAsked · SignatureRefused
├── Unfamiliar     keep raw, go on, warn
└── BadInput       say so, do nothing
"""

from __future__ import annotations

import errno
from typing import Any

NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
"""The numbers of an OSError by which a system says that a disk or a share of it is full."""


class ArchiveError(Exception):
    """Anything that the archive itself says went wrong; the message says what to do next.

    `facts` are values worth keeping beside the message (http_status, retry_after_s, filter_reason, page, ...);
    they must never hold a cookie or a token. Every error pickles, facts included.
    """

    def __init__(self, message: str = "", **facts: Any) -> None:
        super().__init__(message)
        self.facts = facts

    def __reduce__(self) -> tuple[Any, ...]:
        return (_rebuild, (type(self), str(self), self.facts))


def _rebuild(kind: type[ArchiveError], message: str, facts: dict[str, Any]) -> ArchiveError:
    return kind(message, **facts)


class Transient(ArchiveError):
    """It may work later: try again after a pause."""


class RateLimited(Transient):
    """Douyin asks to slow down: 429, or a 200 or 444 with an empty body. `retry_after_s` where it said how long."""


class Unreachable(Transient):
    """No answer: connection refused or reset, time-out, 5xx."""


class Interrupted(Transient):
    """An answer or a file that broke off, or a run that was stopped."""


class LakeBusy(Transient):
    """Another writer holds the catalog."""


class Absent(ArchiveError):
    """What was asked for is not there to be had; note it and go on."""


class Deleted(Absent):
    """It was there and is gone. `filter_reason` is Douyin's own word."""


class Private(Absent):
    """It is there, but not for this viewer. `filter_reason` is Douyin's own word."""


class NotFound(Absent):
    """Douyin knows nothing of it."""


class Blocked(ArchiveError):
    """Stop and call a person; the message says what they can do."""


class LoginExpired(Blocked):
    """The operation needs a login, and the cookie does not give one."""


class VerificationAsked(Blocked):
    """Douyin shows a captcha or another challenge; this program does not solve them."""


class SignatureRefused(Blocked):
    """Douyin refuses how requests are signed."""


class Unfamiliar(ArchiveError):
    """An answer shaped like none we know; it is kept raw."""


class BadInput(ArchiveError):
    """A link that leads nowhere, a setting that cannot be."""
