"""The flows that look after the archive: maintain, verify; each leaves what it found as a Markdown artifact."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated, Any

from prefect import flow
from prefect.artifacts import acreate_markdown_artifact
from prefect.client.schemas.objects import State
from prefect.states import Completed, Failed
from pydantic import Field

from flows.cookies import with_secret
from flows.steps import ended_in_words, tracked
from flows.telling import now_and_then, tell_maintained, tell_verified
from pipelines.care.maintaining import maintain as maintain_archive
from pipelines.care.repairing import repair
from pipelines.care.verifying import verify as verify_archive
from pipelines.errors import Blocked
from pipelines.house import need_archive, utc_now
from pipelines.jobs import settings_for
from pipelines.settings import Settings, load_settings
from schemas.jobs import ArchiveJob
from schemas.settings import MOST_DAYS
from schemas.wording import counted

if TYPE_CHECKING:
    from pipelines.care.maintaining import Maintained
    from pipelines.care.verifying import Verified

_SHOWN = 100
# Prefect's forms take what a parameter means from the docstring, and bounds from the hint, as it is at run time.
Days = Annotated[float, Field(ge=0, le=MOST_DAYS)]
Share = Annotated[float, Field(gt=0, le=1)]


def _settings(root: str | None) -> Settings:
    """The settings of the machine, with another root where one is asked for; BadInput where no archive is there."""
    settings = settings_for(load_settings(), ArchiveJob(root=root))
    need_archive(settings)
    return settings


@flow(name="maintain", flow_run_name="maintain the tables")
async def maintain(root: str | None = None, keep_days: Days = 30) -> State[Any]:
    """Merge small files of the tables, let old versions go, clean up.

    Args:
        root: whose archive; the settings' root when empty
        keep_days: how far back `aweme sql --at` can look

    """
    return await _maintain(root, keep_days)


@ended_in_words
async def _maintain(root: str | None, keep_days: float) -> State[Any]:
    settings = _settings(root)
    done: Maintained = await tracked(
        "merge and clean up", lambda: asyncio.to_thread(maintain_archive, settings, now=utc_now, keep_days=keep_days)
    )
    tell_maintained(done)
    await _report("aweme-maintain", maintained(done))
    return Completed(
        message=f"{counted(done.snapshots_expired, 'versions')} let go, {counted(done.files_removed, 'files')} removed"
    )


@flow(name="verify", flow_run_name="verify the files")
async def verify(
    root: str | None = None, share: Share = 1.0, older_than_days: Days | None = None, mend: bool = False
) -> State[Any]:
    """Read kept files against their hashes, storage against the tables; with `mend`, fetch again what is broken.

    Args:
        root: whose archive; the settings' root when empty
        share: of the files, others each time; 1 for all
        older_than_days: only files not read for so long
        mend: fetch again what is broken or missing

    """
    age = timedelta(days=older_than_days) if older_than_days is not None else None
    return await _verify(root, mend, share=share, older_than=age)


@ended_in_words
async def _verify(root: str | None, mend: bool, **scope: Any) -> State[Any]:
    settings = _settings(root)
    if mend:
        settings = await with_secret(settings)
    scope["on_progress"] = now_and_then("of the bytes read")
    found: Verified = await tracked(
        "read the files", lambda: asyncio.to_thread(verify_archive, settings, now=utc_now, **scope)
    )
    blocked = await _mend(settings, found) if mend else None
    tell_verified(found)
    await _report("aweme-verify", verified(found))
    if blocked is not None:
        return Failed(name="Blocked", message=str(blocked))
    if found.wrong:
        return Failed(
            name="Wrong",
            message=f"{counted(len(found.wrong), 'problems')}: see the artifact, then aweme verify --repair",
        )
    return Completed(message=f"{counted(found.files, 'files')} read and right")


async def _mend(settings: Settings, found: Verified) -> Blocked | None:
    """Fetch again what is broken; what stopped it, where a person must do something.

    No step that is tried again: a second try would set aside what the first has mended.
    """
    try:
        await asyncio.to_thread(repair, settings, found, now=utc_now)
    except Blocked as blocked:
        return blocked
    return None


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
        f"# Verification: {counted(len(found.wrong), 'problems')}",
        "",
        f"{counted(found.files, 'files')}, {found.bytes:,} bytes read.",
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
