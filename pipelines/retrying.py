"""Takes up what failed before, and nothing else: walks that broke off, pages, posts, files."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pipelines.archiving import COUNTED, archive_branches, read_profile, walk_and_load
from pipelines.asking import read_one
from pipelines.errors import Absent, ArchiveError
from pipelines.extract.endpoints import ENDPOINTS, OF_LISTING
from pipelines.house import OnEvent, Step, open_house, silent, straight
from pipelines.jobs import conclude, settings_for
from pipelines.loading import Loader
from pipelines.modes import BRANCHES, LISTING_MODES, Listing
from pipelines.run import Run
from pipelines.vanishing import note_gone
from pipelines.walking import Walk
from schemas.jobs import ArchiveJob, Retried
from schemas.kinds import MEDIA_KINDS
from schemas.pages import AS_ASKED
from schemas.wording import counted

if TYPE_CHECKING:
    from pipelines.load.failures import Failure
    from pipelines.settings import Settings

_LISTINGS = {listing.operation: listing for listing in LISTING_MODES.values()} | BRANCHES
# A live stream is over; it cannot be had another time.
_KINDS = tuple(kind for kind in MEDIA_KINDS if kind != "stream")


async def retry_failed(
    settings: Settings, reason: str | None = None, *, on_event: OnEvent = silent, step: Step = straight
) -> Retried:
    """Try again what failed, all of it or what failed for this reason; what became of it.

    `reason` is the outcome of a page (RateLimited, ...), the state of a file (failed, refused, absent), or words of an
    error. Files that are absent, which no host had, are asked for again only where the reason names them.
    """
    async with open_house(settings, on_event=on_event) as house:
        run = await Run.begin(house, ArchiveJob(), mode="retry", target=reason or "all", flow_run_id=None)
        work = Retry(run, step, reason)
        work.told.summary = await conclude(run, step, work.all)
        return work.told


@dataclass
class Retry:
    """One round of retries; `told` counts what was taken up."""

    run: Run
    step: Step
    reason: str | None

    def __post_init__(self) -> None:
        self.told = Retried(self.run.summary)
        self._walks: list[tuple[str, str]] = []
        self._singles: list[Failure] = []
        self._lost: list[str] = []

    async def all(self) -> None:
        """Walks first, since they bring rows; then single pages and posts, then files.

        What is asked to slow down ends the round: it was said to all. The next one begins with what failed before that.
        """
        await self._find()
        try:
            await self._take_up()
        except ArchiveError:
            await self._tell_left()
            raise

    async def _find(self) -> None:
        from pipelines.load import failures

        lake, on_lake = await self.run.house.lake(), self.run.house.on_lake
        pages = await on_lake(failures.failed_pages, lake, self.reason)
        broken = await on_lake(failures.broken_walks, lake, self.reason, AS_ASKED)
        failed_at = {_named(one): one.at for one in pages}
        walks = dict.fromkeys(map(_named, broken))
        walks |= dict.fromkeys([_named(one) for one in pages if await self._is_wanting(one)])
        self._walks = sorted(walks, key=lambda walk: at.timestamp() if (at := failed_at.get(walk)) else 0.0)
        self._singles = [page for page in pages if page.operation in ("post_detail", "user_profile")]
        self._lost = await on_lake(failures.lost_posts, lake, self.reason)

    async def _take_up(self) -> None:
        from pipelines.load import failures

        lake, on_lake = await self.run.house.lake(), self.run.house.on_lake
        for operation, owner_id in list(self._walks):
            told = await on_lake(failures.job_of, lake, operation, owner_id)
            try:
                await self._walk(operation, owner_id, ArchiveJob.model_validate_json(told or "{}"))
            except Absent as gone:  # it will not be had by another try either, and the others are to be had
                self.told.gone += 1
                self.run.summary.warnings.append(f"Not to be had: {operation} of {owner_id}. {gone}")
            self._walks.remove((operation, owner_id))
        await self.step("ask again for single pages", self._ask_pages)
        await self.step("ask again for lost posts", self._ask_posts)
        await self._files()

    async def _tell_left(self) -> None:
        lake = await self.run.house.lake()
        files = await self.run.house.on_lake(lake.wanted_count, **self._search, **self.run.untried())
        left = {"walks": len(self._walks), "pages": len(self._singles), "posts": len(self._lost), "files": files}
        told = ", ".join(counted(count, things) for things, count in left.items() if count)
        if told:
            self.run.summary.warnings.append(f"Left for the next aweme retry: {told}.")

    async def _is_wanting(self, page: Failure) -> bool:
        """Whether a failed page of a listing is not made up for: a later walk may have read past it in other steps."""
        endpoint = ENDPOINTS[page.operation]
        if not endpoint.is_listing:
            return False
        lake = await self.run.house.lake()
        last = await self.run.house.on_lake(lake.checkpoint, endpoint.listing or endpoint.name, page.target)
        is_whole = last is not None and last.verdict == "complete" and not last.reason
        return not (is_whole and page.at and last.started_at and last.started_at > page.at)

    async def _walk(self, operation: str, owner_id: str, job: ArchiveJob) -> None:
        listing = _LISTINGS.get(operation)
        params = await self._params(operation, owner_id, job)
        if listing is None or params is None:
            self.run.summary.warnings.append(f"{operation} of {owner_id} is taken up by archiving it again only.")
            return
        self.told.walks += 1
        house, settings = self.run.house, self.run.house.settings
        self.run.job, house.settings = job, settings_for(settings, job.model_copy(update={"root": None}))
        self.run.expected = await self._expected(listing, owner_id)
        self.run.is_closed, self.run.hides_likes = await self._reserve(owner_id)
        try:
            walk = Walk(self.run, listing, owner_id, params)
            await walk_and_load(self.run, walk, self.step)
            if walk.whole_since is not None:  # the next full walk may be months away
                await note_gone(self.run, walk, self.step)
            if (trunk := _trunk(walk)) is not None:  # the run that broke off read nothing of what came behind
                await archive_branches(self.run, trunk, self.step, only_unread=True)
        finally:
            house.settings = settings

    async def _expected(self, listing: Listing, owner_id: str) -> int | None:
        """How many items the owner's profile counted when it was last read."""
        if listing.listing not in COUNTED:
            return None
        lake = await self.run.house.lake()
        sql = f"SELECT arg_max({COUNTED[listing.listing]}, observed_at) FROM user_stats WHERE sec_user_id = ?"
        counted: int | None = (await self.run.house.on_lake(lake.query, sql, [owner_id])).item()
        return counted

    async def _reserve(self, owner_id: str) -> tuple[bool, bool]:
        """Whether the owner's profile said that the account is private, or its likes, when it was last read."""
        lake = await self.run.house.lake()
        sql = "SELECT coalesce(is_secret, false), NOT coalesce(has_open_likes, true) FROM users WHERE sec_user_id = ?"
        found = (await self.run.house.on_lake(lake.query, sql, [owner_id])).rows()
        return found[0] if found else (False, False)

    async def _params(self, operation: str, owner_id: str, job: ArchiveJob) -> dict[str, Any] | None:
        lake = await self.run.house.lake()
        if operation == "comment_reply":
            sql = "SELECT aweme_id FROM comments WHERE comment_id = ?"
            found = await self.run.house.on_lake(lake.query, sql, [owner_id])
            return {"item_id": found.item()} if found.height else None
        if operation != "search_user_posts":
            return {}
        if not job.keyword:
            return None
        return {"keyword": job.keyword, "from_user": await read_profile(self.run, owner_id)}

    async def _ask_pages(self) -> None:
        for page in list(self._singles):
            self.told.pages += 1
            await self._ask(page.operation, page.target)
            self._singles.remove(page)
        await self.run.apply()

    async def _ask_posts(self) -> None:
        for aweme_id in list(self._lost):
            self.told.posts += 1
            await self._ask("post_detail", aweme_id)
            self._lost.remove(aweme_id)
        await self.run.apply()

    async def _ask(self, operation: str, target: str) -> None:
        try:
            await read_one(self.run, operation, target)
        except Absent:
            self.told.gone += 1
        if self.run.is_batch_due:
            await self.run.apply()

    @property
    def _search(self) -> dict[str, Any]:
        return {"kinds": _KINDS, "only_failed": True, "reason": self.reason}

    async def _files(self) -> None:
        search = self._search
        lake = await self.run.house.lake()
        self.told.files = await self.run.house.on_lake(lake.wanted_count, **search, **self.run.untried())
        await Loader(self.run, self.step, lambda: search).load_all()


def _trunk(walk: Walk) -> Walk | None:
    """The walk on which others hang that a walk belongs to, or is itself; None for a listing that stands alone."""
    found = {
        "post_comment": ("post_comment", walk.owner_id),
        "comment_reply": ("post_comment", walk.params.get("item_id")),
        "collects_list": ("collects_list", walk.owner_id),
        "collects_posts": ("collects_list", "self"),
    }.get(walk.listing.operation)
    return Walk(walk.run, _LISTINGS[found[0]], str(found[1])) if found is not None else None


def _named(failure: Failure) -> tuple[str, str]:
    """Operation and owner of a failed walk; checkpoints name the listing."""
    found = OF_LISTING.get(failure.operation)
    return (found.name if found else failure.operation, failure.target)
