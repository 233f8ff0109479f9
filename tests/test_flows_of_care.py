"""What the flows that look after the archive leave in Prefect's UI."""

from __future__ import annotations

from flows.maintain import maintained, verified
from pipelines.care.maintaining import Maintained
from pipelines.care.verifying import Problem, Verified


def test_a_verification_is_told_in_markdown_with_at_most_a_hundred_problems() -> None:
    found = Verified(files=3, bytes=1000, problems=[Problem("missing", f"media/a|b/{n}.mp4") for n in range(101)])
    text = verified(found)
    assert "101 problems" in text
    assert "`media/a b/0.mp4`" in text
    assert "and 1 more" in text
    assert text.count("| missing |") == 100


def test_maintenance_is_told_in_markdown_before_and_after() -> None:
    before = {"tables": [{"table": "posts", "files": 9}], "queries_ms": {"q": 2.0}}
    after = {"tables": [{"table": "posts", "files": 1}], "queries_ms": {"q": 1.0}}
    text = maintained(Maintained(before=before, after=after))
    assert "| posts | 9 | 1 |" in text
    assert "| q | 2.0 | 1.0 |" in text
