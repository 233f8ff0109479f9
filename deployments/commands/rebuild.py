"""`aweme rebuild`: all tables again from the raw pages, without network."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from deployments.commands.options import as_json, on_same, place, settings_of

if TYPE_CHECKING:
    from pipelines.care.rebuilding import Rebuilt

EPILOG = """
\b
Examples:
  aweme rebuild --dry-run            what a newer program would read otherwise
  aweme rebuild                      and write it
  aweme rebuild --unfamiliar         try answers again that no program understood so far
  aweme rebuild --scratch /mnt/big   where the tables fit once more

\b
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done, but answers of unknown shape stay raw.
"""


@click.command("rebuild", epilog=EPILOG)
@click.option("--dry-run", is_flag=True, help="only tell how the tables would differ")
@click.option("--unfamiliar", is_flag=True, help="try answers of unknown shape too")
@click.option(
    "--scratch",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="folder for the tables while they are made (default: the system's temporary folder)",
)
@place
@as_json
def command(
    dry_run: bool, unfamiliar: bool, scratch: Path | None, root: str | None, catalog: str | None, as_json: bool
) -> int:
    """Make all tables again from the raw pages, compare, and put what differs in their place in one commit.

    Raw pages, media, checkpoints and runs stay as they are; nothing is asked of Douyin. A rebuild that is stopped
    changes nothing.
    """
    from deployments.bars import bar
    from deployments.screen import print_json
    from pipelines.care.rebuilding import rebuild
    from pipelines.house import need_archive

    settings = settings_of(root=root, catalog=catalog)
    need_archive(settings)
    with bar("raw pages", quiet=as_json) as told:
        done = rebuild(settings, dry_run=dry_run, unfamiliar=unfamiliar, scratch=scratch, on_progress=told)
    if as_json:
        print_json(done.as_json())
    else:
        show(done, dry_run=dry_run)
    return 3 if done.left_raw else 0


def show(done: Rebuilt, *, dry_run: bool) -> None:
    """What came of it, for people."""
    from deployments.screen import table
    from schemas.wording import counted

    click.echo(f"{counted(done.pages, 'raw pages')} read again, {counted(done.rejects, 'items')} without a table.")
    if done.differing:
        names = ("table", "rows_before", "rows_after", "added", "removed", "changed")
        title = "These tables would change" if dry_run else "These tables were changed"
        table(names, [[getattr(row, name) for name in names] for row in done.differing], title=title)
        if dry_run:
            click.echo(f"Nothing was changed. To change it: {on_same('aweme rebuild')}")
    else:
        click.echo("Every table holds the same rows as before; nothing was changed.")
    if done.left_raw:
        columns = ("operation", "pages", "first_at", "last_at", "newest_page")
        rows = [[row[name] for name in columns] for row in done.left_raw]
        table(columns, rows, title="Answers of unknown shape, left raw")
        look = "aweme sql \"SELECT body FROM raw_pages WHERE page_id = '...'\""
        click.echo(f"Look at one: {on_same(look)}")
