"""`aweme maintain`: small files of the tables merged, old versions let go, leftovers removed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from deployments.commands.options import Days, as_json, place, settings_of
from schemas.wording import counted

if TYPE_CHECKING:
    from pipelines.care.maintaining import Maintained

EPILOG = """
\b
Examples:
  aweme maintain                  once a week, or after large runs
  aweme maintain --keep-days 90   older versions of the tables can be asked for so long
  aweme maintain --json

\b
Exit codes: 0 done, 1 failed (another run writes: try again later), 2 wrong usage.
"""


@click.command("maintain", epilog=EPILOG)
@click.option(
    "--keep-days",
    type=Days(),
    default=30,
    show_default=True,
    metavar="DAYS",
    help="how far back `aweme sql --at` can look",
)
@place
@as_json
def command(keep_days: float, root: str | None, catalog: str | None, as_json: bool) -> None:
    """Merge small Parquet files, let old versions of the tables go, remove what broke off.

    Rows and media stay as they are, raw pages above all. Safe while another run writes: it waits its turn.
    """
    from deployments.bars import bar
    from deployments.screen import print_json
    from pipelines.care.maintaining import maintain
    from pipelines.house import need_archive, utc_now

    settings = settings_of(root=root, catalog=catalog)
    need_archive(settings)
    with bar("maintaining", quiet=as_json) as told:
        done = maintain(settings, now=utc_now, keep_days=keep_days, on_progress=told)
    if as_json:
        print_json(done.as_json())
    else:
        show(done)


def show(done: Maintained) -> None:
    """Before and after, for people."""
    from deployments.screen import size, table

    def cells(state: dict[str, Any]) -> dict[str, tuple[Any, ...]]:
        return {row["table"]: (row["files"], row["deletions"], size(row["bytes"])) for row in state["tables"]}

    before, after, none = cells(done.before), cells(done.after), (0, 0, size(0))
    rows = [(name, *before.get(name, none), *after.get(name, none)) for name in sorted({*before, *after})]
    table(("table", "files", "deletions", "size", "files now", "deletions now", "size now"), rows)
    queries = done.before["queries_ms"]
    table(("question", "ms", "ms now"), [(name, ms, done.after["queries_ms"][name]) for name, ms in queries.items()])
    click.echo(
        f"{counted(done.snapshots_expired, 'old versions')} let go, {counted(done.files_removed, 'unused files')} and "
        f"{counted(done.parts_removed, 'broken-off downloads')} removed; "
        f"{counted(done.after['snapshots']['count'], 'versions')} since "
        f"{done.after['snapshots']['oldest']:%Y-%m-%d %H:%M} can be asked with aweme sql --at."
    )
