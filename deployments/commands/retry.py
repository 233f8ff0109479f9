"""`aweme retry`: take up what failed, and nothing else."""

from __future__ import annotations

import asyncio

import click

from deployments.commands.options import as_json, place, settings_of
from schemas.wording import counted

EPILOG = """
\b
Examples:
  aweme retry
  aweme retry --reason RateLimited
  aweme retry --reason refused --root /data/douyin
  aweme retry --reason absent        files that no host had, too
"""


@click.command("retry", epilog=EPILOG)
@click.option("--reason", metavar="WORDS", help="only what failed so: RateLimited, refused, words of an error, ...")
@place
@as_json
def command(reason: str | None, root: str | None, catalog: str | None, as_json: bool) -> int:
    """Take up what failed: walks that broke off, pages, posts and files, however often they were tried.

    Nothing else is asked for. `aweme status` shows what failed, and why. Files that no host had are left out unless
    the reason names them.
    """
    from deployments.reading import open_reader
    from deployments.screen import print_json, progress, tell
    from pipelines.retrying import retry_failed
    from schemas.jobs import EXIT_CODES

    settings = settings_of(root=root, catalog=catalog)
    with open_reader(settings):
        pass  # says what to do where there is no archive yet
    with progress(quiet=as_json) as listen:
        told = asyncio.run(retry_failed(settings, reason, on_event=listen))
    if as_json:
        print_json(told.as_json())
    elif told.is_nothing and told.summary.outcome == "complete":
        click.echo("Nothing that failed waits to be tried again" + (f" for {reason}." if reason else "."))
    else:
        counts = {"walks": told.walks, "pages": told.pages, "posts": told.posts, "files": told.files}
        click.echo(f"Taken up: {', '.join(counted(count, things) for things, count in counts.items())}.")
        tell(told.summary)
    return EXIT_CODES[told.summary.outcome]
