"""A clock of a test's own in place of the machine's."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta, tzinfo

import pytest

_READERS = ("pipelines.house", "pipelines.extract.crawler", "pipelines.extract.media")


def wrong_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[timedelta], None]:
    """What sets the clock of this program so far ahead of the machine's, or behind it."""
    ahead = timedelta(0)

    class Wrong(datetime):
        @classmethod
        def now(cls, tz: tzinfo | None = None) -> datetime:  # type: ignore[override]
            return datetime.now(tz) + ahead

    def set_by(offset: timedelta) -> None:
        nonlocal ahead
        ahead = offset

    for module in _READERS:
        monkeypatch.setattr(f"{module}.datetime", Wrong)
    return set_by
