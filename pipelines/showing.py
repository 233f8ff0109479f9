"""What strangers wrote, on its way to a person's eyes: letters that act there are written out. No I/O here.

The archive keeps every text as it came; a terminal would obey some of them, and others turn the line around.
"""

from __future__ import annotations

import re

# Control characters, which terminals obey (those of 8 bits, too), and marks that turn what follows them around.
_ACTING = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
_LINES = re.compile("[\n\t\u2028\u2029]")


def visible(text: str) -> str:
    """The text with acting letters written out in hexadecimal digits; ends of lines and tabs stay."""
    return _ACTING.sub(_written_out, text)


def in_line(text: str) -> str:
    """The same on one line."""
    return _LINES.sub(_written_out, visible(text))


def visible_json(text: str) -> str:
    """JSON with acting letters escaped: the same values to whoever reads it."""
    return _ACTING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _written_out(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()
