"""What is picked of a post: see picks. No I/O here."""

from __future__ import annotations

import msgspec

from pipelines.transform.picks import (
    NOTHING,
    Address,
    Count,
    Flag,
    Id,
    Pick,
    Seconds,
    ShareInfo,
    Small,
    Subject,
    Text,
    User,
    id_of,
)


class PlayAddress(Pick, gc=False):
    """Where a film plays; the addresses stay unread until this one is chosen."""

    uri: Text = None
    url_list: msgspec.Raw = NOTHING
    width: Count = None
    height: Count = None
    data_size: Count = None


class Variant(Pick, gc=False):
    """One encoding of a film, of up to two dozen."""

    play_addr: PlayAddress | None = None
    bit_rate: Count = None
    FPS: Count = None
    format: Text = None
    is_h265: Flag = None
    is_bytevc1: Flag = None
    gear_name: Text = None


class Video(Pick, gc=False):
    """A film, or the square that stands in for one on galleries."""

    play_addr: PlayAddress | None = None
    play_addr_h264: msgspec.Raw = NOTHING
    play_addr_265: msgspec.Raw = NOTHING
    play_addr_bytevc1: msgspec.Raw = NOTHING
    play_addr_lowbr: msgspec.Raw = NOTHING
    download_addr: msgspec.Raw = NOTHING
    cover: msgspec.Raw = NOTHING
    origin_cover: Address | None = None
    dynamic_cover: Address | None = None
    animated_cover: msgspec.Raw = NOTHING
    bit_rate: list[Variant] | None = None
    width: Count = None
    height: Count = None
    duration: Count = None
    format: Text = None
    is_h265: Flag = None


class Image(Pick, gc=False):
    """A picture of a gallery; with a film, a live photo."""

    uri: Text = None
    url_list: tuple[str, ...] | None = None
    download_url_list: msgspec.Raw = NOTHING
    width: Count = None
    height: Count = None
    video: Video | None = None


class Music(Subject, gc=False):
    """A sound."""

    mid: Id = None
    id_str: Id = None
    id: Id = None
    title: Text = None
    author: Text = None
    album: Text = None
    owner_id: Id = None
    owner_nickname: Text = None
    sec_uid: Text = None
    duration: Small = None
    play_url: Address | None = None
    cover_hd: Address | None = None
    cover_large: msgspec.Raw = NOTHING
    cover_thumb: msgspec.Raw = NOTHING
    is_original: Flag = None
    is_original_sound: Flag = None
    is_commerce_music: Flag = None
    author_deleted: Flag = None
    status: Count = None
    music_status: Count = None
    offline_desc: Text = None

    def key(self) -> str | None:
        """The music_id."""
        return id_of(self.mid) or id_of(self.id_str) or id_of(self.id)


class MixCounts(Pick, gc=False):
    """Counts of a mix; current_episode belongs to the post that carries it."""

    current_episode: Count = None
    updated_to_episode: Count = None
    collect_vv: Count = None
    play_vv: Count = None


class Mix(Subject, gc=False):
    """A mix (合集)."""

    mix_id: Id = None
    mix_name: Text = None
    desc: Text = None
    author: User | None = None
    mix_type: Count = None
    statis: MixCounts | None = None
    cover_url: Address | None = None
    create_time: Seconds = None
    update_time: Seconds = None
    # The names that the filters of the interface know.
    mix_desc: Text = None
    mix_create_time: Seconds = None
    mix_update_time: Seconds = None

    def key(self) -> str | None:
        """The mix_id."""
        return id_of(self.mix_id)


class Statistics(Pick, gc=False):
    """Counts of a post."""

    digg_count: Count = None
    comment_count: Count = None
    share_count: Count = None
    collect_count: Count = None
    play_count: Count = None
    admire_count: Count = None


class Status(Pick, gc=False):
    """Who may see a post."""

    is_delete: Flag = None
    is_prohibited: Flag = None
    private_status: Count = None
    part_see: Count = None


class Mark(Pick, gc=False):
    """A hashtag, mention or search word (text_extra)."""

    type: Count = None
    start: Count = None
    end: Count = None
    hashtag_id: Id = None
    hashtag_name: Text = None
    sec_uid: Text = None
    user_id: Id = None
    search_text: Text = None
    search_query_id: Id = None


class LiveCell(Pick, gc=False):
    """What newer live cards wrap their room in."""

    rawdata: msgspec.Raw = NOTHING


class Post(Subject, gc=False):
    """A post (作品); desc, author and the rest may each be missing."""

    aweme_id: Id = None
    desc: Text = None
    item_title: Text = None
    create_time: Seconds = None
    author: User | None = None
    author_user_id: Id = None
    aweme_type: Count = None
    media_type: Count = None
    video: Video | None = None
    images: list[Image] | None = None
    music: Music | None = None
    mix_info: Mix | None = None
    statistics: Statistics | None = None
    status: Status | None = None
    text_extra: list[Mark] | None = None
    duration: Count = None
    is_top: Flag = None
    is_ads: Flag = None
    region: Text = None
    share_url: Text = None
    share_info: ShareInfo | None = None
    rawdata: msgspec.Raw = NOTHING
    cell_room: LiveCell | None = None

    def key(self) -> str | None:
        """The aweme_id."""
        return id_of(self.aweme_id)
