"""The whole job for 1,000 posts, second runs with nothing new, and the time to the first request; memory of each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from bench.lake import fill, open_lake
from deployments.simulator.server import Simulator
from deployments.simulator.world import World

# /proc and getrusage tell the peak of the finished child, not of this process.
CHILD = """
import resource, subprocess, sys, json, time
began = time.monotonic()
done = subprocess.run(sys.argv[1:], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
found = {"seconds": time.monotonic() - began, "peak_mb": peak, "out": done.stdout.decode(), "rc": done.returncode}
print(json.dumps(found))
"""


def aweme(*words: str, environ: dict[str, str]) -> dict[str, Any]:
    command = [sys.executable, "-c", CHILD, sys.executable, "-m", "deployments.cli", *words]
    environ = {**os.environ, **environ}
    environ.pop("PYTHONDONTWRITEBYTECODE", None)  # an installed program is not compiled anew at each start
    done = subprocess.run(command, env=environ, capture_output=True, check=True, text=True)
    found: dict[str, Any] = json.loads(done.stdout)
    if found["rc"]:
        raise SystemExit(f"aweme {' '.join(words)} ended with {found['rc']}: {found['out'][-500:]}")
    return found


def row(what: str, value: float, unit: str, **more: Any) -> dict[str, Any]:
    return {"what": what, "value": value, "unit": unit, **more}


def run(posts: int = 1000, others: int = 1_000_000) -> list[dict[str, Any]]:
    """`others` are posts of other accounts in the archive of the last run."""
    rows = []
    with tempfile.TemporaryDirectory() as folder, Simulator(World(seed=5, users=1, posts=posts)) as simulator:
        root = Path(folder) / "a"
        environ = {"AWEME_ROOT": str(root), "AWEME_UPSTREAM": simulator.url, "AWEME_MIN_INTERVAL": "0"}
        home = simulator.world.accounts[0].home
        helped = min(aweme("--help", environ=environ)["seconds"] for _ in range(3))
        rows.append(row("aweme --help", helped, "s", yardstick="0.5 s"))
        began = time.time()
        first = aweme("archive", home, "--media", "none", "--json", environ=environ)
        api = [r for r in simulator.log if r.path.startswith("/aweme/")]
        rows.append(row("first request after pressing enter", api[0].time - began, "s", yardstick="1.5 s"))
        rows.append(row(f"{posts} posts, rows only", first["seconds"], "s"))
        rows.append(row(f"{posts} posts, rows only: peak memory", first["peak_mb"], "MB", yardstick="350 MB"))
        files = aweme("archive", home, "--media", "video,image,cover", "--json", environ=environ)
        rows.append(row(f"{posts} posts: their files", files["seconds"], "s"))
        rows.append(row(f"{posts} posts: their files, peak memory", files["peak_mb"], "MB", yardstick="350 MB"))
        before = len([r for r in simulator.log if r.path.startswith("/aweme/")])
        again = aweme("archive", home, "--json", environ=environ)
        rows.append(row("second run, nothing new", again["seconds"], "s", yardstick="2 s"))
        after = len([r for r in simulator.log if r.path.startswith("/aweme/")])
        rows.append(row("second run, nothing new: API requests", after - before, "requests", yardstick="2"))
        with open_lake(root) as lake:
            fill(lake, others)
        aweme("maintain", "--json", environ=environ)
        os.sync()  # commits would wait for the disk to take the million, which is no part of a run
        among = min((aweme("archive", home, "--json", environ=environ) for _ in range(3)), key=lambda it: it["seconds"])
        rows.append(row(f"nothing new, among {others:,} other posts", among["seconds"], "s", yardstick="2 s"))
        rows.append(row(f"nothing new, among {others:,}: peak memory", among["peak_mb"], "MB", yardstick="350 MB"))
    return rows
