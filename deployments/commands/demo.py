"""`aweme demo`: the main job against the made-up Douyin, through the real Prefect flow, then what landed."""

from __future__ import annotations

import os
import shlex
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from deployments.commands.options import as_json

if TYPE_CHECKING:
    from pipelines.load.lake import Lake
    from pipelines.settings import Settings
    from schemas.jobs import Summary

QUERIES = (
    (
        "The most liked posts",
        "SELECT strftime(created_at, '%Y-%m-%d') AS day, like_count AS likes, left(caption, 40) AS caption\n"
        "FROM posts_latest ORDER BY like_count DESC NULLS LAST LIMIT 5",
    ),
    (
        "What is kept, by kind of file",
        "FROM storage_by_kind ORDER BY byte_count DESC",
    ),
    (
        "Hashtags",
        "SELECT tag_name AS hashtag, count(DISTINCT aweme_id) AS posts\n"
        "FROM post_tags WHERE kind = 'hashtag' GROUP BY ALL ORDER BY posts DESC, hashtag LIMIT 5",
    ),
)


@click.command("demo", epilog="\b\nExamples:\n  aweme demo\n  aweme demo --no-prefect --root /tmp/demo")
@click.option("--root", default="demo", show_default=True, help="where to keep it")
@click.option("--prefect/--no-prefect", default=True, show_default=True, help="through the Prefect flow")
@as_json
def command(root: str, prefect: bool, as_json: bool) -> int:
    """Archive a made-up account on this machine, then show what landed. Needs no account and no internet.

    Run it again, and it fetches only what is new: the made-up account publishes a little each time.
    """
    from deployments.commands.archive import job_of, run
    from deployments.screen import print_json, progress, tell
    from deployments.simulator.server import Simulator
    from deployments.simulator.world import World
    from schemas.jobs import EXIT_CODES

    began = time.monotonic()
    _quiet_prefect()
    world = World(seed=1, users=3, posts=60)
    visit = _visits(Path(root))
    if visit:
        world.add_posts(0, 2 * visit)  # it is the same account, a little later
    with Simulator(world) as simulator:
        settings = _settings(root, simulator.url)
        account = world.accounts[0]
        if not as_json:
            click.echo(f"A made-up Douyin is up on {simulator.url}; archiving {account.nickname} into {settings.root}")
            if prefect:
                click.echo("Starting a Prefect server for the flow (some 15 seconds; --no-prefect does without) ...")
        with progress(quiet=as_json) as listen:
            summary = run(settings, job_of(account.home, {"mode": "post"}), listen, tracked=prefect)
    _count_visit(Path(root), visit)
    if as_json:
        print_json(summary.as_json())
    else:
        tell(summary)
        show(settings, summary, time.monotonic() - began, is_first=not visit)
    return EXIT_CODES[summary.outcome]


def _quiet_prefect() -> None:
    os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
    os.environ.setdefault("PREFECT_LOGGING_LEVEL", "WARNING")
    os.environ.setdefault("DO_NOT_TRACK", "1")


def _settings(root: str, upstream: str) -> Settings:
    from pipelines.settings import load_settings

    wanted = "video,image,live_photo,music,cover,caption"
    own = {"root": root, "upstream": upstream, "min_interval": 0.0, "media": wanted, "cookie": "demo=1"}
    return load_settings(own, environ={})


def _visits(root: Path) -> int:
    try:
        return int((root / ".visits").read_text())
    except (OSError, ValueError):
        return 0


def _count_visit(root: Path, visit: int) -> None:
    (root / ".visits").write_text(str(visit + 1))


def show(settings: Settings, summary: Summary, seconds: float, *, is_first: bool) -> None:
    """What landed: counts, three queries with their answers, where the files are, what to type next."""
    from deployments.reading import open_reader
    from deployments.screen import size
    from schemas.wording import counted

    with open_reader(settings) as lake:
        held = _held(lake)
        click.echo(
            f"\nThe archive now holds {counted(held['posts'], 'posts')} and {counted(held['files'], 'files')} "
            f"({size(held['bytes'])}); {counted(summary.new_posts, 'posts')} and {counted(summary.files, 'files')} "
            f"are new. {seconds:.1f} s in all."
        )
        if not is_first and not summary.new_posts:
            click.echo("Nothing was new.")
        for title, query in QUERIES:
            _ask(lake, title, query)
    root = Path(settings.root)
    click.echo(
        f"Files:    {root / 'media'}\nTables:   {root / 'tables'} (Parquet)\nCatalog:  {root / 'catalog.sqlite'}"
    )
    click.echo(NEXT.format(root=shlex.quote(_short(root))))


def _held(lake: Lake) -> dict[str, Any]:
    frame = lake.query(
        "SELECT (SELECT count(*) FROM posts) AS posts, count(*) AS files, "
        "coalesce(sum(size_bytes), 0)::BIGINT AS bytes FROM files WHERE state = 'stored'"
    )
    return frame.to_dicts()[0]


def _ask(lake: Lake, title: str, query: str) -> None:
    from deployments.screen import table

    click.echo(f"\n{title}:\n  " + query.replace("\n", "\n  "))
    frame = lake.query(query)
    table(frame.columns, frame.rows())


def _short(root: Path) -> str:
    try:
        return str(root.relative_to(Path.cwd()))
    except ValueError:
        return str(root)


NEXT = """
What next:
  aweme sql --root {root} "SHOW TABLES"                  ask something yourself
  aweme status --root {root}                             how complete each account is
  aweme archive https://www.douyin.com/user/MS4w...      archive a real account
  aweme --help
"""
