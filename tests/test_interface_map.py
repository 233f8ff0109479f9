"""The README's Interface map: every import path is there, every example compiles, no row of the spec is missing."""

from __future__ import annotations

import ast
import importlib
import re
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[1]
NAME = re.compile(r"[a-z][A-Za-z0-9_]+")


def rows() -> list[tuple[str, str, str]]:
    text = (ROOT / "README.md").read_text("utf-8")
    _, found, rest = text.partition("## Interface map\n")
    assert found, "README.md has a section Interface map"
    lines = [line for line in rest.partition("\n## ")[0].splitlines() if line.startswith("| ")][2:]
    parts = [[cell.strip().strip("`") for cell in line.strip("| ").split(" | ")] for line in lines]
    assert all(len(cells) == 3 for cells in parts)
    return [(cells[0], cells[1], cells[2]) for cells in parts]


ROWS = rows()


def resolved(path: str) -> Any:
    module, _, name = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), name)
    except ModuleNotFoundError:
        return getattr(resolved(module), name)


@pytest.mark.parametrize(("row", "path", "example"), ROWS, ids=[path for _, path, _ in ROWS])
def test_each_row_leads_to_something_that_can_be_called_as_shown(row: str, path: str, example: str) -> None:
    assert row
    assert callable(resolved(path))
    compile(example, path, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    assert f"{path.rpartition('.')[2]}(" in example


def test_no_row_stands_there_twice() -> None:
    assert len({path for _, path, _ in ROWS}) == len(ROWS) == 63


def test_the_other_spellings_are_there_too() -> None:
    for name in ("create_download_tasks", "handler_download", "create_stream_task", "handler_stream"):
        assert callable(resolved(f"pipelines.handler.DouyinDownloader.{name}"))
    assert callable(resolved("pipelines.extract.signing.XBogusManager.model_2_endpoint"))


def names_of_the_spec(page: str) -> list[str]:
    lists = page.partition("## handler接口列表")[0]
    names = []
    for line in lists.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        found = [cell for cell in cells[1:] if NAME.fullmatch(cell)]
        if "MixIdFetcher" in cells:
            found = ["get_mix_id"]  # the spec gives the class alone
        names += found[-1:]
    return names


def test_every_name_of_the_spec_stands_in_the_map_once(shared: Path) -> None:
    named = names_of_the_spec((shared / "spec" / "interface-list.md").read_text("utf-8"))
    assert len(named) == 63
    assert sorted(named) == sorted(path.rpartition(".")[2] for _, path, _ in ROWS)
