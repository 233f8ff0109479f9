"""How long to wait."""

from __future__ import annotations

import random

import pytest

from pipelines.errors import LoginExpired, RateLimited, Unfamiliar, Unreachable
from pipelines.extract.pacing import Pace


def test_the_first_request_does_not_wait():
    assert Pace(random.Random(1)).before_request(None) == 0


def test_the_pause_is_counted_from_the_start_of_the_last_request_and_jittered():
    pace = Pace(random.Random(1), min_interval_s=1.0, jitter=0.5)
    pauses = [pace.before_request(0.0) for _ in range(500)]
    assert 1.0 <= min(pauses) < 1.05
    assert 1.45 < max(pauses) <= 1.5
    assert pace.before_request(10.0) == 0


def test_a_stand_in_can_be_asked_without_pauses():
    pace = Pace(random.Random(1), min_interval_s=0)
    assert pace.before_request(0.0) == 0
    assert pace.before_retry(1, Unreachable("x")) == 0


def test_patience_grows_with_every_try_up_to_a_ceiling_and_is_fully_jittered():
    pace = Pace(random.Random(1), max_tries=3000, backoff_s=2.0, max_backoff_s=30.0)
    for tries, ceiling in ((1, 2.0), (2, 4.0), (3, 8.0), (10, 30.0), (2000, 30.0)):
        waits = [pace.before_retry(tries, Unreachable("x")) or 0.0 for _ in range(300)]
        assert max(waits) <= ceiling
        assert max(waits) > ceiling * 0.9
        assert min(waits) < ceiling * 0.1


def test_the_tries_are_counted_the_first_one_too():
    pace = Pace(random.Random(1), max_tries=3)
    assert pace.before_retry(2, Unreachable("x")) is not None
    assert pace.before_retry(3, Unreachable("x")) is None


def test_what_douyin_asks_for_is_the_least_that_is_waited():
    pace = Pace(random.Random(1), min_interval_s=0)
    assert pace.before_retry(1, RateLimited("x", retry_after_s=7.0)) == 7.0


def test_a_wait_beyond_our_patience_is_left_to_the_next_run():
    assert Pace(random.Random(1), patience_s=60).before_retry(1, RateLimited("x", retry_after_s=3600.0)) is None


@pytest.mark.parametrize("error", [LoginExpired("x"), Unfamiliar("x")])
def test_what_a_pause_cannot_mend_is_not_tried_again(error):
    assert Pace(random.Random(1)).before_retry(1, error) is None


def test_being_rate_limited_is_answered_with_a_longer_rest():
    waits = [Pace(random.Random(s)).before_retry(1, RateLimited("x")) or 0.0 for s in range(300)]
    assert 3.5 < max(waits) <= 4.0
