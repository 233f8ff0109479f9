"""How long to wait before the next request or the next try. No I/O here, no clock: both are told the time."""

from __future__ import annotations

import random
from dataclasses import dataclass

from pipelines.errors import ArchiveError, RateLimited, Transient


@dataclass(frozen=True)
class Pace:
    """About one request in `min_interval_s`, and patience that grows with each failed try.

    A pause between requests is `min_interval_s` and up to `jitter` of it more, counted from one request's start to the
    next. A failed request waits between nothing and `backoff_s` doubled for each try, `max_backoff_s` at most; never
    less than Douyin asked for. A Retry-After over `patience_s` ends the tries: that is the next run's matter.
    `max_tries` counts the first one. All in seconds; 0 is for stand-ins.
    """

    rng: random.Random
    min_interval_s: float = 1.0
    jitter: float = 0.5
    max_tries: int = 5
    backoff_s: float = 2.0
    max_backoff_s: float = 60.0
    patience_s: float = 300.0

    def before_request(self, since_last_s: float | None) -> float:
        """Seconds to wait, when the last request began `since_last_s` ago; None: there was none."""
        if since_last_s is None:
            return 0.0
        pause = self.min_interval_s * (1.0 + self.rng.random() * self.jitter)
        return max(0.0, pause - since_last_s)

    def before_retry(self, tries: int, error: ArchiveError) -> float | None:
        """Seconds to wait after `tries` tries of which the last gave this error; None: give up."""
        if not isinstance(error, Transient) or tries >= self.max_tries:
            return None
        asked = error.facts.get("retry_after_s")
        if asked is not None and asked > self.patience_s:
            return None
        ceiling = min(self.max_backoff_s, self._first_backoff(error) * 2.0 ** min(tries - 1, 60))
        # Full jitter: many archives that failed together must not come back together.
        return max(asked or 0.0, self.rng.random() * ceiling)

    def _first_backoff(self, error: ArchiveError) -> float:
        # A stand-in without pauses is not waited for either; a service that wants fewer requests gets longer rests.
        scale = min(1.0, self.min_interval_s)
        return self.backoff_s * scale * (2.0 if isinstance(error, RateLimited) else 1.0)
