"""The downloader's methods under the names of the spec, on the same machinery as `download`."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping
from copy import copy
from dataclasses import dataclass, replace
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from pipelines.errors import ArchiveError, BadInput, Blocked, Transient
from pipelines.load.naming import check_template
from pipelines.load.plans import chosen, is_on, newest_by_author, plan
from pipelines.load.storage import Storage
from schemas.files import Kept, Wanted

Refresh = Callable[[Wanted], Awaitable[Wanted | None]]


class Books(Protocol):
    """An archive that writes down what is downloaded; open while its `async with` block lasts."""

    async def __aenter__(self) -> Self:
        """Open it."""
        ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        ...

    async def know(self, posts: Iterable[Mapping[str, Any]]) -> None:
        """Keep the posts that the archive does not know."""

    async def kept(self, media_ids: list[str]) -> dict[str, Kept]:
        """What became of these files so far."""
        ...

    async def keep(self, rows: list[Kept]) -> None:
        """Write what became of files."""

    async def newest(self, posts: Mapping[str, str]) -> None:
        """Note the newest post of accounts that the archive knows: sec_user_id to aweme_id; an older one is no news."""


class Recorder(Protocol):
    """Whoever records a live room: `pipelines.stream_tasks`."""

    async def record(self, kwargs: Mapping[str, Any], webcast_data: Mapping[str, Any], user_path: Path) -> list[Kept]:
        """Record a room to its end, and say what became of it: a file for each part of its stream."""
        ...


@dataclass(frozen=True, slots=True)
class Company:
    """What the spec's methods may be given beside the machinery: an archive, fresh addresses, a recorder of rooms."""

    books: Books | None = None
    refresh: Refresh | None = None
    recorder: Recorder | None = None


class Tasks:
    """create_download_task(s), handle_download, create_stream_tasks, handle_stream, save_last_aweme_id.

    Files go to `user_path`. Where that is within the storage's root, they are rows of `files`, and a file that the
    archive keeps already is not got again.
    """

    storage: Storage
    naming: str
    folderize: bool
    folder: str | None = None
    company: Company = Company()

    @abstractmethod
    async def download(
        self,
        wanted: Iterable[Wanted],
        *,
        on_done: Callable[[Kept], Awaitable[None] | None],
        refresh: Refresh | None = None,
        concurrency: int = 8,
    ) -> None:
        """Get every wanted file."""

    async def create_download_tasks(self, kwargs: Mapping[str, Any], aweme_datas: Any, user_path: Any) -> list[Kept]:
        """Get the files of a post's dict, or of a list of them; what became of each file, in no certain order.

        The files are those of `plans.plan`, the posts those of kwargs["interval"]. Nothing to do is no error. Raises
        BadInput for arguments that cannot be, Blocked where storage takes no more.
        """
        _check(kwargs)
        posts = chosen(kwargs, aweme_datas)
        wanted = [file for post in posts for file in plan(kwargs, post)]
        if not posts:
            return []
        engine, is_archived = self._at(kwargs, user_path)
        if self.company.books is None:
            return await engine._got(kwargs, wanted)  # noqa: SLF001 - a copy of this very object
        async with self.company.books as books:
            await books.know(posts)
            done = await engine._got(kwargs, wanted, books if is_archived else None)  # noqa: SLF001 - the same
            await books.newest(newest_by_author(posts))
        return done

    async def create_download_task(self, kwargs: Mapping[str, Any], aweme_datas: Any, user_path: Any) -> list[Kept]:
        """The same as create_download_tasks."""
        return await self.create_download_tasks(kwargs, aweme_datas, user_path)

    async def handle_download(
        self, kwargs: Mapping[str, Any], aweme_data_dict: Mapping[str, Any], user_path: Any
    ) -> list[Kept]:
        """Get the files of one post, whatever its day; what became of each file."""
        return await self.create_download_tasks({**_check(kwargs), "interval": None}, aweme_data_dict, user_path)

    async def handler_download(
        self, kwargs: Mapping[str, Any], aweme_data_dict: Mapping[str, Any], user_path: Any
    ) -> list[Kept]:
        """The same as handle_download."""
        return await self.handle_download(kwargs, aweme_data_dict, user_path)

    async def save_last_aweme_id(self, sec_user_id: str, aweme_id: str) -> None:
        """Note the newest post of an account that the archive knows; an older post than the one noted is no news."""
        if self.company.books is None:
            raise BadInput("This downloader has no archive to write into; use pipelines.handler.DouyinDownloader.")
        if not sec_user_id or not aweme_id:
            raise BadInput("save_last_aweme_id needs a sec_user_id and an aweme_id.")
        async with self.company.books as books:
            await books.newest({str(sec_user_id): str(aweme_id)})

    async def create_stream_tasks(self, kwargs: Mapping[str, Any], webcast_datas: Any, user_path: Any) -> list[Kept]:
        """Record the rooms of a dict of fetch_user_live_videos(_by_room_id), or of a list of them, side by side."""
        _check(kwargs)
        rooms = [webcast_datas] if isinstance(webcast_datas, Mapping) else list(webcast_datas or ())
        work = [asyncio.ensure_future(self.handle_stream(kwargs, room, user_path)) for room in rooms]
        try:
            # A room that fails does not end the recording of the others.
            await asyncio.gather(*work, return_exceptions=True)
        except asyncio.CancelledError:
            await asyncio.gather(*work, return_exceptions=True)
            raise
        return [kept for one in work for kept in one.result()]

    async def create_stream_task(self, kwargs: Mapping[str, Any], webcast_datas: Any, user_path: Any) -> list[Kept]:
        """The same as create_stream_tasks."""
        return await self.create_stream_tasks(kwargs, webcast_datas, user_path)

    async def handle_stream(
        self, kwargs: Mapping[str, Any], webcast_data_dict: Mapping[str, Any], user_path: Any
    ) -> list[Kept]:
        """Record one room into `user_path` until it ends, or for kwargs["max_duration_s"] seconds.

        A file for each part of its stream. Raises NotFound where the room is not live, BadInput for what is no room.
        """
        if self.company.recorder is None:
            raise BadInput("This downloader cannot record live rooms; use pipelines.handler.DouyinDownloader.")
        if not isinstance(webcast_data_dict, Mapping):
            raise BadInput("webcast_data_dict must be a dict of fetch_user_live_videos or ..._by_room_id.")
        return await self.company.recorder.record(_check(kwargs), webcast_data_dict, _folder(user_path))

    async def handler_stream(
        self, kwargs: Mapping[str, Any], webcast_data_dict: Mapping[str, Any], user_path: Any
    ) -> list[Kept]:
        """The same as handle_stream."""
        return await self.handle_stream(kwargs, webcast_data_dict, user_path)

    async def _got(self, kwargs: Mapping[str, Any], wanted: list[Wanted], books: Books | None = None) -> list[Kept]:
        done: dict[str, Kept] = {}
        known = await books.kept([file.media_id for file in wanted]) if books else {}
        stored = {media_id: row for media_id, row in known.items() if await self._is_there(row)}
        missing = [
            replace(file, attempts=known[file.media_id].attempts) if file.media_id in known else file
            for file in wanted
            if file.media_id not in stored
        ]

        def note(kept: Kept) -> None:
            done[kept.media_id] = kept

        asked: set[str] = set()

        async def refresh(file: Wanted) -> Wanted | None:
            asked.add(file.media_id)
            return await self.company.refresh(file) if self.company.refresh else None

        concurrency = _concurrency(kwargs)
        try:
            await self.download(
                missing, on_done=note, refresh=refresh if self.company.refresh else None, concurrency=concurrency
            )
            # Where no host was asked, no other one can help.
            failed = {kept.media_id for kept in done.values() if kept.state != "stored" and kept.source_host} - asked
            others = await self._by_other_addresses([file for file in missing if file.media_id in failed])
            await self.download(others, on_done=note, concurrency=concurrency)
        finally:
            if books and done:
                await books.keep(list(done.values()))
        return [*stored.values(), *done.values()]

    async def _is_there(self, row: Kept) -> bool:
        """Whether a file that the archive keeps lies where its row says: whoever removed it may want it again."""
        return row.state == "stored" and row.path is not None and await self.storage.exists(row.path)

    async def _by_other_addresses(self, files: list[Wanted]) -> list[Wanted]:
        """The files that Douyin has more addresses of: a post's dict holds the first of each file only."""
        found: list[Wanted] = []
        for file in files:
            try:
                fresh = await self.company.refresh(file) if self.company.refresh and file.urls else None
            except Blocked:
                raise
            except Transient:
                break  # what Douyin does not tell now it may tell when the files are asked for again
            except ArchiveError:
                continue
            urls = tuple(url for url in fresh.urls if url not in file.urls) if fresh else ()
            if urls:
                found.append(replace(file, urls=urls))
        return found

    def _at(self, kwargs: Mapping[str, Any], user_path: Any) -> tuple[Self, bool]:
        """The same downloader, writing to a folder; and whether that folder is within its storage's root."""
        there, engine = _folder(user_path), copy(self)
        engine.naming = check_template(kwargs.get("naming") or self.naming)
        engine.folderize = is_on(kwargs, "folderize") if kwargs.get("folderize") is not None else self.folderize
        root = Path(self.storage.root).resolve() if self.storage.is_local else None
        if root is not None and there != root and there.is_relative_to(root):
            engine.folder = there.relative_to(root).as_posix()
            return engine, True
        engine.storage, engine.folder = Storage.open(str(there.parent)), there.name
        return engine, False


def _check(kwargs: Any) -> Mapping[str, Any]:
    if not isinstance(kwargs, Mapping):
        raise BadInput("kwargs must be a dict, as the settings of a run are.")
    return kwargs


def _folder(user_path: Any) -> Path:
    if not user_path:
        raise BadInput("user_path must name a folder: get_or_add_user_data gives an account's.")
    return Path(user_path).expanduser().resolve()


def _concurrency(kwargs: Mapping[str, Any]) -> int:
    try:
        return max(int(kwargs.get("max_tasks") or 8), 1)
    except (TypeError, ValueError) as error:
        raise BadInput(f"max_tasks cannot be {kwargs['max_tasks']!r}: give a whole number.") from error
