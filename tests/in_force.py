"""The environment that module-level functions read: the made-up Douyin, an archive of the test's own, no pauses."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from deployments.simulator.server import Simulator
from pipelines.house import open_lake
from pipelines.settings import load_settings


def variables(simulator: Simulator, root: Path) -> dict[str, str]:
    """The AWEME_* variables of a test."""
    return {
        "AWEME_UPSTREAM": simulator.url,
        "AWEME_ROOT": str(root),
        "AWEME_MIN_INTERVAL": "0",
        "AWEME_MAX_TRIES": "2",
        "AWEME_COOKIE": simulator.world.cookie,
    }


@contextmanager
def in_force(simulator: Simulator, root: Path, **more: str) -> Iterator[None]:
    """Those variables in os.environ, and nothing else of ours; as it was before, afterwards."""
    before = dict(os.environ)
    for name in [name for name in os.environ if name.startswith("AWEME_")]:
        del os.environ[name]
    os.environ.update(variables(simulator, root) | more)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def rows(sql: str, *params: Any) -> list[tuple[Any, ...]]:
    """The rows of a query on the archive in force."""
    with open_lake(load_settings(), read_only=True) as lake:
        return lake.query(sql, list(params)).rows()
