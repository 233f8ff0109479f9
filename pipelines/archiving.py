"""The steps of each mode: ask, keep, make rows, load files."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pipelines.asking import read_one
from pipelines.errors import (
    Absent,
    ArchiveError,
    BadInput,
    Blocked,
    LakeBusy,
    NotFound,
    Private,
    RateLimited,
    Unfamiliar,
)
from pipelines.house import Step
from pipelines.loading import Loader
from pipelines.modes import BRANCHES, Listing
from pipelines.renamed import follow_name
from pipelines.vanishing import note_gone
from pipelines.walking import Walk
from schemas.jobs import Mode

if TYPE_CHECKING:
    from datetime import datetime

    from pipelines.extract.links import Link
    from pipelines.run import Run

_ODD_AT_MOST = 3  # branches of unknown shape: after more of them the service is another one, and asking on is no use
COUNTED: dict[str, str] = {
    Mode.POST: "aweme_count",
    Mode.LIKE: "favoriting_count",
    Mode.FOLLOWING: "following_count",
    Mode.FOLLOWERS: "follower_count",
}
"""Where a profile, and user_stats, count the items of a listing."""


async def archive_one(run: Run, aweme_id: str, step: Step) -> None:
    """Archive one post by its detail; a post that is gone is noted with Douyin's reason."""

    async def read() -> None:
        await read_one(run, "post_detail", aweme_id)
        run.summary.posts_seen += 1
        run.house.on_event("pages", pages=1, posts=1, things="posts")
        await run.apply()

    await step("read the post", read)
    await Loader(run, step, lambda: {"aweme_ids": [aweme_id], "posts": run.job.filter}).load_all()


async def archive_hot_board(run: Run, step: Step) -> None:
    """Archive the hot board (热榜) as it is now."""

    async def read() -> None:
        page = await read_one(run, "hot_board", "self")
        run.summary.posts_seen += page.item_count
        await run.apply()

    await step("read the hot board", read)


async def archive_listing(run: Run, mode: Mode, listing: Listing, link: Link, step: Step) -> None:
    """Archive a listing: walk it page by page, load files while the walk goes on, then what hangs on it."""
    owner_id = link.id if listing.kind else "self"
    params: dict[str, Any] = {}
    if mode is Mode.MIX and link.kind == "post":
        owner_id = await step("read which mix the post belongs to", lambda: _mix_of(run, link.id))
        run.summary.target = owner_id
    if listing.has_profile:
        uid = await step("read the profile", lambda: read_profile(run, owner_id))
        if mode is Mode.SEARCH:
            params = {"keyword": run.job.keyword, "from_user": uid}
    walk = Walk(run, listing, owner_id, params)
    await walk_and_load(run, walk, step)
    await note_gone(run, walk, step)
    if mode is Mode.COMMENTS and walk.last is not None and not walk.last.item_count:
        await step("ask whether the post is there", lambda: _need_post(run, walk))
    await archive_branches(run, walk, step)


async def walk_and_load(run: Run, walk: Walk, step: Step) -> None:
    """Walk a listing and load its files at the same time; what stops the walk is raised once the files are settled."""
    if not walk.listing.has_media:
        await walk.to_end(step)
        return
    loader = Loader(run, step, walk.scope)
    try:
        await _beside(walk.to_end(step), loader.follow)
    except RateLimited as silent:
        if walk.listing.listing == "like" and walk.last is None and await _hides_likes(run, walk.owner_id):
            raise Private("The account keeps its likes to itself; nothing can be done from here") from silent
        raise


async def _hides_likes(run: Run, sec_user_id: str) -> bool:
    """Whether the profile says that nobody sees the likes: Douyin answers for such a list with no bytes at all."""
    lake = await run.house.lake()
    sql = "SELECT has_open_likes FROM users WHERE sec_user_id = ?"
    return bool((await run.house.on_lake(lake.query, sql, [sec_user_id])).rows() == [(False,)])


async def _beside(walking: Awaitable[None], follow: Callable[[asyncio.Event], Awaitable[None]]) -> None:
    walk_ended = asyncio.Event()
    loading = asyncio.ensure_future(follow(walk_ended))
    try:
        await walking
    except (Blocked, LakeBusy):
        raise  # a challenge stops the run, files too; what is wanted is still known next time
    except ArchiveError:
        walk_ended.set()
        await loading
        raise
    else:
        walk_ended.set()
        await loading
    finally:
        loading.cancel()
        await asyncio.wait([loading])


async def read_profile(run: Run, sec_user_id: str) -> str | None:
    """Read an account's profile: who it is, and how many posts to expect; its uid. Its folder follows its name."""
    from pipelines.transform.interface import at, count_at, text_at
    from schemas.bodies import load_json

    page = await read_one(run, "user_profile", sec_user_id)
    answer = load_json(page.body)
    run.summary.name = text_at(answer, "user.nickname")
    mode = run.summary.mode
    run.expected = count_at(answer, f"user.{COUNTED[mode]}") if mode in COUNTED else None
    run.is_closed = count_at(answer, "user.secret") == 1
    run.hides_likes = at(answer, "user.show_favorite_list") in (False, 0)
    await follow_name(run, sec_user_id, run.summary.name)
    uid = text_at(answer, "user.uid")
    return uid if uid not in ("", "0") else None


async def _mix_of(run: Run, aweme_id: str) -> str:
    from pipelines.transform.interface import text_at
    from schemas.bodies import load_json

    page = await read_one(run, "post_detail", aweme_id)
    mix_id = text_at(load_json(page.body), "aweme_detail.mix_info.mix_id")
    if mix_id in ("", "0"):
        raise NotFound(f"The post {aweme_id} belongs to no mix; archive it in mode one.")
    return mix_id


async def _need_post(run: Run, walk: Walk) -> None:
    """Raise Absent where the post is gone whose comments came empty: its list tells the two apart by nothing."""
    try:
        await read_one(run, "post_detail", walk.owner_id)
    except Absent as gone:
        if walk.last is not None:
            lake = await run.house.lake()
            await run.house.on_lake(lake.save_checkpoint, replace(walk.last, verdict="unknown", reason=str(gone)))
            run.summary.verdict = "unknown"
        raise
    await run.apply()


async def archive_branches(run: Run, walk: Walk, step: Step, *, only_unread: bool = False) -> None:
    """Read what hangs on a listing that was walked: the replies to comments, the posts of folders.

    One that is not to be had (a comment or a folder that is gone) is noted, and costs the others nothing. `only_unread`
    leaves out those that were read to their end since the listing was.
    """
    find = {"post_comment": _threads, "collects_list": _folders}.get(walk.listing.operation)
    if find is None:
        return
    lake = await run.house.lake()
    mark = await run.house.on_lake(lake.checkpoint, walk.listing.operation, walk.owner_id)
    since = mark.started_at if mark is not None else None
    branches, lost = await find(run, walk, since), list[ArchiveError]()
    if only_unread and since is not None:
        sql = "SELECT listing, owner_id FROM checkpoints WHERE finished_at >= ?"
        read = set((await run.house.on_lake(lake.query, sql, [since])).rows())
        branches = [one for one in branches if (one.listing.listing, one.owner_id) not in read]
    for branch in branches:
        try:
            await walk_and_load(run, branch, step)
            await note_gone(run, branch, step)
        except (Absent, BadInput, Unfamiliar) as error:
            if "page" not in error.facts:
                raise  # it is none of Douyin's answers
            lost.append(error)
            if isinstance(error, Unfamiliar):
                run.summary.outcome, run.summary.reason = "partial", str(error)
            if sum(isinstance(one, Unfamiliar) for one in lost) > _ODD_AT_MOST:
                raise
    if lost:
        what = "replies" if walk.listing.operation == "post_comment" else "folders"
        run.summary.warnings.append(f"Not to be had: {len(lost)} of the {what}. {lost[0]}")


async def _threads(run: Run, walk: Walk, since: datetime | None) -> list[Walk]:
    """Walks through the replies to each comment that has any."""
    test = "aweme_id = ? AND root_id IS NULL AND reply_count > 0"
    found = await _held(run, walk, since, "comments", "comment_id", test)
    return [Walk(run, BRANCHES["comment_reply"], comment_id, {"item_id": walk.owner_id}) for comment_id in found]


async def _folders(run: Run, walk: Walk, since: datetime | None) -> list[Walk]:
    """Walks through the folders of the cookie's owner."""
    found = await _held(run, walk, since, "collects", "collects_id", "true")
    return [Walk(run, BRANCHES["collects_posts"], collects_id) for collects_id in found]


async def _held(run: Run, walk: Walk, since: datetime | None, table: str, key: str, test: str) -> list[str]:
    """What the archive holds of a listing; where the job has a limit, what the last walk showed of it."""
    shown = since if walk.limit is not None else None
    sql = f"SELECT {key} FROM {table} WHERE {test} AND (? IS NULL OR last_seen_at >= ?) ORDER BY {key}"
    lake = await run.house.lake()
    values = [*([walk.owner_id] if "?" in test else []), shown, shown]
    return list((await run.house.on_lake(lake.query, sql, values))[key].to_list())
