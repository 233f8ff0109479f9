"""The one door to where files are kept: a folder or a bucket, through fsspec.

Paths are relative to the root, with "/", and never lead out of it. Work on disk or network is done in threads of the
storage's own, so that it neither stalls the event loop nor waits behind other work; what was begun is finished, even
when the task that waits for it is cancelled. `local_writer.py` says how a file gets its final name.
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import IO, Any

from pipelines.errors import NO_ROOM, ArchiveError, BadInput, Blocked, NotFound, Transient, Unreachable
from pipelines.load import patience
from pipelines.load.bucket_writer import BucketWriter
from pipelines.load.legal import legal_name
from pipelines.load.local_writer import LocalWriter, part_name
from pipelines.load.settling import Settling, settle_all
from pipelines.load.writers import HEAD_BYTES, Writer, Written, finished

Files = list[tuple[str, int]]

_READ_BYTES = 1 << 20
_FULL = NO_ROOM | {errno.EROFS}


class Storage:
    """Files under one root. Made by `Storage.open`; costs nothing until it is used."""

    def __init__(self, root: str, make_fs: Callable[[], Any], base: str, *, is_local: bool, threads: int = 16) -> None:
        self.root = root
        self.is_local = is_local
        self._make_fs = make_fs
        self._base = base
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="storage")
        self._settling = Settling(self.run)

    @classmethod
    def open(cls, root: str, *, s3: Mapping[str, str] | None = None) -> Storage:
        """The storage at a folder or at s3://bucket/prefix; `s3` may hold key, secret, endpoint and region.

        Without `s3`, the variables and files of AWS's own tools are in force. Raises BadInput for any other root.
        """
        scheme, colon, rest = root.partition("://")
        if not colon or scheme == "file":
            folder = Path(rest if colon else root).expanduser().absolute()
            return cls(str(folder), _local_fs, folder.as_posix(), is_local=True)
        if scheme != "s3" or not rest.strip("/"):
            raise BadInput(f"The root {root!r} is neither a folder nor s3://bucket/prefix.")
        make_fs = partial(_s3_fs, s3 or {})
        return cls(root.rstrip("/"), make_fs, rest.strip("/"), is_local=False)

    @cached_property
    def _fs(self) -> Any:
        # Runs that find nothing to keep never need it.
        return self._make_fs()

    def full(self, path: str) -> str:
        """The path as the file system knows it; BadInput where it would lead out of the root."""
        return f"{self._base}/{_inside(path)}"

    async def write(self, folder: str, key: str, *, is_new: bool = False) -> Writer:
        """A writer for a file in `folder`. The same `key` finds the part again that a dead process left there.

        `is_new` spares the look for a part, where the caller knows that there is none.
        """
        if not self.is_local:
            return BucketWriter(self._fs.call_s3, self.run, self._mapped, self.full)
        writer = self.new_local(folder, key)
        if not is_new and await self.run((writer.folder / part_name(part_key(key))).exists):
            await self.run(writer.find)
        return writer

    def new_local(self, folder: str, key: str) -> LocalWriter:
        """A writer for a file in a local folder where no part of it lies. For any thread."""
        return LocalWriter(Path(self.full(folder)), part_key(key), self.run, self._mapped, self.full, self._settling)

    async def settle(self, writers: Sequence[LocalWriter]) -> list[ArchiveError | None]:
        """Give finished files of a local folder their final names, for good; what went wrong with each, if anything."""
        told: list[ArchiveError | None] = []
        for writer, problem in zip(writers, await self.run(settle_all, writers), strict=True):
            try:
                writer.note_settled(problem)
                told.append(None)
            except ArchiveError as error:
                told.append(error)
        return told

    async def names(self, folder: str) -> frozenset[str]:
        """The names of everything in a local folder, parts of downloads too; nothing where it is not there."""
        return await self.run(self.names_now, folder)  # type: ignore[no-any-return]

    def names_now(self, folder: str) -> frozenset[str]:
        """What `names` gives, for callers in a thread."""
        with self._told():
            return _names(self.full(folder))

    async def is_empty(self, folder: str) -> bool:
        """Whether a local folder is there, and nothing in it."""
        place = Path(self.full(folder))
        return await self.run(lambda: place.is_dir() and not any(place.iterdir()))  # type: ignore[no-any-return]

    async def exists(self, path: str) -> bool:
        """Whether there is a file."""
        return bool(await self.run(self._exists, self.full(path)))

    async def size(self, path: str) -> int:
        """The bytes of a file; NotFound where there is none."""
        return int(await self.run(self._fs.size, self.full(path)))

    async def find(self, stem: str, suffixes: tuple[str, ...]) -> str | None:
        """The first of the paths `stem + suffix` that is there; None where there is none."""
        return await self.run(self._find, stem, suffixes)  # type: ignore[no-any-return]

    def open_file(self, path: str) -> IO[bytes]:
        """A file for reading. Blocks: for threads, and for callers that are not async."""
        return self._fs.open(self.full(path), "rb")  # type: ignore[no-any-return]

    async def rename(self, old: str, new: str) -> None:
        """Give a file or a folder another name; BadInput where the new one is taken, so nothing is overwritten."""
        await self.run(self._rename, self.full(old), self.full(new))

    async def copy(self, old: str, new: str) -> None:
        """Put a copy of a file under another name; BadInput where that one is taken."""
        await self.run(self._copy, self.full(old), self.full(new))

    async def is_same(self, one: str, other: str) -> bool:
        """Whether two files hold the same bytes; a bucket's own sums spare reading them where they are alike."""
        if not self.is_local:
            sums = [(await self.run(self._fs.info, self.full(path))).get("ETag") for path in (one, other)]
            if sums[0] and sums[0] == sums[1]:
                return True
        return await self.sha256_of(one) == await self.sha256_of(other)

    async def remove(self, path: str) -> None:
        """Remove a file; it is no error when it is gone already."""
        await self.run(self._remove, self.full(path))

    async def list(self, folder: str = "") -> Files:
        """Every finished file below a folder, with its bytes, in order of path; parts of downloads are left out."""
        return await self.run(self._list, self.full(folder) if folder else self._base)  # type: ignore[no-any-return]

    async def measure(self, path: str) -> Written:
        """Read a file once: its bytes, hash and first bytes; NotFound where there is none."""
        return await self.run(self._measure, path)  # type: ignore[no-any-return]

    async def sha256_of(self, path: str) -> str:
        """The hash of a file in lower-case hex."""
        return (await self.measure(path)).sha256

    async def run(self, work: Callable[..., Any], *args: Any) -> Any:
        """Do blocking work in a thread of the storage's own; what was begun is finished. Foreign errors are mapped."""
        try:
            return await finished(asyncio.get_running_loop().run_in_executor(self._pool, work, *args))
        except (ArchiveError, asyncio.CancelledError):
            raise
        except Exception as error:
            raise self._mapped(error) from error

    def call_s3(self, method: str, **query: Any) -> Any:
        """One call of S3's own interface, of a bucket only; foreign errors are mapped. Blocks."""
        with self._told():
            return self._fs.call_s3(method, **query)

    def pieces(self, path: str) -> Iterator[bytes]:
        """The bytes of a file, a megabyte at a time; NotFound where there is none. Blocks."""
        with self._told(), self.open_file(path) as file:
            while piece := file.read(_READ_BYTES):
                yield piece

    @contextmanager
    def _told(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:
            known = self._mapped(error)
            if known is error:
                raise
            raise known from error

    def close(self) -> None:
        """Let the threads go."""
        self._pool.shutdown(wait=False)

    def _place(self, path: str) -> dict[str, str]:
        bucket, _, key = self.full(path).partition("/")
        return {"Bucket": bucket, "Key": key}

    def _find(self, stem: str, suffixes: tuple[str, ...]) -> str | None:
        if self.is_local:
            return next((stem + suffix for suffix in suffixes if Path(self.full(stem + suffix)).is_file()), None)
        place = self._place(stem)
        found = self._fs.call_s3("list_objects_v2", Bucket=place["Bucket"], Prefix=place["Key"] + ".", MaxKeys=50)
        keys = {item["Key"] for item in found.get("Contents", ())}
        return next((stem + suffix for suffix in suffixes if place["Key"] + suffix in keys), None)

    def _exists(self, path: str) -> bool:
        if self.is_local:
            return bool(self._fs.isfile(path))
        try:  # fsspec's own `isfile` says that a file is not there, too, where the bucket says nothing
            return bool(self._fs.info(path)["type"] == "file")
        except FileNotFoundError:
            return False

    def _rename(self, old: str, new: str) -> None:
        if self._fs.exists(new):
            raise BadInput(f"{new} is there already; move it away before {old} can take its name.")
        if self.is_local:
            Path(new).parent.mkdir(parents=True, exist_ok=True)
            Path(old).rename(new)
        else:
            self._move_objects(old, new)

    def _move_objects(self, old: str, new: str) -> None:
        # A bucket has no rename: all is copied before anything is removed, so a crash leaves more files, not fewer.
        found = [old] if self._exists(old) else self._fs.find(old)
        if not found:
            raise NotFound(f"There is nothing at {old} to rename.")
        for name in found:
            self._fs.cp_file(name, new + name[len(old) :])
        for name in found:
            self._fs.rm_file(name)

    def _copy(self, old: str, new: str) -> None:
        if self._fs.exists(new):
            raise BadInput(f"{new} is there already; move it away before {old} can be copied there.")
        if self.is_local:
            Path(new).parent.mkdir(parents=True, exist_ok=True)
        self._fs.cp_file(old, new)

    def _remove(self, path: str) -> None:
        if self._fs.exists(path):
            self._fs.rm_file(path)

    def _list(self, folder: str) -> Files:
        start = len(self._base) + 1
        found = self._fs.find(folder, detail=True)
        # Of an emptied folder, some buckets still tell the folder itself.
        there = ((name, info) for name, info in found.items() if info["type"] != "directory")
        files = ((Path(name).as_posix()[start:], int(info["size"])) for name, info in there)
        return sorted((path, size) for path, size in files if not _is_part(path))

    def _measure(self, path: str) -> Written:
        digest, size, head = hashlib.sha256(), 0, b""
        with self.open_file(path) as file:
            while piece := file.read(_READ_BYTES):
                head = head or piece[:HEAD_BYTES]
                digest.update(piece)
                size += len(piece)
        return Written(path, size, digest.hexdigest(), head)

    def _mapped(self, error: Exception) -> ArchiveError:
        where = self.root
        if isinstance(error, ArchiveError):
            return error
        if isinstance(error, FileNotFoundError):
            return NotFound(f"Storage has no such file: {error}")
        if isinstance(error, OSError) and error.errno in _FULL:
            return Blocked(f"{where} takes no more bytes ({error.strerror}): make room, or name another root.")
        if isinstance(error, PermissionError) or "Credentials" in type(error).__name__:
            see = "" if self.is_local else ", and whether this machine's clock is right"
            return Blocked(f"{where} may not be written or read by this user: check its rights or the S3 key{see}.")
        if isinstance(error, UnicodeEncodeError):  # a name, in a locale of other letters; and DuckDB knows UTF-8 only
            return Blocked(f"This locale has no letters for the names of files at {where}: set PYTHONUTF8=1.")
        kind = Transient if self.is_local else Unreachable
        told = f"Storage at {where} failed ({type(error).__name__}: {error}); it is tried again on the next run."
        return kind(told, is_of_storage=True, is_silent=type(error).__name__ in patience.SILENT)


def part_key(key: str) -> str:
    """The legal name that stands for a key in the name of its part."""
    return legal_name(key.replace(":", "_"), 180)


def _names(folder: str) -> frozenset[str]:
    try:
        return frozenset(item.name for item in Path(folder).iterdir())
    except (FileNotFoundError, NotADirectoryError):
        return frozenset()


def _inside(path: str) -> str:
    parts = path.split("/")
    if any(part in ("", ".", "..") or "\\" in part or "\0" in part or part[1:2] == ":" for part in parts):
        raise BadInput(f"{path!r} would lead out of the root: give a relative path without '..', backslash or drive.")
    return path


def _is_part(path: str) -> bool:
    name = path.rpartition("/")[2]
    return name.startswith(".") and name.endswith((".part", ".part.json"))


def _local_fs() -> Any:
    import fsspec

    return fsspec.filesystem("file")


def _s3_fs(s3: Mapping[str, str]) -> Any:
    import fsspec

    options = {"use_listings_cache": False, "config_kwargs": dict(patience.S3FS), **_s3_options(s3)}
    files = fsspec.filesystem("s3", **options)
    files.retries = patience.S3FS_TRIES
    return files


def _s3_options(s3: Mapping[str, str]) -> dict[str, Any]:
    names = {"key": "key", "secret": "secret", "endpoint": "endpoint_url"}
    options: dict[str, Any] = {name: s3[given] for given, name in names.items() if s3.get(given)}
    if s3.get("region"):
        options["client_kwargs"] = {"region_name": s3["region"]}
    return options
