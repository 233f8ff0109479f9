"""What is picked of a live room: see picks. No I/O here."""

from __future__ import annotations

from msgspec import Raw

from pipelines.transform.picks import NOTHING, Address, Count, Id, Pick, Seconds, Subject, Text, User, id_of
from pipelines.transform.salvage import read_inner


class Anchor(User, gc=False):
    """Who broadcasts; the live service names ids otherwise than the rest."""

    id_str: Id = None
    id: Id = None
    web_rid: Id = None


class RoomStats(Pick, gc=False):
    """Counts of a room, most of them as shown."""

    user_count_str: Text = None
    total_user_str: Text = None
    total_user: Count = None
    like_count: Count = None
    like_count_str: Text = None


class Links(Pick, gc=False):
    """The addresses of one quality."""

    flv: Text = None
    hls: Text = None


class Quality(Pick, gc=False):
    """One quality of a stream."""

    main: Links | None = None


class Qualities(Pick, gc=False):
    """What the text stream_data holds."""

    data: dict[str, Quality] | None = None


class PullData(Pick, gc=False):
    """Where the newer players find the stream: JSON within JSON, in older answers the object itself."""

    stream_data: Raw = NOTHING


class CoreData(Pick, gc=False):
    """What holds pull_data."""

    pull_data: PullData | None = None


class Stream(Pick, gc=False):
    """The addresses of a stream by quality."""

    flv_pull_url: dict[str, str] | None = None
    hls_pull_url_map: dict[str, str] | None = None
    id_str: Id = None
    id: Id = None
    live_core_sdk_data: CoreData | None = None

    def modern(self, kind: str) -> dict[str, str]:
        """Quality to address of `kind` (flv or hls), from stream_data."""
        core = self.live_core_sdk_data
        qualities = read_inner(Qualities, core.pull_data.stream_data) if core and core.pull_data else None
        found = (qualities.data if qualities else None) or {}
        urls = {name: getattr(quality.main, kind) for name, quality in found.items() if quality.main}
        return {name: url for name, url in urls.items() if url}


class Partition(Pick, gc=False):
    """A subject of rooms."""

    title: Text = None


class SubPartition(Pick, gc=False):
    """A narrower subject; sometimes wrapped once more."""

    title: Text = None
    partition: Partition | None = None


class Partitions(Pick, gc=False):
    """Where a room stands among the subjects."""

    partition: Partition | None = None
    sub_partition: SubPartition | None = None

    def title(self) -> str | None:
        """The subject."""
        return (self.partition.title if self.partition else None) or None

    def sub_title(self) -> str | None:
        """The narrower subject."""
        sub = self.sub_partition
        if sub is None:
            return None
        return sub.title or (sub.partition.title if sub.partition else None) or None


class Room(Subject, gc=False):
    """A broadcast."""

    id_str: Id = None
    id: Id = None
    title: Text = None
    status: Count = None
    owner: Anchor | None = None
    owner_user_id: Id = None
    cover: Address | None = None
    stream_url: Stream | None = None
    stream_id: Id = None
    stream_id_str: Id = None
    stats: RoomStats | None = None
    user_count: Count = None
    user_count_str: Text = None
    like_count: Count = None
    create_time: Seconds = None
    start_time: Seconds = None
    finish_time: Seconds = None
    partition_road_map: Partitions | None = None

    def key(self) -> str | None:
        """The room_id."""
        return id_of(self.id_str) or id_of(self.id)


class LiveCard(Subject, gc=False):
    """A room in the list of those that one follows."""

    web_rid: Id = None
    room: Room | None = None

    def key(self) -> str | None:
        """The room_id."""
        return self.room.key() if self.room else None
