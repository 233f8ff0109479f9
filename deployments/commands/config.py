"""`aweme config`: the settings in force and where each came from."""

from __future__ import annotations

import click

from deployments.commands.options import as_json, place, settings_of, without_password


@click.command("config", epilog="\b\nExamples:\n  aweme config\n  aweme config --json | jq -r '.root.value'")
@place
@as_json
def command(root: str | None, catalog: str | None, as_json: bool) -> None:
    """Show the settings in force, and where each came from. Secrets are hidden.

    Rising order: aweme.toml (here, or in your own settings folder), environment AWEME_*, options.
    """
    from deployments.screen import print_json, table
    from schemas.settings import SETTINGS

    found = settings_of(root=root, catalog=catalog)
    rows = []
    for setting in SETTINGS:
        value = found.s3.get(setting.name[3:]) if setting.name.startswith("s3_") else getattr(found, setting.name)
        shown = ("hidden" if value else None) if setting.is_secret else value
        shown = ",".join(shown) if isinstance(shown, tuple) else without_password(shown)
        rows.append((setting.name, shown, found.origins[setting.name], setting.meaning))
    if as_json:
        print_json({name: {"value": value, "origin": origin} for name, value, origin, _ in rows})
    else:
        table(("setting", "value", "from", "meaning"), rows)
