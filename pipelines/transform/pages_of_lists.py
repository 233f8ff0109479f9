"""Answers that list comments, collect folders, collected sounds and mixes, and the hot board. No I/O here."""

from __future__ import annotations

from pipelines.transform.answers import Odd, Shape, cut
from pipelines.transform.boards import HotWord, add_word
from pipelines.transform.checks import add_rejects
from pipelines.transform.collects import Folder, add_folder
from pipelines.transform.comments import Comment, add_comment
from pipelines.transform.mixes import add_mix
from pipelines.transform.music import MILLISECONDS, add_music
from pipelines.transform.picks import id_of
from pipelines.transform.picks_of_posts import Mix, Music
from pipelines.transform.rows import Batch
from pipelines.transform.salvage import read_as
from schemas.pages import Page

_COMMENTS = Shape(Comment, ("comments",))
_FOLDERS = Shape(Folder, ("collects_list",))
_SOUNDS = Shape(Music, ("mc_list",))
_MIXES = Shape(Mix, ("mix_infos",))
_BOARD = Shape(HotWord, ("data", "word_list"), beside=("trending_list",))


def add_comments(batch: Batch, page: Page, number: int) -> None:
    """The rows of a page of comments or replies."""
    if page.outcome != "ok":
        return
    reading = _COMMENTS.read(page.body)
    # Replies are asked for by the comment on top of their thread, the rest by post.
    target = id_of(page.target)
    post, root = (target, None) if page.operation == "post_comment" else (None, target)
    odd_replies: list[Odd] = []
    for _, comment in reading.items:
        odd_replies += add_comment(batch, comment, post, number, root=root)
    add_rejects(batch, "comments", reading.odd, number)
    after = len(reading.items) + len(reading.odd)
    numbered = (odd._replace(position=position) for position, odd in enumerate(odd_replies, after))
    add_rejects(batch, "comments", numbered, number)


def add_folders(batch: Batch, page: Page, number: int) -> None:
    """The rows of a page of collect folders."""
    if page.outcome != "ok":
        return
    reading = _FOLDERS.read(page.body)
    for _, folder in reading.items:
        add_folder(batch, folder, number)
    add_rejects(batch, "collects", reading.odd, number)


def add_sounds(batch: Batch, page: Page, number: int) -> None:
    """The rows of a page of collected sounds, whose durations are in milliseconds, unlike everywhere else."""
    if page.outcome != "ok":
        return
    reading = _SOUNDS.read(page.body)
    for _, music in reading.items:
        add_music(batch, music, number, unit=MILLISECONDS)
    add_rejects(batch, "music", reading.odd, number)


def add_mixes(batch: Batch, page: Page, number: int) -> None:
    """The rows of a page of collected mixes."""
    if page.outcome != "ok":
        return
    reading = _MIXES.read(page.body)
    for _, mix in reading.items:
        add_mix(batch, mix, None, number)
    add_rejects(batch, "mixes", reading.odd, number)


def add_hot_board(batch: Batch, page: Page, number: int) -> None:
    """The rows of the hot board and of the rising words below it."""
    if page.outcome != "ok":
        return
    reading = _BOARD.read(page.body)
    for position, word in reading.items:
        add_word(batch, "hot", word, position, number)
    rising = cut(reading.beside["trending_list"]) if "trending_list" in reading.beside else []
    odd = list(reading.odd)
    for position, raw in enumerate(rising):
        found = read_as(HotWord, raw)
        if found is None or found.key() is None:
            place = len(reading.items) + len(reading.odd) + position
            odd.append(Odd(place, "no usable id", bytes(raw).decode("utf-8", "replace")))
        else:
            add_word(batch, "trending", found, position, number)
    add_rejects(batch, "hot_words", odd, number)
