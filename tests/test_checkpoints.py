"""Checkpoints survive their way through a row."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from pipelines.load.checkpoints import from_row, to_row
from pipelines.verdicts import holes
from schemas.listings import CHECKPOINTS
from schemas.pages import Checkpoint, Stretch

NOW = datetime(2026, 1, 1, tzinfo=UTC)
words = st.one_of(st.none(), st.text(max_size=5))
times = st.one_of(st.none(), st.just(NOW))
checkpoints = st.builds(
    Checkpoint,
    listing=st.text(max_size=5),
    owner_id=st.text(max_size=5),
    cursor=words,
    is_full=st.booleans(),
    newest_aweme_id=words,
    item_count=st.integers(0, 10**9),
    page_count=st.integers(0, 10**9),
    started_at=times,
    finished_at=times,
    full_walk_at=times,
    stretches=st.lists(st.builds(Stretch, st.integers(0), st.integers(0), st.booleans()), max_size=3).map(tuple),
    verdict=words,
    reason=words,
)


@given(checkpoints)
def test_a_checkpoint_comes_back_as_it_was(checkpoint):
    assert from_row(to_row(checkpoint, NOW)) == checkpoint


def test_its_row_fills_every_column_of_the_table():
    assert set(to_row(Checkpoint("post", "me"), NOW)) == set(CHECKPOINTS.names)


def test_a_row_without_stretches_has_none():
    assert from_row({**to_row(Checkpoint("post", "me"), NOW), "stretches": None}).stretches == ()


def test_a_hole_between_cursors_of_another_unit_is_told_all_the_same() -> None:
    stretches = '[{"high":1700000000000000,"low":1600000000000000,"is_end":false,"items":3}]'
    [hole] = holes("like", stretches)
    assert (hole["newest"].year, hole["oldest"]) == (9999, None)
