"""`aweme resolve`: what links and share texts lead to."""

from __future__ import annotations

import asyncio
import sys
from typing import Any

import click

from deployments.commands.options import as_json

EPILOG = """
\b
Examples:
  aweme resolve "7.43 复制打开抖音，看看 https://v.douyin.com/iRNBho6u/ ..."
  aweme resolve https://www.douyin.com/video/7298145681699622182 --json
  cat links.txt | aweme resolve - --json
"""


@click.command("resolve", epilog=EPILOG)
@click.argument("texts", nargs=-1, required=True, metavar="TEXT...")
@as_json
def command(texts: tuple[str, ...], as_json: bool) -> int:
    """Tell what links, share texts and ids lead to: user, post, mix, live or room, and the id.

    Ids that stand in the address are read from it; only short links are asked for, hop by hop. `-` reads a text a line
    from standard input.
    """
    from deployments.screen import print_json, table

    wanted = [line for text in texts for line in (_lines() if text == "-" else [text])]
    found = asyncio.run(resolve_all(wanted))
    if as_json:
        print_json(found)
    else:
        table(
            ("kind", "id", "input"),
            [(one.get("kind", "-"), one.get("id") or one["error"], one["input"]) for one in found],
        )
    return 1 if any("error" in one for one in found) else 0


def _lines() -> list[str]:
    return [line.rstrip("\r\n") for line in sys.stdin if line.strip()]


async def resolve_all(texts: list[str]) -> list[dict[str, Any]]:
    """One object per text, in order: input, kind, id and form, or input, error and what kind of error."""
    from deployments.commands.options import settings_of
    from pipelines.errors import ArchiveError
    from pipelines.extract.links import resolve
    from pipelines.house import make_crawler

    found: list[dict[str, Any]] = []
    async with make_crawler(settings_of()) as crawler:
        for text in texts:
            try:
                link = await resolve(text, crawler.hop)
            except ArchiveError as error:
                found.append({"input": text, "error": str(error), "error_kind": type(error).__name__})
            else:
                found.append({"input": text, "kind": link.kind, "id": link.id, "form": link.form})
    return found
