"""Fields of raw answers that were not there before."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from archives import settings_for
from click.testing import CliRunner

from deployments.cli import cli
from pipelines.house import open_lake
from pipelines.transform.shapes import paths_of
from schemas.pages import Page


def test_paths_name_every_field_and_fold_ids_and_lists() -> None:
    body = b'{"a": [{"b": 1}, {"c": {"7001": {"d": null}}}], "e": []}'
    assert paths_of(body) == {"a", "a[].b", "a[].c", "a[].c.{id}", "a[].c.{id}.d", "e"}
    assert paths_of(b"<html>") == set()
    assert paths_of(b"[" * 500 + b"]" * 500) == set()


def keep(lake: Any, name: str, days_ago: float, operation: str, body: bytes) -> None:
    at = datetime.now(UTC) - timedelta(days=days_ago)
    lake.keep_page(Page(name, operation, "x", "0", at, 200, body, item_count=1), run_id="r")


def test_status_shows_fields_first_seen_lately_with_page_and_count(tmp_path: Path) -> None:
    settings = settings_for(tmp_path, "http://127.0.0.1:9")
    with open_lake(settings) as lake:
        keep(lake, "a", 30, "user_post", b'{"list": [{"id": 1}]}')
        keep(lake, "b", 3, "user_post", b'{"list": [{"id": 1, "new": {"x": 1}}]}')
        keep(lake, "c", 2, "user_post", b'{"list": [{"id": 1, "new": {"x": 1}}], "later": 1}')
        keep(lake, "d", 1, "hot_board", b'{"never": "compared"}')
    told = CliRunner().invoke(cli, ["status", "--fields", "--json", "--root", str(tmp_path)], standalone_mode=False)
    found = [(f["path"], f["first_page"], f["pages"]) for f in json.loads(told.output)["fields"]]
    assert found == [("later", "c", 1), ("list[].new", "b", 2), ("list[].new.x", "b", 2)]
