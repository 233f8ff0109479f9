"""Names that Linux, macOS and Windows all accept: cleaning them, and cutting them to a number of bytes. No I/O here."""

from __future__ import annotations

import re
import unicodedata

GAP = "......"
"""Stands where the middle of a name was cut out."""

# Most names have nothing of this, and are done with one look.
_ODD = re.compile(
    r'[<>:"/\\|?*\x00-\x1f\x7f-\x9f\ud800-\udfff\u200b\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]|[^\S ]|  '
)
_FORBIDDEN = re.compile(r'[<>:"/\\|?*]')
# Windows keeps these for devices, whatever the suffix.
_DEVICES = re.compile(r"(?i)^(con|prn|aux|nul|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³]) *(\.|$)")
# They turn text around or are not seen at all: a name with them looks like another.
_INVISIBLE = frozenset("\u200b\u200e\u200f\u2028\u2029\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\ufeff")
_JOINER = "\u200d"


def clean(text: str) -> str:
    """The text without what no file name may hold; may be empty. Cleaning twice changes nothing."""
    letters = unicodedata.normalize("NFC", text)
    if not _ODD.search(letters):
        return letters
    letters = "".join("_" if _is_bad(letter) else " " if letter.isspace() else letter for letter in letters)
    letters = "".join(letter for letter in _FORBIDDEN.sub("_", letters) if letter not in _INVISIBLE)
    return unicodedata.normalize("NFC", re.sub(" +", " ", letters))


def legal_name(text: str, limit: int = 200, otherwise: str = "unnamed") -> str:
    """One legal path component of at most `limit` bytes in UTF-8; `otherwise` where nothing is left of the text."""
    name = clean(text).strip(" ").strip(". ")
    name = cut(name, limit).strip(". ") or otherwise
    if _DEVICES.match(name):
        name = cut("_" + name, limit)
    return name


def cut(text: str, limit: int) -> str:
    """At most `limit` bytes in UTF-8: two thirds of the head, a gap, one third of the tail; no character is split."""
    if len(text.encode()) <= limit:
        return text
    room = limit - len(GAP)
    if room < len(GAP):
        return _taken(clusters(text), limit)
    parts = clusters(text)
    head = _taken(parts, room - room // 3)
    tail = _taken([part[::-1] for part in reversed(parts)], room - len(head.encode()))[::-1]
    return head + GAP + tail


def clusters(text: str) -> list[str]:
    """The text in pieces that a reader sees as one character: a letter with its marks, an emoji with its joiners."""
    parts: list[str] = []
    for letter in text:
        if parts and (_joins(letter) or parts[-1].endswith(_JOINER) or _is_second_half_of_flag(parts[-1], letter)):
            parts[-1] += letter
        else:
            parts.append(letter)
    return parts


def _taken(parts: list[str], limit: int) -> str:
    taken: list[str] = []
    for part in parts:
        limit -= len(part.encode())
        if limit < 0:
            break
        taken.append(part)
    return "".join(taken)


def _is_bad(letter: str) -> bool:
    # Cc: control characters, Cs: halves of characters that UTF-8 cannot write. Line ends count as spaces.
    return unicodedata.category(letter) in ("Cc", "Cs") and letter not in "\t\n\r\v\f"


def _joins(letter: str) -> bool:
    return letter == _JOINER or unicodedata.category(letter)[0] == "M" or "\U0001f3fb" <= letter <= "\U0001f3ff"


def _is_second_half_of_flag(part: str, letter: str) -> bool:
    return len(part) == 1 and all("\U0001f1e6" <= half <= "\U0001f1ff" for half in (part, letter))
