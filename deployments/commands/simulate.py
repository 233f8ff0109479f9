"""`aweme simulate`: serve the made-up Douyin."""

from __future__ import annotations

import time
from contextlib import ExitStack, suppress

import click

from deployments.commands.options import as_json

EPILOG = """
\b
Examples:
  aweme simulate --port 8787
  AWEME_UPSTREAM=http://127.0.0.1:8787 aweme archive <a link that it printed>
  aweme simulate --fault "user_post:3=empty" --fault "media:*=slow:2"
"""


@click.command("simulate", epilog=EPILOG)
@click.option("--port", type=click.IntRange(0, 65_535), default=8787, show_default=True, help="0 for any free one")
@click.option("--seed", type=int, default=1, show_default=True, help="another seed, other accounts")
@click.option("--users", type=click.IntRange(min=1), default=3, show_default=True)
@click.option("--posts", type=click.IntRange(min=0), default=60, show_default=True, help="posts of each account")
@click.option("--strict/--lenient", default=True, help="how closely signatures and clocks are checked")
@click.option(
    "--login-wall",
    type=click.IntRange(min=0),
    metavar="PAGES",
    default=20,
    show_default=True,
    help="pages of posts that are shown without a login; 0 for all",
)
@click.option("--fault", "faults", multiple=True, metavar="SCRIPT", help="OPERATION:N=FAULT, e.g. user_post:2=429")
@as_json
def command(
    port: int,
    seed: int,
    users: int,
    posts: int,
    strict: bool,
    login_wall: int,
    faults: tuple[str, ...],
    as_json: bool,
) -> None:
    """Serve a made-up Douyin on this machine, as strict and moody as the real one, until you press Ctrl-C.

    It is for trying things out without an account and without the internet. Nothing in it is real.
    """
    from deployments.screen import print_json, table
    from deployments.simulator.links import describe
    from deployments.simulator.server import Simulator
    from deployments.simulator.world import World
    from pipelines.errors import BadInput

    with suppress(KeyboardInterrupt), ExitStack() as stack:  # Ctrl-C is the end that it waits for
        try:
            world = World(seed=seed, users=users, posts=posts, strict=strict, login_wall_after_pages=login_wall or None)
            simulator = stack.enter_context(Simulator(world, port=port, faults=faults))
        except (ValueError, RuntimeError) as error:
            raise BadInput(str(error)) from error
        rows = describe(world)
        if as_json:
            print_json({"url": simulator.url, "cookie": world.cookie, "links": rows})
        else:
            table(list(rows[0]), [list(row.values()) for row in rows])
            click.echo(f"Serving on {simulator.url}. Point the archive at it:")
            click.echo(f"  export AWEME_UPSTREAM={simulator.url} AWEME_MIN_INTERVAL=0 AWEME_ROOT=./made-up")
            click.echo(f"  export AWEME_COOKIE='{world.cookie}'   # a login: collections, feeds, long lists")
        while True:
            time.sleep(3600)
