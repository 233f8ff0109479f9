"""A process of its own that uses the lake; the tests start it, and some kill it.

python lake_worker.py CATALOG DATA_PATH NAME ACTION COUNT
"""

from __future__ import annotations

import json
import os
import sys

from lakes import at, frames_of_posts, page

from pipelines.load.lake import Lake
from schemas.files import Kept
from schemas.pages import Checkpoint


def main(catalog: str, data_path: str, name: str, action: str, count: int) -> None:
    s3 = json.loads(os.environ.get("WORKER_S3", "{}"))
    with Lake.open(catalog=catalog, data_path=data_path, s3=s3, read_only=action == "read") as lake:
        if action == "read":
            read(lake, count)
        else:
            write(lake, name, count)


def tell(*words: object) -> None:
    sys.stdout.write(" ".join(map(str, words)) + "\n")
    sys.stdout.flush()


def write(lake: Lake, name: str, count: int) -> None:
    """Every writer meets the same posts, in pages of its own; each reports the pages that it has committed."""
    lake.start_run(run_id=name, started_at=at(0))
    for n in range(count):
        page_id, hour = f"{n:05}-{name}", n + int(name.strip("w")) / 100
        lake.keep_page(page(page_id, hour), run_id=name, checkpoint=Checkpoint("post", "author", cursor=page_id))
        tell("kept", page_id)
        lake.apply(frames_of_posts(page_id, hour, [str(7000 + n), str(7001 + n)]), [page_id], run_id=name)
        tell("applied", page_id)
        lake.keep_files([Kept(f"{7000 + n}:video:0", "stored", 1, at(hour), path=f"media/{n}.mp4")])
    lake.end_run(name, outcome="complete", ended_at=at(count))


def read(lake: Lake, count: int) -> None:
    """What a reader sees in one query must belong together: a post and its three files."""
    tell("reading")
    for _ in range(count):
        posts, media = lake.query("SELECT (SELECT count(*) FROM posts), (SELECT count(*) FROM media)").row(0)
        tell("seen", posts, media)


if __name__ == "__main__":
    main(*sys.argv[1:5], int(sys.argv[5]))
