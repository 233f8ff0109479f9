"""What `aweme status --fields` shows: fields of raw answers that were seen for the first time lately."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING

import click

from deployments.commands.options import on_same

if TYPE_CHECKING:
    from pipelines.load.lake import Lake

DAYS = 7


def show_fields(lake: Lake, *, as_json: bool) -> None:
    """Print the fields of the last week, as a table or as JSON."""
    from deployments.reading import listening
    from deployments.screen import print_json, table
    from pipelines.care.fields import new_fields
    from pipelines.house import utc_now

    since = utc_now() - timedelta(days=DAYS)
    found = listening(lake, lambda lake: new_fields(lake, since))
    if as_json:
        print_json({"days": DAYS, "fields": [field.as_json() for field in found]})
    elif found:
        columns = ("operation", "path", "pages", "first_seen_at", "first_page")
        table(columns, [[getattr(field, name) for name in columns] for field in found])
        look = "aweme sql \"SELECT body FROM raw_pages WHERE page_id = '...'\""
        click.echo(f"Look at one: {on_same(look)}")
    else:
        click.echo(f"No sampled answer of the last {DAYS} days has a field that older ones had not.")
