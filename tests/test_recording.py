"""Recording of a live room, end to end, from the made-up Douyin on loopback."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from archives import archive, ask, one, settings_for

from deployments.simulator.rooms import LiveRoom, Rooms
from deployments.simulator.server import Simulator
from deployments.simulator.streams import flv_head, ts_segment
from deployments.simulator.world import World
from pipelines.care.maintaining import maintain
from pipelines.care.verifying import verify
from pipelines.house import open_lake
from pipelines.load.storage import Storage
from pipelines.renaming import own_folder
from schemas.jobs import Summary


@pytest.fixture
def simulator() -> Iterator[Simulator]:
    with Simulator(World(seed=1, users=2, posts=4)) as running:
        yield running


class Patient(Rooms):
    """A broadcast that is a second old until its stream is first asked for: a slow start costs nothing of it."""

    is_begun = False

    def of_webcast(self, webcast_id: str, now: float) -> LiveRoom | None:
        self._wait()
        return super().of_webcast(webcast_id, now)

    def of_room(self, room_id: str) -> LiveRoom | None:
        self._wait()
        return super().of_room(room_id)

    def of_stream(self, stream_id: str) -> LiveRoom | None:
        self._wait()
        self.is_begun = True
        return super().of_stream(stream_id)

    def _wait(self) -> None:
        if not self.is_begun:
            self.rooms = [replace(room, started=time.time() - 1.0) for room in self.rooms]


def put(simulator: Simulator, **script: Any) -> LiveRoom:
    """The first account is on the air since a second, for five seconds more unless the script says otherwise."""
    account = simulator.world.accounts[0]
    usual = {
        "webcast_id": account.webcast_id,
        "room_id": account.room_id,
        "owner": 0,
        "started": time.time(),
        "length_s": 6.0,
        "segment_s": 0.4,
        "window": 10,
        "ending": "endlist",
    }
    room = LiveRoom(**(usual | script))
    simulator.app.state["rooms"] = Rooms([room]) if "started" in script else Patient([room])
    return room


def segments(room: LiveRoom, first: int, last: int, quality: str = "FULL_HD1", without: tuple[int, ...] = ()) -> bytes:
    numbers = [number for number in range(first, last + 1) if number not in without]
    return b"".join(ts_segment(room.seed(quality), n, room.segment_s, room.began(n)) for n in numbers)


def recorded(root: Path) -> list[Path]:
    return sorted(p for p in (root / "media").rglob("*") if p.suffix in {".ts", ".flv"})


def facts_of(path: Path) -> dict[str, Any]:
    facts: dict[str, Any] = json.loads(path.with_suffix(".json").read_text("utf-8"))
    return facts


def test_a_broadcast_is_recorded_to_its_end_byte_for_byte(tmp_path: Path, simulator: Simulator) -> None:
    room = put(simulator, gaps=((6, 7),), restarts=(10,), is_renaming=True)
    settings = settings_for(tmp_path, simulator.url, cookie=simulator.world.cookie)
    summary = archive(settings, f"https://live.douyin.com/{room.webcast_id}")
    assert (summary.mode, summary.outcome) == ("live", "partial"), summary.reason
    assert "1 gap," in summary.reason
    (path,) = recorded(tmp_path)
    assert path.read_bytes() == segments(room, 1, room.last_number, without=(6, 7))
    facts = facts_of(path)
    assert [(gap["first"], gap["last"]) for gap in facts["gaps"]] == [(6, 7)]
    assert [mark["segment"] for mark in facts["discontinuities"]] == [10]
    assert facts["end"] == "ended"
    row = ask(
        settings,
        "SELECT media_id, path, f.size_bytes, mime_type, duration_ms FROM media m JOIN files f USING (media_id)",
    )
    media_id = f"{room.room_id}:stream:1"
    relative = path.relative_to(tmp_path).as_posix()
    assert row == [(media_id, relative, path.stat().st_size, "video/mp2t", facts["duration_ms"])]
    live = ask(settings, "SELECT room_id, webcast_id, status, sec_user_id FROM lives")
    assert live == [(room.room_id, room.webcast_id, 4, simulator.world.accounts[0].sec_user_id)]
    assert one(settings, "SELECT count(*) FROM live_stats") >= 1
    assert one(settings, "SELECT count(*) FROM raw_pages WHERE operation = 'live'") >= 2
    assert not [r for r in simulator.log if r.host.startswith("pull-") and "cookie" in r.headers]


def test_the_facts_beside_a_recording_are_no_stray_file(tmp_path: Path, simulator: Simulator) -> None:
    room = put(simulator, length_s=60.0)
    settings = settings_for(tmp_path, simulator.url)
    archive(settings, f"https://live.douyin.com/{room.webcast_id}", max_duration_s=1)
    (path,) = recorded(tmp_path)
    assert facts_of(path)
    (path.parent / "notes.json").write_text("{}")
    # Seen from an hour later: what is young may belong to a run that is under way.
    found = verify(settings, now=lambda: datetime.now(UTC) + timedelta(hours=1))
    assert [(p.what, tmp_path / p.path) for p in found.problems] == [("stray", path.parent / "notes.json")]
    path.unlink()
    found = verify(settings, now=lambda: datetime.now(UTC) + timedelta(hours=1))
    assert ("missing", path) in {(p.what, tmp_path / p.path) for p in found.problems}


def test_an_address_that_expires_costs_nothing(tmp_path: Path, simulator: Simulator) -> None:
    room = put(simulator, valid_s=1.6)
    settings = settings_for(tmp_path, simulator.url)
    summary = archive(settings, f"https://live.douyin.com/{room.webcast_id}")
    (path,) = recorded(tmp_path)
    assert path.read_bytes() == segments(room, 1, room.last_number)
    assert summary.outcome == "complete", summary.reason


def test_a_window_that_stands_still_is_the_end_when_the_room_says_so(tmp_path: Path, simulator: Simulator) -> None:
    room = put(simulator, ending="frozen", afterlife="empty", length_s=3.0)
    settings = settings_for(tmp_path, simulator.url)
    summary = archive(settings, f"https://live.douyin.com/{room.webcast_id}")
    assert (summary.outcome, summary.reason) == ("complete", "the broadcast is over")
    (path,) = recorded(tmp_path)
    assert path.read_bytes() == segments(room, 1, room.last_number)


def test_a_broadcast_is_found_by_its_room_id_and_recorded_in_the_quality_asked_for(
    tmp_path: Path, simulator: Simulator
) -> None:
    room = put(simulator, length_s=60.0)
    settings = settings_for(tmp_path, simulator.url)
    link = f"https://webcast.amemv.com/douyin/webcast/reflow/{room.room_id}"
    summary = archive(settings, link, quality="hd1", max_duration_s=2)
    assert (summary.outcome, summary.reason) == ("complete", "recorded as long as asked")
    (path,) = recorded(tmp_path)
    data = path.read_bytes()
    assert data
    assert data in segments(room, 1, 20, quality="HD1")
    assert facts_of(path)["quality"] == "HD1"
    told = facts_of(path)
    watched = datetime.fromisoformat(told["ended_at"]) - datetime.fromisoformat(told["started_at"])
    assert told["duration_ms"] < 3000
    assert max(told["duration_ms"], watched / timedelta(milliseconds=1)) >= 2000, "pictures, or waiting for them"


def test_an_flv_that_breaks_off_becomes_files_that_each_play(tmp_path: Path, simulator: Simulator) -> None:
    room = put(simulator, flv_cut_after=5, flv_breaks=True, length_s=7.0)
    settings = settings_for(tmp_path, simulator.url)
    summary = archive(settings, f"https://live.douyin.com/{room.webcast_id}", stream="flv")
    assert summary.outcome == "partial"
    files = recorded(tmp_path)
    assert len(files) >= 2
    for path in files:
        assert path.read_bytes().startswith(flv_head(room.seed("FULL_HD1")))
    assert one(settings, "SELECT count(*) FROM media WHERE kind = 'stream' AND format = 'flv'") == len(files)
    assert one(settings, "SELECT count(*) FROM files WHERE state = 'stored'") == len(files)


def test_the_next_recording_of_a_broadcast_is_another_file(tmp_path: Path, simulator: Simulator) -> None:
    room = put(simulator, length_s=60.0)
    settings = settings_for(tmp_path, simulator.url)
    for _ in range(2):
        archive(settings, f"https://live.douyin.com/{room.webcast_id}", max_duration_s=1)
    assert [path.stem for path in recorded(tmp_path)] == [f"{room.room_id}_stream_1", f"{room.room_id}_stream_2"]


@pytest.mark.parametrize("afterlife", ["status_4", "finished", "stale", "empty"])
@pytest.mark.parametrize("by", ["webcast", "room"])
def test_a_room_that_is_over_lands_as_data_and_is_said_to_be(
    tmp_path: Path, simulator: Simulator, by: str, afterlife: str
) -> None:
    room = put(simulator, started=time.time() - 100, length_s=50.0, afterlife=afterlife)
    settings = settings_for(tmp_path, simulator.url)
    links = {
        "webcast": f"https://live.douyin.com/{room.webcast_id}",
        "room": f"https://webcast.amemv.com/douyin/webcast/reflow/{room.room_id}",
    }
    summary = archive(settings, links[by])
    assert summary.outcome == "complete"
    assert "not live" in summary.reason
    assert recorded(tmp_path) == []
    assert one(settings, "SELECT count(*) FROM raw_pages WHERE operation LIKE 'live%'") == 1
    if (by, afterlife) != ("webcast", "empty"):  # an empty answer names no broadcast
        assert one(settings, "SELECT room_id FROM lives") == room.room_id


@pytest.mark.parametrize(
    ("fault", "seconds", "said"),
    [("stream:*=404", 2, "nothing of the stream came"), ("stream:3-=404", 6, "only 0 of 6 s came")],
)
def test_a_stream_that_gives_nothing_is_not_recorded_as_long_as_asked(
    tmp_path: Path, simulator: Simulator, fault: str, seconds: int, said: str
) -> None:
    room = put(simulator, length_s=60.0)
    simulator.add_fault(fault)
    settings = settings_for(tmp_path, simulator.url, cookie=simulator.world.cookie)
    summary = archive(settings, f"https://live.douyin.com/{room.webcast_id}", max_duration_s=seconds)
    assert summary.outcome == "partial"
    assert said in summary.reason


def test_rows_alone_can_be_asked_for(tmp_path: Path, simulator: Simulator) -> None:
    room = put(simulator, length_s=60.0)
    settings = settings_for(tmp_path, simulator.url, media="none")
    summary = archive(settings, f"https://live.douyin.com/{room.webcast_id}")
    assert summary.outcome == "complete"
    assert recorded(tmp_path) == []
    assert one(settings, "SELECT status FROM lives") == 2


RECORDS = """
import asyncio, sys
from archives import settings_for
from pipelines.jobs import run_job
from schemas.jobs import ArchiveJob
asyncio.run(run_job(settings_for(sys.argv[1], sys.argv[2]), ArchiveJob(target=sys.argv[3])))
"""


def begun(root: Path, simulator: Simulator, room: LiveRoom) -> subprocess.Popen[bytes]:
    environ = {**os.environ, "PYTHONPATH": f"{Path(__file__).parent}{os.pathsep}{Path(__file__).parents[1]}"}
    target = f"https://live.douyin.com/{room.webcast_id}"
    command = [sys.executable, "-c", RECORDS, str(root), simulator.url, target]
    process = subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    deadline = time.monotonic() + 60
    while sum(".ts" in record.path for record in list(simulator.log)) < 8:
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return process


def test_ctrl_c_leaves_a_finished_file_with_its_rows(tmp_path: Path, simulator: Simulator) -> None:
    room = put(simulator, length_s=600.0)
    process = begun(tmp_path, simulator, room)
    process.send_signal(signal.SIGINT)
    process.wait(30)
    settings = settings_for(tmp_path, simulator.url)
    (path,) = recorded(tmp_path)
    data = path.read_bytes()
    first = facts_of(path)["first_segment"]
    assert data == segments(room, first, facts_of(path)["last_segment"])
    assert len(data) > 0
    assert one(settings, "SELECT path FROM files WHERE state = 'stored'") == path.relative_to(tmp_path).as_posix()
    assert one(settings, "SELECT outcome FROM runs") == "partial"
    assert facts_of(path)["end"] == "stopped"


def test_a_recording_that_was_killed_is_finished_by_the_next_run(tmp_path: Path, simulator: Simulator) -> None:
    room = put(simulator, length_s=600.0)
    process = begun(tmp_path, simulator, room)
    process.kill()
    process.wait(30)
    assert recorded(tmp_path) == []
    settings = settings_for(tmp_path, simulator.url)
    media_id, path = ask(
        settings, "SELECT media_id, json_extract_string(body, 'path') FROM media JOIN raw_pages USING (page_id)"
    )[0]
    on_disk = segments(room, 1, 20) * 80  # as much as a longer run would have left there
    asyncio.run(leave_part(tmp_path, media_id, path, on_disk))
    put(simulator, started=time.time() - 100, length_s=50.0)
    again = archive(settings, f"https://live.douyin.com/{room.webcast_id}")
    assert again.outcome == "complete", again.reason
    assert (tmp_path / path).read_bytes() == on_disk
    assert ask(settings, "SELECT media_id, path, size_bytes FROM files") == [(media_id, path, len(on_disk))]
    told = facts_of(tmp_path / path)
    assert (told["end"], told["path"], told["size_bytes"]) == ("killed", path, len(on_disk))
    assert not list((tmp_path / "media").rglob(".*"))


@pytest.mark.skipif(os.name == "nt", reason="no limit to the size of files")
def test_a_recording_that_the_disk_takes_no_further_is_kept_as_far_as_it_came(
    tmp_path: Path, simulator: Simulator
) -> None:
    room = put(simulator, started=time.time() - 600, length_s=2000.0, segment_s=50.0, window=10)
    most = 1_800_000  # its first megabyte fits, and the second does not
    limit = f"import resource; resource.setrlimit(resource.RLIMIT_FSIZE, ({most}, {most}))\n"
    environ = {**os.environ, "PYTHONPATH": f"{Path(__file__).parent}{os.pathsep}{Path(__file__).parents[1]}"}
    target = f"https://live.douyin.com/{room.webcast_id}"
    command = [sys.executable, "-c", limit + RECORDS, str(tmp_path), simulator.url, target]
    subprocess.run(command, env=environ, timeout=60, check=True)
    settings = settings_for(tmp_path, simulator.url)
    (path,) = recorded(tmp_path)
    data = path.read_bytes()
    first, last = facts_of(path)["first_segment"], facts_of(path)["last_segment"]
    assert len(data) == most
    assert segments(room, first, last).startswith(data)
    assert one(settings, "SELECT size_bytes FROM files WHERE state = 'stored'") == most
    assert verify(settings, now=lambda: datetime.now(UTC)).problems == []


def cut_off(root: Path, simulator: Simulator, data: bytes) -> tuple[str, str]:
    """A run left this much of a recording and was killed; the media id and the path that it was to have."""
    room = put(simulator, length_s=600.0)
    process = begun(root, simulator, room)
    process.kill()
    process.wait(30)
    sql = "SELECT media_id, json_extract_string(body, 'path') FROM media JOIN raw_pages USING (page_id)"
    [(media_id, path)] = ask(settings_for(root, simulator.url), sql)
    asyncio.run(leave_part(root, media_id, path, data))
    put(simulator, started=time.time() - 100, length_s=50.0)
    return media_id, path


def test_maintenance_leaves_what_is_left_of_a_recording_since_it_cannot_be_had_again(
    tmp_path: Path, simulator: Simulator
) -> None:
    media_id, path = cut_off(tmp_path, simulator, b"G" * 3_000_000)
    settings = settings_for(tmp_path, simulator.url)
    maintain(settings, now=lambda: datetime.now(UTC) + timedelta(days=3))
    archive(settings, f"https://live.douyin.com/{simulator.world.accounts[0].webcast_id}")
    assert ask(settings, "SELECT media_id, path, size_bytes FROM files") == [(media_id, path, 3_000_000)]
    assert (tmp_path / path).stat().st_size == 3_000_000


@pytest.mark.parametrize("has_name", [False, True])
def test_a_recording_that_was_killed_is_found_in_its_accounts_renamed_folder(
    tmp_path: Path, simulator: Simulator, has_name: bool
) -> None:
    media_id, path = cut_off(tmp_path, simulator, b"G" * 3_000_000)
    if has_name:  # it died after the name, before the row
        (part,) = (tmp_path / "media").rglob(".*.part")
        part.rename(tmp_path / path)
        part.with_name(part.name + ".json").unlink()
    settings, account = settings_for(tmp_path, simulator.url), simulator.world.accounts[0]
    with open_lake(settings) as lake:
        folder = own_folder(settings, lake, account.sec_user_id, "a new name")
    archive(settings, f"https://live.douyin.com/{account.webcast_id}")
    moved = (folder / Path(path).name).relative_to(tmp_path).as_posix()
    assert ask(settings, "SELECT media_id, path, size_bytes FROM files") == [(media_id, moved, 3_000_000)]
    assert (tmp_path / moved).stat().st_size == 3_000_000
    assert facts_of(tmp_path / moved)["path"] == moved
    assert [path.name for path in (tmp_path / "media").iterdir()] == [folder.name]


def test_a_recording_follows_its_accounts_folder_that_gets_another_name_meanwhile(
    tmp_path: Path, simulator: Simulator
) -> None:
    room = put(simulator, length_s=600.0)
    process = begun(tmp_path, simulator, room)
    settings = settings_for(tmp_path, simulator.url)
    with open_lake(settings) as lake:
        folder = own_folder(settings, lake, simulator.world.accounts[0].sec_user_id, "a new name")
    process.send_signal(signal.SIGINT)
    process.wait(30)
    (path,) = recorded(tmp_path)
    assert path.parent == folder
    assert facts_of(path)["path"] == path.relative_to(tmp_path).as_posix()
    assert ask(settings, "SELECT state, path FROM files") == [("stored", path.relative_to(tmp_path).as_posix())]


async def leave_part(root: Path, media_id: str, path: str, data: bytes) -> None:
    storage = Storage.open(str(root))
    writer = await storage.write(path.rpartition("/")[0], media_id)
    await writer.begin(path, validator=media_id)
    await writer.write(data)
    await writer.pause()
    storage.close()


def test_a_recording_under_way_is_left_alone_by_another_run(tmp_path: Path, simulator: Simulator) -> None:
    room = put(simulator, length_s=600.0)
    process = begun(tmp_path, simulator, room)
    settings = settings_for(tmp_path, simulator.url)
    second = archive(settings, f"https://live.douyin.com/{room.webcast_id}", max_duration_s=1)
    assert second.outcome == "complete", second.reason
    process.send_signal(signal.SIGINT)
    process.wait(30)
    stems = [path.stem for path in recorded(tmp_path)]
    assert stems == [f"{room.room_id}_stream_1", f"{room.room_id}_stream_2"]
    assert one(settings, "SELECT count(*) FROM files WHERE state = 'stored'") == 2


def test_recordings_of_one_room_that_begin_at_the_same_moment_are_two_files(
    tmp_path: Path, simulator: Simulator
) -> None:
    room = put(simulator, length_s=600.0)
    settings = settings_for(tmp_path, simulator.url)
    with open_lake(settings):
        pass
    link, before = f"https://live.douyin.com/{room.webcast_id}", threading.Barrier(2)

    def record(_: int) -> Summary:
        # Both have looked at the room, and neither has written that it records it.
        def on_event(kind: str, **facts: Any) -> None:
            if kind == "wanted":
                before.wait(30)

        return archive(settings, link, on_event, max_duration_s=1)

    with ThreadPoolExecutor(2) as pool:
        summaries = list(pool.map(record, range(2)))
    assert [summary.outcome for summary in summaries] == ["complete"] * 2, summaries
    assert [path.stem for path in recorded(tmp_path)] == [f"{room.room_id}_stream_1", f"{room.room_id}_stream_2"]
    assert one(settings, "SELECT count(*) FROM files WHERE state = 'stored'") == 2


def test_a_recording_that_breaks_off_spares_the_file_of_another_run(tmp_path: Path, simulator: Simulator) -> None:
    room = put(simulator, length_s=20.0, flv_cut_after=5, flv_breaks=True)
    settings = settings_for(tmp_path, simulator.url)
    link, other = f"https://live.douyin.com/{room.webcast_id}", list[Summary]()

    def on_event(kind: str, **facts: Any) -> None:
        if kind == "bytes" and not other:
            other.append(Summary(run_id="", mode="", target=""))
            with ThreadPoolExecutor(1) as pool:
                other[0] = pool.submit(archive, settings, link, max_duration_s=1).result()

    archive(settings, link, on_event, stream="flv", max_duration_s=8)
    assert other[0].outcome == "complete", other[0].reason
    stored = ask(settings, "SELECT path, sha256 FROM files WHERE state = 'stored'")
    assert len(stored) >= 3
    for path, sha256 in stored:
        assert hashlib.sha256((tmp_path / path).read_bytes()).hexdigest() == sha256
    assert {path for path, _ in stored} == {path.relative_to(tmp_path).as_posix() for path in recorded(tmp_path)}
