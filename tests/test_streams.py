"""Recording of live streams, against the made-up pull hosts on a clock of their own."""

from __future__ import annotations

import asyncio
from contextlib import aclosing, suppress
from datetime import timedelta
from itertools import pairwise

import httpx
import pytest
from broadcasts import START, Body, Broadcast, on_air
from hypothesis import given
from hypothesis import strategies as st

from pipelines.errors import BadInput, Unfamiliar
from pipelines.extract.flv import FlvReader
from pipelines.extract.playlists import Master, Segment, Window, choose, read_playlist
from pipelines.extract.sequences import Ledger
from pipelines.extract.streams import record_flv, record_hls
from pipelines.extract.watching import End, Piece, Watch


async def recorded(stream: Broadcast, watch: Watch, form: str = "hls", quality: str = "FULL_HD1") -> list[Piece]:
    address = stream.address(form, quality)
    pieces = record_hls(watch, address) if form == "hls" else record_flv(watch, address)
    return [piece async for piece in pieces]


def joined(pieces: list[Piece], part: int = 1) -> bytes:
    return b"".join(piece.data for piece in pieces if piece.part == part)


@pytest.mark.parametrize("ending", ["gone", "forbidden", "endlist", "frozen"])
async def test_each_segment_is_in_the_file_once_and_in_order_whatever_the_end_looks_like(ending: str) -> None:
    stream = Broadcast(on_air(ending=ending))
    watch = stream.watch()
    pieces = await recorded(stream, watch)
    # Where a playlist vanishes with the broadcast, its last segment is never seen by anybody.
    last = 34 if ending in {"gone", "forbidden"} else 35
    assert joined(pieces) == stream.segments(1, last)
    assert [piece.number for piece in pieces] == list(range(1, last + 1))
    assert (watch.end, watch.gaps) == (End.ENDED, [])
    assert stream.entered <= 2, "the room is asked at the end, not all the time"


async def test_a_segment_is_the_same_when_its_address_and_name_change() -> None:
    stream = Broadcast(on_air(is_renaming=True))
    assert joined(await recorded(stream, stream.watch())) == stream.segments(1, 35)


async def test_each_segment_is_asked_for_once() -> None:
    stream = Broadcast(on_air())
    await recorded(stream, stream.watch())
    segments = [path for path in stream.asked if path.endswith(".ts")]
    assert len(segments) == len(set(segments)) == 35


async def test_a_changed_playlist_is_read_again_after_a_target_duration_an_unchanged_one_after_half() -> None:
    stream = Broadcast(on_air(segment_s=4.0, gaps=((5, 6),), length_s=60.0))
    times: list[float] = []

    def note(url: str) -> None:
        if ".m3u8" in url:
            times.append(stream.clock())

    stream.interfere = note
    await recorded(stream, stream.watch())
    waits = {round(later - sooner, 3) for sooner, later in pairwise(times)}
    assert waits <= {4.0, 2.0, 0.0}, waits
    assert {4.0, 2.0} <= waits


async def test_an_expired_address_is_told_from_the_end_by_asking_the_room() -> None:
    stream = Broadcast(on_air(valid_s=7.3))
    watch = stream.watch()
    assert joined(await recorded(stream, watch)) == stream.segments(1, 35)
    assert watch.end is End.ENDED
    assert watch.reentries >= 6
    assert watch.gaps == []


async def test_an_address_is_renewed_before_it_expires() -> None:
    stream = Broadcast(on_air(valid_s=20.0))
    watch = stream.watch()
    late: list[str] = []

    def look(url: str) -> None:
        if watch.is_late(url):
            late.append(url)

    stream.interfere = look
    assert joined(await recorded(stream, watch)) == stream.segments(1, 35)
    assert watch.reentries >= 3
    assert late == []


async def test_a_clock_that_is_set_a_day_ahead_is_no_reason_to_ask_the_room_again_and_again() -> None:
    stream = Broadcast(on_air(valid_s=7200.0))
    ahead = timedelta(0)
    watch = stream.watch()
    watch.now = lambda: stream.clock.now() + ahead

    def set_the_clock(_url: str) -> None:
        nonlocal ahead
        ahead = timedelta(days=1 if stream.clock() > START + 10 else 0)

    stream.interfere = set_the_clock
    assert joined(await recorded(stream, watch)) == stream.segments(1, 35)
    assert watch.reentries <= 3
    assert (watch.end, watch.gaps) == (End.ENDED, [])


async def test_an_end_behind_an_expired_address_is_seen_by_a_fresh_one() -> None:
    stream = Broadcast(on_air(valid_s=1.2))

    async def parting() -> str | None:
        return stream.address()

    watch = stream.watch(parting=parting)
    assert joined(await recorded(stream, watch)) == stream.segments(1, 35)
    assert (watch.end, watch.gaps) == (End.ENDED, [])


async def test_an_end_that_no_address_shows_any_more_is_a_gap() -> None:
    stream = Broadcast(on_air(valid_s=1.2))
    watch = stream.watch()
    kept = joined(await recorded(stream, watch))
    last = next(number for number in range(1, 36) if kept == stream.segments(1, number))
    assert last < 35
    assert [(gap.first, gap.last) for gap in watch.gaps] == [(last + 1, None)]


async def test_an_outage_of_the_playlist_is_waited_for_while_the_room_says_live() -> None:
    stream = Broadcast(on_air(outages=((10, 13),)))
    watch = stream.watch()
    assert joined(await recorded(stream, watch)) == stream.segments(1, 35)


async def test_segments_that_never_came_are_noted_as_one_gap() -> None:
    stream = Broadcast(on_air(gaps=((12, 15),)))
    watch = stream.watch()
    assert joined(await recorded(stream, watch)) == stream.segments(1, 35, without=(12, 13, 14, 15))
    assert [(gap.first, gap.last) for gap in watch.gaps] == [(12, 15)]


async def test_segments_that_slid_out_while_nobody_looked_are_noted() -> None:
    stream = Broadcast(on_air())
    watch = stream.watch()
    slow = iter([30.0])

    async def sleep(seconds: float) -> None:
        stream.clock.time += next(slow, seconds)

    watch.sleep = sleep
    pieces = await recorded(stream, watch)
    assert [(gap.first, gap.last) for gap in watch.gaps] == [(6, 15)]
    assert joined(pieces) == stream.segments(1, 35, without=tuple(range(6, 16)))


@pytest.mark.parametrize("trouble", ["dead", "short"])
async def test_a_segment_that_cannot_be_had_is_a_gap_and_no_half_one_is_kept(trouble: str) -> None:
    stream = Broadcast(on_air(**{trouble: frozenset({8, 9})}))
    watch = stream.watch()
    assert joined(await recorded(stream, watch)) == stream.segments(1, 35, without=(8, 9))
    assert [(gap.first, gap.last) for gap in watch.gaps] == [(8, 9)]
    assert "not to be had" in watch.gaps[0].reason


async def test_a_segment_that_fails_once_is_tried_again_and_stands_in_its_place() -> None:
    stream = Broadcast(on_air())
    failed: set[str] = set()

    def fail_once(url: str) -> httpx.Response | None:
        path = httpx.URL(url).path
        if path.endswith(".ts") and path not in failed:
            failed.add(path)
            return httpx.Response(503, stream=Body(b"busy"))
        return None

    stream.interfere = fail_once
    watch = stream.watch()
    assert joined(await recorded(stream, watch)) == stream.segments(1, 35)
    assert watch.gaps == []


async def test_an_error_page_is_never_kept_as_a_segment() -> None:
    stream = Broadcast(on_air())
    page = "<html>" + "x" * 188 * 3 + "</html>"
    bad = (n for n in range(1, 4))

    def interfere(url: str) -> httpx.Response | None:
        return httpx.Response(200, stream=Body(page.encode())) if ".ts?" in url and next(bad, None) else None

    stream.interfere = interfere
    watch = stream.watch()
    assert b"<html>" not in joined(await recorded(stream, watch))


KEY = b'#EXT-X-KEY:METHOD=AES-128,URI="https://key"'
RANGE = b"#EXT-X-BYTERANGE:188@0"


class Changing(Broadcast):
    """A broadcast whose playlists carry a line more from a moment on."""

    since, line = START, KEY

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        answer = await super().handle_async_request(request)
        if not request.url.path.endswith(".m3u8") or self.clock() < self.since:
            return answer
        body = b"".join([chunk async for chunk in answer.stream])  # type: ignore[union-attr]
        return httpx.Response(200, stream=Body(body.replace(b"#EXTINF", self.line + b"\n#EXTINF")))


@pytest.mark.parametrize(("line", "why"), [(KEY, "encrypted"), (RANGE, "parts of one file")])
async def test_a_stream_that_cannot_be_recorded_is_said_at_once(line: bytes, why: str) -> None:
    stream = Changing(on_air())
    stream.line = line
    with pytest.raises(Unfamiliar, match=why):
        await recorded(stream, stream.watch())
    assert len(stream.asked) == 1


async def test_a_stream_that_becomes_unrecordable_has_a_gap_to_its_end() -> None:
    stream = Changing(on_air())
    stream.since = START + 20
    watch = stream.watch()
    pieces = await recorded(stream, watch)
    assert joined(pieces) == stream.segments(1, len(pieces))
    assert watch.end is End.ENDED
    (gap,) = watch.gaps
    assert "encrypted" in gap.reason
    assert gap.first == len(pieces) + 1 < 35


async def test_a_discontinuity_is_told_with_the_segment_that_it_precedes() -> None:
    stream = Broadcast(on_air(restarts=(14,)))
    pieces = await recorded(stream, stream.watch())
    assert [piece.number for piece in pieces if piece.is_discontinuity] == [14]
    assert joined(pieces) == stream.segments(1, 35)


@pytest.mark.parametrize(
    ("asked", "got"), [(None, "FULL_HD1"), ("FULL_HD1", "FULL_HD1"), ("hd1", "HD1"), ("SD2", "SD1")]
)
async def test_a_master_playlist_is_followed_to_the_quality_asked_for(asked: str | None, got: str) -> None:
    # By bandwidth the made-up SD2 is better than SD1, so the last place is SD1's.
    stream = Broadcast(on_air(masters=frozenset({"HD1"})))
    watch = stream.watch(quality="HD1")
    pieces = [piece async for piece in record_hls(watch, stream.address("hls", "HD1"), quality=asked)]
    assert joined(pieces) == stream.segments(1, 35, quality=got)
    assert sum(path.endswith("_hd.m3u8") for path in stream.asked) <= 1 + watch.reentries


async def test_a_recording_stops_when_it_is_as_long_as_asked() -> None:
    stream = Broadcast(on_air())
    watch = stream.watch(max_seconds=21.0)
    assert joined(await recorded(stream, watch)) == stream.segments(1, 11)
    assert watch.end is End.FULL
    assert watch.seconds == pytest.approx(22.0)


async def test_a_room_that_says_live_and_sends_nothing_is_left_in_the_end() -> None:
    stream = Broadcast(on_air(length_s=36_000.0, gaps=((20, 17_000),)))
    watch = stream.watch(patience_s=60.0)
    assert joined(await recorded(stream, watch)) == stream.segments(1, 19)
    assert watch.end is End.STALLED
    assert stream.entered < 12
    assert stream.clock() < START + 200


async def test_memory_holds_one_segment_at_a_time() -> None:
    stream = Broadcast(on_air())
    async for piece in record_hls(stream.watch(), stream.address()):
        assert len(piece.data) == len(stream.segments(1, 1)) or piece.number != 1


async def test_a_cancelled_recording_ends_at_a_whole_segment() -> None:
    stream = Broadcast(on_air(length_s=36_000.0))
    watch = stream.watch()
    kept: list[Piece] = []
    has_enough = asyncio.Event()

    async def record() -> None:
        async with aclosing(record_hls(watch, stream.address())) as pieces:
            async for piece in pieces:
                kept.append(piece)
                await asyncio.sleep(0)
                if len(kept) == 12:
                    has_enough.set()

    task = asyncio.create_task(record())
    await has_enough.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert joined(kept) == stream.segments(1, len(kept))


async def test_errors_of_the_room_reach_the_caller() -> None:
    stream = Broadcast(on_air())
    watch = stream.watch()

    async def reenter() -> str | None:
        raise Unfamiliar("the room makes no sense")

    watch.reenter = reenter
    kept: list[Piece] = []

    async def record() -> None:
        async for piece in record_hls(watch, stream.address()):
            kept.append(piece)  # noqa: PERF401 - what came before the error counts

    with pytest.raises(Unfamiliar, match="no sense"):
        await record()
    assert joined(kept) == stream.segments(1, 35)


# FLV


async def test_an_flv_is_kept_as_it_comes_and_the_room_tells_its_end() -> None:
    stream = Broadcast(on_air())
    watch = stream.watch("flv")
    pieces = await recorded(stream, watch, "flv")
    assert joined(pieces) == stream.flv(5, 35)
    assert watch.end is End.ENDED
    assert watch.seconds == pytest.approx(62.0, abs=0.1)


@pytest.mark.parametrize("breaks", [False, True])
async def test_an_flv_that_breaks_off_goes_on_in_a_new_file_and_the_gap_is_noted(breaks: bool) -> None:
    stream = Broadcast(on_air(flv_cut_after=10, flv_breaks=breaks))
    watch = stream.watch("flv")
    pieces = await recorded(stream, watch, "flv")
    parts = sorted({piece.part for piece in pieces})
    assert len(parts) >= 3
    assert joined(pieces) == stream.flv(5, 14)
    for part in parts:
        assert joined(pieces, part).startswith(b"FLV\x01")
    assert len(watch.gaps) == len(parts) - 1


async def test_an_flv_stops_when_it_is_as_long_as_asked() -> None:
    stream = Broadcast(on_air())
    watch = stream.watch("flv", max_seconds=20.0)
    data = joined(await recorded(stream, watch, "flv"))
    assert watch.end is End.FULL
    assert 19.9 <= watch.seconds <= 22.1
    assert stream.flv(5, 35).startswith(data)


@given(cuts=st.lists(st.integers(1, 400), max_size=60), stop=st.integers(0, 5000))
def test_an_flv_is_cut_at_whole_tags_however_its_bytes_arrive(cuts: list[int], stop: int) -> None:
    whole = Broadcast(on_air()).flv(1, 2)[: 20_000 + stop]
    reader, kept, place = FlvReader(), b"", 0
    for cut in [*cuts, len(whole)]:
        kept += reader.feed(whole[place : place + cut])
        place += cut
    assert whole.startswith(kept)
    assert len(whole) - len(kept) < 4096
    assert tags_of(kept)


def tags_of(data: bytes) -> int:
    """The number of tags; an AssertionError where the last one is not whole."""
    place, count = 13, 0
    while place < len(data):
        size = int.from_bytes(data[place + 1 : place + 4], "big")
        assert int.from_bytes(data[place + 11 + size : place + 15 + size], "big") == 11 + size
        place, count = place + 15 + size, count + 1
    assert place == len(data)
    return count


@pytest.mark.parametrize("bytes_", [b"<html></html>", b"FLW\x01", b"\x47" * 400])
def test_what_is_no_flv_is_refused(bytes_: bytes) -> None:
    with pytest.raises(Unfamiliar):
        FlvReader().feed(bytes_)


def test_time_of_an_flv_counts_from_its_first_picture_whatever_the_clock_of_the_node_says() -> None:
    def tag(kind: int, stamp: int, data: bytes) -> bytes:
        head = bytes([kind]) + len(data).to_bytes(3, "big") + (stamp & 0xFFFFFF).to_bytes(3, "big")
        body = head + bytes([stamp >> 24]) + bytes(3) + data
        return body + len(body).to_bytes(4, "big")

    stream = b"FLV\x01\x05\0\0\0\x09" + bytes(4) + tag(9, 0, b"\x17\0\0") + tag(8, 0, b"\xaf\0\0")
    stamps = (50_000_000, 50_000_500, 50_000_400, 50_001_000, 7, 507)
    stream += b"".join(tag(9, stamp, b"\x27\x01\0") for stamp in stamps)
    reader = FlvReader()
    assert reader.feed(stream) == stream
    assert reader.milliseconds == 1500


# Playlists and books


def playlist(first: int, count: int, *, end: bool = False) -> Window:
    segments = tuple(Segment(number, f"http://h/{number}.ts", 2.0) for number in range(first, first + count))
    return Window(segments, 2.0, end)


def test_numbers_beyond_two_to_the_53_keep_all_their_digits() -> None:
    text = b"#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXT-X-MEDIA-SEQUENCE:9007199254740993\n#EXTINF:2.0,\na.ts?x=1\n"
    window = read_playlist(text, "http://pull-hls-x.douyincdn.com/game/s/index.m3u8?sign=1")
    assert isinstance(window, Window)
    assert window.segments[0].number == 9_007_199_254_740_993
    assert window.segments[0].url == "http://pull-hls-x.douyincdn.com/game/s/a.ts?x=1"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "<html>403</html>",
        "#EXTM3U\n#EXT-X-MEDIA-SEQUENCE:abc\n#EXTINF:2,\na.ts",
        "#EXTM3U\n#EXTINF:x,\na.ts",
        '#EXTM3U\n#EXT-X-KEY:METHOD=AES-128,URI="k"\n#EXTINF:1,\na.ts',
        "#EXTM3U\n#EXT-X-BYTERANGE:10@0\n#EXTINF:1,\na.ts",
    ],
)
def test_what_is_no_playlist_or_cannot_be_recorded_is_said(text: str) -> None:
    with pytest.raises(Unfamiliar):
        read_playlist(text.encode(), "http://h/a.m3u8")


@given(st.binary(max_size=300))
def test_any_bytes_are_a_playlist_or_unfamiliar(body: bytes) -> None:
    for text in (body, b"#EXTM3U\n" + body, b"#EXTM3U\n#EXT-X-TARGETDURATION:" + body):
        with suppress(Unfamiliar):
            assert read_playlist(text, "http://h/a.m3u8") is not None


def test_a_master_without_variants_and_an_unknown_quality_are_said() -> None:
    with pytest.raises(Unfamiliar):
        choose(Master(()), None)
    master = read_playlist(b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\na.m3u8\n", "http://h/m.m3u8")
    assert isinstance(master, Master)
    with pytest.raises(BadInput, match="FULL_HD1"):
        choose(master, "4K")


def test_an_old_copy_of_a_playlist_brings_nothing_twice() -> None:
    books, now = Ledger(), Broadcast(on_air()).clock.now()
    for number in (s.number for s in books.due(playlist(10, 5), now)):
        books.taken(number)
    for old in (playlist(9, 5), playlist(3, 5), playlist(3, 5)):
        assert books.due(old, now) == []
    assert [s.number for s in books.due(playlist(11, 5), now)] == [15]
    assert books.gaps == []


def test_a_stream_that_counts_anew_is_followed_and_said() -> None:
    books, now = Ledger(), Broadcast(on_air()).clock.now()
    for segment in books.due(playlist(500, 5), now):
        books.taken(segment.number)
    assert books.due(playlist(0, 3), now) == []
    assert books.due(playlist(0, 4), now) == []
    assert [s.number for s in books.due(playlist(0, 5), now)] == [0, 1, 2, 3, 4]
    assert len(books.gaps) == 1


@given(st.lists(st.tuples(st.integers(0, 6), st.integers(1, 6)), min_size=1, max_size=30))
def test_whatever_windows_come_each_number_is_taken_once_and_in_order_or_stands_in_a_gap(
    steps: list[tuple[int, int]],
) -> None:
    books, now, first = Ledger(), Broadcast(on_air()).clock.now(), 100
    taken: list[int] = []
    for forward, size in steps:
        first += forward
        for segment in books.due(playlist(first, size), now):
            taken.append(segment.number)
            books.taken(segment.number)
    missing = [n for gap in books.gaps if gap.first is not None for n in range(gap.first, (gap.last or 0) + 1)]
    assert taken == sorted(set(taken))
    assert sorted(taken + missing) == list(range(taken[0], taken[-1] + 1))
