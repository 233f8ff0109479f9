"""A Prefect server of a test's own, asked as its UI asks it."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from deployments.serve import own_server

ROOT = Path(__file__).parents[1]
PREFECT = [sys.executable, "-m", "prefect", "--no-prompt"]
BOOKS: Path | None = None
"""Where all workers of a session of pytest find the database of a Prefect server that nobody has used yet."""
_ENDED = {"COMPLETED", "FAILED", "CRASHED", "CANCELLED"}


@pytest.fixture
def prefect_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of the API of a Prefect server that ends with the test."""
    for name in ("PREFECT_API_URL", "PREFECT_SERVER_ANALYTICS_ENABLED"):
        monkeypatch.setenv(name, "")  # own_server sets them: as they were, after the test
    monkeypatch.setenv("PREFECT_HOME", str(new_home(tmp_path / "prefect")))
    with own_server(free_port()) as address:
        yield f"{address}/api"


def new_home(home: Path) -> Path:
    """A Prefect home whose database is made already: a server takes longer for that than for all else at its start."""
    if BOOKS is not None and not home.exists():
        if not BOOKS.exists():
            _make_books(BOOKS)
        shutil.copytree(BOOKS, home)
    return home


def _make_books(books: Path) -> None:
    """Have Prefect make its database; where another worker does so already, wait for it."""
    making, until = books.with_name(f"{books.name}-making"), time.monotonic() + 120
    try:
        making.mkdir()
    except FileExistsError:
        while not books.exists():
            assert time.monotonic() < until, "another worker did not make Prefect's database"
            time.sleep(0.2)
        return
    own = {"PATH": os.environ["PATH"], "HOME": str(making), "PREFECT_HOME": str(making)}
    command = [*PREFECT, "server", "database", "upgrade", "--yes"]
    done = subprocess.run(command, env=own, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    making.rename(books)


def environment(folder: Path, upstream: str, **own: str) -> dict[str, str]:
    """An environment with nothing of this machine's settings: a Prefect home, an archive and a made-up Douyin."""
    return {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),  # this checkout, whichever one the interpreter has
        "PREFECT_HOME": str(new_home(folder / "prefect")),
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_RUNNER_POLL_FREQUENCY": "1",
        "DO_NOT_TRACK": "1",
        "AWEME_UPSTREAM": upstream,
        "AWEME_MIN_INTERVAL": "0",
        **own,
    }


def free_port() -> int:
    """A port that nobody listens at now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def ask(api: str, path: str, body: Any = None) -> Any:
    """The answer of the server to one question; asked again while its database is busy, as Prefect's client does."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{api}{path}", data=data, headers={"content-type": "application/json"})
    until = time.monotonic() + 60
    while True:
        try:
            with urlopen(request, timeout=30) as answer:
                return json.load(answer)
        except HTTPError as error:
            if error.code != 503 or time.monotonic() > until:
                raise
            time.sleep(1)


def start_run(api: str, deployment: str, parameters: dict[str, Any] | None = None) -> str:
    """Start a flow run of FLOW/NAME as the button in the UI does; its id."""
    found = ask(api, f"/deployments/name/{deployment}")
    body = {"state": {"type": "SCHEDULED"}, "parameters": {**found["parameters"], **(parameters or {})}}
    run: str = ask(api, f"/deployments/{found['id']}/create_flow_run", body)["id"]
    return run


def end_of(api: str, run: str, seconds: float = 120) -> dict[str, Any]:
    """The flow run once it has ended."""
    until = time.monotonic() + seconds
    while (found := ask(api, f"/flow_runs/{run}"))["state_type"] not in _ENDED and time.monotonic() < until:
        time.sleep(0.5)
    return dict(found)


def log_of(api: str, run: str) -> list[tuple[int, str]]:
    """(level, message) of each line in the Logs tab of the run's page."""
    # Asked with nulls where the user chose nothing, as Prefect's own client does.
    body = {"logs": {"flow_run_id": {"any_": [run]}}, "sort": "TIMESTAMP_ASC", "limit": None, "offset": None}
    return [(line["level"], line["message"]) for line in ask(api, "/logs/filter", body)]
