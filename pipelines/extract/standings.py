"""Where a QR code of a login stands, by Douyin's answer. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from pipelines.errors import Unfamiliar, VerificationAsked
from pipelines.extract.refusals import by_status_code
from schemas.bodies import load_json

Kind = Literal["new", "scanned", "confirmed", "refused", "too often", "expired", "abnormal", "unknown"]

_ABNORMAL = 2046
_BUSY = 2156
# Numbers of 2023, also seen as ints, and the words that came later. 4 has been both a refusal and "too often".
_KINDS: dict[str, Kind] = {
    "1": "new",
    "2": "scanned",
    "3": "confirmed",
    "4": "too often",
    "5": "expired",
    "new": "new",
    "scanned": "scanned",
    "confirmed": "confirmed",
    "refused": "refused",
    "expired": "expired",
}
_TEXTS: dict[Kind, str] = {
    "new": "Waiting for the code to be scanned.",
    "scanned": "The code was scanned; confirm the login in the app.",
    "confirmed": "The login was confirmed.",
    "refused": "The login was refused in the app; run it again to have a new code.",
    "too often": "Douyin refuses the code, or wants fewer questions; waiting a little longer.",
    "expired": "The code has expired.",
    "abnormal": "Douyin finds this surrounding abnormal (2046); a browser's cookie works better: aweme login --browser",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """One answer: its kind, Douyin's own `word` for it, and the error code with what was said of it."""

    kind: Kind
    word: str
    code: int = 0
    said: str = ""

    @property
    def is_good(self) -> bool:
        """Whether this is how a login goes."""
        return self.kind in {"new", "scanned", "confirmed", "expired"}

    @property
    def text(self) -> str:
        """The standing, for people."""
        if self.kind == "unknown":
            return f"Douyin says {self.word!r} of the code, which this program does not know; waiting on."
        return _TEXTS[self.kind]


def read_standing(body: bytes) -> Standing:
    """Where a code stands; the error that fits where Douyin refuses to say (4031, ...), Unfamiliar for no JSON.

    VerificationAsked where a ticket for a second factor comes with it, whatever the standing is.
    """
    try:
        answer = load_json(body)
    except ValueError as error:
        raise Unfamiliar("Douyin's answer about the login is no JSON; run it again later.") from error
    answer = _fields(answer)
    data = _fields(answer.get("data"))
    if answer.get("verify_ticket") or data.get("verify_ticket"):
        raise VerificationAsked(
            "Douyin asks for a second proof of who you are; log in with a browser, then: aweme login --browser"
        )
    code = _whole(answer.get("error_code")) or _whole(data.get("error_code"))
    said = str(answer.get("description") or data.get("description") or "")[:200]
    if code not in (0, _ABNORMAL, _BUSY):
        raise by_status_code(code, said, target="the login")
    if code == _BUSY:
        return Standing("too often", str(code), code, said)
    status = data.get("status")
    if code == _ABNORMAL or status is None or status == "":
        return Standing("abnormal", str(_ABNORMAL), _ABNORMAL, said)  # Douyin leaves the status out then
    word = str(status).strip().lower()[:40]
    return Standing(_KINDS.get(word, "unknown"), word, code, said)


def _fields(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _whole(value: Any) -> int:
    if isinstance(value, str) and value.strip().isdecimal() and len(value) < 20:
        return int(value)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
