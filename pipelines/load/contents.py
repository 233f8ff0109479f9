"""What lies in storage, and whether it is what the tables say: listing without holding it, reading with hashes."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from pipelines.errors import Blocked, NotFound
from pipelines.load.storage import Storage

ASIDE = "aside"
"""Folder under the root for broken files that were replaced."""

_OF_STREAM = re.compile(r"_stream_\d+[.]part([.]json)?$")


@dataclass(frozen=True, slots=True)
class Found:
    """A file in storage: path relative to the root, bytes, when it was last written (UTC)."""

    path: str
    size_bytes: int
    modified_at: datetime

    @property
    def is_part(self) -> bool:
        """Whether it is a download that did not end, or its record."""
        name = self.path.rpartition("/")[2]
        return name.startswith(".") and name.endswith((".part", ".part.json"))

    @property
    def is_cut_recording(self) -> bool:
        """Whether it is what a killed run left of a live recording, or its record: the next recording finishes it."""
        return self.is_part and _OF_STREAM.search(self.path) is not None


def walk(storage: Storage, folder: str) -> Iterator[Found]:
    """Every file below a folder of the root, a folder (or a page of a bucket's list) at a time. Blocks."""
    return _walk_disk(storage, folder) if storage.is_local else _walk_bucket(storage, folder)


def _walk_disk(storage: Storage, folder: str) -> Iterator[Found]:
    root = Path(storage.root)
    for place, folders, names in os.walk(root / folder):
        folders.sort()
        for name in sorted(names):
            path = Path(place) / name
            try:
                info = path.stat()
            except FileNotFoundError:
                continue  # renamed or finished meanwhile
            modified = datetime.fromtimestamp(info.st_mtime, UTC)
            yield Found(path.relative_to(root).as_posix(), info.st_size, modified)


def _walk_bucket(storage: Storage, folder: str) -> Iterator[Found]:
    bucket, _, prefix = storage.full(folder).partition("/")
    start = len(prefix) - len(folder)
    query: dict[str, Any] = {"Bucket": bucket, "Prefix": prefix + "/"}
    while True:
        page = storage.call_s3("list_objects_v2", **query)
        for item in page.get("Contents", ()):
            yield Found(item["Key"][start:], item["Size"], item["LastModified"])
        if not page.get("IsTruncated"):
            return
        query["ContinuationToken"] = page["NextContinuationToken"]


def problem_of(storage: Storage, path: str, size_bytes: int | None, sha256: str | None) -> str | None:
    """What is wrong with a kept file: "missing", "size", "changed" or "unreadable"; None where it is right. Blocks.

    Raises Unreachable where the bucket gives no answer: that says nothing about the file.
    """
    try:
        size, digest = _read(storage, path)
    except (FileNotFoundError, NotFound):
        return "missing"
    except (OSError, Blocked):
        return "unreadable"
    if size_bytes is not None and size != size_bytes:
        return "size"
    return "changed" if sha256 is not None and digest != sha256 else None


def _read(storage: Storage, path: str) -> tuple[int, str]:
    if storage.is_local:
        with Path(storage.full(path)).open("rb", buffering=0) as file:
            return os.fstat(file.fileno()).st_size, hashlib.file_digest(file, "sha256").hexdigest()
    digest, size = hashlib.sha256(), 0
    for piece in storage.pieces(path):
        digest.update(piece)
        size += len(piece)
    return size, digest.hexdigest()
