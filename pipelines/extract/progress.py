"""How a walk through a listing goes on after each page, and how it ends. No I/O here.

A walk ends as complete only where a well-formed answer says has_more 0, or where it has reached a stretch that was read
to the end before. Everything else that stops it is named in the checkpoint's reason.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import UTC, datetime

from pipelines.extract.endpoints import Cursor, Endpoint, Order
from pipelines.extract.stretches import add, covering
from schemas.pages import AS_ASKED, Checkpoint, Page, Stretch

# A page that leads nowhere is asked for again so often; Douyin does repeat an answer now and then.
MAX_STALLS = 2
MAX_REPEATS = 3
MAX_EMPTY_PAGES = 20
# A smaller cursor is no moment of this century, in milliseconds or finer: it counts what was shown, and may rise. Such
# a listing has no stretches to keep; it is read to its end each time.
_NO_TIME = 1_000_000_000

HIDDEN = (
    "the list came empty though the profile counts {}{}; nothing is taken for gone. A login may show more: aweme login"
)
PRIVATE = ", since the account is private"
NOTHING = (
    "Douyin shows nothing of it and does not say why: it is gone, hidden, or the id is wrong; nothing is taken for "
    "gone. Check the link in a browser"
)
UNDER_WAY = "not read to its end yet; run again to go on"


@dataclass
class Progress:
    """A walk under way. `cursor` is where to ask next (None: at the top); `is_done` once nothing is left to ask.

    `was_complete` says whether the listing was read to its end before.
    """

    endpoint: Endpoint
    checkpoint: Checkpoint
    is_full: bool
    cursor: str | None
    is_from_top: bool
    max_items: int | None = None
    since: int | None = None
    fresh_from: int | None = None
    expected: int | None = None
    is_closed: bool = False
    was_complete: bool = False
    is_done: bool = False
    items: int = 0
    known_items: int = 0
    stalls: int = 0
    repeats: int = 0
    empty_pages: int = 0
    is_rising: bool = False  # the cursor counts upwards
    last_ids: tuple[str, ...] = ()
    asked: set[str] = field(default_factory=set)

    @property
    def left(self) -> int | None:
        """Items that the walk may still read; None: no limit."""
        return None if self.max_items is None else max(0, self.max_items - self.items)

    def take(self, page: Page, known: set[str], now: datetime) -> Checkpoint:
        """Count a page in, and say what the checkpoint is with it; `known` are those of its ids known before."""
        before = self.checkpoint
        self._count(page)
        leads_on = self._leads_on(page)
        if self._is_end(page):
            if self._is_hidden():
                why = HIDDEN.format(self.expected, PRIVATE if self.is_closed else "") if self.expected else NOTHING
                return self._finish("partial", why, now)
            self._cover(page, known, is_end=not page.login_wall)
            return self._end(page, now)
        if not leads_on:
            return self._stall(page, now)
        self.stalls = 0
        self._cover(page, known)
        reason = self._loop(page)
        if reason:
            return self._finish("partial", reason, now)
        self._go_to(page.next_cursor)
        stop = self._stop(page, known, before, now)
        return stop or self._pause()

    def _count(self, page: Page) -> None:
        newest = self.checkpoint.newest_aweme_id
        if self.cursor is None and page.unpinned_ids:
            newest = page.unpinned_ids[0]
        self.items += page.item_count
        self.checkpoint = replace(
            self.checkpoint,
            newest_aweme_id=newest,
            item_count=self.checkpoint.item_count + page.item_count,
            page_count=self.checkpoint.page_count + 1,
        )

    def _is_hidden(self) -> bool:
        """Whether a walk ends with nothing, where there should be something: Douyin hides lists so.

        From further down an open list may end with nothing, too: nobody knows what it holds there.
        """
        if self.checkpoint.item_count:
            return False
        should_show = bool(self.expected) or self.endpoint.is_never_empty
        return should_show and (self.is_from_top or (self.is_closed and bool(self.expected)))

    def _is_end(self, page: Page) -> bool:
        if page.has_more is not False:
            return False
        # The first page of the friends' feed says that there is no more even where there is.
        is_first_of_friends = self.endpoint.cursor is Cursor.FRIENDS and self.cursor is None
        return not (is_first_of_friends and page.item_count and self._leads_on(page))

    def _leads_on(self, page: Page) -> bool:
        following = _place(page.next_cursor)
        if following is None or following == self.cursor or following in self.asked:
            return False
        if self.endpoint.order is not Order.TIME or self.cursor is None:
            return True
        return int(following) < int(self.cursor) or int(following) < _NO_TIME

    def _cover(self, page: Page, known: set[str], *, is_end: bool = False) -> None:
        if self.endpoint.order is not Order.TIME:
            return
        following = int(_place(page.next_cursor) or 0)
        self.is_rising = self.is_rising or int(self.cursor or following) < following < _NO_TIME
        if self.is_rising or (not following and not is_end):
            return
        old = self.checkpoint.stretches
        high = following if self.cursor is None else int(self.cursor)
        if self.cursor is not None and covering(old, high) is None:
            high -= (
                1  # asked from the middle of nowhere: whether a post of that very moment is shown is Douyin's secret
            )
        low = 0 if is_end else min(following, high)
        whole = covering(old, high)
        is_old = whole is not None and whole.low <= low and whole.is_end >= is_end
        fresh = 0 if is_old else sum(one not in known for one in page.unpinned_ids)
        self.known_items += len(known)
        self.checkpoint = replace(self.checkpoint, stretches=add(old, Stretch(high, low, is_end, fresh)))

    def _loop(self, page: Page) -> str | None:
        self.repeats = self.repeats + 1 if page.item_ids and page.item_ids == self.last_ids else 0
        self.empty_pages = 0 if page.item_count else self.empty_pages + 1
        self.last_ids = page.item_ids
        if self.repeats >= MAX_REPEATS:
            return f"Douyin repeated the same page {self.repeats + 1} times at cursor {self.cursor}; run again later"
        if self.empty_pages >= MAX_EMPTY_PAGES:
            return f"Douyin gave {self.empty_pages} empty pages in a row up to cursor {self.cursor}; run again later"
        return None

    def _stall(self, page: Page, now: datetime) -> Checkpoint:
        if page.has_more is None and page.next_cursor is None:
            return self._finish("unknown", "Douyin did not say whether there is more", now)
        self.stalls += 1
        if self.stalls <= MAX_STALLS:
            return self._pause()
        where = "the start" if self.cursor is None else f"cursor {self.cursor}"
        return self._finish("partial", f"Douyin said there is more, but did not lead on from {where}; run again", now)

    def _stop(self, page: Page, known: set[str], before: Checkpoint, now: datetime) -> Checkpoint | None:
        if self.left == 0:
            return self._limit(now)
        if self.endpoint.order is not Order.TIME or self.cursor is None:
            return None
        if self.since is not None and int(self.cursor) < self.since:
            return self._interval(self.since, now)
        if self.is_full or not known.issuperset(page.unpinned_ids):
            return None
        if self.fresh_from is not None and int(self.cursor) > self.fresh_from:
            return None  # known, but young enough to be read again
        there = covering(before.stretches, int(self.cursor))
        return self._jump(there, now) if there is not None else None

    def _jump(self, there: Stretch, now: datetime) -> Checkpoint | None:
        if there.is_end:
            return self._finish_at_end(now)
        self._go_to(str(there.low))
        # What the stretch holds counts as read; what the walk has seen of it was counted already.
        self.items += max(0, there.items - self.known_items)
        self.known_items = 0
        if self.left == 0:
            return self._limit(now)
        return self._interval(self.since, now) if self.since is not None and there.low < self.since else None

    def _end(self, page: Page, now: datetime) -> Checkpoint:
        if page.login_wall:
            reason = "Douyin shows more only after a login; log in with `aweme login`, then run again"
            return self._finish("partial", reason, now)
        if self.endpoint.order is Order.FEED:
            return self._finish("unknown", "a feed has no end", now)
        return self._finish_at_end(now)

    def _finish_at_end(self, now: datetime) -> Checkpoint:
        if not self.is_from_top:
            return self._as_asked("not from the newest on", now)
        if self.is_full:
            self.checkpoint = replace(self.checkpoint, full_walk_at=now)
        return self._finish("complete", None, now)

    def _limit(self, now: datetime) -> Checkpoint:
        return self._as_asked(f"no more than {self.max_items}", now)

    def _interval(self, since: int, now: datetime) -> Checkpoint:
        oldest = datetime.fromtimestamp(since / self.endpoint.units_per_second, UTC)
        return self._as_asked(f"only the newer part, down to {oldest:%Y-%m-%d %H:%M} UTC", now)

    def _as_asked(self, what: str, now: datetime) -> Checkpoint:
        """The end of a walk through a part. A listing that was whole stays so where the part touches what was read."""
        there = covering(self.checkpoint.stretches, int(self.cursor or 0)) if self.checkpoint.stretches else None
        is_whole = there is not None and there.is_end and (self.is_from_top or self.was_complete)
        verdict = "unknown" if self.endpoint.order is Order.FEED else "complete" if is_whole else "partial"
        return self._finish(verdict, f"{AS_ASKED}{what}", now)

    def _go_to(self, cursor: str | None) -> None:
        if self.cursor is not None:
            self.asked.add(self.cursor)
        self.cursor = _place(cursor)

    def _pause(self) -> Checkpoint:
        # A walk that began further down must not be taken up later as one that came from the top.
        cursor = self.cursor if self.is_from_top and self.endpoint.order is not Order.FEED else None
        self.checkpoint = replace(self.checkpoint, cursor=cursor, verdict="partial", reason=UNDER_WAY)
        return self.checkpoint

    def _finish(self, verdict: str, reason: str | None, now: datetime) -> Checkpoint:
        self.is_done = True
        self.checkpoint = replace(self.checkpoint, cursor=None, finished_at=now, verdict=verdict, reason=reason)
        return self.checkpoint


def _place(cursor: str | None) -> str | None:
    """A cursor, where 0 and nothing both mean the top."""
    return None if cursor in (None, "", "0") else cursor


def begin(
    endpoint: Endpoint,
    owner_id: str,
    checkpoint: Checkpoint | None,
    *,
    is_full: bool,
    max_items: int | None,
    start_cursor: str | None,
    since: datetime | None,
    fresh_from: datetime | None = None,
    expected: int | None = None,
    is_closed: bool = False,
    now: datetime,
) -> Progress:
    """A walk that takes up the one that was cut off, where there is one that serves; else a new one."""
    old = checkpoint or Checkpoint(endpoint.listing or endpoint.name, owner_id)
    start = _place(start_cursor)
    bound, fresh = (_in_units(moment, endpoint) for moment in (since, fresh_from))
    if takes_up(endpoint, old, is_full=is_full, max_items=max_items, start_cursor=start_cursor):
        progress = Progress(endpoint, old, old.is_full, old.cursor, is_from_top=True, items=old.item_count)
    else:
        new = replace(
            old,
            cursor=None,
            is_full=is_full,
            item_count=0,
            page_count=0,
            started_at=now,
            finished_at=None,
            verdict=None,
            reason=None,
        )
        progress = Progress(endpoint, new, is_full, start, is_from_top=start is None)
    progress.max_items, progress.since, progress.fresh_from = max_items, bound, fresh
    progress.expected, progress.is_closed = expected, is_closed
    progress.was_complete = old.verdict == "complete"
    return progress


def takes_up(
    endpoint: Endpoint, old: Checkpoint | None, *, is_full: bool, max_items: int | None, start_cursor: str | None
) -> bool:
    """Whether a walk goes on where the one before was cut off; else it begins anew, and stretches say what is read."""
    if old is None or old.cursor is None or old.finished_at is not None or endpoint.order is Order.FEED:
        return False
    if _place(start_cursor) is not None or (is_full and not old.is_full):
        return False
    # The newest so many are at the top, whatever a walk had left to read when it was cut off.
    return max_items is None or (endpoint.order is not Order.TIME and old.item_count < max_items)


def _in_units(moment: datetime | None, endpoint: Endpoint) -> int | None:
    """A moment in the unit of a listing's cursor; None where its cursor is no time."""
    if moment is None or endpoint.order is not Order.TIME:
        return None
    return int(moment.timestamp() * endpoint.units_per_second)
