"""The error tree answers: what should the run do now?"""

from __future__ import annotations

import pickle

import pytest

from pipelines import errors

EVERY = [kind for kind in vars(errors).values() if isinstance(kind, type) and issubclass(kind, errors.ArchiveError)]


@pytest.mark.parametrize("kind", EVERY)
def test_every_error_survives_the_way_between_processes(kind: type[errors.ArchiveError]) -> None:
    error = kind("wait a little", retry_after_s=3, filter_reason="status_self_see")
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is kind
    assert str(again) == "wait a little"
    assert again.facts == error.facts


def test_every_leaf_stands_in_the_drawing_of_the_tree() -> None:
    drawn = errors.__doc__ or ""
    for kind in EVERY:
        assert kind.__name__ in drawn


def test_every_error_has_a_place_that_says_what_to_do() -> None:
    places = (errors.Transient, errors.Absent, errors.Blocked, errors.Unfamiliar, errors.BadInput)
    for kind in set(EVERY) - {errors.ArchiveError}:
        assert issubclass(kind, places)
