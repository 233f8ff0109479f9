"""The flows that look after the archive: maintain, verify; each leaves what it found as a Markdown artifact."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.states import Completed, Failed

from pipelines.care.maintaining import maintain as maintain_archive
from pipelines.care.repairing import repair
from pipelines.care.verifying import verify as verify_archive
from pipelines.house import utc_now
from pipelines.settings import Settings, absolute_root, default_catalog, load_settings

if TYPE_CHECKING:
    from prefect.client.schemas.objects import State

    from pipelines.care.maintaining import Maintained
    from pipelines.care.verifying import Verified

_SHOWN = 100


def _settings(root: str | None) -> Settings:
    """The settings of the machine, with another root where one is asked for."""
    settings = load_settings()
    if root is None:
        return settings
    place = absolute_root(root)
    if settings.origins.get("catalog") != "default":
        return replace(settings, root=place)
    from pathlib import Path

    return replace(settings, root=place, catalog=default_catalog(place, Path.cwd()))


@flow(name="maintain")
async def maintain(root: str | None = None, keep_days: float = 30) -> State[Any]:
    """Merge small files of the tables, let old versions go, clean up."""
    done = await asyncio.to_thread(maintain_archive, _settings(root), now=utc_now, keep_days=keep_days)
    await _report("aweme-maintain", maintained(done))
    return Completed(message=f"{done.snapshots_expired} versions let go, {done.files_removed} files removed")


@flow(name="verify")
async def verify(
    root: str | None = None, share: float = 1.0, older_than_days: float | None = None, mend: bool = False
) -> State[Any]:
    """Read kept files against their hashes, storage against the tables; with `mend`, fetch again what is broken."""
    settings = _settings(root)
    age = timedelta(days=older_than_days) if older_than_days is not None else None
    found = await asyncio.to_thread(verify_archive, settings, now=utc_now, share=share, older_than=age)
    if mend:
        await asyncio.to_thread(repair, settings, found, now=utc_now)
    await _report("aweme-verify", verified(found))
    if found.wrong:
        return Failed(
            name="Wrong", message=f"{len(found.wrong)} problems: see the artifact, then aweme verify --repair"
        )
    return Completed(message=f"{found.files} files are right")


def maintained(done: Maintained) -> str:
    """What maintenance did, as Markdown."""
    now = {row["table"]: row["files"] for row in done.after["tables"]}
    lines = ["# Maintenance", "", "| table | files before | files now |", "| --- | --- | --- |"]
    lines += [f"| {row['table']} | {row['files']} | {now.get(row['table'], 0)} |" for row in done.before["tables"]]
    lines += ["", "| question | ms before | ms now |", "| --- | --- | --- |"]
    before, after = done.before["queries_ms"], done.after["queries_ms"]
    return "\n".join([*lines, *(f"| {name} | {ms} | {after[name]} |" for name, ms in before.items())])


def verified(found: Verified) -> str:
    """What a verification found, as Markdown; at most a hundred problems."""
    lines = [
        f"# Verification: {len(found.wrong)} problems",
        "",
        f"{found.files} files, {found.bytes:,} bytes read.",
        "",
    ]
    if found.problems:
        lines += ["| what | path | mended |", "| --- | --- | --- |"]
    for problem in found.problems[:_SHOWN]:
        path = "".join(" " if char in "|\n\r`" else char for char in problem.path)
        lines.append(f"| {problem.what} | `{path}` | {'yes' if problem.is_mended else 'no'} |")
    if len(found.problems) > _SHOWN:
        lines.append(f"\n... and {len(found.problems) - _SHOWN} more: `aweme verify --json`.")
    return "\n".join(lines)


async def _report(key: str, text: str) -> None:
    await acreate_markdown_artifact(markdown=text, key=key, description="What came of it")
