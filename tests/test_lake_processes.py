"""The lake between processes: readers beside a writer, writers beside each other, and a writer that is killed."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from lakes import frames_of_posts, local

WORKER = Path(__file__).with_name("lake_worker.py")


def start(root: Path, name: str, action: str, count: int) -> subprocess.Popen[str]:
    command = [
        sys.executable,
        str(WORKER),
        f"sqlite:{root}/catalog.sqlite",
        f"{root}/tables/",
        name,
        action,
        str(count),
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def finish(*processes: subprocess.Popen[str]) -> list[str]:
    """Wait for all of them, then say what the first that failed said, or what the last one told."""
    told = [process.communicate(timeout=200) for process in processes]
    failed = [err for process, (_, err) in zip(processes, told, strict=True) if process.returncode]
    assert not failed, failed[0]
    return told[-1][0].splitlines()


def assert_whole(lake, pages: int) -> None:
    """No row lost, none doubled, whoever wrote them."""
    for table, key in (
        ("posts", "aweme_id"),
        ("media", "media_id"),
        ("users", "sec_user_id"),
        ("listing_entries", "aweme_id"),
        ("files", "media_id"),
        ("applied_pages", "page_id"),
        ("raw_pages", "page_id"),
        ("checkpoints", "owner_id"),
        ("runs", "run_id"),
        ("post_stats", "(aweme_id, observed_at)"),
    ):
        rows, keys = lake.query(f"SELECT count(*), count(DISTINCT {key}) FROM {table}").row(0)
        assert rows == keys, table
    assert lake.query("SELECT count(*) FROM raw_pages").item() == pages


def test_two_writers_wait_for_each_other_and_nothing_is_lost_or_doubled(tmp_path):
    local(tmp_path).close()
    writers = [start(tmp_path, f"w{n}", "write", 12) for n in range(2)]
    finish(*writers)
    with local(tmp_path) as lake:
        assert_whole(lake, 24)
        assert lake.query("SELECT count(*) FROM posts").item() == 13
        assert lake.query("SELECT count(*) FROM applied_pages").item() == 24
        assert lake.pending() == []


def test_two_first_writers_make_one_archive(tmp_path):
    writers = [start(tmp_path, f"w{n}", "write", 2) for n in range(2)]
    finish(*writers)
    with local(tmp_path) as lake:
        assert_whole(lake, 4)


def test_a_reader_sees_whole_commits_while_a_run_writes(tmp_path):
    local(tmp_path).close()
    writer = start(tmp_path, "w0", "write", 12)
    assert writer.stdout.readline().startswith("kept")
    seen = finish(start(tmp_path, "reader", "read", 40))
    finish(writer)
    counts = [tuple(map(int, line.split()[1:])) for line in seen if line.startswith("seen")]
    assert all(media == posts * 3 for posts, media in counts)
    assert counts == sorted(counts)


@pytest.mark.parametrize("lines", [1, 4, 7])
def test_a_writer_that_is_killed_leaves_a_whole_archive(tmp_path, lines):
    local(tmp_path).close()
    writer = start(tmp_path, "w0", "write", 500)
    told = [writer.stdout.readline().split() for _ in range(lines)]
    writer.kill()
    rest, _ = writer.communicate(timeout=60)
    told += [line.split() for line in rest.splitlines()]
    kept = [page_id for word, page_id in told if word == "kept"]
    with local(tmp_path) as lake:
        pages = set(lake.query("SELECT page_id FROM raw_pages")["page_id"])
        assert set(kept) <= pages
        assert len(pages) <= len(kept) + 1
        assert_whole(lake, len(pages))
        applied = set(lake.query("SELECT page_id FROM applied_pages")["page_id"])
        assert set(lake.pending()) == pages - applied
        assert lake.checkpoint("post", "author").cursor == max(pages)
        for page_id in lake.pending():
            n = int(page_id.partition("-")[0])
            lake.apply(frames_of_posts(page_id, n, [str(7000 + n), str(7001 + n)]), [page_id], run_id="w1")
        assert lake.query("SELECT count(*) FROM posts").item() == len(pages) + 1
        assert_whole(lake, len(pages))
