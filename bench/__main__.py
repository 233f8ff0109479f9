"""`make bench [ARGS="transform download"]`: every benchmark beside its yardstick, as a table and as JSON."""

from __future__ import annotations

import importlib
import json
import platform
import sys
import time
from pathlib import Path
from typing import Any

NAMES = ("transform", "pipeline", "lake", "queries", "download", "job", "care")
RESULTS = Path(__file__).parent / "results"


def main(names: list[str]) -> None:
    rows: list[dict[str, Any]] = []
    for name in names or NAMES:
        try:
            module = importlib.import_module(f"bench.{name}")
        except ModuleNotFoundError as error:
            if error.name == f"bench.{name}":
                continue
            raise
        print(f"{name} ...", file=sys.stderr)
        rows += [{"benchmark": name, **row} for row in module.run()]
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


def shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 100 else f"{value:.2f}"
    return str(value)


if __name__ == "__main__":
    main(sys.argv[1:])
