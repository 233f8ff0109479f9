"""The connection behind a Lake: one that writes, cursors that read, one that stays, and a fresh one now and then.

DuckLake keeps what it knew of every snapshot that a connection made, some 50 kB each, for as long as the catalog is
attached. A walk keeps each page in a commit of its own, so a long one would end with hundreds of megabytes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from pipelines.errors import ArchiveError, BadInput
from pipelines.load import patience, turns
from pipelines.load.attach import NAME, Place
from pipelines.load.complaints import is_silent, told
from pipelines.load.presence import need_answer, need_tables
from pipelines.load.scratch import scratch_folder
from pipelines.load.syncing import NewFiles

if TYPE_CHECKING:
    import random

    import duckdb

T = TypeVar("T")
_LONG_LOG_BYTES = 32_000_000
Connect = Callable[[str], "duckdb.DuckDBPyConnection"]


class Connection:
    """An attached catalog. `connect` opens it, given a folder for what DuckDB cannot hold in memory.

    `renew_after` commits, which take some 5 MB, `renew` makes a new connection, which takes a tenth of a second.
    """

    renew_after = 100

    def __init__(self, connect: Connect, *, asks_first: bool = False) -> None:
        self._opened = ExitStack()
        self._temp = str(self._opened.enter_context(scratch_folder("aweme-")))
        self._connect = connect
        self._writer: turns.Writer | None = None
        self._make_writer: Callable[[], turns.Writer] | None = None
        self._place: Place | None = None
        self._log: Path | None = None
        self._hold: duckdb.DuckDBPyConnection | None = None
        self._commits = 0
        self._idle: list[duckdb.DuckDBPyConnection] = []
        self._is_in_haste = False
        self._asks_first = asks_first
        self.is_left = False
        try:
            self.con = connect(self._temp)
        except BaseException:
            self._opened.close()
            raise

    def let_write(self, place: Place, wait_s: float, rng: random.Random) -> None:
        """Let this connection write, when it is its turn; a turn comes within `wait_s` seconds or never."""
        files = NewFiles(None if place.is_s3 else Path(place.tables))

        def made() -> turns.Writer:
            kept = turns.FileTurns(place.target, wait_s) if place.kind == "sqlite" else None
            turn = kept or turns.ServerTurns(self.con, place, wait_s)
            return turns.Writer(self.con, turn.turn, rng, place.target if place.kind == "sqlite" else "", files)

        with told():
            self._make_writer, self._writer, self._place = made, made(), place
        if place.kind == "sqlite":
            self._log = Path(place.target + "-wal")
            self._hold = self._held()

    def cursor(self) -> duckdb.DuckDBPyConnection:
        """A connection of its own for reading."""
        cursor = self.con.cursor()
        with told():
            cursor.execute(f"USE {NAME}")
        return cursor

    def asking(self) -> duckdb.DuckDBPyConnection:
        """The same for questions of people, after a look whether a bucket, where there is one, says anything at all."""
        cursor = self.cursor()
        if self._asks_first:
            need_answer(cursor)
            self._asks_first = False
        return cursor

    @contextmanager
    def reading(self) -> Iterator[duckdb.DuckDBPyConnection]:
        """A connection for reading, lent for a block that leaves nothing unread; to make one takes several ms."""
        idle = self._idle
        try:
            cursor = idle.pop()
        except IndexError:
            cursor = self.cursor()
        try:
            yield cursor
        except BaseException as error:
            cursor.close()
            self._heard(error)
            raise
        idle.append(cursor)

    def commit(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Do work in one commit; it may be done twice, so it has no effect outside."""
        writer = self._allowed()
        try:
            done = writer.commit(work)
        except ArchiveError as error:
            self._heard(error)
            raise
        if self._is_in_haste:
            self._wait_for_bucket(is_short=False)
        self._commits += 1
        return done

    def alone(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Do work that commits for itself while no other writes."""
        return self._allowed().alone(work)

    def _heard(self, error: BaseException) -> None:
        """Wait for a bucket only shortly after it was waited for in vain, until a commit goes well again.

        A run that ends for it asks it for much: what waits for rows, which pages wait, how the run ended.
        """
        if isinstance(error, Exception) and is_silent(error):
            self._wait_for_bucket(is_short=True)

    def _wait_for_bucket(self, *, is_short: bool) -> None:
        self._is_in_haste = is_short
        with self.con.cursor() as cursor:  # another thread may be in the middle of a commit
            for statement in patience.of_duckdb(is_short=is_short):
                cursor.execute(statement)

    def _allowed(self) -> turns.Writer:
        if self._writer is None or self._place is None:
            raise BadInput("This archive was opened for reading only: open it for writing.")
        with told():
            need_tables(self.con, self._place)  # a disk may go away while a run goes on
        return self._writer

    def renew(self) -> None:
        """Go on with a new connection, if the present one made many commits; those who use that one are not disturbed.

        Not between statements that share what they attached or set.
        """
        if self._commits < self.renew_after or self._make_writer is None:
            return
        self._commits = 0
        present = self.con
        try:
            self.con = self._connect(self._temp)
            with told():
                self._writer = self._make_writer()
        except ArchiveError:
            self.con = present
            return  # the present one serves as well, and it is tried again later
        self._idle = []
        if self._hold is not None:
            self._hold.close()  # before the next one comes, so that SQLite may clear the log away
        self._hold = self._held()

    def close(self) -> None:
        """Close the catalog; what was committed stays."""
        if self._hold is not None:
            self._hold.close()
        self._idle = []
        if not self.is_left:  # DuckDB would wait for a question that waits for a bucket
            self.con.close()
        self._opened.close()

    def _held(self) -> duckdb.DuckDBPyConnection | None:
        """A reader that stays in a SQLite catalog between statements, until the connection is renewed or closed.

        DuckDB opens the catalog anew for each. Who leaves it as the last has SQLite clear its log away, and who enters
        in that moment is put to sleep for a whole second: DuckDB's SQLite knows no shorter sleep. What is committed
        while a reader stays remains in the log; where several runs have made it long, none stays.
        """
        import duckdb

        if self._log is None or _size_of(self._log) > _LONG_LOG_BYTES:
            return None
        cursor = self.con.cursor()
        try:
            cursor.execute("BEGIN")
            cursor.execute(f"SELECT 1 FROM __ducklake_metadata_{NAME}.ducklake_metadata LIMIT 1").fetchall()
        except duckdb.Error:  # busy just now: it only makes things quicker
            cursor.close()
            return None
        return cursor


def _size_of(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
