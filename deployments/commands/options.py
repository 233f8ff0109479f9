"""Options that several commands share, and the settings made of them."""

from __future__ import annotations

import math
import os
import re
import shlex
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import click

from schemas.settings import MOST_DAYS

if TYPE_CHECKING:
    from pipelines.settings import Settings

Wrapped = Callable[..., Any]

_OTHER_NAMES = ["AWEME_CONFIG", "AWEME_TARGET"]  # the settings file, and whom deployments/prefect.yaml archives


class Days(click.FloatRange):
    """Days back from now; click's own range lets through what is no number, and what no calendar can count back."""

    def __init__(self) -> None:
        super().__init__(min=0, max=MOST_DAYS)

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The days as a number."""
        days = float(super().convert(value, param, ctx))
        if math.isnan(days):
            self.fail(f"{value!r} is no number of days.", param, ctx)
        return days


def place(command: Wrapped) -> Wrapped:
    """--root and --catalog."""
    for option in (
        click.option("--catalog", metavar="WHERE", help="sqlite:PATH or postgresql://… (default: beside the root)"),
        click.option("--root", metavar="PATH-OR-URL", help="folder or s3://bucket/prefix (default: ./archive)"),
    ):
        command = option(command)
    return command


def as_json(command: Wrapped) -> Wrapped:
    """--json."""
    return click.option("--json", "as_json", is_flag=True, help="one JSON value on standard output, nothing else")(
        command
    )


def on_same(command: str) -> str:
    """A command to type next, with the --root and --catalog of this one: without them it would ask another archive."""
    context = click.get_current_context(silent=True)
    given = context.params if context else {}
    options = [
        f"--{name} {shlex.quote(without_password(given[name]))}" for name in ("root", "catalog") if given.get(name)
    ]
    return " ".join([command, *options])


def settings_of(**options: Any) -> Settings:
    """The settings in force with these options on top."""
    from pipelines.settings import load_settings

    settings = load_settings(options)
    tell_strange_names(os.environ)
    return settings


def tell_strange_names(environ: Iterable[str]) -> None:
    """Say which names of the environment look like settings and are none: a slip would go unnoticed otherwise."""
    from schemas.settings import SETTINGS

    known = [setting.env for setting in SETTINGS] + _OTHER_NAMES
    for name in sorted(name for name in environ if name.startswith("AWEME_") and name not in known):
        from difflib import get_close_matches

        near = get_close_matches(name[6:], [one[6:] for one in known], 1)
        hint = f"did you mean AWEME_{near[0]}?" if near else "`aweme config` lists them all."
        click.echo(f"{name} is no setting and changes nothing; {hint}", err=True)


def without_password(value: Any) -> Any:
    """An address without the password in it; anything else as it is."""
    from pipelines.load import conninfo

    if not isinstance(value, str):
        return value
    if conninfo.is_postgres(value):
        return conninfo.shown(value, "hidden")
    return re.sub(r"(://[^/@:\s]*):[^/@\s]*@", r"\1:hidden@", value)
