"""Numbers in the texts that Douyin shows for them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.transform.counts import number_in


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("106", 106),
        ("0", 0),
        ("1.2万", 12_000),
        ("1w+", 10_000),
        ("1.5W", 15_000),
        ("3万+", 30_000),
        ("1000+", 1_000),
        ("1,234", 1_234),
        ("1.07亿", 107_000_000),
        ("2k", 2_000),
        ("106人在线", 106),
        (" 12 万", 120_000),
        ("", None),
        (None, None),
        ("很多", None),
        ("999999999999999亿", None),
        ("9007199254740993", 9_007_199_254_740_993),
        ("9223372036854775808", None),
        ("12345678901234567890人", None),
    ],
)
def test_a_shown_number_is_read(text: str | None, number: int | None) -> None:
    assert number_in(text) == number


@given(st.text())
def test_any_text_is_a_number_that_fits_or_none(text: str) -> None:
    found = number_in(text)
    assert found is None or 0 <= found < 2**63
