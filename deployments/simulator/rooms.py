"""Live rooms: who broadcasts when, which segments there are at a moment, and what goes wrong. No I/O here.

A broadcast is arithmetic on the app's clock: segment k is there once its time has passed. So a room needs no thread,
and with a clock of its own a test runs an hour in no time. Rooms stand in `app.state["rooms"]`; where nobody put any,
`rooms_of` makes those of `default_rooms`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from math import ceil
from typing import Literal

from deployments.simulator.http import App
from deployments.simulator.numbers import digits, mix
from deployments.simulator.world import CROWD, World

QUALITIES = ("FULL_HD1", "HD1", "SD2", "SD1")  # best first: SD2 is 高清, SD1 标清
Ending = Literal["gone", "forbidden", "endlist", "frozen"]
Afterlife = Literal["status_4", "finished", "stale", "empty"]


@dataclass(frozen=True, slots=True)
class LiveRoom:
    """One broadcast and its script; times are unix seconds, segments have numbers from `first_number` on.

    `owner` is the number of the account; `qualities` are keys of QUALITIES, best first; `window` is in segments.
    `gaps`: (first, last) numbers that never come, while which the window stands still. `outages`: (first, last) numbers
    during which playlists are 404 though the room is live. `dead` and `short` numbers are segments that are 404 and
    that break off. `restarts` are numbers before which the encoder began anew, which plays as a discontinuity.
    `masters` are qualities whose address gives a master playlist. `is_renaming` gives segments a new name, not just a
    new signature, at every refresh. `valid_s` is how long an address is good, to the next whole second.
    `flv_cut_after` is how many segments of FLV come before the answer ends, `flv_breaks` whether it breaks instead.
    `ending` is what playlists do when it is over, `afterlife` what the room's own answers say then: enter gives a room
    of status 4 or (empty) none; reflow gives status 4 with dead addresses, (finished, empty) 30003, or (stale) status 2
    with a finish_time.
    """

    webcast_id: str
    room_id: str
    owner: int
    started: float
    length_s: float
    segment_s: float = 2.0
    window: int = 5
    first_number: int = 1
    title: str | None = None
    viewers: int = 106
    qualities: tuple[str, ...] = QUALITIES
    gaps: tuple[tuple[int, int], ...] = ()
    outages: tuple[tuple[int, int], ...] = ()
    dead: frozenset[int] = frozenset()
    short: frozenset[int] = frozenset()
    restarts: tuple[int, ...] = ()
    masters: frozenset[str] = frozenset()
    is_renaming: bool = False
    is_paid: bool = False
    has_core_data: bool = True
    valid_s: float = 7200.0
    flv_cut_after: int | None = None
    flv_breaks: bool = False
    ending: Ending = "gone"
    afterlife: Afterlife = "status_4"

    @property
    def stream_id(self) -> str:
        """The number in every address of this broadcast."""
        return digits(18, self.room_id, "stream")

    @property
    def ends(self) -> float:
        """When the broadcast is over."""
        return self.started + self.length_s

    @property
    def last_number(self) -> int:
        """The last segment that there will ever be."""
        return self.first_number + max(1, round(self.length_s / self.segment_s)) - 1

    @property
    def target_s(self) -> int:
        """What playlists give as target duration: whole seconds, at least one."""
        return max(1, ceil(self.segment_s))

    def is_live(self, now: float) -> bool:
        """Whether it is on the air."""
        return self.started <= now < self.ends

    def newest(self, now: float) -> int:
        """The newest segment that was finished by then, gaps or not; `first_number` - 1 before there is one."""
        # A clock that moves by steps of a segment must not fall short by the last bit of a float.
        passed = int((now - self.started) / self.segment_s + 1e-6)
        return min(self.first_number - 1 + max(0, passed), self.last_number)

    def exists(self, number: int) -> bool:
        """Whether a segment of that number is ever there."""
        return self.first_number <= number <= self.last_number and not _within(number, self.gaps)

    def listed(self, now: float) -> range:
        """The numbers in the window at that moment."""
        newest = self.newest(now)
        while newest >= self.first_number and not self.exists(newest):
            newest -= 1
        oldest = max(newest - self.window + 1, self.first_number)
        oldest = max([oldest, *(last + 1 for _, last in self.gaps if last < newest)])
        return range(oldest, newest + 1)

    def is_out(self, now: float) -> bool:
        """Whether playlists are missing though the room is live."""
        return _within(self.newest(now), self.outages)

    def began(self, number: int) -> int:
        """The segment at which the encoder that made this one began."""
        return max((start for start in self.restarts if start <= number), default=self.first_number)

    def seed(self, quality: str) -> int:
        """What decides the bytes of a quality."""
        return mix(int(self.stream_id), QUALITIES.index(quality))


@dataclass(slots=True)
class Rooms:
    """The rooms of a world, to be found by each of their names."""

    rooms: list[LiveRoom] = field(default_factory=list)

    def put(self, room: LiveRoom) -> None:
        """Add a broadcast, or change the one with its room_id."""
        self.rooms = [*(one for one in self.rooms if one.room_id != room.room_id), room]

    def of_webcast(self, webcast_id: str, now: float) -> LiveRoom | None:
        """The broadcast that is seen at that room number: the last that began."""
        return self._last((room for room in self.rooms if room.webcast_id == webcast_id), now)

    def of_room(self, room_id: str) -> LiveRoom | None:
        """The broadcast of that id."""
        return next((room for room in self.rooms if room.room_id == room_id), None)

    def of_stream(self, stream_id: str) -> LiveRoom | None:
        """The broadcast whose addresses carry that number."""
        return next((room for room in self.rooms if room.stream_id == stream_id), None)

    def of_owner(self, number: int, now: float) -> LiveRoom | None:
        """What an account is broadcasting at that moment."""
        return next((room for room in self.rooms if room.owner == number and room.is_live(now)), None)

    def live(self, now: float) -> list[LiveRoom]:
        """All that is on the air."""
        return [room for room in self.rooms if room.is_live(now)]

    @staticmethod
    def _last(found: Iterable[LiveRoom], now: float) -> LiveRoom | None:
        begun = [room for room in found if room.started <= now]
        return max(begun, key=lambda room: room.started, default=None)


def rooms_of(app: App) -> Rooms:
    """The rooms of an app; made from its world and clock when first asked for."""
    if "rooms" not in app.state:
        app.state["rooms"] = Rooms(default_rooms(app.world, app.clock()))
    rooms: Rooms = app.state["rooms"]
    return rooms


def default_rooms(world: World, now: float) -> list[LiveRoom]:
    """One room for each account to archive, and three of the crowd: by turns live, small and live, just over."""
    owners = [*range(world.users), CROWD, CROWD + 1, CROWD + 2]
    return [_default_room(world, number, place, now) for place, number in enumerate(owners)]


def _default_room(world: World, number: int, place: int, now: float) -> LiveRoom:
    account = world.account(number)
    started = now - 600.0
    qualities = QUALITIES if place % 3 == 0 else ("HD1", "SD1")
    return LiveRoom(
        webcast_id=account.webcast_id,
        room_id=account.room_id,
        owner=number,
        started=started,
        length_s=540.0 if place % 3 == 1 else 6 * 3600.0,
        qualities=qualities,
        viewers=(106, 0, 34_567, 1_234, 12_300)[place % 5],
        masters=frozenset({"SD1"}),
        afterlife="finished" if place % 2 else "status_4",
    )


def _within(number: int, spans: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= number <= last for first, last in spans)
