"""Answers that list posts or show one. No I/O here."""

from __future__ import annotations

from typing import Any

from pipelines.transform.answers import Shape
from pipelines.transform.checks import add_rejects
from pipelines.transform.listings import add_entry, listing_of
from pipelines.transform.lives import add_room, room_in
from pipelines.transform.media import add_media
from pipelines.transform.mixes import add_mix
from pipelines.transform.music import add_music
from pipelines.transform.picks import Id, Pick, Text, id_of
from pipelines.transform.picks_of_posts import Mix, Post
from pipelines.transform.posts import add_gone_post, add_post, add_post_stats
from pipelines.transform.rows import Batch
from pipelines.transform.salvage import read_as
from pipelines.transform.tags import add_tags
from pipelines.transform.users import add_author, add_met
from schemas.pages import GONE, Page

_LIST = Shape(Post, ("aweme_list",))
_SHAPES = {
    "user_mix": Shape(Post, ("aweme_list",), beside=("mix_info",)),
    "follow_feed": Shape(Post, ("data",), wrappers=("aweme",)),
    "friend_feed": Shape(Post, ("data",), wrappers=("aweme",)),
    "search_user_posts": Shape(Post, ("aweme_list",), wrappers=("item", "aweme_info")),
}
_DETAIL = Shape(Post, ("aweme_detail",), single=True)

_LIVE_CARD = 101
# Not a word about the post: a service behind the service did not answer.
_PASSING = ("core_dep",)


class FilterDetail(Pick, gc=False):
    """Why Douyin does not show a post."""

    aweme_id: Id = None
    filter_reason: Text = None


class Filtered(Pick, gc=False):
    """An answer without the post that was asked for."""

    filter_detail: FilterDetail | None = None


def add_posts(batch: Batch, page: Page, number: int) -> None:
    """The rows of an answer that lists posts."""
    if page.outcome != "ok":
        return
    reading = _SHAPES.get(page.operation, _LIST).read(page.body)
    place = listing_of(page)
    for position, post in reading.items:
        aweme_id = post.key()
        if aweme_id is None:
            continue
        if place is not None:
            add_entry(batch, place, post, aweme_id, position, page.cursor, number)
        _add_all(batch, post, aweme_id, number)
    add_rejects(batch, "posts", reading.odd, number)
    if "mix_info" in reading.beside:
        add_mix(batch, read_as(Mix, reading.beside["mix_info"]), None, number)


def add_detail(batch: Batch, page: Page, number: int) -> None:
    """The rows of an answer that shows one post, or says why it does not."""
    if page.outcome != "ok":
        if page.outcome in GONE:
            _add_gone(batch, page, number)
        return
    reading = _DETAIL.read(page.body)
    for _, post in reading.items:
        _add_all(batch, post, post.key() or page.target, number)
    add_rejects(batch, "posts", reading.odd, number)
    if not reading.items and not reading.odd:
        _add_gone(batch, page, number, told=True)


def _add_all(batch: Batch, post: Post, aweme_id: str, number: int) -> None:
    add_post(batch, post, aweme_id, number)
    add_post_stats(batch, post, aweme_id, number)
    if post.aweme_type == _LIVE_CARD:
        _add_live_card(batch, post, number)
    else:
        add_author(batch, post.author, aweme_id, number)
    add_music(batch, post.music, number)
    add_mix(batch, post.mix_info, post.author, number)
    add_tags(batch, post, aweme_id, number)
    add_media(batch, post, aweme_id, number)


def _add_live_card(batch: Batch, post: Post, number: int) -> None:
    add_met(batch, post.author, number)
    room = room_in(post.rawdata)
    if (room is None or room.key() is None) and post.cell_room is not None:
        room = room_in(post.cell_room.rawdata)
    if room is not None:
        add_room(batch, room, number)


def _add_gone(batch: Batch, page: Page, number: int, *, told: bool = False) -> None:
    """The row of a gone post; where `told`, only if Douyin itself gives a lasting reason."""
    why = _why(page.body)
    reason = why.filter_reason or None
    if told and (reason is None or reason in _PASSING):
        return
    aweme_id = id_of(why.aweme_id) or id_of(page.target)
    if aweme_id is not None:
        add_gone_post(batch, aweme_id, reason, number)


def _why(body: Any) -> FilterDetail:
    answer = read_as(Filtered, body)
    return (answer.filter_detail if answer else None) or FilterDetail()
