"""`make bench [ARGS="transform download"]`: every benchmark beside its yardstick, as a table and as JSON.

Before each, how quick the machine is: on a shared one that may change from minute to minute.
"""

from __future__ import annotations

import importlib
import json
import platform
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

NAMES = ("signing", "transform", "pipeline", "lake", "queries", "download", "job", "care")
ONE = "--one"  # this program to itself
RESULTS = Path(__file__).parent / "results"


def main(words: list[str]) -> int:
    if {"-h", "--help"} & set(words):
        print(f"{__doc__}\n\nBenchmarks: {', '.join(NAMES)}")
        return 0
    if unknown := [word for word in words if word not in NAMES]:
        print(f"There is no benchmark {unknown[0]!r}: choose from {', '.join(NAMES)}.", file=sys.stderr)
        return 2
    rows: list[dict[str, Any]] = []
    for name in words or NAMES:
        print(f"{name} ...", file=sys.stderr)
        rows += [{"benchmark": name, **row} for one in ("machine", name) for row in alone(one)]
    columns = ("benchmark", "what", "value", "unit", "yardstick", "ratio")
    widths = [max(len(column), *(len(shown(row.get(column))) for row in rows)) for column in columns]
    print("  ".join(column.ljust(width) for column, width in zip(columns, widths, strict=True)))
    for row in rows:
        cells = zip(columns, widths, strict=True)
        print("  ".join(shown(row.get(column)).ljust(width) for column, width in cells).rstrip())
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{time.strftime('%Y%m%d-%H%M%S')}.json"
    machine = {"python": platform.python_version(), "system": platform.platform()}
    path.write_text(json.dumps({"machine": machine, "rows": rows}, indent=1), "utf-8")
    print(f"\n{path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path}")
    return 0


def alone(name: str) -> list[dict[str, Any]]:
    """The rows of a benchmark from a process of its own: a child's peak of memory begins with its parent's."""
    done = subprocess.run([sys.executable, "-m", "bench", ONE, name], stdout=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(f"The benchmark {name} ended with {done.returncode}.")
    rows: list[dict[str, Any]] = json.loads(done.stdout.splitlines()[-1])
    return rows


def shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    return str(value)


if __name__ == "__main__":
    match sys.argv[1:]:
        case [word, name] if word == ONE:
            print(json.dumps(importlib.import_module(f"bench.{name}").run()))
        case words:
            sys.exit(main(words))
