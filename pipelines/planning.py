"""What a job would cost in requests, files, bytes and time, by one profile and what is known. Keeps nothing."""

from __future__ import annotations

import math
import time
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.archiving import COUNTED
from pipelines.errors import BadInput
from pipelines.extract.endpoints import Order, endpoint_of
from pipelines.extract.questions import question
from pipelines.house import House, OnEvent, open_house, open_lake, silent, utc_now
from pipelines.jobs import find_target, settings_for
from pipelines.load.sieve import tests_of
from pipelines.modes import LISTING_MODES, OWN, Listing, mode_of
from schemas.jobs import Mode, Plan

if TYPE_CHECKING:
    from pipelines.load.lake import Lake
    from pipelines.settings import Settings
    from schemas.filters import Filter
    from schemas.jobs import ArchiveJob
    from schemas.pages import Checkpoint

# Of a large account in 2024: what a file of each kind weighs, and how many a post has, where the archive knows none.
_BYTES = {"video": 9_000_000, "image": 350_000, "live_photo": 3_000_000, "music": 1_500_000, "dynamic_cover": 400_000}
_OTHER_BYTES = 120_000
_PER_POST = {"video": 0.85, "image": 0.9, "live_photo": 0.1, "music": 0.9, "cover": 1.0, "dynamic_cover": 0.8}
_BYTES_PER_SECOND = 5_000_000.0
_JITTER = 1.25  # the mean pause, in minimal pauses
_DAYS_UNKNOWN = "which new posts are of these days shows only when they are read: the figures are the most it can be"
_BY_SHARES = "files of new posts are reckoned by the share of known posts that pass the filters"
_AT_MOST = "no posts are known yet, so nobody can tell how many pass the filters: the files are the most it can be"
_FURTHER_DOWN = "with max_cursor the walk begins further down: the figures are the most it can be"
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
    from pipelines.transform.interface import count_at, text_at
    from schemas.bodies import load_json

    began = time.monotonic()
    page = await house.crawler.ask("user_profile", question("user_profile", plan.target), target=plan.target)
    answer = load_json(page.body)
    plan.name = text_at(answer, "user.nickname")
    plan.listed = count_at(answer, f"user.{COUNTED[mode]}") if mode in COUNTED else None
    return time.monotonic() - began


def _reader(settings: Settings) -> Lake | None:
    if settings.catalog.startswith("sqlite:") and not Path(settings.catalog.removeprefix("sqlite:")).exists():
        return None
    try:
        return open_lake(settings, read_only=True)
    except BadInput as error:
        if error.facts.get("is_missing"):  # a server is asked: its database may hold none yet
            return None
        raise


def _reckon(
    plan: Plan, settings: Settings, job: ArchiveJob, listing: Listing, lake: Lake | None, latency: float
) -> None:
    checkpoint = lake.checkpoint(listing.listing, plan.target) if lake else None
    plan.known = _known_count(lake, listing, plan.target) if lake else 0
    has_end = checkpoint is not None and any(one.is_end for one in checkpoint.stretches)
    # What a walk that was cut off has read is passed over, too.
    is_covered = has_end or (plan.known > 0 and not job.interval)
    is_whole = job.full or not is_covered or endpoint_of(listing.operation).order is not Order.TIME
    limit = job.limit or listing.default_limit
    if plan.listed is None and limit is None:
        return
    if job.max_cursor:
        plan.notes.append(_FURTHER_DOWN)
    listed = plan.listed if plan.listed is not None else limit or 0
    new, total = max(listed - plan.known, 0), listed
    if listing.is_dated and job.interval:
        new, known = _in_interval(plan, job, listing, lake, new, checkpoint if has_end else None)
        total = new + known
    plan.new_posts = min(new, limit or new)
    pages = math.ceil(min(total, limit or total) / job.page_counts)
    if not is_whole:
        # What is new rarely ends with a page, and one page more shows that all the rest is known.
        to_read = plan.new_posts + _read_again(plan, job, listing, lake)
        pages = min(math.ceil(to_read / job.page_counts) + 1, math.ceil(min(listed, limit or listed) / job.page_counts))
    plan.requests = max(pages, 1) + listing.has_profile
    plan.files, plan.bytes = _media(plan, settings, job, listing, lake)
    pause = max(settings.min_interval * _JITTER, latency)
    # Files come while pages are read: the slower of the two is the length of the run.
    plan.seconds = round(max(plan.requests * pause, plan.bytes / _speed(lake)), 1)


def _known_count(lake: Lake, listing: Listing, owner_id: str) -> int:
    """How many items of the listing the archive holds: entries of posts, else accounts that another's list showed."""
    direction = {"following": "following", "followers": "follower"}.get(listing.listing)
    if direction is None:
        return lake.entry_count(listing.listing, owner_id)
    sql = "SELECT count(*) FROM follows WHERE sec_user_id = ? AND direction = ?"
    return int(lake.query(sql, [owner_id, direction]).item())


def _read_again(plan: Plan, job: ArchiveJob, listing: Listing, lake: Lake | None) -> int:
    """Known posts that are young enough to be read again."""
    if not job.refresh_days or lake is None:
        return 0
    since = utc_now() - timedelta(days=job.refresh_days)
    # Other lists go by a time of their own: each entry stood below the cursor of the page that showed it.
    units = endpoint_of(listing.operation).units_per_second
    moment = "p.created_at" if listing.is_dated else f"to_timestamp(TRY_CAST(l.cursor AS BIGINT) / {units})"
    sql = f"""SELECT count(*) FROM listing_entries l LEFT JOIN posts p USING (aweme_id)
    WHERE l.listing = ? AND l.owner_id = ? AND l.gone_at IS NULL AND coalesce({moment} >= ?, true)"""
    return int(lake.query(sql, [listing.listing, plan.target, since]).item())


def _in_interval(
    plan: Plan, job: ArchiveJob, listing: Listing, lake: Lake | None, new: int, whole: Checkpoint | None
) -> tuple[int, int]:
    """New posts of the interval, at most, and known ones; `whole` is the last walk where the listing is known whole."""
    known, asked = 0, job.filter
    if lake is not None:
        sql = """SELECT count(*) FROM listing_entries l JOIN posts p USING (aweme_id)
        WHERE l.listing = ? AND l.owner_id = ? AND l.gone_at IS NULL
        AND (? IS NULL OR p.created_at >= ?) AND (? IS NULL OR p.created_at < ?)"""
        values = [listing.listing, plan.target, asked.since, asked.since, asked.until, asked.until]
        known = int(lake.query(sql, values).item())
    # What a listing that was read to its end did not show then was published since.
    read_at = whole.started_at if whole is not None else None
    if read_at is not None and asked.until is not None and asked.until <= read_at:
        return 0, known
    is_sure = read_at is not None and asked.until is None and (asked.since is None or asked.since <= read_at)
    if new and not is_sure:
        plan.notes.append(_DAYS_UNKNOWN)
    return new, known


def _media(plan: Plan, settings: Settings, job: ArchiveJob, listing: Listing, lake: Lake | None) -> tuple[int, int]:
    if not listing.has_media or not settings.media:
        return 0, 0
    asked = job.filter
    # Days of a listing by time are counted in posts already.
    passing = replace(asked, since=None, until=None) if listing.is_dated else asked
    shares, sizes = _known(plan, listing, passing, lake) if lake else ({}, {})
    if passing.is_open:
        # So many known posts without a file of some kind say that the next will hardly have one.
        shares = shares if lake and (plan.known or 0) >= _SAMPLE else {**_PER_POST, **shares}
    elif plan.new_posts:
        plan.notes.append(_BY_SHARES if shares else _AT_MOST)
        shares = shares or _unfiltered(passing)
    sizes = {**_BYTES, **sizes}
    files = bytes_ = 0
    for kind in settings.media:
        wanted = round((plan.new_posts or 0) * shares.get(kind, 0.0))
        if lake is not None and plan.known:
            wanted += _waiting(plan, settings, job, listing, lake, kind)
        files += wanted
        bytes_ += round(wanted * sizes.get(kind, _OTHER_BYTES))
    return files, bytes_


def _unfiltered(passing: Filter) -> dict[str, float]:
    """Files per post where the archive knows none; what the kinds that are asked for never have is left out."""
    kinds = set(passing.kinds or ("video", "image"))
    never = {"video"} - kinds | (set() if kinds - {"video"} else {"image", "live_photo"})
    return {kind: share for kind, share in _PER_POST.items() if kind not in never}


def _waiting(plan: Plan, settings: Settings, job: ArchiveJob, listing: Listing, lake: Lake, kind: str) -> int:
    """Files of that kind that known posts promise, that pass the filters, and that are not kept."""
    ids: list[str] | None = None
    if job.limit:
        sql = "SELECT aweme_id FROM listing_entries WHERE listing = ? AND owner_id = ? ORDER BY aweme_id DESC LIMIT ?"
        left = max(job.limit - (plan.new_posts or 0), 0)
        ids = lake.query(sql, [listing.listing, plan.target, left])["aweme_id"].to_list()
    search = {"listing": listing.listing, "owner_id": plan.target, "posts": job.filter, "aweme_ids": ids}
    return lake.wanted_count(kinds=[kind], max_attempts=settings.max_attempts, **search)


def _known(plan: Plan, listing: Listing, passing: Filter, lake: Lake) -> tuple[dict[str, float], dict[str, float]]:
    """By kind: files per post that the filter lets through, and bytes per file."""
    of_listing = "m.aweme_id IN (SELECT aweme_id FROM listing_entries WHERE listing = ? AND owner_id = ?)"
    is_sample = (plan.known or 0) >= _SAMPLE
    sample, place = (of_listing, [listing.listing, plan.target]) if is_sample else ("m.aweme_id IS NOT NULL", [])
    tests, values = tests_of(passing)
    rows = lake.query(
        f"""WITH promised AS (
        SELECT m.kind, m.aweme_id, coalesce(f.size_bytes, m.size_bytes) AS size,
        {" AND ".join(tests) or "true"} AS passes
        FROM media m LEFT JOIN files f USING (media_id) LEFT JOIN posts p ON p.aweme_id = m.aweme_id WHERE {sample})
        SELECT kind, count_if(passes) / (SELECT greatest(count(DISTINCT aweme_id), 1) FROM promised), avg(size)
        FROM promised GROUP BY kind""",
        [*values, *place],
    ).rows()
    return {kind: share for kind, share, _ in rows}, {kind: size for kind, _, size in rows if size}


def _speed(lake: Lake | None) -> float:
    """Bytes a second of the last runs that kept much; a guess where there was none."""
    sql = """SELECT sum(byte_count) / sum(epoch(ended_at) - epoch(started_at)) FROM (
    FROM runs WHERE byte_count > 1000000 AND ended_at > started_at ORDER BY started_at DESC LIMIT 10)"""
    found = lake.query(sql).item() if lake else None
    return float(found or _BYTES_PER_SECOND)
