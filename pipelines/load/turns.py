"""Whose turn it is to write: one writer at a time, over all processes, and another try where the catalog was busy.

DuckLake lets two writers commit at once as long as both only append, so two runs that meet the same new post would
keep it twice. Therefore a writer first takes its turn: beside a SQLite catalog by SQLite's own lock on a file of its
own, on PostgreSQL by an advisory lock. Both end with the process that holds them, however it ends. The lock ends with
its connection, too, which a server or an administrator may close while that of the catalog goes on: so a writer looks
whether it is its turn still before it commits.
"""

from __future__ import annotations

import random
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from pipelines.errors import Blocked, LakeBusy
from pipelines.load.attach import Place, quoted
from pipelines.load.complaints import blocked, known, says, told
from pipelines.load.syncing import NewFiles

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")
_ADVISORY_KEY = 7_109_322_804  # any number that no other program is likely to lock
_BUSY = ("database is locked", "transaction conflict", "conflict", "could not serialize", "deadlock detected", "busy")
# All cursors share DuckDB's memory: a commit that found none beside a large query does once that is done.
_SHORT = ("out of memory", "failed to pin", "could not allocate", "failed to allocate")
_TRIES = 12

Held = Callable[[], None]
"""Raises where the turn was lost meanwhile."""


def _nobody_ends_it() -> None:
    """A lock on a file is held as long as the file is open."""


class FileTurns:
    """Turns of writers to a SQLite catalog on this machine."""

    def __init__(self, path: str, wait_s: float) -> None:
        self._catalog, self._path, self._wait_s = path, path + ".lock", wait_s

    @contextmanager
    def turn(self) -> Iterator[Held]:
        """Wait for the turn and hold it; LakeBusy when it does not come in time."""
        try:
            lock = sqlite3.connect(self._path, timeout=self._wait_s, isolation_level=None, check_same_thread=False)
        except sqlite3.OperationalError as error:
            raise blocked(error, self._catalog) or error from None
        try:
            try:
                lock.execute("BEGIN EXCLUSIVE")
            except sqlite3.OperationalError as error:
                raise blocked(error, self._catalog) or LakeBusy(
                    "Another run has been writing for too long: wait for it to end, then try again."
                ) from error
            yield _nobody_ends_it
        finally:
            lock.close()


class ServerTurns:
    """Turns of writers to a PostgreSQL catalog, on however many machines. The key is the same for a whole database."""

    def __init__(self, con: duckdb.DuckDBPyConnection, place: Place, wait_s: float) -> None:
        self._con, self._wait_ms = con.cursor(), int(wait_s * 1000)
        self._con.execute(f"ATTACH {quoted(place.reached)} AS turns (TYPE postgres)")

    @contextmanager
    def turn(self) -> Iterator[Held]:
        """Wait for the turn and hold it; LakeBusy when it does not come in time."""
        import duckdb

        self._con.execute("BEGIN")
        try:
            try:
                self._do(f"SET LOCAL lock_timeout = {self._wait_ms}")
                # It says nothing while the work is done, however long that takes.
                self._do("SET LOCAL idle_in_transaction_session_timeout = 0")
                self._do(f"SELECT pg_advisory_xact_lock({_ADVISORY_KEY})")
            except duckdb.Error as error:
                if "lock timeout" not in str(error):
                    raise
                raise LakeBusy(
                    "Another run has been writing for too long: wait for it to end, then try again."
                ) from error
            yield lambda: self._do("SELECT 1")
        finally:
            with suppress(duckdb.Error):  # of a server that is away: the turn ended with the connection
                self._con.execute("ROLLBACK")

    def _do(self, statement: str) -> None:
        self._con.execute(f"CALL postgres_execute('turns', {quoted(statement)})")


Turns = FileTurns | ServerTurns


class Writer:
    """Commits to the catalog: takes the turn, does the work in one transaction, and tries again where it was busy."""

    def __init__(
        self,
        con: duckdb.DuckDBPyConnection,
        turn: Callable[[], AbstractContextManager[Held]],
        rng: random.Random,
        catalog: str = "",
        files: NewFiles | None = None,
    ) -> None:
        self._con, self._turn, self._rng, self._catalog = con, turn, rng, catalog
        self._files = files or NewFiles(None)
        self._lock = threading.RLock()

    def commit(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Do the work in one transaction. It may be done more than once, so it must have no effect outside."""
        import duckdb

        with self._lock, told(), self._turn() as held:
            for attempt in range(_TRIES):
                try:
                    return self._once(work, held)
                except duckdb.Error as error:
                    if not says(error, _BUSY + _SHORT):
                        raise known(error, self._catalog) or error from None
                    last = error
                time.sleep(min(0.02 * 2**attempt, 1.0) * (0.5 + self._rng.random()))
        if says(last, _SHORT):
            raise last
        raise LakeBusy("The catalog stayed busy: another program writes to it. Try again when it is done.") from last

    def alone(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Do work that commits for itself, once, while it is this writer's turn."""
        import duckdb

        with self._lock, told(), self._turn():
            try:
                return work(self._con)
            except duckdb.Error as error:
                if not says(error, _BUSY):
                    raise known(error, self._catalog) or error from None
                raise LakeBusy("The catalog is busy: another program writes to it. Try again later.") from error

    def _once(self, work: Callable[[duckdb.DuckDBPyConnection], T], held: Held) -> T:
        self._files.look()
        self._con.execute("BEGIN")
        try:
            done = work(self._con)
            self._sync()
            held()
            self._con.execute("COMMIT")
        except BaseException:
            _roll_back(self._con)
            raise
        return done

    def _sync(self) -> None:
        try:
            self._files.sync()
        except OSError as error:
            raise Blocked(
                f"The disk of the tables does not keep what is written ({error.strerror}): see to it, then try again."
            ) from error


def _roll_back(con: duckdb.DuckDBPyConnection) -> None:
    import duckdb

    # A failed COMMIT has rolled back already; a server that is away has, too, and what it said last is worth more.
    with suppress(duckdb.Error):
        con.execute("ROLLBACK")
