"""What is built for those who install it as a package."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"schemas", "pipelines", "flows", "deployments"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True, timeout=120)
    with ZipFile(next(folder.glob("*.whl"))) as built:
        return built.namelist()


def test_the_wheel_holds_every_module_of_the_packages_and_no_other_folder(wheel: list[str]) -> None:
    folders = {name.partition("/")[0] for name in wheel}
    assert {name for name in folders if not name.endswith(".dist-info")} == PACKAGES
    modules = {path.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    assert {name for name in wheel if name.endswith(".py")} == modules
    assert not any(name.endswith(".pyc") for name in wheel)


def test_who_installs_the_wheel_gets_its_types(wheel: list[str]) -> None:
    assert {name for name in wheel if name.endswith("py.typed")} == {f"{package}/py.typed" for package in PACKAGES}
