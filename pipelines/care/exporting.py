"""The archive handed on: tables in a form that others read, media on wish, a manifest that proves it whole."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipelines.care import bags, gallery, sheets
from pipelines.care.staging import filled_at_once
from pipelines.errors import BadInput, NotFound
from pipelines.house import open_all_columns, open_storage
from pipelines.load import auditing, copies
from pipelines.renaming import present_places
from schemas.catalog import BY_NAME, TABLES
from schemas.media import MEDIA

if TYPE_CHECKING:
    from pipelines.load.lake import Lake
    from pipelines.load.storage import Storage
    from pipelines.settings import Settings
    from schemas.table import Table

Progress = Callable[[int, int], None]

FORMATS = ("parquet", "csv", "xlsx", "duckdb", "html")
_RAW = ("raw_pages", "applied_pages", "checkpoints")  # of no use in a spreadsheet


@dataclass
class Exported:
    """What was written. `notes` say what a format could not hold; `broken` are media that differ from their hash."""

    folder: str
    format: str
    files: int = 0
    bytes: int = 0
    media: int = 0
    notes: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)


def _unseen(_done: int, _total: int) -> None:
    """The progress of those who do not look."""


def export(
    settings: Settings,
    folder: Path,
    shape: str,
    *,
    now: Callable[[], datetime],
    tables: tuple[str, ...] = (),
    media: bool = False,
    bag: bool = False,
    on_progress: Progress = _unseen,
) -> Exported:
    """Write the archive into an empty folder in one of FORMATS; with `bag` as a BagIt bag.

    `tables` narrows parquet, csv and xlsx. BadInput where the folder holds something, or a table is unknown. Nothing
    stands under its final name before all is written.
    """
    chosen = _chosen(shape, tables)
    done = Exported(str(folder), shape)
    with filled_at_once(folder) as place:
        payload = place / bags.PAYLOAD if bag else place
        payload.mkdir(exist_ok=True)
        # Where the payload will lie: its pages lead to the media from there.
        final = folder / payload.relative_to(place)
        storage = open_storage(settings)
        with open_all_columns(settings) as lake:
            try:
                present = present_places(settings)
                link = _linker(settings, final, present, has_media=media)
                _write(lake, payload, shape, chosen, done, on_progress, link, has_media=media)
                if shape == "html" and settings.is_s3 and not media:
                    done.notes.append("media lie in a bucket and are not shown: export with --media to copy them")
                if media:
                    _copy_media(lake, storage, present, payload, done, on_progress)
            finally:
                storage.close()
        if bag:
            bags.seal(place, now=now(), source="Aweme Archive")
    sizes = [path.stat().st_size for path in folder.rglob("*") if path.is_file()]
    done.files, done.bytes = len(sizes), sum(sizes)
    return done


def _chosen(shape: str, names: tuple[str, ...]) -> list[Table]:
    strange = [name for name in names if name not in BY_NAME]
    if strange:
        raise BadInput(f"There is no table {strange[0]}: choose from {', '.join(BY_NAME)}.")
    if names and shape in ("duckdb", "html"):
        raise BadInput(f"{shape} holds the whole archive: leave --tables out, or choose parquet, csv or xlsx.")
    left_out = _RAW if shape == "xlsx" and not names else ()
    return [table for table in TABLES if table.name in names or (not names and table.name not in left_out)]


def _write(
    lake: Lake,
    folder: Path,
    shape: str,
    tables: list[Table],
    done: Exported,
    on_progress: Progress,
    link: gallery.Link,
    *,
    has_media: bool,
) -> None:
    if shape == "duckdb":
        copies.database(lake, folder / "archive.duckdb")
    elif shape == "xlsx":
        done.notes = sheets.workbook(lake, tables, folder / "archive.xlsx")
    elif shape == "html":
        _write_pages(lake, folder, on_progress, link)
    else:
        for number, table in enumerate(tables, 1):
            if shape == "csv":
                copies.csv(lake, table, folder)
            else:
                # The files' folder has the name of the table of media, and readers of a folder of Parquet refuse films.
                copies.parquet(lake, table, folder, in_one=has_media and table is MEDIA)
            on_progress(number, len(tables))


def _write_pages(lake: Lake, folder: Path, on_progress: Progress, link: gallery.Link) -> None:
    total, written = int(lake.query("SELECT count(*) FROM posts").item()), 0

    def told(posts: int) -> None:
        nonlocal written
        written += posts
        on_progress(written, total)

    gallery.write(lake, folder, link, told)


def _linker(settings: Settings, folder: Path, present: Callable[[str], str], *, has_media: bool) -> gallery.Link:
    if has_media:
        return lambda path: gallery.address(f"../{path}")
    if settings.is_s3:
        return lambda _path: None
    start = os.path.relpath(settings.root, (folder / "accounts").absolute())
    return lambda path: gallery.address(f"{Path(start).as_posix()}/{present(path)}")


def _copy_media(
    lake: Lake,
    storage: Storage,
    present: Callable[[str], str],
    folder: Path,
    done: Exported,
    on_progress: Progress,
) -> None:
    total, size = auditing.totals(lake, auditing.Scope())[1], 0
    for batch in auditing.records(lake, auditing.Scope()):
        for record in batch:
            problem = _copy(storage, present(record.path), record, folder / record.path)
            if problem:
                done.broken.append(f"{record.path}: {problem}")
            done.media += 1
            size += record.size_bytes or 0
            on_progress(size, total)


def _copy(storage: Storage, path: str, record: auditing.Record, target: Path) -> str | None:
    """Copy a kept file from where it lies by now, hashed on the way; what is wrong with it, else None."""
    target.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.sha256()
    try:
        with target.open("wb") as copy:
            for piece in storage.pieces(path):
                digest.update(piece)
                copy.write(piece)
    except NotFound:
        target.unlink()
        return "missing"
    if record.sha256 and digest.hexdigest() != record.sha256:
        return "changed"
    if storage.is_local:
        shutil.copystat(storage.full(path), target)
    return None
