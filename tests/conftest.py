"""Fixtures that several test modules share."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import lakes
import prefects
import pytest
from prefects import prefect_server
from servers import postgres_server, s3_server

from deployments.simulator.server import Simulator
from deployments.simulator.world import World

__all__ = ["postgres_server", "prefect_server", "s3_server", "shared", "simulator", "world"]

_SHARED = Path(__file__).parents[2] / "shared"

# Files that take one of two workers more than half a minute, the longest first.
_LONG = (
    "care_servers",
    "serve",
    "rebuild",
    "cli",
    "memory",
    "maintain",
    "recording",
    "vanished",
    "moving",
    "lost_server",
    "care_killed",
    "overtaken",
    "work_pool",
    "flows",
    "cli_surroundings",
    "branches",
    "modes",
    "login_command",
    "jobs",
    "retry",
    "export",
    "lake_servers",
)

if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    # A shell starts what it puts in the background so, and every process that a test starts would be deaf to Ctrl-C.
    signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Long files first: a worker that takes one when the other has nothing left to do keeps everybody waiting."""
    place = {f"test_{name}": number for number, name in enumerate(_LONG)}
    items.sort(key=lambda item: place.get(item.path.stem, len(place)))


@pytest.fixture(scope="session", autouse=True)
def empty_archive(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A place for the archive without a row that others begin as."""
    lakes.EMPTY = tmp_path_factory.mktemp("begin") / "root"


@pytest.fixture(scope="session", autouse=True)
def prefect_books(tmp_path_factory: pytest.TempPathFactory) -> None:
    """A place for the database that others begin with, for all workers: theirs lie beside each other."""
    own = tmp_path_factory.getbasetemp()
    prefects.BOOKS = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "prefect"


@pytest.fixture(scope="session")
def shared() -> Path:
    """The folder of protocol notes and captures beside the checkout; skips where it is absent."""
    if not _SHARED.is_dir():
        pytest.skip("the protocol notes and captures (shared/) are not beside this checkout")
    return _SHARED


@pytest.fixture
def world() -> World:
    """A small world of its own for each test: its first account has every kind of post."""
    return World()


@pytest.fixture
def simulator(world: World) -> Iterator[Simulator]:
    """The made-up Douyin on a loopback port; `simulator.url` is what AWEME_UPSTREAM wants."""
    with Simulator(world) as running:
        yield running
