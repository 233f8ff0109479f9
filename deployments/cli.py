"""The `aweme` command: which words it knows. What each does stands in deployments.commands, imported when asked for."""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import signal
import sys
from collections.abc import Mapping
from typing import Any, TextIO

import click

from deployments.ending import end_as_by_ctrl_c, end_process
from deployments.memory import keep_little
from pipelines.errors import NO_ROOM, ArchiveError
from pipelines.showing import visible, visible_json

# name -> (module, what it does); the second is what --help shows without importing the first.
COMMANDS: dict[str, tuple[str, str]] = {
    "archive": ("archive", "Archive accounts, posts, mixes or rooms: rows into tables, media into files."),
    "demo": ("demo", "Archive a made-up account on this machine, then show what landed."),
    "sql": ("sql", "Ask the archive in SQL."),
    "retry": ("retry", "Take up what failed, and nothing else: pages, posts, files."),
    "status": ("status", "What the archive holds, and how complete each account is."),
    "rebuild": ("rebuild", "Make all tables again from the raw pages, without network."),
    "verify": ("verify", "Read every kept file again against its hash, and mend what is broken."),
    "maintain": ("maintain", "Merge small files of the tables, let old versions go, clean up."),
    "export": ("export", "Hand the archive on: Parquet, CSV, XLSX, DuckDB, or pages for a browser."),
    "resolve": ("resolve", "Tell what links and share texts lead to."),
    "config": ("config", "The settings in force and where each came from."),
    "login": ("login", "Log in to Douyin, or check the login that is kept."),
    "simulate": ("simulate", "Serve a made-up Douyin on this machine."),
    "serve": ("serve", "Run schedules, and a Prefect server where none is configured."),
}

EPILOG = """
\b
Examples:
  aweme demo
  aweme archive https://www.douyin.com/user/MS4wLjABAAAA... --max-counts 40
  aweme sql "SELECT caption, like_count FROM posts_latest ORDER BY like_count DESC LIMIT 10"

\b
Exit codes: 0 done, 1 failed, 2 wrong usage, 3 partial, 4 blocked (a person is needed).
"""

_STOPPED = "stopped. The same command goes on where it stopped."


class Commands(click.Group):
    """The commands of the table above; each is imported when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - click calls it so
        """Every command, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - click calls it so
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"deployments.commands.{COMMANDS[cmd_name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - click calls it so
        """The list of commands, without importing any."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, meaning) for name, (_, meaning) in COMMANDS.items()])


@click.group(cls=Commands, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="aweme-archive", prog_name="aweme")
def cli() -> None:
    """Archive Douyin (抖音) accounts: posts as SQL tables, media as verified files.

    It asks politely and only for what its user may see. A challenge stops the run and asks a person.
    """


def program() -> None:
    """The command as a process of its own, from its first word to its end."""
    try:
        main()
    except SystemExit as end:
        if isinstance(end.code, str):  # words of a library's, which Python says by itself
            raise
        end_process(end.code or 0)


def main(args: list[str] | None = None) -> None:
    """Run the command; errors become a message on standard error and an exit code."""
    words = sys.argv[1:] if args is None else args
    told = list[int]()
    try:
        told = end_as_by_ctrl_c()
        _carry_out(words, told)
    except KeyboardInterrupt:  # also while it is told what went wrong
        _fail(_STOPPED, _stopped_by(told), words)


def _carry_out(words: list[str], told: list[int]) -> None:
    try:
        open_closed_streams()
        keep_little()
        speak_any_language(os.environ)
        # A server of Prefect's own takes some 15 seconds to start, and more on a busy machine than its 20.
        os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "120")
        # To look for plugins, pydantic reads what every installed package says of itself: a twentieth of a second.
        os.environ.setdefault("PYDANTIC_DISABLE_PLUGINS", "__all__")
        # Where rich is there, httpx loads a command of its own, and pygments with it: a tenth of a second.
        sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
        code = cli.main(args=words, prog_name="aweme", standalone_mode=False)
    except click.exceptions.Abort as stop:  # click's own of Ctrl-C, which a command may have given words
        _fail(str(stop.__cause__ or "") or _STOPPED, _stopped_by(told), words)
    except click.ClickException as error:
        with contextlib.suppress(OSError):
            error.show()
        _as_json(error.format_message(), words, kind="BadInput")
        _leave(error.exit_code)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except ArchiveError as error:
        _fail(str(error), exit_code(error), words, kind=type(error).__name__)
    except OSError as error:  # a full disk, a folder without rights: nothing that a traceback would explain
        _fail(_told(error), 1, words, kind=type(error).__name__)
    except Exception as error:
        if _is_stop(error):
            _fail(_STOPPED, _stopped_by(told), words)
        # A fault of the program: its traceback is what to report, and a script gets its JSON all the same.
        _as_json(f"{type(error).__name__}: {error}", words, kind=type(error).__name__)
        raise
    _let_go(sys.stderr)  # a progress that nobody could hear takes nothing from what was done
    sys.exit(code if isinstance(code, int) else 0)


def _is_stop(error: BaseException) -> bool:
    """Whether a library told of Ctrl-C in its own words: DuckDB of a query, others of what came in an import."""
    if isinstance(error, RuntimeError) and str(error) == "Query interrupted":
        return True
    cause = error.__cause__
    return isinstance(cause, KeyboardInterrupt) or (cause is not None and _is_stop(cause))


def _stopped_by(told: list[int]) -> int:
    """The exit code of what a signal ended, as shells tell it: 130 for Ctrl-C, 143 and 129 for those from outside."""
    # By `python -m`, a signal that came while Python carried out a text, as it does to make a dataclass, would have it
    # end as by SIGINT whatever code is given here; the next text makes it forget that.
    exec("")  # noqa: S102 - an empty one
    return 128 + (told[0] if told else signal.SIGINT)


def open_closed_streams() -> None:
    """Let nothing come from, and go nowhere by, a standard stream that was closed when the program began.

    Python has None for such a stream, and the next file that is opened takes its number: where a library then writes
    to standard error, it would write into the archive.
    """
    for number, (name, way) in enumerate((("stdin", "r"), ("stdout", "w"), ("stderr", "w"))):
        if getattr(sys, name) is None:
            stream = open(os.devnull, way, encoding="utf-8")  # noqa: SIM115, PTH123 - it stays open to the end
            os.set_inheritable(stream.fileno(), stream.fileno() == number)
            setattr(sys, name, stream)


def speak_any_language(environ: Mapping[str, str]) -> None:
    """Let captions of any language through: files and pipes get UTF-8, and no letter ends the program."""
    for stream, errors in (
        (sys.stdin, "surrogateescape"),
        (sys.stdout, "backslashreplace"),
        (sys.stderr, "backslashreplace"),
    ):
        if isinstance(stream, io.TextIOWrapper):
            own = stream.isatty() or "PYTHONIOENCODING" in environ
            stream.reconfigure(encoding=None if own else "utf-8", errors=errors)


def exit_code(error: ArchiveError) -> int:
    """The exit code of an error, by its place in the tree."""
    from pipelines.errors import BadInput, Blocked

    if isinstance(error, BadInput):
        return 2
    return 4 if isinstance(error, Blocked) else 1


def _told(error: OSError) -> str:
    if error.errno not in NO_ROOM or error.filename is not None:
        return str(error)
    return f"Where the answer goes there is no more room ({error.strerror}): make some, or send it elsewhere."


def _fail(message: str, code: int, words: list[str], **facts: Any) -> None:
    _as_json(message, words, **facts)
    with contextlib.suppress(OSError):
        click.echo(f"aweme: {visible(message)}", err=True)
    _leave(code)


def _leave(code: int) -> None:
    """Exit with this code, also where what was said cannot be written."""
    for stream in (sys.stdout, sys.stderr):
        _let_go(stream)
    sys.exit(code)


def _let_go(stream: TextIO) -> None:
    try:
        stream.flush()
    except OSError:
        # Python would write what is left at its own end, fail again, and exit with 120.
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


def _as_json(message: str, words: list[str], **facts: Any) -> None:
    if "--json" in words:
        import json

        with contextlib.suppress(OSError):  # where it cannot be written, the exit code must do
            click.echo(visible_json(json.dumps({"error": message, **facts}, ensure_ascii=False)))


if __name__ == "__main__":
    program()
