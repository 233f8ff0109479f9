"""A live room as an answer tells it."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from pipelines.extract.rooms import read_room

FLV = "http://pull-flv-l1.douyincdn.com/stage/"


def line(name: str, **more: Any) -> dict[str, Any]:
    return {"main": {"flv": f"{FLV}{name}.flv?line=1", "hls": "", "enableEncryption": False, **more}}


def flv_of(given: dict[str, str], **data: Any) -> dict[str, str]:
    core = {"pull_data": {"stream_data": orjson.dumps({"data": data}).decode()}}
    room = {"id_str": "7", "status": 2, "stream_url": {"flv_pull_url": given, "live_core_sdk_data": core}}
    found = read_room(orjson.dumps({"data": {"data": [room]}}))
    assert found is not None
    return dict(found.flv)


def test_the_older_addresses_come_before_the_newer_ones() -> None:
    assert flv_of({"HD1": f"{FLV}b.flv?a=1"}, hd=line("b"), origin=line("a")) == {"HD1": f"{FLV}b.flv?a=1"}
    assert flv_of({}, hd=line("b"), origin=line("a")) == {
        "FULL_HD1": f"{FLV}a.flv?line=1",
        "HD1": f"{FLV}b.flv?line=1",
    }


def test_the_one_address_of_a_room_without_maps_is_better_than_none() -> None:
    single = {"hls_pull_url": f"{FLV}a.m3u8", "rtmp_pull_url": f"{FLV}a.flv"}
    for more, quality in (({}, "AUTO"), ({"default_resolution": "HD1"}, "HD1")):
        found = read_room(orjson.dumps({"data": {"room": {"id_str": "7", "stream_url": single | more}}}))
        assert found is not None
        assert (found.hls, found.flv) == ({quality: f"{FLV}a.m3u8"}, {quality: f"{FLV}a.flv"})
    rtmp = {"rtmp_pull_url": "rtmp://pull-flv-l1.douyincdn.com/stage/a", "hls_pull_url": ""}
    found = read_room(orjson.dumps({"data": {"room": {"id_str": "7", "stream_url": rtmp}}}))
    assert found is not None
    assert (found.hls, found.flv) == ({}, {})


@pytest.mark.parametrize("mark", [True, 1])
def test_an_encrypted_stream_is_no_address(mark: object) -> None:
    locked = line("a", enableEncryption=mark)
    given = {"FULL_HD1": f"{FLV}a.flv?expire=9", "HD1": f"{FLV}b.flv?expire=9"}
    assert flv_of(given, origin=locked, hd=line("b")) == {"HD1": f"{FLV}b.flv?expire=9"}
    assert flv_of({}, origin=locked, hd=line("b")) == {"HD1": f"{FLV}b.flv?line=1"}
    assert flv_of({"FULL_HD1": f"{FLV}a.flv"}, origin=locked) == {}


@pytest.mark.parametrize("odd", [{"origin": None}, {"origin": {"main": []}}, {"origin": {"main": {"flv": 5}}}, {}])
def test_odd_lines_lead_nowhere(odd: dict[str, Any]) -> None:
    assert flv_of({}, **odd) == {}


def test_a_number_that_no_reader_takes_is_none() -> None:
    found = read_room(orjson.dumps({"data": {"data": [{"id_str": "7", "status": "9" * 5000}]}}))
    assert found is not None
    assert (found.room_id, found.status) == ("7", None)
