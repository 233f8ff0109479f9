"""The care of an archive whose tables and media lie in a bucket."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from archives import archive, ask, one, settings_for

from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.care.exporting import export
from pipelines.care.maintaining import maintain
from pipelines.care.rebuilding import rebuild
from pipelines.care.repairing import repair
from pipelines.care.verifying import verify
from pipelines.house import open_lake, open_storage, utc_now

pytestmark = pytest.mark.server


def later() -> datetime:
    return datetime.now(UTC) + timedelta(hours=1)


def test_an_archive_in_a_bucket_is_verified_mended_rebuilt_maintained_and_exported(
    tmp_path: Path, s3_server: Any
) -> None:
    with Simulator(World(seed=4, users=1, posts=8)) as simulator:
        keys = {f"s3_{name}": s3_server.options[name] for name in ("endpoint", "key", "secret", "region")}
        place = {"catalog": f"sqlite:{tmp_path}/catalog.sqlite", **keys, "media": "cover"}
        settings = settings_for(f"s3://{s3_server.new_bucket()}/a", simulator.url, **place)
        assert archive(settings, simulator.world.accounts[0].home).outcome == "complete"
        assert verify(settings, now=later).problems == []
        (broken, _), (missing, _) = ask(settings, "SELECT path, sha256 FROM files WHERE state = 'stored' LIMIT 2")
        storage = open_storage(settings)
        storage._fs.pipe_file(storage.full(broken), b"broken")
        storage._fs.rm_file(storage.full(missing))
        storage._fs.pipe_file(storage.full("media/stray.mp4"), b"stray")
        found = verify(settings, now=later)
        assert {(p.what, p.path) for p in found.problems} == {
            ("size", broken),
            ("missing", missing),
            ("stray", "media/stray.mp4"),
        }
        repair(settings, found, now=utc_now)
        assert [p.what for p in found.wrong] == ["stray"]
        (aside,) = [p.aside for p in found.problems if p.aside]
        assert storage._fs.cat_file(storage.full(aside)) == b"broken"
        storage.close()
    with open_lake(settings) as lake:
        lake.commit(lambda con: con.execute("UPDATE posts SET caption = 'misread'") and None)
    assert [table.table for table in rebuild(settings).differing] == ["posts"]
    before = ask(settings, "SELECT * FROM posts ORDER BY ALL")
    maintain(settings, now=utc_now, keep_days=0)
    assert ask(settings, "SELECT * FROM posts ORDER BY ALL") == before
    done = export(settings, tmp_path / "out", "html", now=utc_now, media=True)
    assert done.broken == []
    for path, sha256 in ask(settings, "SELECT path, sha256 FROM files WHERE state = 'stored'"):
        assert hashlib.sha256((tmp_path / "out" / path).read_bytes()).hexdigest() == sha256
    assert done.media == one(settings, "SELECT count(*) FROM files WHERE state = 'stored'")
