"""The house rules, checked by reading the imports."""

from __future__ import annotations

import ast
import subprocess
import sys
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = ("schemas", "pipelines", "flows", "deployments")
MODULES = sorted(path for package in PACKAGES for path in (ROOT / package).rglob("*.py"))
HOMES = {
    "prefect": ("flows", "deployments"),
    "httpx": ("pipelines/extract", "deployments/simulator"),
    "httptools": ("pipelines/extract",),
    "duckdb": ("pipelines/load",),
    "fsspec": ("pipelines/load",),
    "s3fs": ("pipelines/load",),
}
STAGES = {"extract", "transform", "load"}


def imports_of(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def place_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def name_of(path: Path) -> str:
    return place_of(path)[:-3].replace("/", ".").removesuffix(".__init__")


def touches(names: set[str], module: str) -> bool:
    return any(name == module or name.startswith(module + ".") for name in names)


@pytest.mark.parametrize("path", MODULES, ids=place_of)
def test_every_library_stays_in_its_home(path: Path) -> None:
    names = imports_of(path)
    for library, homes in HOMES.items():
        if touches(names, library):
            assert place_of(path).startswith(homes), f"{library} has its home in {homes}"


@pytest.mark.parametrize("path", MODULES, ids=place_of)
def test_nothing_reaches_up_or_across(path: Path) -> None:
    names, place = imports_of(path), place_of(path)
    forbidden = {"tests"}
    if place.startswith("schemas/"):
        forbidden |= {"pipelines", "flows", "deployments"}
    elif place.startswith("pipelines/"):
        forbidden |= {"flows", "deployments"}
        stage = place.split("/")[1]
        if stage in STAGES:
            allowed = {"pipelines.errors", f"pipelines.{stage}", "pipelines"}
            strange = {n for n in names if n.startswith("pipelines")} - allowed
            strange = {n for n in strange if not n.startswith(("pipelines.errors.", f"pipelines.{stage}."))}
            assert not strange, f"stage {stage} knows {strange}"
    elif place.startswith("flows/"):
        forbidden |= {"deployments"}
    elif place.startswith("deployments/simulator/"):
        forbidden |= {"schemas", "pipelines", "flows"}
        strange = {n for n in names if n.startswith("deployments") and not n.startswith("deployments.simulator")}
        assert not strange - {"deployments"}, f"the simulator knows {strange}"
    for package in forbidden:
        assert not touches(names, package), f"{place} imports {package}"


@pytest.mark.parametrize("path", MODULES, ids=place_of)
def test_only_those_who_join_the_stages_read_settings(path: Path) -> None:
    if STAGES & set(path.parts):
        assert not touches(imports_of(path), "pipelines.settings")


@pytest.mark.parametrize("path", [p for p in MODULES if p.parts[-2] == "transform"], ids=place_of)
def test_transform_knows_no_clock_and_no_environment(path: Path) -> None:
    names = imports_of(path)
    for library in ("os", "time", "random", "secrets", "pathlib", "socket"):
        assert not touches(names, library)


WATCHER = """
import socket, sys, builtins, threading, importlib, pkgutil
def refuse(*a, **k): raise AssertionError("an import opened a socket")
socket.socket.connect = refuse
opened = []
real = builtins.open
def watched(file, mode="r", *a, **k):
    if any(c in mode for c in "wax+"): opened.append(str(file))
    return real(file, mode, *a, **k)
builtins.open = watched
for name in sys.argv[1:]:
    importlib.import_module(name)
assert not opened, opened
assert threading.active_count() == 1, threading.enumerate()
"""


def test_importing_any_module_does_nothing() -> None:
    modules = [
        name_of(p)
        for p in MODULES
        if not place_of(p).startswith("flows/") and p.name != "__main__.py"  # prefect itself starts threads
    ]
    done = subprocess.run([sys.executable, "-c", WATCHER, *modules], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_two_modules_know_each_other() -> None:
    modules = {name_of(path): path for path in MODULES}
    order = TopologicalSorter({name: imports_of(path) & modules.keys() - {name} for name, path in modules.items()})
    order.prepare()  # raises CycleError, which names the circle


def test_help_needs_none_of_the_slow_libraries() -> None:
    code = (
        "import sys, deployments.cli\n"
        "slow = {'prefect', 'polars', 'duckdb', 'pyarrow', 'httpx', 'pydantic', 'rich'} & set(sys.modules)\n"
        "assert not slow, slow"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_no_module_holds_more_than_one_subject() -> None:
    long = {place_of(p): n for p in MODULES if (n := len(p.read_text("utf-8").splitlines())) > 400}
    assert not long, f"what second subject moved in? {long}"
