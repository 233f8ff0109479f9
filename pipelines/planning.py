"""What a job would cost in requests, files, bytes and time, by one profile and what is known. Keeps nothing."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.errors import BadInput
from pipelines.extract.endpoints import Order, endpoint_of
from pipelines.extract.questions import question
from pipelines.house import House, OnEvent, open_house, open_lake, silent
from pipelines.jobs import find_target, settings_for
from pipelines.modes import LISTING_MODES, OWN, Listing, mode_of
from schemas.jobs import Mode, Plan

if TYPE_CHECKING:
    from pipelines.load.lake import Lake
    from pipelines.settings import Settings
    from schemas.jobs import ArchiveJob

COUNTED = {Mode.POST: "user.aweme_count", Mode.LIKE: "user.favoriting_count"}
# Of a large account in 2024: what a file of each kind weighs, and how many a post has, where the archive knows none.
_BYTES = {"video": 9_000_000, "image": 350_000, "live_photo": 3_000_000, "music": 1_500_000, "dynamic_cover": 400_000}
_OTHER_BYTES = 120_000
_PER_POST = {"video": 0.85, "image": 0.9, "live_photo": 0.1, "music": 0.9, "cover": 1.0, "dynamic_cover": 0.8}
_BYTES_PER_SECOND = 5_000_000.0
_JITTER = 1.25  # the mean pause, in minimal pauses
_SAMPLE = 20  # posts of the account itself that tell more than the whole archive


async def plan_job(settings: Settings, job: ArchiveJob, *, on_event: OnEvent = silent) -> Plan:
    """What the job would ask for and keep. Sends one profile request at most, and writes nothing.

    Numbers are None where nothing counts the listing before it is read. Raises BadInput for modes without a listing.
    """
    settings = settings_for(settings, job)
    async with open_house(settings, on_event=on_event) as house:
        link = await find_target(house, job)
        mode = job.mode if job.mode in OWN else mode_of(link.kind, job.mode)
        if mode not in LISTING_MODES:
            raise BadInput(f"Mode {mode} is one request; a plan is for listings.")
        listing = LISTING_MODES[mode]
        plan = Plan(mode=mode, target=link.id if listing.kind else "self")
        latency = await _read_profile(house, mode, plan) if listing.has_profile else 0.0
    lake = _reader(settings)
    try:
        _reckon(plan, settings, job, listing, lake, latency)
    finally:
        if lake is not None:
            lake.close()
    return plan


async def _read_profile(house: House, mode: Mode, plan: Plan) -> float:
    from pipelines.transform.interface import at, load_json

    began = time.monotonic()
    page = await house.crawler.ask("user_profile", question("user_profile", plan.target), target=plan.target)
    answer = load_json(page.body)
    plan.name = at(answer, "user.nickname") or ""
    counted = at(answer, COUNTED[mode]) if mode in COUNTED else None
    plan.listed = counted if isinstance(counted, int) else None
    return time.monotonic() - began


def _reader(settings: Settings) -> Lake | None:
    if settings.catalog.startswith("sqlite:") and not Path(settings.catalog.removeprefix("sqlite:")).exists():
        return None
    return open_lake(settings, read_only=True)


def _reckon(
    plan: Plan, settings: Settings, job: ArchiveJob, listing: Listing, lake: Lake | None, latency: float
) -> None:
    checkpoint = lake.checkpoint(listing.listing, plan.target) if lake else None
    plan.known = lake.entry_count(listing.listing, plan.target) if lake else 0
    has_end = checkpoint is not None and any(one.is_end for one in checkpoint.stretches)
    is_whole = job.full or not has_end or endpoint_of(listing.operation).order is not Order.TIME
    limit = job.limit or listing.default_limit
    if plan.listed is None and limit is None:
        return
    listed = plan.listed if plan.listed is not None else limit or 0
    plan.new_posts = min(max(listed - plan.known, 0), limit or listed)
    to_read = min(listed, limit or listed) if is_whole else plan.new_posts + 1
    plan.requests = max(math.ceil(to_read / job.page_counts), 1) + listing.has_profile
    plan.files, plan.bytes = _media(plan, settings, listing, lake)
    pause = max(settings.min_interval * _JITTER, latency)
    # Files come while pages are read: the slower of the two is the length of the run.
    plan.seconds = round(max(plan.requests * pause, plan.bytes / _speed(lake)), 1)


def _media(plan: Plan, settings: Settings, listing: Listing, lake: Lake | None) -> tuple[int, int]:
    if not listing.has_media or not settings.media:
        return 0, 0
    shares, sizes, waiting = _known(plan, listing, lake) if lake else ({}, {}, {})
    shares, sizes = {**_PER_POST, **shares}, {**_BYTES, **sizes}
    files = bytes_ = 0
    for kind in settings.media:
        wanted = round((plan.new_posts or 0) * shares.get(kind, 0.0)) + waiting.get(kind, 0)
        files += wanted
        bytes_ += round(wanted * sizes.get(kind, _OTHER_BYTES))
    return files, bytes_


def _known(plan: Plan, listing: Listing, lake: Lake) -> tuple[dict[str, float], dict[str, float], dict[str, int]]:
    """By kind: files per post, bytes per file, and files promised already that are not kept."""
    of_listing = "m.aweme_id IN (SELECT aweme_id FROM listing_entries WHERE listing = ? AND owner_id = ?)"
    place: list[Any] = [listing.listing, plan.target]
    is_sample = (plan.known or 0) >= _SAMPLE
    test, values = (of_listing, place) if is_sample else ("m.aweme_id IS NOT NULL", [])
    rows = lake.query(
        f"""SELECT m.kind, count(*) / (SELECT greatest(count(DISTINCT aweme_id), 1) FROM media m WHERE {test}),
        avg(coalesce(f.size_bytes, m.size_bytes)) FROM media m LEFT JOIN files f USING (media_id)
        WHERE {test} GROUP BY m.kind""",
        [*values, *values],
    ).rows()
    waiting = lake.query(
        f"""SELECT m.kind, count(*) FROM media m LEFT JOIN files f USING (media_id)
        WHERE {of_listing} AND f.media_id IS NULL GROUP BY m.kind""",
        place,
    ).rows()
    return {kind: share for kind, share, _ in rows}, {kind: size for kind, _, size in rows if size}, dict(waiting)


def _speed(lake: Lake | None) -> float:
    """Bytes a second of the last runs that kept much; a guess where there was none."""
    sql = """SELECT sum(byte_count) / sum(epoch(ended_at) - epoch(started_at)) FROM (
    FROM runs WHERE byte_count > 1000000 AND ended_at > started_at ORDER BY started_at DESC LIMIT 10)"""
    found = lake.query(sql).item() if lake else None
    return float(found or _BYTES_PER_SECOND)
