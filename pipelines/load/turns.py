"""Whose turn it is to write: one writer at a time, over all processes, and what to do when the catalog says no.

DuckLake lets two writers commit at once as long as both only append, so two runs that meet the same new post would
keep it twice. Therefore a writer first takes its turn: beside a SQLite catalog by SQLite's own lock on a file of its
own, on PostgreSQL by an advisory lock. Both end with the process that holds them, however it ends. The lock ends with
its connection, too, which a server or an administrator may close while that of the catalog goes on: so a writer looks
whether it is its turn still before it commits.
"""

from __future__ import annotations

import random
import re
import sqlite3
import threading
import time
from collections.abc import Callable, Collection, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import TYPE_CHECKING, TypeVar

from pipelines.errors import ArchiveError, Blocked, LakeBusy, Unreachable
from pipelines.load.attach import Place, quoted
from pipelines.load.syncing import NewFiles

if TYPE_CHECKING:
    import duckdb

T = TypeVar("T")
_ADVISORY_KEY = 7_109_322_804  # any number that no other program is likely to lock
_BUSY = ("database is locked", "transaction conflict", "conflict", "could not serialize", "deadlock detected", "busy")
# All cursors share DuckDB's memory: a commit that found none beside a large query does once that is done.
_SHORT = ("out of memory", "failed to pin", "could not allocate", "failed to allocate")
_SQLITE_FULL = "disk is full"
_FULL = (_SQLITE_FULL, "no space left", "disk quota")
# What SQLite and DuckDB say of a disk that fails, and of a limit to the size of files.
_FAILING = ("disk i/o error", "input/output error", "file too large")
# What DuckLake says of the empty file that SQLite makes where there is none any more.
_VANISHED = "ducklake_snapshot does not exist"
_SHUT = ("read-only file system", "readonly database", "permission denied")
# What SQLite says of rights, and also where no file can be made or opened any more.
_CLOSED = "unable to open database"
# What DuckDB says of a bucket whose server is away, lacks what it is asked for, or refuses the key.
_AWAY = ("could not connect to server", "connection error for http", "unable to connect to url", "http error")
_GONE = ("http code 404", "http 404")
# What libpq says of a server that is away, or was started anew. Before it, DuckDB puts its address, password and all.
_NO_SERVER = (
    "unable to connect to postgres",
    "connection to server",
    "server closed the connection",
    "terminating connection",
    "no connection to the server",
    "closed unexpectedly",
    "from server:",
)
# What PostgreSQL says of a statement follows it in what DuckDB says, and captions in it may hold any of these words.
_STATEMENT = re.compile(r"(?s)(Failed to [a-zA-Z ]+) \".*\": ")
_FORBIDDEN = ("read-only transaction", "permission denied", "must be owner of")
# DuckLake names every file of its tables so.
_OF_TABLES = re.compile(r"/ducklake-[0-9a-f-]+\.parquet")
_MEND = (
    "aweme verify names all such files: restore them from a backup. Without one, aweme rebuild makes the tables again "
    "from raw_pages, which has to be whole, but not files, checkpoints and runs."
)
_REFUSED = ("http code 401", "http code 403", "http 401", "http 403", "forbidden")
# A folder may be called as one of these words are: paths tell nothing about an error.
_PATH = re.compile(r"\S*[/\\]\S*")
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
        self._con.execute(f"ATTACH {quoted(place.target)} AS turns (TYPE postgres)")

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
                    if not _says(error, _BUSY + _SHORT):
                        raise known(error, self._catalog) or error from None
                    last = error
                time.sleep(min(0.02 * 2**attempt, 1.0) * (0.5 + self._rng.random()))
        if _says(last, _SHORT):
            raise last
        raise LakeBusy("The catalog stayed busy: another program writes to it. Try again when it is done.") from last

    def alone(self, work: Callable[[duckdb.DuckDBPyConnection], T]) -> T:
        """Do work that commits for itself, once, while it is this writer's turn."""
        import duckdb

        with self._lock, told(), self._turn():
            try:
                return work(self._con)
            except duckdb.Error as error:
                if not _says(error, _BUSY):
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


def _said(error: Exception) -> str:
    """What DuckDB says, without the statement that a PostgreSQL server did not do: it holds rows of tables."""
    return _STATEMENT.sub(r"\1: ", str(error))


def _says(error: Exception, words: Collection[str]) -> bool:
    text = _PATH.sub("", _said(error).lower())
    return any(word in text for word in words)


def blocked(error: Exception, catalog: str = "") -> Blocked | None:
    """What a person has to do where the disk takes no more, or the archive may not be written; None for all else.

    DuckDB names the file that it could not write; SQLite does not: it is `catalog`, where that has a path.
    """
    text, told = _said(error).lower(), _said(error).splitlines()[-1]
    if any(word in text for word in _FULL):
        which = f"The disk of the catalog {catalog}" if catalog and _SQLITE_FULL in text else "The disk"
        return Blocked(f"{which} is full: make room, then run it again; what is kept is safe. ({told})")
    if _VANISHED in text:
        return Blocked(f"The catalog is gone: mount its disk, or put it back, then run it again. ({told})")
    if any(word in text for word in _FAILING):
        return Blocked(f"The disk fails, or limits how large a file may be: see to it, then run it again. ({told})")
    if _CLOSED in text:
        which = f"The catalog {catalog}" if catalog else "The catalog"
        return Blocked(
            f"{which} cannot be opened: see to its rights, to room for more files on its disk (df -i), and to how many "
            f"may be open (ulimit -n), then run it again; what is kept is safe. ({told})"
        )
    if any(word in text for word in _SHUT):
        return Blocked(f"The archive may not be written here: see to its rights, or name another root. ({told})")
    return None


def known(error: Exception, catalog: str = "") -> ArchiveError | None:
    """An error of DuckDB's about disk, bucket or server as one of ours; None where it is a fault of the program.

    `catalog` is the path of one on SQLite.
    """
    return away(error) or forbidden(error) or _of_bucket(error) or blocked(error, catalog) or lost(error)


def of_tables(error: Exception) -> ArchiveError | None:
    """What to say where the bucket does not give a file of the tables; None for all else, a file of somebody's too."""
    return _of_bucket(error) if _OF_TABLES.search(str(error)) else None


def _of_bucket(error: Exception) -> ArchiveError | None:
    text, told = str(error).lower(), str(error).splitlines()[0] if str(error) else ""
    if any(word in text for word in _AWAY):
        if any(word in text for word in _REFUSED):
            return Blocked(f"The bucket may not be read or written with this S3 key: check key and rights. ({told})")
        if any(word in text for word in _GONE):
            return Blocked(
                f"The bucket is not there, or a file of the tables is missing in it: check the root. {_MEND} ({told})"
            )
        return Unreachable(f"The bucket gives no answer: run it again when it does; what is kept is safe. ({told})")
    return None


def away(error: Exception) -> Unreachable | None:
    """What to say where the server of a catalog on PostgreSQL is away, without its password; None for all else."""
    text = _said(error)
    if not any(word in text.lower() for word in _NO_SERVER):
        return None
    told = text.rpartition('": ')[2].splitlines()[0]
    return Unreachable(
        f"The server of the catalog gives no answer: run it again when it does; what is kept is safe. ({told})"
    )


def forbidden(error: Exception) -> Blocked | None:
    """What to say where the server of a catalog on PostgreSQL does not allow a statement; None for all else."""
    found = _STATEMENT.search(str(error))
    told = str(error)[found.end() :].splitlines()[0] if found else ""
    if not any(word in told.lower() for word in _FORBIDDEN):
        return None
    return Blocked(
        "The server of the catalog does not allow it: see to the rights of its user, and whether server or database "
        f"may only be read (a standby, say), then run it again; what is kept is safe. ({told})"
    )


def lost(error: Exception) -> Blocked | None:
    """What a person has to do where a Parquet file of the tables is missing or damaged; None for all else."""
    text = str(error)
    is_away = any(word in text.lower() for word in _AWAY) and not any(word in text.lower() for word in _GONE)
    if not _OF_TABLES.search(text) or is_away or blocked(error):
        return None
    return Blocked(f"A file of the tables is missing or damaged. {_MEND} ({text.splitlines()[0]})")


@contextmanager
def told() -> Iterator[None]:
    """Raise what DuckDB says of disk, bucket or server as one of our errors."""
    import duckdb

    try:
        yield
    except duckdb.Error as error:
        raise known(error) or error from None


def _roll_back(con: duckdb.DuckDBPyConnection) -> None:
    import duckdb

    # A failed COMMIT has rolled back already; a server that is away has, too, and what it said last is worth more.
    with suppress(duckdb.Error):
        con.execute("ROLLBACK")
