"""What the flows that look after the archive leave in Prefect's UI."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from flows.maintain import maintain, maintained, verified, verify
from pipelines.care.maintaining import Maintained
from pipelines.care.verifying import Problem, Verified
from pipelines.errors import BadInput
from schemas.settings import MOST_DAYS


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


@pytest.mark.parametrize("flow", [maintain, verify], ids=lambda flow: flow.name)
def test_a_place_without_an_archive_is_refused_and_none_is_made_there(flow: Any, tmp_path: Path) -> None:
    state = asyncio.run(flow.fn(root=str(tmp_path / "mistyped")))
    assert state.is_failed()
    assert "no archive" in state.message
    with pytest.raises(BadInput, match="no archive"):
        asyncio.run(state.aresult())
    assert not (tmp_path / "mistyped").exists()


@pytest.mark.parametrize("flow", [maintain, verify], ids=lambda flow: flow.name)
def test_the_forms_of_the_flows_say_of_each_parameter_what_it_is_and_how_far_it_goes(flow: Any) -> None:
    form = flow.parameters.model_dump()["properties"]
    assert all(field.get("type") or field.get("anyOf") for field in form.values()), form
    assert all(field.get("description") for field in form.values()), form
    assert {field.get("maximum") for name, field in form.items() if name in ("share", "keep_days")} <= {1, MOST_DAYS}
