"""`aweme serve`: schedules from one process, and a Prefect server where none is configured."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path
from typing import Any

import click

from deployments.commands.options import settings_of

EPILOG = """
\b
Examples:
  aweme serve https://www.douyin.com/user/MS4wLjABAAAA... --every 6h
  aweme serve LINK --every 6h --care
  aweme serve LINK LINK --cron "30 3 * * *" --media video,image,music
  PREFECT_API_URL=http://prefect:4200/api aweme serve LINK --every 1d
"""


@click.command("serve", epilog=EPILOG)
@click.argument("targets", nargs=-1, metavar="[TARGET]...")
@click.option("-M", "--mode", metavar="MODE", default="post", show_default=True)
@click.option("--every", metavar="SPAN", help="30m, 6h, 1d (default 1d), counted from midnight in China")
@click.option("--cron", metavar="CRON", help="times of the day in China's time, as cron writes them")
@click.option("--care", is_flag=True, help="each week maintain, each month verify a tenth of the files, too")
@click.option("--media", metavar="KINDS", help="kinds of files to keep")
@click.option("--full", is_flag=True, help="read the listings to their end each time")
@click.option("--root", metavar="PATH-OR-URL", help="folder or s3://bucket/prefix")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=4200,
    show_default=True,
    help="of the Prefect server that is started here",
)
@click.option(
    "--host",
    metavar="ADDRESS",
    default="127.0.0.1",
    show_default=True,
    help="where that server listens; 0.0.0.0 lets in whoever reaches this machine: it asks for no password",
)
@click.option("--limit", type=click.IntRange(min=1), default=1, show_default=True, help="flow runs at the same time")
def command(
    targets: tuple[str, ...],
    every: str | None,
    cron: str | None,
    care: bool,
    port: int,
    host: str,
    limit: int,
    **options: Any,
) -> None:
    """Archive TARGETs on a schedule, from this one process, until you press Ctrl-C.

    Where PREFECT_API_URL is set, that Prefect server keeps the books; else one is started here, with its UI. Every
    flow, maintain and verify among them, is served without a schedule, too, to be started by hand in the UI.
    """
    from deployments import serve as serving
    from deployments.commands.archive import job_of

    if every and cron:
        raise click.UsageError("give --every or --cron, not both")
    serving.check_folder(Path.cwd())
    span = None if cron else serving.parse_every(every or "1d")
    settings = settings_of(root=options["root"])
    os.environ["AWEME_ROOT"] = settings.root  # where all flow runs keep things: they are processes of their own
    jobs = [job_of(target, options) for target in targets]
    for job in jobs:
        serving.check(settings, job)
    serving.leave_on_signals()
    configured = os.environ.get("PREFECT_API_URL")
    with contextlib.nullcontext(configured) if configured else serving.own_server(port, host) as address:
        click.echo(f"Prefect: {address}")
        for job in jobs:
            click.echo(f"  {job.mode or 'post'} of {job.target}: {('cron ' + cron) if cron else f'every {span}'}")
        if care:
            click.echo("  maintain: Mondays 05:30; verify a tenth: the first of a month 06:30 (China's time)")
        click.echo("Ctrl-C stops. A run that is under way goes on where it stopped when it is started again.")
        served = serving.deployments_of(jobs, every=span, cron=cron, care=care)
        serving.serve(served, limit=limit, is_new_server=not configured)
