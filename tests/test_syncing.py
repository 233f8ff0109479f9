"""A power cut takes what the disk did not have yet: the catalog never names such a file."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from lakes import at, begin, local, page

from pipelines.errors import Blocked
from pipelines.load import tidying, upkeep
from pipelines.load.attach import NAME
from pipelines.load.lake import Lake

_CATALOG = f"__ducklake_metadata_{NAME}"
_NAMED = f"SELECT path FROM {_CATALOG}.ducklake_data_file UNION ALL SELECT path FROM {_CATALOG}.ducklake_delete_file"


class Disk:
    """What was synced, and which files the catalog named before that."""

    def __init__(self, root: Path, lake: Lake) -> None:
        self.root, self.lake, self.late = root, lake, list[str]()
        self.synced = {path.stat().st_ino for path in self.files()}

    def sync(self, handle: int) -> None:
        inode = os.fstat(handle).st_ino
        if inode not in self.synced:
            self.late += [path.name for path in self.files() if path.stat().st_ino == inode and path in self.named()]
        self.synced.add(inode)

    def files(self) -> list[Path]:
        return list((self.root / "tables").rglob("*.parquet"))

    def named(self) -> list[Path]:
        names = {name for (name,) in self.lake.cursor().execute(_NAMED).fetchall()}
        return [path for path in self.files() if path.name in names]

    def unsafe(self) -> list[str]:
        return sorted(path.name for path in self.named() if path.stat().st_ino not in self.synced)


@pytest.fixture
def lake(tmp_path: Path) -> Iterator[Lake]:
    begin(tmp_path)
    with local(tmp_path, now=lambda: at(0), rng=random.Random(1)) as opened:
        yield opened


@pytest.fixture
def disk(lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk(tmp_path, lake)
    monkeypatch.setattr(os, "fsync", disk.sync)
    return disk


def keep(lake: Lake, count: int) -> None:
    for number in range(count):
        lake.keep_page(page(f"p{number:03}", number), run_id="r")


def test_the_disk_has_every_file_of_a_commit_before_the_catalog_names_it(lake: Lake, disk: Disk) -> None:
    keep(lake, 3)
    lake.commit(lambda con: con.execute("DELETE FROM raw_pages WHERE page_id = 'p001'"))
    assert len(disk.named()) >= 3
    assert (disk.unsafe(), disk.late) == ([], [])


def test_it_has_those_that_are_joined_and_written_anew_as_well(lake: Lake, disk: Disk) -> None:
    keep(lake, tidying.MANY + 1)
    before = set(disk.named())
    assert lake.tidy() == ["raw_pages"]
    joined = set(disk.named()) - before
    assert joined
    sql = "INSERT INTO music (music_id, observed_at, page_id) SELECT ? || range, now(), 'p' FROM range(100)"
    for letter in "mn":
        lake.commit(lambda con, letter=letter: con.execute(sql, [letter]))
    lake.commit(lambda con: con.execute("DELETE FROM music WHERE music_id < 'm5'"))
    for step in (upkeep.flush, upkeep.rewrite, upkeep.merge):
        step(lake)
    assert set(disk.named()) - before - joined
    assert (disk.unsafe(), disk.late) == ([], [])


def test_the_disk_has_the_names_of_new_files_too(lake: Lake, disk: Disk) -> None:
    keep(lake, 1)
    folder = disk.root / "tables" / "main" / "raw_pages"
    assert {folder.stat().st_ino, folder.parent.stat().st_ino} <= disk.synced


def test_it_has_the_name_of_the_first_folder_as_well(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "root").mkdir()
    with local(tmp_path / "root") as lake:
        assert not (tmp_path / "root" / "tables").exists()
        disk = Disk(tmp_path / "root", lake)
        monkeypatch.setattr(os, "fsync", disk.sync)
        keep(lake, 1)
    assert (tmp_path / "root").stat().st_ino in disk.synced


def test_a_disk_that_does_not_keep_what_is_written_leaves_the_commit_undone(
    lake: Lake, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_handle: int) -> None:
        raise OSError(5, "Input/output error")

    keep(lake, 1)
    with monkeypatch.context() as broken:
        broken.setattr(os, "fsync", fail)
        with pytest.raises(Blocked, match="does not keep what is written"):
            lake.keep_page(page("late", 9), run_id="r")
    assert lake.query("SELECT page_id FROM raw_pages").rows() == [("p000",)]
    lake.keep_page(page("late", 9), run_id="r")
    assert lake.query("SELECT count(*) FROM raw_pages").item() == 2
