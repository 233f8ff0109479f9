"""Options that several commands share, and the settings made of them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from pipelines.settings import Settings

Wrapped = Callable[..., Any]


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


def settings_of(**options: Any) -> Settings:
    """The settings in force with these options on top."""
    from pipelines.settings import load_settings

    return load_settings(options)
