"""Answers that show live rooms. No I/O here."""

from __future__ import annotations

from pipelines.transform.answers import Shape
from pipelines.transform.checks import add_rejects
from pipelines.transform.lives import add_ended_room, add_room
from pipelines.transform.picks import id_of
from pipelines.transform.picks_of_rooms import Anchor, LiveCard, Partitions, Room
from pipelines.transform.rows import Batch
from pipelines.transform.salvage import UNREADABLE, decoder, read_as
from schemas.pages import Page

_ENTRANCE = Shape(Room, ("data", "data"), beside=("user", "partition_road_map", "enter_room_id"))
_BROADCAST = Shape(Room, ("data", "room"), single=True)
_CARDS = Shape(LiveCard, ("data", "data"))

_OVER = ("Deleted",)


def add_entrance(batch: Batch, page: Page, number: int) -> None:
    """The rows of a room that was asked for by its lasting number."""
    if page.outcome != "ok":
        return
    reading = _ENTRANCE.read(page.body)
    beside = reading.beside
    anchor = read_as(Anchor, beside["user"]) if "user" in beside else None
    partitions = read_as(Partitions, beside["partition_road_map"]) if "partition_road_map" in beside else None
    webcast_id = id_of(page.target)
    for _, room in reading.items:
        add_room(batch, room, number, webcast_id=webcast_id, anchor=anchor, partitions=partitions)
    add_rejects(batch, "lives", reading.odd, number)
    last = _last_room(beside.get("enter_room_id", b"null"))
    if not reading.items and not reading.odd and last is not None:
        add_ended_room(batch, last, number, anchor=anchor, webcast_id=webcast_id)


def add_broadcast(batch: Batch, page: Page, number: int) -> None:
    """The rows of a broadcast that was asked for by its room_id."""
    if page.outcome in _OVER:
        room_id = id_of(page.target)
        if room_id is not None:
            add_ended_room(batch, room_id, number, anchor=None, webcast_id=None)
    if page.outcome != "ok":
        return
    reading = _BROADCAST.read(page.body)
    for _, room in reading.items:
        add_room(batch, room, number)
    add_rejects(batch, "lives", reading.odd, number)


def add_live_cards(batch: Batch, page: Page, number: int) -> None:
    """The rows of the rooms that one follows."""
    if page.outcome != "ok":
        return
    reading = _CARDS.read(page.body)
    for _, card in reading.items:
        if card.room is not None:
            add_room(batch, card.room, number, webcast_id=id_of(card.web_rid))
    add_rejects(batch, "lives", reading.odd, number)


def _last_room(raw: object) -> str | None:
    try:
        value = decoder(object).decode(raw)  # type: ignore[arg-type]
    except UNREADABLE:
        return None
    return id_of(value) if isinstance(value, str | int) and not isinstance(value, bool) else None
