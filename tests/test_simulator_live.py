"""The made-up live rooms: what is said about them, windows that slide, and streams that play."""

from __future__ import annotations

import json
import shutil
import subprocess
from dataclasses import replace

import m3u8
import pytest
from stand_in import START, Stage, absolute, body_of, header

from deployments.simulator.broken import BrokenConnectionError
from deployments.simulator.live import enter, follow_feed, reflow
from deployments.simulator.pull_hosts import is_pull_host, pull
from deployments.simulator.room_shapes import count_text
from deployments.simulator.rooms import LiveRoom, Rooms, default_rooms, rooms_of
from deployments.simulator.streams import PACKET, flv_head, flv_tags, ts_segment

ROOM = LiveRoom("828657335104", "7947790963731981604", 0, START, 60.0, segment_s=1.0, window=4)
ENTER = "https://live.douyin.com/webcast/room/web/enter/?web_rid="
REFLOW = "https://webcast.amemv.com/webcast/room/reflow/info/?room_id="


def stage_with(now=10.0, **script) -> tuple[Stage, LiveRoom]:
    """A stage with one room, so many seconds after its broadcast began."""
    room = replace(ROOM, **script)
    return Stage(now=START + now, state={"rooms": Rooms([room])}), room


async def told(stage, room=ROOM):
    return json.loads(await body_of(await stage.ask(enter, ENTER + room.webcast_id)))


async def reflow_told(stage, room=ROOM, **headers):
    return json.loads(await body_of(await stage.ask(reflow, REFLOW + room.room_id, **headers)))


async def playlist_address(stage, quality="HD1", form="hls_pull_url_map"):
    return (await told(stage))["data"]["data"][0]["stream_url"][form][quality]


async def window(stage, address) -> m3u8.M3U8:
    answer = await stage.ask(pull, address)
    assert answer.status == 200
    return m3u8.loads((await body_of(answer)).decode())


async def numbers(stage, address) -> list[int]:
    listed = await window(stage, address)
    return [listed.media_sequence + place for place in range(len(listed.segments))]


async def test_a_room_on_the_air_has_addresses_and_a_status_of_2():
    stage, room = stage_with()
    answer = await told(stage)
    shown = answer["data"]["data"][0]
    assert answer["status_code"] == 0
    assert answer["data"]["room_status"] == 0
    assert (shown["id_str"], shown["status"], shown["user_count_str"]) == (room.room_id, 2, "106")
    assert set(shown["stream_url"]["flv_pull_url"]) == set(room.qualities)
    text = shown["stream_url"]["live_core_sdk_data"]["pull_data"]["stream_data"]
    assert set(json.loads(text)["data"]) == {"origin", "hd", "sd", "ld", "ao"}
    assert json.loads(json.loads(text)["data"]["origin"]["main"]["sdk_params"])["VCodec"] == "h264"


async def test_a_room_that_is_over_has_no_stream_and_no_owner_but_its_user_is_told():
    stage, _ = stage_with(now=61.0)
    answer = await told(stage)
    shown = answer["data"]["data"][0]
    assert (shown["status"], answer["data"]["room_status"]) == (4, 2)
    assert not {"stream_url", "owner", "cover", "stats", "room_auth"} & set(shown)
    assert answer["data"]["user"]["sec_uid"] == stage.world.account(0).sec_user_id


async def test_a_room_may_be_empty_when_it_is_over_or_has_not_begun():
    stage, _ = stage_with(now=61.0, afterlife="empty")
    assert (await told(stage))["data"]["data"] == []
    stage, _ = stage_with(now=-1.0)
    assert (await told(stage))["data"]["data"] == []


async def test_a_room_number_that_nobody_has_is_10011():
    stage, _ = stage_with()
    answer = json.loads(await body_of(await stage.ask(enter, ENTER + "1")))
    assert answer["status_code"] == 10011


async def test_the_partition_stands_inside_the_room_or_beside_it():
    inside, _ = stage_with(owner=0)
    assert "partition" in (await told(inside))["data"]["data"][0]["partition_road_map"]
    beside, _ = stage_with(owner=1)
    answer = (await told(beside))["data"]
    assert "partition" in answer["partition_road_map"]
    assert "partition_road_map" not in answer["data"][0]


async def test_reflow_tells_ids_as_numbers():
    stage, room = stage_with()
    shown = (await reflow_told(stage))["data"]["room"]
    assert shown["id"] == int(room.room_id)
    assert shown["owner"]["web_rid"] == room.webcast_id
    assert (shown["status"], shown["finish_time"]) == (2, 0)


async def test_reflow_refuses_a_login():
    stage, _ = stage_with()
    answer = await reflow_told(stage, cookie="ttwid=1; sessionid=abc")
    assert answer["status_code"] != 0
    assert answer["data"]["message"] == "invalid session"


@pytest.mark.parametrize(
    ("afterlife", "code", "status"),
    [("status_4", 0, 4), ("finished", 30003, None), ("stale", 0, 2), ("empty", 30003, None)],
)
async def test_reflow_of_a_room_that_is_over_has_several_forms(afterlife, code, status):
    stage, _ = stage_with(now=61.0, afterlife=afterlife)
    answer = await reflow_told(stage)
    shown = answer["data"].get("room", {})
    assert (answer["status_code"], shown.get("status")) == (code, status)
    if shown:
        assert shown["finish_time"] == int(START + 60)
        dead = shown["stream_url"]["hls_pull_url_map"]["HD1"]
        assert ("rtm_expr_tag=reflow_room_info" in dead) == (afterlife == "stale")
        assert (await stage.ask(pull, dead)).status == 404


async def test_the_follow_feed_has_the_rooms_on_the_air_of_others():
    stage = Stage()
    answer = json.loads(await body_of(await stage.ask(follow_feed, "https://www.douyin.com/webcast/web/feed/follow/")))
    rooms = answer["data"]["data"]
    assert [room["web_rid"] for room in rooms] == [room.webcast_id for room in rooms_of(stage).live(START)[1:]]
    assert all(room["room"]["stream_url"]["hls_pull_url_map"] for room in rooms)


async def test_each_account_has_a_room_under_the_numbers_that_the_world_gives():
    stage = Stage()
    for room in default_rooms(stage.world, START):
        account = stage.world.account(room.owner)
        assert (room.webcast_id, room.room_id) == (account.webcast_id, account.room_id)
    assert {room.is_live(START) for room in rooms_of(stage).rooms} == {True, False}


@pytest.mark.parametrize(
    ("count", "text"),
    [(91, "91"), (106, "106"), (107, "100+"), (1235, "1000+"), (10_001, "1w+"), (12_300, "1.2万"), (34_567, "3万+")],
)
def test_viewers_are_counted_as_douyin_shows_them(count, text):
    assert count_text(count) == text


async def test_the_window_slides_by_one_for_each_segment():
    stage, _ = stage_with()
    address = await playlist_address(stage)
    seen = []
    for _ in range(3):
        seen.append(await numbers(stage, address))
        stage.now += 1.0
    assert seen == [[7, 8, 9, 10], [8, 9, 10, 11], [9, 10, 11, 12]]


async def test_a_broadcast_that_just_began_has_an_empty_playlist():
    stage, _ = stage_with(now=0.5)
    assert await numbers(stage, await playlist_address(stage)) == []


async def test_signatures_change_at_every_refresh_and_segments_stay_what_they_are():
    stage, _ = stage_with()
    address = await playlist_address(stage)
    first, second = await window(stage, address), await window(stage, address)
    before, after = first.segments[0].uri, second.segments[0].uri
    assert before != after
    assert before.partition("?")[0] == after.partition("?")[0]
    bodies = [await body_of(await stage.ask(pull, absolute(address, uri))) for uri in (before, after)]
    assert bodies[0] == bodies[1]


async def test_a_room_may_rename_its_segments_too():
    stage, _ = stage_with(is_renaming=True)
    address = await playlist_address(stage)
    first, second = await window(stage, address), await window(stage, address)
    before, after = first.segments[0].uri, second.segments[0].uri
    assert before.partition("?")[0] != after.partition("?")[0]
    bodies = [await body_of(await stage.ask(pull, absolute(address, uri))) for uri in (before, after)]
    assert bodies[0] == bodies[1]


async def test_a_master_playlist_names_the_worst_quality_first():
    stage, room = stage_with(masters=frozenset({"FULL_HD1"}))
    address = await playlist_address(stage, "FULL_HD1")
    master = await window(stage, address)
    assert len(master.playlists) == len(room.qualities)
    rates = [one.stream_info.bandwidth for one in master.playlists]
    assert rates == sorted(rates)
    assert await numbers(stage, absolute(address, master.playlists[-1].uri)) == [7, 8, 9, 10]


async def test_a_quality_that_a_room_lacks_has_no_address():
    stage, _ = stage_with(qualities=("HD1",))
    shown = (await told(stage))["data"]["data"][0]["stream_url"]
    assert list(shown["hls_pull_url_map"]) == ["HD1"]


async def test_segments_of_a_gap_never_come_and_the_window_stands_still_meanwhile():
    stage, _ = stage_with(now=10.0, gaps=((11, 14),))
    address = await playlist_address(stage)
    seen = []
    for _ in range(7):
        seen.append(await numbers(stage, address))
        stage.now += 1.0
    assert seen == [[7, 8, 9, 10]] * 5 + [[15], [15, 16]]


async def test_an_outage_is_404_in_a_room_that_is_still_live():
    stage, _ = stage_with(outages=((11, 12),))
    address = await playlist_address(stage)
    statuses = []
    for _ in range(4):
        statuses.append((await stage.ask(pull, address)).status)
        stage.now += 1.0
    assert statuses == [200, 404, 404, 200]
    assert (await told(stage))["data"]["room_status"] == 0


async def test_a_restart_of_the_encoder_is_a_discontinuity():
    stage, _ = stage_with(restarts=(9,))
    address = await playlist_address(stage)
    assert [segment.discontinuity for segment in (await window(stage, address)).segments] == [False, False, True, False]
    stage.now += 5.0
    text = (await body_of(await stage.ask(pull, address))).decode()
    assert "#EXT-X-DISCONTINUITY-SEQUENCE:1\n" in text


async def test_a_segment_may_be_missing_or_break_off():
    stage, _ = stage_with(dead=frozenset({8}), short=frozenset({9}))
    address = await playlist_address(stage)
    listed = (await window(stage, address)).segments
    answers = [await stage.ask(pull, absolute(address, segment.uri)) for segment in listed]
    assert [answer.status for answer in answers] == [200, 404, 200, 200]
    assert len(await body_of(answers[2])) < int(header(answers[2], "content-length"))
    assert len(await body_of(answers[3])) == int(header(answers[3], "content-length"))


async def test_an_old_segment_is_no_longer_kept():
    stage, _ = stage_with()
    address = await playlist_address(stage)
    oldest = absolute(address, (await window(stage, address)).segments[0].uri)
    stage.now += 30.0
    assert (await stage.ask(pull, oldest)).status == 404


async def test_an_expired_address_is_403_while_entering_again_gives_a_good_one():
    stage, _ = stage_with(valid_s=5.0)
    address = await playlist_address(stage)
    stage.now += 6.0
    assert (await stage.ask(pull, address)).status == 403
    assert (await stage.ask(pull, await playlist_address(stage))).status == 200


async def test_an_address_that_was_changed_is_403():
    stage, _ = stage_with()
    address = await playlist_address(stage)
    assert (await stage.ask(pull, address.replace("expire=1", "expire=2"))).status == 403


@pytest.mark.parametrize(("ending", "status"), [("gone", 404), ("forbidden", 403), ("endlist", 200), ("frozen", 200)])
async def test_a_broadcast_ends_in_one_of_four_ways(ending, status):
    stage, _ = stage_with(now=59.0, ending=ending)
    address = await playlist_address(stage)
    stage.now += 10.0
    answer = await stage.ask(pull, address)
    assert answer.status == status
    if status == 200:
        listed = m3u8.loads((await body_of(answer)).decode())
        assert listed.is_endlist == (ending == "endlist")
        assert listed.media_sequence + len(listed.segments) - 1 == 60


def test_a_segment_is_packets_whose_counters_run_on_into_the_next():
    data = b"".join(ts_segment(1, number, 1.0) for number in range(5, 9))
    counters: dict[int, int] = {}
    for at in range(0, len(data), PACKET):
        packet = data[at : at + PACKET]
        assert packet[0] == 0x47
        pid, counter = (packet[1] & 0x1F) << 8 | packet[2], packet[3] & 15
        assert counter == (counters.get(pid, counter - 1) + 1) % 16
        counters[pid] = counter
    assert set(counters) == {0, 0x1000, 0x100}


def test_every_segment_has_bytes_of_its_own():
    made = {ts_segment(seed, number, 0.2) for seed in range(5) for number in range(20)}
    assert len(made) == 100


def test_flv_is_tags_whose_times_rise():
    data = flv_head(1) + b"".join(flv_tags(1, number, 0.2) for number in range(3, 9))
    assert data[:9] == b"FLV\x01\x01\0\0\0\x09"
    at, times = 13, []
    while at < len(data):
        length = int.from_bytes(data[at + 1 : at + 4], "big")
        stamp = data[at + 7] << 24 | int.from_bytes(data[at + 4 : at + 7], "big")
        assert int.from_bytes(data[at + 11 + length : at + 15 + length], "big") == length + 11
        times.append((data[at], stamp))
        at += length + 15
    assert [kind for kind, _ in times[:3]] == [18, 9, 9]
    stamps = [stamp for _, stamp in times[2:]]
    assert stamps == [600 + 40 * place for place in range(30)]


async def test_flv_goes_on_until_the_broadcast_ends():
    stage, room = stage_with(now=50.5)
    answer = await stage.ask(pull, await playlist_address(stage, form="flv_pull_url"))
    data = await body_of(answer)
    seed = room.seed("HD1")
    assert data == flv_head(seed) + b"".join(flv_tags(seed, number, 1.0, since=1) for number in range(50, 61))
    assert stage.now >= room.ends
    assert (await stage.ask(pull, await reflow_flv(stage))).status == 404


async def reflow_flv(stage):
    return (await reflow_told(stage))["data"]["room"]["stream_url"]["flv_pull_url"]["HD1"]


async def test_flv_may_be_cut_or_break_in_the_middle():
    stage, _ = stage_with(flv_cut_after=3)
    whole = await body_of(await stage.ask(pull, await playlist_address(stage, form="flv_pull_url")))
    assert len(whole) > 1000
    assert (await told(stage))["data"]["room_status"] == 0
    stage, _ = stage_with(flv_cut_after=3, flv_breaks=True)
    answer = await stage.ask(pull, await playlist_address(stage, form="flv_pull_url"))
    with pytest.raises(BrokenConnectionError):
        await body_of(answer)


def test_pull_hosts_are_known_by_their_name():
    assert is_pull_host("pull-hls-l96.douyincdn.com")
    assert not is_pull_host("live.douyin.com")


@pytest.mark.skipif(shutil.which("ffprobe") is None, reason="ffprobe is not installed")
@pytest.mark.parametrize("seconds", [0.2, 1.0, 2.5])
@pytest.mark.parametrize("form", ["ts", "flv"])
def test_segments_put_together_play_as_one(form, seconds, tmp_path):
    maker = ts_segment if form == "ts" else flv_tags
    head = b"" if form == "ts" else flv_head(4)
    path = tmp_path / f"live.{form}"
    path.write_bytes(head + b"".join(maker(4, number, seconds) for number in range(7, 17)))
    command = ["ffprobe", "-v", "warning", "-count_frames", "-show_entries", "stream=codec_name,nb_read_frames"]
    done = subprocess.run([*command, "-of", "json", str(path)], capture_output=True, text=True, check=True)
    stream = json.loads(done.stdout)["streams"][0]
    assert stream["codec_name"] == "h264"
    assert int(stream["nb_read_frames"]) == 10 * round(seconds * 25)
    assert done.stderr == ""
