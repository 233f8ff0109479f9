"""`aweme verify`: every kept file read again against its hash; `--repair` fetches again what is broken."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import click

from deployments.commands.options import Days, as_json, on_same, place, settings_of
from pipelines.errors import ArchiveError
from pipelines.showing import visible

if TYPE_CHECKING:
    from pipelines.care.verifying import Verified
    from pipelines.settings import Settings

EPILOG = """
\b
Examples:
  aweme verify
  aweme verify --sample 1%               a few files, others each time
  aweme verify --older-than 30           only files not read for 30 days; goes on after an interruption
  aweme verify --repair                  fetch again what is broken or missing
  aweme verify --root s3://bucket/douyin --json

\b
Exit codes: 0 all is right (or mended), 1 failed, 2 wrong usage, 3 something is wrong, 4 blocked.
"""

_STOPPED = "stopped. {} goes on with the files that were not read within a day."


def share_of(_ctx: Any, _param: Any, text: str) -> float:
    """A share of 1, read from 1% or 0.01."""
    try:
        share = float(text.strip().removesuffix("%")) / (100 if text.strip().endswith("%") else 1)
    except ValueError as error:
        raise click.BadParameter("write it as 1% or 0.01") from error
    if not 0 < share <= 1:
        raise click.BadParameter("it must be more than 0% and at most 100%")
    return share


@click.command("verify", epilog=EPILOG)
@click.option("--sample", "share", default="100%", callback=share_of, metavar="SHARE", help="read only some files: 1%")
@click.option("--older-than", type=Days(), metavar="DAYS", help="only files not verified for so long")
@click.option(
    "--repair", "mend", is_flag=True, help="fetch again what is broken or missing; broken files are kept aside"
)
@place
@as_json
def command(
    share: float, older_than: float | None, mend: bool, root: str | None, catalog: str | None, as_json: bool
) -> int:
    """Read every kept file against its size and hash, storage against the tables, and the tables' Parquet files.

    Files that are right get `verified_at` as the check goes on: after an interruption, --older-than 1 goes on with
    those that were not read within a day.
    """
    from deployments.bars import bar
    from deployments.cli import exit_code
    from deployments.screen import print_json
    from pipelines.care.verifying import verify
    from pipelines.house import need_archive, utc_now

    settings = settings_of(root=root, catalog=catalog)
    need_archive(settings)
    age = timedelta(days=older_than) if older_than is not None else None
    with bar("reading", quiet=as_json, in_bytes=True) as told:
        try:
            found = verify(settings, now=utc_now, share=share, older_than=age, on_progress=told)
        except KeyboardInterrupt as stop:
            raise KeyboardInterrupt(_STOPPED.format(on_same("aweme verify --older-than 1"))) from stop
    stopped = repaired(settings, found) if mend else None
    if as_json:
        why = {"error": str(stopped), "kind": type(stopped).__name__} if stopped else {}
        print_json({**found.as_json(), **why})
    else:
        show(found, was_repair=mend)
    if stopped is None:
        return 3 if found.wrong else 0
    click.echo(f"aweme: {visible(str(stopped))}", err=True)
    return exit_code(stopped)


def repaired(settings: Settings, found: Verified) -> ArchiveError | None:
    """Fetch again what is broken; what stopped it, which must not hide what took hours to find."""
    from pipelines.care.repairing import repair
    from pipelines.house import utc_now

    try:
        repair(settings, found, now=utc_now)
    except ArchiveError as stopped:
        return stopped
    return None


def show(found: Verified, *, was_repair: bool) -> None:
    """What was found, for people."""
    from deployments.screen import size, table
    from schemas.wording import counted

    click.echo(
        f"{counted(found.files, 'files')} ({size(found.bytes)}) and {counted(found.table_files, 'files')} of tables "
        f"read in {found.seconds:.1f} s: {counted(len(found.problems), 'problems')}"
        + (f", {len(found.problems) - len(found.wrong)} mended" if was_repair else "")
    )
    if found.not_kept:
        again = on_same("aweme retry")
        click.echo(f"  note: files not kept, of those asked for: {found.not_kept}. To ask again for them: {again}")
    if found.unread:
        click.echo(f"  note: no kept file was read: {found.unread}")
    if found.unmarked:
        click.echo(f"  note: no verified_at was written: {found.unmarked}")
    if not found.problems:
        return
    rows = [(p.what, p.path, "yes" if p.is_mended else "", p.aside, p.detail) for p in found.problems]
    table(("what", "path", "mended", "kept aside at", "detail"), rows)
    kinds = {problem.what for problem in found.wrong}
    if kinds & {"missing", "size", "changed", "unreadable"} and not was_repair:
        click.echo(f"To fetch them again: {on_same('aweme verify --repair')}")
    if "stray" in kinds:
        click.echo(
            "Stray files: the next aweme archive adopts what a run that was cut off left; else remove them by hand."
        )
    if "table" in kinds:
        click.echo(f"Tables: {_way_back(found)}.")


def _way_back(found: Verified) -> str:
    """What makes the tables whole again: some are made of raw pages, the others of nothing that is left."""
    from pipelines.load.replacing import KEPT

    broken = {str(problem.detail).partition(":")[0] for problem in found.wrong if problem.what == "table"}
    lost, again = [name for name in KEPT if name in broken], on_same("aweme rebuild")
    if not lost:
        return f"{again} makes them again from raw_pages"
    told = f"restore the files of {', '.join(lost)} from a backup, which aweme rebuild cannot make"
    if broken == set(lost):
        return told
    return f"{told}; {'then ' if 'raw_pages' in lost else ''}{again} makes the others again from raw_pages"
