"""What a person sees: tables, sizes, and a progress display on standard error."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pipelines.house import OnEvent
    from schemas.jobs import Summary

_SIZES = ("bytes", "kB", "MB", "GB", "TB")


def size(count: float) -> str:
    """A number of bytes for people: 1.2 MB."""
    for name in _SIZES:
        if count < 1000 or name == _SIZES[-1]:
            return f"{count:.0f} {name}" if name == "bytes" else f"{count:.1f} {name}"
        count /= 1000
    raise AssertionError


def print_json(value: Any) -> None:
    """One JSON value on standard output."""
    click.echo(json.dumps(value, ensure_ascii=False, default=str))


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str | None = None) -> None:
    """A table on standard output, as wide as the terminal; plain where it is no terminal."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    console = Console(width=None if sys.stdout.isatty() else 200)
    drawn = Table(box=SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for name in columns:
        drawn.add_column(name, overflow="fold")
    for row in rows:
        drawn.add_row(*("" if value is None else str(value).replace("[", "\\[") for value in row))
    console.print(drawn)


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[OnEvent]:
    """A listener for a job's events that draws bars on a terminal, and says a line now and then elsewhere."""
    if quiet:
        yield lambda _name, **_facts: None
    elif sys.stderr.isatty():
        yield from _bars()
    else:
        yield _lines()


def _lines() -> OnEvent:
    def listen(name: str, **facts: Any) -> None:
        if name in {"notice", "warning"}:
            click.echo(f"{facts['text']}", err=True)
        elif name == "pages":
            click.echo(f"pages {facts['pages']}, posts {facts['posts']}", err=True)

    return listen


def _bars() -> Iterator[OnEvent]:
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    posts = Progress(
        TextColumn("{task.description:<8}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"), console=console,
    )  # fmt: skip
    del DownloadColumn
    with posts as bars:
        rows = bars.add_task("posts", total=None, note="")
        files = bars.add_task("files", total=0, note="", visible=False)
        received = 0

        def listen(name: str, **facts: Any) -> None:
            nonlocal received
            if name == "total":
                bars.update(rows, total=facts["posts"])
            elif name == "pages":
                bars.update(rows, completed=facts["posts"], note=f"{facts['pages']} pages")
            elif name == "wanted":
                task = bars.tasks[files]
                bars.update(files, total=(task.total or 0) + facts["files"], visible=True)
            elif name == "file":
                bars.advance(files)
            elif name == "bytes":
                received += facts["count"]
                bars.update(files, note=size(received))
            elif name == "waiting":
                bars.update(rows, note=f"waiting {facts['seconds']:.0f} s: {facts['text']}")
            elif name in {"notice", "warning"}:
                console.print(facts["text"], markup=False, highlight=False)

        yield listen


def tell(summary: Summary) -> None:
    """A summary for people, on standard output."""
    who = summary.name or summary.target
    click.echo(f"{who} ({summary.mode}): {summary.outcome}" + (f" - {summary.reason}" if summary.reason else ""))
    click.echo(
        f"  {summary.posts_seen} posts seen, {summary.new_posts} new, {summary.changed_posts} changed; "
        f"{summary.files} files ({size(summary.bytes)}) stored"
        + (f", {summary.absent} not to be had" if summary.absent else "")
        + (f", {summary.missing} missing" if summary.missing else "")
        + (f"; {summary.rejects} items rejected" if summary.rejects else "")
    )
    click.echo(f"  {summary.requests} requests, {summary.seconds:.1f} s; run {summary.run_id}")
    for warning in summary.warnings:
        click.echo(f"  note: {warning}")
