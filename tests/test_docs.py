"""Generated documentation is up to date."""

from __future__ import annotations

import importlib
import pkgutil
import re
from fnmatch import fnmatch
from pathlib import Path

import pytest

import schemas
from schemas import docs
from schemas.catalog import TABLES
from schemas.table import Kind, Table

ROOT = Path(__file__).parents[1]
ARCHITECTURE = ROOT / "ARCHITECTURE.md"


def test_every_table_that_is_declared_is_in_the_catalog():
    modules = [importlib.import_module(f"schemas.{found.name}") for found in pkgutil.iter_modules(schemas.__path__)]
    declared = {value.name for module in modules for value in vars(module).values() if isinstance(value, Table)}
    assert declared == {table.name for table in TABLES}


def test_the_architecture_names_every_table_beside_its_kind():
    lines = [line.split("|") for line in ARCHITECTURE.read_text("utf-8").splitlines() if line.startswith("| ")]
    named = {cells[1].strip(): {name.strip() for name in cells[-2].split(",")} for cells in lines}
    for kind in Kind:
        assert named[kind] == {table.name for table in TABLES if table.kind is kind}


def test_the_readme_of_schemas_says_what_the_declarations_say():
    text = docs.README.read_text(encoding="utf-8")
    assert docs.readme(text) == text, "run: python -m schemas.docs"


def test_every_column_of_every_table_is_in_the_readme():
    text = docs.README.read_text(encoding="utf-8")
    for table in TABLES:
        section = text.partition(f"\n### {table.name}\n")[2].partition("\n### ")[0]
        assert all(f"| `{column.name}` | {column.sql_type} |" in section for column in table)


@pytest.mark.parametrize("place", ["schemas", "pipelines", "flows", "deployments", "deployments/simulator"])
def test_the_readme_of_a_folder_says_what_each_module_holds(place: str) -> None:
    lines = [line for line in (ROOT / place / "README.md").read_text("utf-8").splitlines() if line.startswith("| `")]
    named = [name for line in lines for name in re.findall(r"`([^`]+\.py)`", line.split(" | ")[0])]
    modules = {path.name for path in (ROOT / place).glob("*.py")} - {"__init__.py"}
    assert {name for name in modules if not any(fnmatch(name, pattern) for pattern in named)} == set()
    assert [pattern for pattern in named if not any(fnmatch(name, pattern) for name in modules)] == []
