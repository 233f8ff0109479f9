"""The door to the catalog: what is kept, what is known, what is wanted.

Tables are Parquet files under one place, their catalog is DuckLake's on SQLite or PostgreSQL, and DuckDB does the work.
Every method that writes is one commit, whole or not at all. Writers take turns (turns.py); readers never wait: each
reads the newest commit through a cursor of its own, so a Lake may be used from several threads.

Rows go in as frames: a few thousand keys are looked up with one semi-join, merged in memory by the rules of merge.py,
and written back as DELETE and INSERT. DuckLake's own MERGE plans 35 ms a statement and cannot write history.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, Self, TypeVar

import polars as pl

from pipelines.load import (
    accounts,
    asking,
    attach,
    checkpoints,
    complaints,
    entries,
    leftovers,
    migrate,
    opening,
    presence,
    promises,
    rawpages,
    runs,
    tidying,
)
from pipelines.load import apply as applying
from pipelines.load.apply import Applied
from pipelines.load.connection import Connection
from pipelines.load.opening import Attached
from schemas.listings import CHECKPOINTS
from schemas.media import FILES, kind_of
from schemas.raw import RAW_PAGES
from schemas.runs import RUNS

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from schemas.files import Kept, Wanted
    from schemas.pages import Checkpoint, Page

T = TypeVar("T")
P = ParamSpec("P")
_BATCH_BYTES = 16 * 1024 * 1024


def _utc_now() -> datetime:
    return datetime.now(UTC)


class Lake:
    """An open archive. Make it with `Lake.open`, close it or use it as a context manager."""

    def __init__(self, place: attach.Place, connection: Connection, now: Callable[[], datetime]) -> None:
        self._place, self._connection, self._now = place, connection, now
        self._asking: duckdb.DuckDBPyConnection | None = None
        self._is_current = True  # whether its tables have the form of this program's; else it was opened for reading
        self._begun: dict[str, dict[str, Any]] = {}  # rows of runs that this lake began, and nobody else writes

    @classmethod
    def open(
        cls,
        *,
        catalog: str,
        data_path: str,
        read_only: bool = False,
        at: datetime | None = None,
        s3: Mapping[str, str] | None = None,
        busy_timeout_ms: int = 5000,
        wait_s: float = 120.0,
        memory_limit: str = "160MB",
        threads: int | None = None,
        now: Callable[[], datetime] = _utc_now,
        rng: random.Random | None = None,
    ) -> Lake:
        """Open an archive; for writing, make or bring up to date its tables.

        `catalog` is sqlite:PATH, postgres:CONNINFO or postgresql://...; `data_path` a folder or s3://bucket/prefix;
        `at` shows it as it was at that moment (only for reading); `s3` may hold key, secret, token, region, endpoint,
        url_style, use_ssl; `threads` are DuckDB's. A writer waits `wait_s` seconds for its turn. BadInput where there
        is no archive to read, or a newer one; Unreachable where nothing answers.
        """
        attached = opening.attached(
            catalog=catalog,
            data_path=data_path,
            read_only=read_only,
            at=at,
            s3=s3,
            busy_timeout_ms=busy_timeout_ms,
            memory_limit=memory_limit,
            threads=threads,
            rng=rng,
        )
        return cls.of(attached, wait_s=wait_s, now=now)

    @classmethod
    def of(cls, attached: Attached, *, wait_s: float = 120.0, now: Callable[[], datetime] = _utc_now) -> Lake:
        """The second half of `open`: of a catalog that is attached."""
        place, connection, read_only = attached.place, attached.connection, attached.read_only
        lake = cls(place, connection, now)
        try:
            with complaints.told():
                presence.need_tables(connection.con, place)
                is_current = migrate.is_current(connection.con)
                if read_only and not is_current:
                    migrate.refuse_unmade(connection.con, place.tables)
                    lake._is_current = False
                if not read_only:
                    connection.let_write(place, wait_s, attached.rng)
                if not read_only and not is_current:
                    migrate.make(lake.commit, place.tables)
        except BaseException:
            lake.close()
            raise
        return lake

    @property
    def tables(self) -> str:
        """The place of the Parquet files, with a final slash."""
        return self._place.tables

    def is_whole(self) -> bool:
        """Whether it has all that this program reads: one opened for reading may be of another version."""
        return self._is_current or self._read(migrate.is_whole)

    def close(self) -> None:
        """Close the catalog; what was committed stays."""
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: object, error: BaseException | None, _trace: object) -> None:
        import duckdb

        self.close()
        # What reads by a cursor of its own fails with DuckDB's own words where a bucket is away or a disk is full.
        if isinstance(error, duckdb.Error) and (told := complaints.known(error)) is not None:
            raise told from None

    def commit(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Do work in one commit, for the modules beside this one; it may be done twice, so it has no effect outside."""
        return self._connection.commit(work)

    def alone(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Do work that commits for itself while no other writes, and makes no files: they would not be synced."""
        return self._connection.alone(work)

    def tidy(self) -> list[str]:
        """Join small files of tables that have many, as `tidying` says; returns the tables."""
        return tidying.tidy(self._connection, self._now())

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own for reading, for the modules beside this one."""
        return self._connection.cursor()

    def _read(
        self, work: Callable[Concatenate[duckdb.DuckDBPyConnection, P], T], *args: P.args, **kwargs: P.kwargs
    ) -> T:
        with complaints.told(), self._connection.reading() as con:
            return work(con, *args, **kwargs)

    def _rows(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        return self._read(lambda con: con.execute(sql, values).fetchall())

    # Pages

    def keep_page(self, page: Page, *, run_id: str, checkpoint: Checkpoint | None = None) -> None:
        """Keep a page, and move the checkpoint, in one commit."""
        row = pl.DataFrame([rawpages.to_row(page, run_id)], schema=RAW_PAGES.schema)
        mark = checkpoints.to_row(checkpoint, self._now()) if checkpoint else None

        def work(con: duckdb.DuckDBPyConnection) -> None:
            applying.insert(con, RAW_PAGES, row)
            if mark:
                applying.set_state(con, CHECKPOINTS, mark)

        self.commit(work)
        self._connection.renew()

    def keep_recording(self, page_of: Callable[[int], Page], *, room_id: str, run_id: str) -> Page:
        """Keep the page that a recording of a live room begins with; the commit finds the free number it is made of."""

        def work(con: duckdb.DuckDBPyConnection) -> Page:
            page = page_of(rawpages.next_recording(con, room_id))
            applying.insert(con, RAW_PAGES, pl.DataFrame([rawpages.to_row(page, run_id)], schema=RAW_PAGES.schema))
            return page

        page = self.commit(work)
        self._connection.renew()
        return page

    def pending(self, run_id: str | None = None, *, everywhere: bool = False, but: str | None = None) -> list[str]:
        """Pages without rows in the tables yet, oldest first: of runs that did not end well, of one run, or of all.

        `but` is a run that is passed over, since it has only begun.
        """
        if everywhere:
            return self._read(rawpages.pending, None)
        chosen = [run_id] if run_id else [one for one in self._read(runs.unfinished) if one != but]
        return self._read(rawpages.pending, chosen)

    def raw_pages(
        self, page_ids: Sequence[str] | None = None, *, where: str = "", max_bytes: int = _BATCH_BYTES
    ) -> Iterator[list[Page]]:
        """Kept pages in order of fetched_at, in lists whose bodies hold at most `max_bytes` (or one page)."""
        with complaints.told():
            yield from rawpages.read(self.cursor, page_ids, where, max_bytes)

    def apply(self, frames: Mapping[str, pl.DataFrame], page_ids: Sequence[str], *, run_id: str) -> Applied:
        """Merge the rows made of these pages, in one commit; pages that were applied before are passed over."""
        return self.commit(lambda con: applying.apply(con, frames, page_ids, run_id=run_id, applied_at=self._now()))

    # Listings

    def known_ids(self, listing: str, owner_id: str, ids: Collection[str], *, before: datetime) -> set[str]:
        """Those of these posts that the listing had shown before that moment."""
        return self._read(entries.known_ids, listing, owner_id, ids, before=before)

    def entry_ids(self, listing: str, owner_id: str, **more: Any) -> list[str]:
        """The first posts of a listing; takes the same as `entries.entry_ids`."""
        return self._read(entries.entry_ids, listing, owner_id, **more)

    def checkpoint(self, listing: str, owner_id: str) -> Checkpoint | None:
        """How far a listing was read; None where it never was."""
        row = self._read(applying.state_of, CHECKPOINTS, [listing, owner_id])
        return checkpoints.from_row(row) if row else None

    def save_checkpoint(self, checkpoint: Checkpoint) -> None:
        """Move a checkpoint without a page."""
        row = checkpoints.to_row(checkpoint, self._now())
        self.commit(lambda con: applying.set_state(con, CHECKPOINTS, row))

    def mark_gone(self, listing: str, owner_id: str, *, not_seen_since: datetime, gone_at: datetime) -> list[str]:
        """Mark the entries of a listing that a full walk, begun at `not_seen_since`, did not show; returns their posts.

        To be called only after a full walk that reached the end. Posts are not marked: their details must say so.
        """
        return self.commit(
            lambda con: entries.mark_gone(con, listing, owner_id, not_seen_since=not_seen_since, gone_at=gone_at)
        )

    def entry_count(self, listing: str, owner_id: str) -> int:
        """How many posts a listing holds, gone ones left out."""
        sql = "SELECT count(*) FROM listing_entries WHERE listing = ? AND owner_id = ? AND gone_at IS NULL"
        return int(self._rows(sql, [listing, owner_id])[0][0])

    def unconfirmed(self, owner_id: str, limit: int) -> list[str]:
        """Posts that vanished from their account's listing, of which nobody has asked since whether they are gone."""
        return self._read(entries.unconfirmed, owner_id, limit)

    # Files

    def wanted(
        self,
        *,
        kinds: Sequence[str],
        listing: str | None = None,
        owner_id: str | None = None,
        aweme_ids: Sequence[str] | None = None,
        media_ids: Sequence[str] | None = None,
        exclude: Collection[str] = (),
        limit: int | None = None,
        retry_failed: bool = True,
        max_attempts: int = 5,
        **more: Any,
    ) -> list[Wanted]:
        """Promised files that are not kept, newest post first; failed ones again, up to `max_attempts` tries.

        Further fields of `promises.Search`: `not_tried_since` passes over files tried from then to `now`, `posts` is a
        Filter, `only_failed` finds what failed however often it was tried, `reason` a word of its state or error,
        `pages` and `since` look at a part of the archive only.
        """
        search = promises.Search(
            kinds, listing, owner_id, aweme_ids, media_ids, exclude, limit, retry_failed, max_attempts, **more
        )
        return self._read(promises.find, search)

    def applied_since(self, moment: datetime) -> list[str]:
        """The pages of which rows were committed since, by any run."""
        rows = self._rows("SELECT page_id FROM applied_pages WHERE applied_at >= ?", [moment])
        return [page_id for (page_id,) in rows]

    def moment(self) -> datetime:
        """The present moment, when nobody is committing: rows that say they are older can be read."""
        return self.alone(lambda _: self._now())

    def wanted_ids(self, **search: Any) -> list[str]:
        """The media ids of what `wanted` would find, in the same order; takes the same."""
        return self._read(promises.find_ids, promises.Search(**search))

    def wanted_parts(self, **search: Any) -> list[promises.Part]:
        """The search of `wanted` cut into parts, newest posts first: each is a `part` for `wanted_ids`."""
        return self._read(promises.parts, promises.Search(**search))

    def wanted_count(self, **search: Any) -> int:
        """How many files `wanted` would find without a limit; takes the same."""
        return self._read(promises.count, promises.Search(**search))

    def media_urls(self, media_id: str) -> promises.Addresses | None:
        """The addresses of a promised file as last seen; None where nothing promises it."""
        return self._read(promises.addresses, media_id)

    def keep_files(self, rows: Sequence[Kept], *, owners: Mapping[str, str] | None = None) -> dict[str, str]:
        """Write what became of files, in one commit; the newest row of a file replaces the others.

        `owners` names the account of each folder that the paths name. Where another run gave one of them another name
        meanwhile, nothing is written, and these are returned: former name to present name.
        """
        values = [{**asdict(kept), "media_kind": kind_of(kept.media_id)} for kept in rows]

        def work(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
            renamed = accounts.renamed(con, owners) if owners else {}
            if not renamed:
                applying.put(con, FILES, values)
            return renamed

        renamed = self.commit(work) if rows else {}
        self._connection.renew()
        return renamed

    def folders(self) -> dict[str, str]:
        """The folder of each account that has one: sec_user_id to folder."""
        return self._read(accounts.folders)

    def record_folders(self, folders: Mapping[str, str], *, moved: bool = False) -> None:
        """Note which folder keeps an account's files; with `moved`, their paths follow in the same commit."""
        if folders:
            self.commit(lambda con: accounts.record_folders(con, folders, moved=moved))

    # Runs

    def start_run(self, **columns: Any) -> None:
        """Write the row of a run that begins: `run_id` and any other column of `runs`."""
        row = runs.to_row(columns)
        self.commit(lambda con: applying.put(con, RUNS, [row], are_new=True))
        self._begun[row["run_id"]] = row

    def settled_at(self, scope: str) -> datetime | None:
        """The moment up to which every file of this search was looked for by some run; None where never."""
        now = self._now()
        found, is_ahead = self._read(runs.settled_at, scope, now)
        if is_ahead:
            self.commit(lambda con: runs.take_back(con, now))
        return found

    def end_run(self, run_id: str, **columns: Any) -> None:
        """Write how a run ended into its row; columns that are not named stay as they are."""

        def work(con: duckdb.DuckDBPyConnection) -> None:
            known = self._begun.get(run_id) or applying.state_of(con, RUNS, [run_id]) or {}
            applying.set_state(con, RUNS, {**known, **runs.to_row({"run_id": run_id, **columns})})

        self.commit(work)
        self._begun.pop(run_id, None)

    # Asking

    def query(self, sql: str, params: Sequence[Any] | Mapping[str, Any] = ()) -> pl.DataFrame:
        """The answer to a query, as a frame; BadInput with DuckDB's words where it cannot be answered."""
        self._asking = self._connection.asking()
        return asking.frame(asking.ask(self._asking, sql, params))

    def made_at(self) -> datetime:
        """When the version was made that this lake shows."""
        moment: datetime = self._read(leftovers.made_at)
        return moment

    def break_off(self, *, is_left: bool = False) -> None:
        """Let a `query` that another thread waits for fail at once, or be left: `close` does not wait for it then."""
        if self._asking is not None:
            self._asking.interrupt()
        self._connection.is_left = is_left

    def query_arrow(
        self, sql: str, params: Sequence[Any] | Mapping[str, Any] = (), rows: int = 100_000
    ) -> pa.RecordBatchReader:
        """The answer to a query, as a stream of record batches of at most so many rows."""
        return asking.ask(self._connection.asking(), sql, params).to_arrow_reader(rows)

    def attach_sql(self) -> list[str]:
        """The statements that open this archive in DuckDB's own shell, without secrets; what they load is there."""
        attach.lend_extensions(self._place)
        return attach.attach_sql(self._place)

    def stats(self) -> dict[str, Any]:
        """`rows` by table, `files` (tables' Parquet files), `table_bytes`, and `stored`: count and bytes by kind."""
        return self._read(asking.stats)
