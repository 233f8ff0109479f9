"""`aweme status`: what the archive holds, and how complete each account is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import click

from deployments.commands.fields import show_fields
from deployments.commands.options import as_json, place, settings_of
from pipelines.showing import in_line

if TYPE_CHECKING:
    from pipelines.load.lake import Lake

LISTINGS_SQL = """
SELECT c.listing, coalesce(u.nickname, m.name, c.owner_id) AS name, c.owner_id,
       coalesce(c.verdict, 'under way') AS verdict, c.reason, e.posts, w.missing,
       c.stretches, c.full_walk_at, coalesce(c.finished_at, c.updated_at) AS last_read_at
FROM checkpoints c
LEFT JOIN users u ON u.sec_user_id = c.owner_id
LEFT JOIN mixes m ON m.mix_id = c.owner_id
LEFT JOIN (SELECT listing, owner_id, count(*) AS posts FROM listing_entries WHERE gone_at IS NULL GROUP BY ALL) e
       ON e.listing = c.listing AND e.owner_id = c.owner_id
LEFT JOIN (SELECT l.listing, l.owner_id, count(*) AS missing FROM listing_entries l JOIN missing_media USING (aweme_id)
           WHERE missing_media.state IN ('failed', 'refused') GROUP BY ALL) w
       ON w.listing = c.listing AND w.owner_id = c.owner_id
ORDER BY last_read_at DESC
"""

RUNS_SQL = """
SELECT started_at, mode, target, coalesce(outcome, 'cut off or under way') AS outcome, reason, new_post_count,
       file_count, request_count
FROM runs ORDER BY started_at DESC LIMIT 10
"""

FAILED_SQL = """
SELECT state, left(error, 200) AS error, count(*) AS files FROM files WHERE state IN ('failed', 'refused')
GROUP BY ALL ORDER BY files DESC LIMIT 20
"""

HELD_SQL = """
SELECT (SELECT count(*) FROM posts) AS posts,
       (SELECT count(*) FROM users WHERE profile_seen_at IS NOT NULL
        OR sec_user_id IN (SELECT sec_user_id FROM posts)) AS accounts,
       (SELECT count(*) FROM posts WHERE gone_at IS NOT NULL) AS gone_posts,
       (SELECT count(*) FROM posts WHERE gone_at IS NOT NULL AND last_seen_at IS NULL) AS unseen_posts,
       (SELECT count(*) FROM files WHERE state = 'stored') AS files,
       (SELECT coalesce(sum(size_bytes), 0)::BIGINT FROM files WHERE state = 'stored') AS bytes,
       (SELECT count(*) FROM raw_pages) AS raw_pages, (SELECT count(*) FROM rejects) AS rejects
"""


@click.command("status", epilog="\b\nExamples:\n  aweme status\n  aweme status --root s3://bucket/douyin --json")
@click.option("--fields", is_flag=True, help="fields of raw answers seen for the first time in the last week")
@place
@as_json
def command(fields: bool, root: str | None, catalog: str | None, as_json: bool) -> None:
    """Show what the archive holds, how complete each listing is, and the last runs.

    Verdicts: complete (read to its end, no failed page), partial (what is missing and why), unknown (the service gives
    no end).
    """
    from deployments.reading import listening, open_reader
    from deployments.screen import print_json

    settings = settings_of(root=root, catalog=catalog)
    with open_reader(settings) as lake:
        if fields:
            show_fields(lake, as_json=as_json)
            return
        found = listening(lake, facts)
    if as_json:
        print_json({"root": settings.root, **found})
    else:
        show(settings.root, found)


def facts(lake: Lake) -> dict[str, Any]:
    """Counts, listings and runs as plain values."""
    return {
        "holds": lake.query(HELD_SQL).to_dicts()[0],
        "listings": (listings := [_with_holes(row) for row in lake.query(LISTINGS_SQL).to_dicts()]),
        "accounts": accounts(listings),
        "failed_files": lake.query(FAILED_SQL).to_dicts(),
        "runs": lake.query(RUNS_SQL).to_dicts(),
    }


def _with_holes(row: dict[str, Any]) -> dict[str, Any]:
    from pipelines.verdicts import holes

    missing = holes(row["listing"], row["stretches"])
    return {**row, "stretches": json.loads(row["stretches"] or "[]"), "missing_stretches": missing}


def accounts(listings: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The verdict of each account: the worst of its listings, with the reason and what is missing there."""
    order = ("complete", "unknown", "under way", "partial")
    found: dict[str, dict[str, Any]] = {}
    for row in listings:
        worst = found.get(row["owner_id"])
        if worst is None or order.index(row["verdict"]) > order.index(worst["verdict"]):
            names = ("owner_id", "name", "listing", "verdict", "reason", "missing_stretches")
            found[row["owner_id"]] = {name: row[name] for name in names}
    return list(found.values())


def show(root: str, found: dict[str, Any]) -> None:
    """The same for people."""
    from deployments.screen import say, size, table
    from schemas.wording import counted

    holds = found["holds"]
    # Of a post that was gone before anybody saw it there is nothing but that.
    unseen = f", {holds['unseen_posts']} of them never seen" if holds["unseen_posts"] else ""
    click.echo(
        f"{root}: {counted(holds['posts'], 'posts')} ({holds['gone_posts']} gone{unseen}) of "
        f"{counted(holds['accounts'], 'accounts')}, {counted(holds['files'], 'files')} ({size(holds['bytes'])}), "
        f"{counted(holds['raw_pages'], 'raw pages')}, {counted(holds['rejects'], 'rejects')}\n"
    )
    if found["listings"]:
        names = ("listing", "name", "verdict", "posts", "missing", "last_read_at", "reason")
        table(names, [[_shown(row[name]) for name in names] for row in found["listings"]], title="Listings")
    holes = [(row, hole) for row in found["listings"] for hole in row["missing_stretches"]]
    for row, hole in holes:
        newest, oldest = (f"{hole[end]:%Y-%m-%d %H:%M}" if hole[end] else "its end" for end in ("newest", "oldest"))
        say(f"  {in_line(row['name'])} ({row['listing']}): not read between {newest} and {oldest}")
    if holes:
        click.echo()
    if found["failed_files"]:
        table(("state", "error", "files"), [list(row.values()) for row in found["failed_files"]], title="Failed files")
    if found["runs"]:
        names = ("started_at", "mode", "outcome", "new_post_count", "file_count", "request_count", "reason")
        table(names, [[_shown(row[name]) for name in names] for row in found["runs"]], title="Last runs")


def _shown(value: Any) -> Any:
    return f"{value:%Y-%m-%d %H:%M:%S}" if hasattr(value, "strftime") else value
