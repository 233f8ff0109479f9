"""`aweme export`: the archive handed on in a form that others read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from deployments.commands.options import as_json, on_same, place, settings_of

EPILOG = """
\b
Examples:
  aweme export --format parquet -o out             Parquet in Hive's folders, for any data tool
  aweme export --format xlsx -o out --tables posts,post_stats
  aweme export --format html -o pages              open pages/index.html in a browser
  aweme export --format duckdb -o bag --media --bag   everything, with a BagIt manifest, for handing over

\b
Formats: parquet (with --media, the table media is one file beside their folder); csv (UTF-8, lists joined by spaces);
xlsx (a sheet per table, without raw pages; Excel's sheets end at 1,048,576 rows, then another begins, and its cells at
32,767 characters); duckdb (one file with views; raw_pages is a view there, of tables in the schema `pieces`); html
(pages).

\b
While it is written, all lies in DIR/unfinished-export. After an interruption the same command begins anew.

\b
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done, but copied media differ from their hash.
"""


def folder_of(_ctx: Any, _param: Any, path: Path) -> Path:
    """A folder; an address of a bucket would become one of that name on this machine."""
    first = path.as_posix().partition("/")[0]
    if len(first) > 2 and first.endswith(":"):
        raise click.BadParameter("name a folder on this machine; what lies there can be copied to a bucket")
    return path


@click.command("export", epilog=EPILOG)
@click.option(
    "--format",
    "shape",
    type=click.Choice(["parquet", "csv", "xlsx", "duckdb", "html"]),
    required=True,
    help="see below",
)
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path),
    callback=folder_of,
    required=True,
    metavar="DIR",
    help="an empty or new folder",
)
@click.option("--tables", metavar="NAMES", help="only these tables, comma-separated (parquet, csv, xlsx)")
@click.option("--media", is_flag=True, help="copy the media too, each checked against its hash")
@click.option("--bag", is_flag=True, help="as a BagIt bag: the export in data/, with sha256 manifests")
@place
@as_json
def command(
    shape: str,
    output: Path,
    tables: str | None,
    media: bool,
    bag: bool,
    root: str | None,
    catalog: str | None,
    as_json: bool,
) -> int:
    """Write the archive into a folder that needs no Aweme Archive to be read. The archive itself is only read."""
    from deployments.bars import bar
    from deployments.screen import print_json, size
    from pipelines.care.exporting import export
    from pipelines.house import need_archive, utc_now
    from schemas.wording import counted

    settings = settings_of(root=root, catalog=catalog)
    need_archive(settings)
    names = tuple(name.strip() for name in (tables or "").split(",") if name.strip())
    with bar("exporting", quiet=as_json) as told:
        done = export(settings, output, shape, now=utc_now, tables=names, media=media, bag=bag, on_progress=told)
    if as_json:
        print_json(done.as_json())
    else:
        click.echo(f"{counted(done.files, 'files')} ({size(done.bytes)}) in {output}, {done.media} of them media.")
        for note in done.notes:
            click.echo(f"  note: {note}")
        for line in done.broken:
            click.echo(f"  wrong: {line}")
        if done.broken:
            click.echo(f"Mend the archive and export again: {on_same('aweme verify --repair')}")
    return 3 if done.broken else 0
