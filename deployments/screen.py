"""What a person sees: tables, sizes, and a progress display on standard error."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import click

from pipelines.showing import in_line, visible, visible_json
from schemas.wording import counted

if TYPE_CHECKING:
    from rich.progress import Progress

    from pipelines.house import OnEvent
    from schemas.jobs import Plan, Summary

_LEGIBLE, _BESIDE, _FEW = 8, 3, 2  # letters that a column needs, and what rich puts between two
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
    click.echo(visible_json(json.dumps(value, ensure_ascii=False, default=str)))


def say(text: str, *, err: bool = False) -> None:
    """Text for people, on standard output or error, whatever a stranger wrote into it."""
    click.echo(visible(text), err=err)


def table(columns: Sequence[str], rows: Sequence[Sequence[Any]], *, title: str | None = None) -> None:
    """A table on standard output, as wide as the terminal; plain where it is no terminal.

    Where so many columns leave no room to read any, each row is a table of its own: a line for each column.
    """
    from rich.box import SIMPLE_HEAD
    from rich.cells import cell_len
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(width=None if sys.stdout.isatty() else 200)
    if sum(min(cell_len(name), _LEGIBLE) + _BESIDE for name in columns) > console.width and len(columns) > _FEW:
        for number, row in enumerate(rows, 1):
            table(("column", "value"), list(zip(columns, row, strict=True)), title=f"Row {number}")
        return
    drawn = Table(box=SIMPLE_HEAD, title=title, title_justify="left", pad_edge=False)
    for name in columns:
        drawn.add_column(Text(visible(name)), overflow="fold")
    for row in rows:
        # As Text, for rich reads markup and names of emoji in mere strings.
        drawn.add_row(*(Text("" if value is None else visible(str(value))) for value in row))
    console.print(drawn)


@contextmanager
def progress(*, quiet: bool = False) -> Iterator[OnEvent]:
    """A listener for a job's events that draws bars on a terminal, and says a line now and then elsewhere.

    A job goes on to its end also where nobody hears of it any more: the terminal is closed, a log's disk is full.
    """
    if quiet:
        yield lambda _name, **_facts: None
    elif sys.stderr.isatty():
        yield from _bars()
    else:
        yield _heard_or_not(_lines())


def _heard_or_not(listen: OnEvent) -> OnEvent:
    def tell(name: str, **facts: Any) -> None:
        with suppress(OSError):
            listen(name, **facts)

    return tell


@dataclass
class Eta:
    """How long a job still takes, from what its events say: posts read, and files done, of how many.

    While the walk goes on, each post still to be read is thought to bring as many files as those read so far.
    """

    clock: Callable[[], float] = time.monotonic
    total: int | None = None
    posts: int = 0
    files_done: int = 0
    files_left: int = 0

    def __post_init__(self) -> None:
        self.began = self.clock()

    def hear(self, name: str, facts: Mapping[str, Any]) -> None:
        """Take an event of the job in."""
        if name == "total":
            self.total = facts["posts"]
        elif name == "pages":
            self.posts = facts["posts"]
        elif name == "files_left":
            self.files_left = facts["files"]
        elif name == "file":
            self.files_done += 1
            self.files_left = max(self.files_left - 1, 0)

    @property
    def files_total(self) -> int:
        """Files done, waiting, and still to be promised."""
        found = self.files_done + self.files_left
        if self.total and 0 < self.posts < self.total:
            found = round(found * self.total / self.posts)
        return found

    @property
    def seconds(self) -> float | None:
        """Seconds that are left; None while nobody can tell."""
        parts = [(self.posts, self.total or 0), (self.files_done, self.files_total)]
        spent = self.clock() - self.began
        if self.total is None or not any(done for done, _ in parts):
            return None
        return max(spent * (total - done) / done if done and total > done else 0.0 for done, total in parts)


def _lines() -> OnEvent:
    eta = Eta()

    def listen(name: str, **facts: Any) -> None:
        eta.hear(name, facts)
        if name in {"notice", "warning"}:
            say(facts["text"], err=True)
        elif name == "pages":
            left = eta.seconds
            more = f", about {duration(left)} left" if left else ""
            click.echo(f"pages {facts['pages']}, {facts['things']} {facts['posts']}{more}", err=True)

    return listen


def _bars() -> Iterator[OnEvent]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    console = Console(stderr=True)
    posts = Progress(
        TextColumn("{task.description:<8}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", markup=False), console=console,
    )  # fmt: skip
    with _drawn(posts) as bars:
        rows = bars.add_task("posts", total=None, note="")
        files = bars.add_task("files", total=0, note="", visible=False)
        received, eta = 0, Eta()

        def listen(name: str, **facts: Any) -> None:
            nonlocal received
            eta.hear(name, facts)
            if name == "total":
                bars.update(rows, total=facts["posts"])
            elif name == "pages":
                pages = counted(facts["pages"], "pages")
                bars.update(rows, description=facts["things"], completed=facts["posts"], note=pages)
            elif name == "files_left":
                bars.update(files, total=eta.files_total, visible=eta.files_total > 0)
            elif name == "file":
                bars.update(files, completed=eta.files_done, total=eta.files_total, visible=True)
            elif name == "bytes":
                received += facts["count"]
                bars.update(files, note=size(received))
            elif name == "waiting":
                bars.update(rows, note=f"waiting {facts['seconds']:.0f} s: {in_line(facts['text'])}")
            elif name in {"notice", "warning"}:
                console.print(visible(facts["text"]), markup=False, highlight=False, emoji=False)

        yield _heard_or_not(listen)


@contextmanager
def _drawn(bars: Progress) -> Iterator[Progress]:
    with suppress(OSError):
        bars.start()
    try:
        yield bars
    finally:
        with suppress(OSError):
            bars.stop()


def tell(summary: Summary) -> None:
    """A summary for people, on standard output."""
    who = in_line(summary.name or summary.target)
    mode = f" ({summary.mode})" if summary.mode else ""
    say(f"{who}{mode}: {summary.outcome}" + (f" - {summary.reason}" if summary.reason else ""))
    if not summary.run_id:
        return  # it ended before it began
    say(
        f"  {summary.seen}; {counted(summary.files, 'files')} ({size(summary.bytes)}) stored"
        + (f", {summary.absent} not to be had" if summary.absent else "")
        + (f", {summary.missing} missing" if summary.missing else "")
        + (f"; {counted(summary.rejects, 'items')} rejected" if summary.rejects else "")
    )
    if summary.gone_entries or summary.gone_posts:
        say(f"  {summary.gone_entries} no longer listed; {counted(summary.gone_posts, 'posts')} confirmed as gone")
    say(f"  {counted(summary.requests, 'requests')}, {summary.seconds:.1f} s; run {summary.run_id}")
    for warning in summary.warnings:
        say(f"  note: {warning}")


def tell_plan(plan: Plan) -> None:
    """A plan for people, on standard output."""
    from schemas.jobs import things_of

    who = in_line(plan.name or plan.target)
    if plan.requests is None or plan.seconds is None:
        known = f"; known: {counted(plan.known, 'posts')}" if things_of(plan.mode) == "posts" else ""
        say(f"{who} ({plan.mode}): nothing counts this listing before it is read{known}.")
        return
    say(
        f"{who} ({plan.mode}): {_some(plan.listed)} listed, {plan.known} known, about {plan.new_posts} new\n"
        f"  about {counted(plan.requests, 'requests')}, {counted(plan.files or 0, 'files')}, "
        f"{size(plan.bytes or 0)}, {duration(plan.seconds)}"
    )
    for note in plan.notes:
        say(f"  note: {note}")


def _some(count: int | None) -> str:
    return "an unknown number" if count is None else str(count)


def duration(seconds: float) -> str:
    """A length of time for people: 45 s, 12 min, 3.5 h."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
