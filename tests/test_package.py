"""What is built for those who install it as a package."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

ROOT = Path(__file__).parents[1]
PACKAGES = {"schemas", "pipelines", "flows", "deployments"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """The names of the files in the wheel."""
    with ZipFile(built("wheel", ROOT, tmp_path_factory.mktemp("wheel"))) as wheel:
        return wheel.namelist()


def built(what: str, checkout: Path, folder: Path) -> Path:
    """What was built of a checkout, in an empty folder."""
    command = [sys.executable, "-m", "hatchling", "build", "-t", what, "-d", str(folder)]
    subprocess.run(command, cwd=checkout, capture_output=True, text=True, check=True, timeout=120)
    (found,) = folder.iterdir()
    return found


def test_the_wheel_holds_every_module_of_the_packages_and_no_other_folder(wheel: list[str]) -> None:
    folders = {name.partition("/")[0] for name in wheel}
    assert {name for name in folders if not name.endswith(".dist-info")} == PACKAGES
    modules = {path.relative_to(ROOT).as_posix() for package in PACKAGES for path in (ROOT / package).rglob("*.py")}
    assert {name for name in wheel if name.endswith(".py")} == modules
    assert not any(name.endswith(".pyc") for name in wheel)


def test_who_installs_the_wheel_gets_its_types(wheel: list[str]) -> None:
    assert {name for name in wheel if name.endswith("py.typed")} == {f"{package}/py.typed" for package in PACKAGES}


def test_what_else_lies_in_a_checkout_is_not_handed_on_with_its_source(tmp_path: Path) -> None:
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT, checkout, ignore=shutil.ignore_patterns(".venv", ".git", ".*_cache", "__pycache__", "demo"))
    for stray in ("pages/index.html", "aweme-bucket.sqlite", "cookies.txt"):
        (checkout / stray).parent.mkdir(exist_ok=True)
        (checkout / stray).touch()

    with tarfile.open(built("sdist", checkout, tmp_path / "built")) as source:
        names = {name.partition("/")[2] for name in source.getnames()}

    assert {"pyproject.toml", "requirements.lock", "Makefile", ".ci/run", "tests/test_package.py"} <= names
    assert {name for name in names if name.startswith("schemas/")} >= {"schemas/jobs.py", "schemas/py.typed"}
    assert not {"pages/index.html", "aweme-bucket.sqlite", "cookies.txt"} & names
