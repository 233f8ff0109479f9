"""An archive of a made-up account in a test: settings, a run, and questions in SQL."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any

from lakes import begin

from pipelines.house import open_lake
from pipelines.jobs import run_job
from pipelines.settings import Settings, load_settings
from schemas.jobs import ArchiveJob, Summary


def settings_for(root: Path | str, upstream: str, **options: Any) -> Settings:
    """Settings of a test: no pauses, nothing from the machine's own environment."""
    own = {"root": str(root), "upstream": upstream, "min_interval": 0.0, "cookie": "none=1", "max_tries": 3}
    return load_settings({**own, **options}, environ={})


def copied(settings: Settings, root: Path, **options: Any) -> Settings:
    """A copy of a local archive, to do with as a test pleases: one may be moved with its catalog."""
    shutil.copytree(settings.root, root)
    return settings_for(root, settings.upstream or "", **options)


def archive(settings: Settings, target: str, on_event: Any = None, **job: Any) -> Summary:
    """Run one job straight away; where nothing is yet, the archive begins as a copy of an empty one."""
    root = Path(settings.root)
    if settings.catalog == f"sqlite:{root}/catalog.sqlite" and not (root.is_dir() and any(root.iterdir())):
        begin(root)
    return archive_anew(settings, target, on_event, **job)


def archive_anew(settings: Settings, target: str, on_event: Any = None, **job: Any) -> Summary:
    """Run one job straight away; an archive that is new is made by it, as a user's is."""
    listen = {"on_event": on_event} if on_event else {}
    return asyncio.run(run_job(settings, ArchiveJob(target=target, **job), **listen))


def ask(settings: Settings, sql: str, *params: Any) -> list[tuple[Any, ...]]:
    """The rows of a query on the archive."""
    with open_lake(settings, read_only=True) as lake:
        return lake.query(sql, list(params)).rows()


def one(settings: Settings, sql: str, *params: Any) -> Any:
    """The single value of a query."""
    return ask(settings, sql, *params)[0][0]
