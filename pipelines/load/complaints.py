"""What DuckDB says of disk, bucket or server, and SQLite and PostgreSQL by it, as one of our errors."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager

from pipelines.errors import ArchiveError, Blocked, Unreachable

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
_AWAY = ("could not connect to server", "error for http", "unable to connect to url", "http error")
_SILENT = "timeout was reached"
_GONE = ("http code 404", "http 404")
# What it says of a file that is shorter than the catalog knows.
_CUT = ("http code 416", "http 416")
# Our word for a statement that got no answer: its connection was lost, of which libpq may say nothing at all.
_CUT_OFF = "the connection was lost"
# What libpq says of a server that is away, or was started anew. Before it, DuckDB puts its address, password and all.
_NO_SERVER = (
    "unable to connect to postgres",
    "connection to server",
    "server closed the connection",
    "terminating connection",
    "no connection to the server",
    "closed unexpectedly",
    "from server:",
    _CUT_OFF,
)
# What it says of a connection that came to be: it ended, or the server begins or ends just now.
_ENDED = ("closed the connection", "terminating connection", "starting up", "shutting down", "recovery mode", _CUT_OFF)
# What PostgreSQL, or a pooler before it, says where it serves as many as it is set to.
_CROWDED = ("too many connections", "too many clients", "remaining connection slots", "no more connections allowed")
# What PostgreSQL says of a statement follows it in what DuckDB says, and captions in it may hold any of these words.
_STATEMENT = re.compile(r"(?s)(Failed to [a-zA-Z ]+) \".*\": ")
_TOO_SHORT = ("statement timeout", "transaction timeout")
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


def said(error: Exception) -> str:
    """What DuckDB says, without the statement that a PostgreSQL server did not do: it holds rows of tables."""
    text = f"{str(error).rstrip()} {_CUT_OFF}" if _answer(error) == "" else str(error)
    return _STATEMENT.sub(r"\1: ", text)


def _answer(error: Exception) -> str | None:
    """The first line of what a PostgreSQL server answered to a statement that it did not do; None for other errors."""
    found = _STATEMENT.search(str(error))
    return str(error)[found.end() :].strip().partition("\n")[0] if found else None


def says(error: Exception, words: Collection[str]) -> bool:
    """Whether an error has one of these words, in lower case, elsewhere than in a path or a refused statement."""
    text = _PATH.sub("", said(error).lower())
    return any(word in text for word in words)


def blocked(error: Exception, catalog: str = "") -> Blocked | None:
    """What a person has to do where the disk takes no more, or the archive may not be written; None for all else.

    DuckDB names the file that it could not write; SQLite does not: it is `catalog`, where that has a path.
    """
    text, told = said(error).lower(), said(error).splitlines()[-1]
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
            # DuckDB tells the number only, whatever the bucket said of key, rights or time.
            return Blocked(
                "The bucket may not be read or written with this S3 key: check key and rights, and whether this "
                f"machine's clock is right. ({told})"
            )
        if any(word in text for word in _CUT):
            return Blocked(f"A file of the tables is damaged. {_MEND} ({told})")
        if any(word in text for word in _GONE):
            return Blocked(
                f"The bucket is not there, or a file of the tables is missing in it: check the root. {_MEND} ({told})"
            )
        return Unreachable(f"The bucket gives no answer: run it again when it does; what is kept is safe. ({told})")
    return None


def is_silent(error: Exception) -> bool:
    """Whether a bucket was asked again and again, and said nothing in all the time that it was given."""
    text = _PATH.sub("", str(error).lower())
    return _SILENT in text and "error for http" in text


def away(error: Exception) -> Unreachable | None:
    """What to say where the server of a catalog on PostgreSQL is away, without its password; None for all else."""
    text = said(error)
    if not any(word in text.lower() for word in _NO_SERVER):
        return None
    told = text.rpartition('": ')[2].splitlines()[0]
    if any(word in told.lower() for word in _CROWDED):
        return Unreachable(
            "The server of the catalog takes no more connections: let some end or allow it more (max_connections, or "
            f"the limit of the database or user), then run it again; what is kept is safe. ({told})"
        )
    return Unreachable(
        f"The server of the catalog gives no answer: run it again when it does; what is kept is safe. ({told})"
    )


def refused(error: Exception) -> ArchiveError | None:
    """What to say where a server is there, but full, just begins or ends, or forbids what opening a catalog needs.

    None for all else, as where nobody answers at its address, or it does not let this user in.
    """
    gone = away(error)
    is_there = gone is not None and any(word in str(gone).lower() for word in _CROWDED + _ENDED)
    return gone if is_there else forbidden(error)


def forbidden(error: Exception) -> Blocked | None:
    """What to say where the server of a catalog on PostgreSQL does not allow a statement; None for all else."""
    told = _answer(error) or ""
    if any(word in told.lower() for word in _TOO_SHORT):
        return Blocked(
            "The server of the catalog ends what takes longer than it is set to allow: let it allow more (0 is "
            f"no limit), then run it again; what is kept is safe. ({told})"
        )
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
