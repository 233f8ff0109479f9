"""Raw pages to frames, one per table: the door of this stage. No I/O here."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import polars as pl

from pipelines.transform.given import as_answer
from pipelines.transform.pages_of_accounts import add_follows, add_profiles
from pipelines.transform.pages_of_lists import add_comments, add_folders, add_hot_board, add_mixes, add_sounds
from pipelines.transform.pages_of_posts import add_detail, add_posts
from pipelines.transform.pages_of_rooms import add_broadcast, add_entrance, add_live_cards
from pipelines.transform.recordings import add_recording
from pipelines.transform.rows import Batch
from schemas.pages import Page

_READERS: dict[str, Callable[[Batch, Page, int], None]] = {
    "user_post": add_posts,
    "user_like": add_posts,
    "user_collect": add_posts,
    "user_mix": add_posts,
    "collects_posts": add_posts,
    "post_feed": add_posts,
    "post_related": add_posts,
    "locate_post": add_posts,
    "follow_feed": add_posts,
    "friend_feed": add_posts,
    "search_user_posts": add_posts,
    "post_detail": add_detail,
    "user_profile": add_profiles,
    "following": add_follows,
    "followers": add_follows,
    "post_comment": add_comments,
    "comment_reply": add_comments,
    "live": add_entrance,
    "live_room_id": add_broadcast,
    "follow_live": add_live_cards,
    "live_recording": add_recording,
    "collects_list": add_folders,
    "collected_music": add_sounds,
    "collected_mixes": add_mixes,
    "hot_board": add_hot_board,
    "given_post": lambda batch, page, at: add_detail(batch, as_answer(page), at),
    "given_user": lambda batch, page, at: add_profiles(batch, as_answer(page), at),
}

# What was read of more pages than this outgrows the processor's caches before it is in columns.
_PAGES_AT_ONCE = 32


class Reading:
    """The rows of pages as they come, one after the other; bodies are not held."""

    def __init__(self) -> None:
        self._batch = Batch()
        self._pages = 0

    def add(self, page: Page) -> None:
        """Read a page. Never raises, whatever the answer holds."""
        reader = _READERS.get(page.operation)
        if reader is not None:
            reader(self._batch, page, self._batch.begin(page))
        self._pages += 1
        if self._pages % _PAGES_AT_ONCE == 0:
            self._batch.settle()

    @property
    def row_bytes(self) -> int:
        """About how many bytes the rows take; those of the last few pages are not counted."""
        return self._batch.settled_bytes

    def frames(self) -> dict[str, pl.DataFrame]:
        """One frame per table that got rows, of all pages so far."""
        return self._batch.frames()


def frames_of(pages: Iterable[Page]) -> dict[str, pl.DataFrame]:
    """The rows of some pages: one frame per table that got any, with exactly the columns that the table declares.

    A frame may hold several rows of one key; observed_at says which is newer. Items that fit no table are rows of
    `rejects`. Never raises, whatever the answers hold. Answers that failed give no rows, except those that say that
    what was asked for is gone.
    """
    reading = Reading()
    for page in pages:
        reading.add(page)
    return reading.frames()
