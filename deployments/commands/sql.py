"""`aweme sql`: ask the archive in SQL, or print how other clients attach it."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import click

from deployments.commands.options import as_json, place, settings_of
from pipelines.errors import NO_ROOM, BadInput, Blocked
from pipelines.showing import visible_json

if TYPE_CHECKING:
    import polars as pl


_OS_ERROR = re.compile(r"os error (\d+)")
_LONGEST = 60  # letters of a name that a part has, too: of Chinese ones, a name holds not many more
EPILOG = """
\b
Examples:
  aweme sql "SELECT nickname, count(*) AS posts FROM posts GROUP BY 1 ORDER BY 2 DESC"
  aweme sql "SELECT column_name, data_type, comment FROM duckdb_columns() WHERE table_name = 'posts'"
  aweme sql "SHOW TABLES"
  aweme sql --format csv "FROM posts_latest" > posts.csv
  aweme sql --format parquet -o posts.parquet "FROM posts_latest"
  aweme sql --at 2026-01-01 "SELECT count(*) FROM posts"
  aweme sql --attach | duckdb -init /dev/stdin
"""


def moment_of(_ctx: Any, _param: Any, text: str | None) -> datetime | None:
    """A moment in UTC, where none other is named; a day stands for its first moment."""
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise click.BadParameter("write it as 2026-01-01 or 2026-01-01T12:30:00+08:00") from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@click.command("sql", epilog=EPILOG)
@click.argument("query", required=False)
@click.option(
    "--attach",
    is_flag=True,
    help="print the statements that open the archive in DuckDB's shell or any client; "
    "the extensions they need are put where DuckDB looks for its own (~/.duckdb)",
)
@click.option(
    "--format", "shape", type=click.Choice(["table", "csv", "json", "parquet"]), default="table", show_default=True
)
@click.option(
    "--at",
    "moment",
    callback=moment_of,
    metavar="TIME",
    help="as it was then: 2026-01-01 or 2026-01-01T12:30 (UTC)",
)
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="write to a file; - is standard output"
)
@place
@as_json
def command(
    query: str | None,
    attach: bool,
    shape: str,
    moment: datetime | None,
    output: Path | None,
    root: str | None,
    catalog: str | None,
    as_json: bool,
) -> None:
    """Ask the archive in SQL (DuckDB's). QUERY may be `-` to read it from standard input. The archive stays as it is.

    Tables: posts, post_stats, users, media, files, listing_entries, changes, ... Views for people: posts_latest,
    post_growth, missing_media, account_history, storage_by_user. Columns of tables carry comments, see the examples;
    DESCRIBE gives their types only. With --at they show what was known then, as far back as `aweme maintain` keeps.
    Of several statements the answer to the last is shown.
    """
    from deployments.reading import listening, open_reader
    from deployments.screen import print_json

    output = None if output == Path("-") else output
    with open_reader(settings_of(root=root, catalog=catalog), at=moment) as lake:
        if attach:
            statements = lake.attach_sql()
            print_json(statements) if as_json else click.echo(";\n".join(statements) + ";")
            return
        if query is None:
            raise click.UsageError('give a query, e.g. aweme sql "SHOW TABLES", or --attach')
        asked = sys.stdin.read() if query == "-" else query
        if moment is not None and not as_json:
            click.echo(f"The tables as of {lake.made_at():%Y-%m-%d %H:%M:%S} UTC.", err=True)
        frame = listening(lake, lambda lake: lake.query(asked))
    if as_json and (output is None or shape == "table"):
        shape = "json"
    write(frame, shape, output)
    if as_json and output is not None:
        print_json({"output": str(output), "format": shape, "rows": frame.height})


def write(frame: pl.DataFrame, shape: str, output: Path | None) -> None:
    """Write a frame in one of the shapes, to a file or to standard output."""
    if shape == "table" and output is None:
        from deployments.screen import table

        table(frame.columns, frame.rows())
        click.echo(f"{frame.height} row{'' if frame.height == 1 else 's'}")
        return
    if shape == "parquet" and output is None and sys.stdout.isatty():
        raise click.UsageError("Parquet is no text: give -o FILE, or send it on: | ... or > FILE")
    if shape == "csv" and output is None and sys.stdout.isatty():
        from deployments.screen import say

        held = io.BytesIO()
        send(frame, shape, held)
        say(held.getvalue().decode().removesuffix("\n"))  # to a person; a file or a program gets every byte
        return
    if output is None:
        sys.stdout.flush()
        send(frame, shape, sys.stdout.buffer)
        return
    try:
        keep(frame, shape, output)
    except OSError as error:
        problem = f"{output} cannot be written: {error.strerror or error}."
        if error.errno in NO_ROOM:
            raise Blocked(f"{problem} Make room there, or name another file with -o.") from error
        raise BadInput(f"{problem} Name another file with -o.") from error


def keep(frame: pl.DataFrame, shape: str, output: Path) -> None:
    """Write a file whole or not at all: until it is whole, what had its name before stays."""
    if output.is_symlink() or (output.exists() and not output.is_file()):  # /dev/stdout, a device, a pipe
        with output.open("wb") as file:
            send(frame, shape, file)
        return
    part = output.with_name(f".{output.name[:_LONGEST]}.part")
    try:
        with part.open("wb") as file:
            send(frame, shape, file)
        if output.exists():
            shutil.copymode(output, part)
        part.replace(output)
    finally:
        part.unlink(missing_ok=True)


def send(frame: pl.DataFrame, shape: str, target: IO[bytes]) -> None:
    """Write a frame as Parquet, JSON or CSV to a stream."""
    import polars as pl

    if shape == "json":
        from deployments.reading import json_rows

        rest = memoryview(visible_json(json_rows(frame)).encode() + b"\n")
        while rest:  # unbuffered, standard output takes what there is room for, and says how much that was
            rest = rest[target.write(rest) :]
        return
    try:
        if shape == "parquet":
            frame.write_parquet(target)
        else:
            _flat(frame).write_csv(target)
    except (OSError, pl.exceptions.ComputeError) as error:
        # polars tells of the stream in its own words, without the number by which Python knows what is wrong.
        if "Broken pipe" in str(error):
            raise BrokenPipeError from error
        if number := _OS_ERROR.search(str(error)):
            raise OSError(int(number[1]), os.strerror(int(number[1]))) from error
        raise


def _flat(frame: pl.DataFrame) -> pl.DataFrame:
    """CSV has nothing in cells but text: lists of texts are joined by spaces, what is nested otherwise becomes JSON."""
    import polars as pl

    for name, dtype in frame.schema.items():
        if dtype == pl.List(pl.String):
            frame = frame.with_columns(pl.col(name).list.join(" "))
        elif dtype.is_nested() or dtype in (pl.Binary, pl.Object):
            texts = [None if value is None else _text(value) for value in frame[name].to_list()]
            frame = frame.with_columns(pl.Series(name, texts, pl.String))
    return frame


def _text(value: Any) -> str:
    return value.hex() if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False, default=str)
