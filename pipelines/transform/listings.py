"""Which listing showed which post, as rows of `listing_entries`. No I/O here."""

from __future__ import annotations

from pipelines.transform.picks import flag_of
from pipelines.transform.picks_of_posts import Post
from pipelines.transform.rows import Batch, Layout
from schemas.pages import Page

LISTING_ENTRIES = Layout("listing_entries", ("listing", "owner_id", "aweme_id", "position", "cursor", "is_top"))

# Listings of the cookie's owner belong to 'self', the others to whom they were asked for.
_OF_SOMEONE = {
    "user_post": "post",
    "user_like": "like",
    "user_mix": "mix",
    "post_related": "related",
    "collects_posts": "collects",
    "search_user_posts": "search",
}
_OF_SELF = {
    "user_collect": "collect",
    "post_feed": "feed",
    "follow_feed": "follow_feed",
    "friend_feed": "friend_feed",
}


def listing_of(page: Page) -> tuple[str, str] | None:
    """Listing and owner_id of a page; None where its operation lists no posts."""
    if page.operation in _OF_SELF:
        return _OF_SELF[page.operation], "self"
    listing = _OF_SOMEONE.get(page.operation)
    return (listing, page.target) if listing else None


def add_entry(
    batch: Batch, place: tuple[str, str], post: Post, aweme_id: str, position: int, cursor: str | None, page: int
) -> None:
    """The row that a listing showed a post; `place` is listing and owner_id."""
    batch[LISTING_ENTRIES].extend((*place, aweme_id, position, cursor, flag_of(post.is_top), page))
