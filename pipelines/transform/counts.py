"""Numbers in the texts that Douyin shows for them: 1.2万, 1w+, 3万+, 1000+. No I/O here."""

from __future__ import annotations

import re
from decimal import Decimal

_SHOWN = re.compile(r"\s*(\d{1,19}(?!\d)(?:,\d{3})*(?:\.\d{1,6})?)\s*([万w亿千k])?", re.IGNORECASE)
_UNITS = {"": 1, "千": 1_000, "k": 1_000, "万": 10_000, "w": 10_000, "亿": 100_000_000}
_LARGEST = 2**63 - 1


def number_in(text: str | None) -> int | None:
    """The number that a text begins with; 万 and w are ten thousand, 亿 a hundred million. None where there is none."""
    found = _SHOWN.match(text) if text else None
    if found is None:
        return None
    number = int(Decimal(found[1].replace(",", "")) * _UNITS[(found[2] or "").lower()])
    return number if number <= _LARGEST else None
