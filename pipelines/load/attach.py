"""How the archive's catalog is opened: DuckDB with its extensions, S3's secret, ATTACH; and how others open it."""

from __future__ import annotations

import os
import random
import re
import shutil
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pipelines.errors import BadInput, Blocked, Unreachable
from pipelines.load import complaints, conninfo, patience

if TYPE_CHECKING:
    import duckdb

NAME = "archive"
_SCANNERS = {"sqlite": "sqlite_scanner", "postgres": "postgres_scanner"}
_S3_OPTIONS = {
    "key": "KEY_ID",
    "secret": "SECRET",
    "token": "SESSION_TOKEN",
    "region": "REGION",
    "endpoint": "ENDPOINT",
    "url_style": "URL_STYLE",
    "use_ssl": "USE_SSL",
}
_RACES = ("duplicate key", "already exists", "database is locked", "conflict", "transaction is aborted")
_TRIES = 8
_LACKS = re.compile(r"Table with name ducklake_\w+ does not exist")
# What a PostgreSQL server says to who asks for a database, or comes as a user, that it has not.
_UNKNOWN = re.compile(r'(?:database|role) ".*" does not exist')
_HIDDEN = {"key": "your access key", "secret": "your secret key", "token": "your session token"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where an archive lies. `catalog` is sqlite:PATH, postgres:CONNINFO, or postgresql://... (also postgres://...)."""

    catalog: str = field(repr=False)
    data_path: str
    s3: Mapping[str, str] = field(repr=False, default_factory=dict)

    @property
    def kind(self) -> str:
        """Sqlite or postgres."""
        return "sqlite" if self.catalog.startswith("sqlite:") else "postgres"

    @property
    def target(self) -> str:
        """The path of a SQLite catalog, or what libpq is told of a PostgreSQL one."""
        if self.kind == "sqlite":
            return str(Path(self.catalog.removeprefix("sqlite:")).expanduser().absolute())
        return self.catalog if self.catalog.startswith("postgres://") else self.catalog.removeprefix("postgres:")

    @property
    def reached(self) -> str:
        """The target as DuckDB is told of it: with limits to how long a server may be silent."""
        return self.target if self.kind == "sqlite" else conninfo.limited(self.target)

    @property
    def tables(self) -> str:
        """The place of the Parquet files, absolute, with a final slash."""
        if self.is_s3:
            return self.data_path.rstrip("/") + "/"
        return str(Path(self.data_path).expanduser().absolute()) + "/"

    @property
    def is_s3(self) -> bool:
        """Whether the Parquet files lie in a bucket."""
        return self.data_path.startswith("s3://")


def place_of(catalog: str, data_path: str, s3: Mapping[str, str] | None) -> Place:
    """The place, checked; BadInput where it cannot be one."""
    if not catalog.startswith(("sqlite:", "postgres:", "postgresql://")):
        raise BadInput("The catalog must begin with sqlite: or postgresql:// .")
    return Place(catalog, data_path, dict(s3 or {}))


def connect(
    place: Place,
    *,
    read_only: bool,
    memory_limit: str,
    threads: int,
    temp: str,
    busy_timeout_ms: int,
    rng: random.Random,
    at: datetime | None = None,
) -> Any:
    """A DuckDB connection with the catalog attached as `archive` and in use, as it is or as it was at `at`."""
    import duckdb

    if read_only and place.kind == "sqlite" and not Path(place.target).is_file():
        raise BadInput(f"There is no archive at {place.data_path}: archive something first, or check the root.")
    if read_only and place.kind == "sqlite":
        place = _readable(place, Path(temp))
    config: dict[str, Any] = {"memory_limit": memory_limit, "threads": threads, "temp_directory": temp}
    config |= {"preserve_insertion_order": False, "autoinstall_known_extensions": False}
    # Packages are held to their hashes when they are installed. To check DuckDB's signatures too, it would read 70 MB
    # at every opening, which takes a quarter of a second; it does so for whatever is loaded later.
    config["allow_unsigned_extensions"] = all(_packaged(name, duckdb.__version__) for name in _extensions(place))
    try:
        con = duckdb.connect(config=config)
    except duckdb.Error as error:
        # The one of these that a person sets.
        raise BadInput(f"memory_limit cannot be {memory_limit!r}: write it as 160MB or 4GB. ({error})") from None
    try:
        con.execute("SET GLOBAL TimeZone = 'UTC'")
        # Files are seldom read twice in a run, and the system caches local ones: what DuckDB keeps would only add up.
        con.execute("SET GLOBAL enable_external_file_cache = false")
        con.execute("SET GLOBAL allocator_flush_threshold = '8MB'")
        # A scan that a join narrows passes over what holds none of so many keys, and otherwise over what lies beyond
        # the least and the greatest. A page promises a hundred files, often of one old post beside the newest.
        con.execute("SET GLOBAL dynamic_or_filter_threshold = 200")
        for name in _extensions(place):
            _load(con, name)
        con.execute("SET GLOBAL allow_unsigned_extensions = false")
        if place.is_s3:
            # DuckDB holds two parts of every file that it uploads: 6 MB each in place of 80.
            con.execute("SET GLOBAL s3_uploader_max_filesize = '60GB'")
            for statement in (*patience.of_duckdb(), *_access(place.s3)):
                con.execute(statement)
        _when_free(con, _attach(place, read_only=read_only, busy_timeout_ms=busy_timeout_ms, at=at), rng)
        _when_free(con, f"USE {NAME}", rng)
    except duckdb.Error as error:
        con.close()
        raise refusal(error, place) from None
    return con


def _readable(place: Place, temp: Path) -> Place:
    """The place itself, or with a copy of its catalog in `temp`, where it lies in a folder that may only be read.

    To read a catalog with a journal of its own kind (WAL), SQLite has to make files beside it, unless a writer has.
    """
    catalog = Path(place.target)
    if os.access(catalog.parent, os.W_OK) or catalog.with_name(f"{catalog.name}-wal").exists():
        return place
    copy = temp / "catalog.sqlite"
    shutil.copyfile(catalog, copy)
    return replace(place, catalog=f"sqlite:{copy}")


def _when_free(con: duckdb.DuckDBPyConnection, statement: str, rng: random.Random) -> None:
    """Run a statement, again where another process makes the same catalog just now: DuckLake itself takes no turns."""
    import duckdb

    for attempt in range(_TRIES):
        try:
            con.execute(statement)
        except duckdb.Error as error:
            if attempt == _TRIES - 1 or not any(word in str(error) for word in _RACES):
                raise
            time.sleep(min(0.05 * 2**attempt, 1.0) * (0.5 + rng.random()))
        else:
            return


def attach_beside(con: duckdb.DuckDBPyConnection, catalog: str, name: str) -> None:
    """Attach another archive, on SQLite and local disk, for reading under a name of its own."""
    _load(con, "sqlite_scanner")
    other = Place(catalog, "")
    con.execute(f"ATTACH {quoted(f'ducklake:sqlite:{other.target}')} AS {name} (READ_ONLY)")


def _extensions(place: Place) -> list[str]:
    return ["ducklake", _SCANNERS[place.kind], *(["httpfs"] if place.is_s3 else [])]


def _load(con: duckdb.DuckDBPyConnection, name: str) -> None:
    """Load an extension from its own package, so that nothing is downloaded or written; else DuckDB's own way."""
    import duckdb

    file = _packaged(name, duckdb.__version__)
    if file is None:
        con.execute(f"INSTALL {name}")
        con.execute(f"LOAD {name}")
    else:
        con.execute(f"LOAD {quoted(str(file))}")


def _packaged(name: str, version: str) -> Path | None:
    from importlib.util import find_spec

    found = find_spec(f"duckdb_extension_{name}")
    for folder in (found.submodule_search_locations or ()) if found else ():
        file = Path(folder) / "extensions" / f"v{version}" / f"{name}.duckdb_extension"
        if file.is_file():
            return file
    return None


def quoted(text: str) -> str:
    """The text as an SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def _access(s3: Mapping[str, str], *, is_hidden: bool = False) -> list[str]:
    """The statements that give access to the bucket; without keys of our own, AWS's variables are read by DuckDB."""
    options = {name: str(value) for name, value in s3.items() if value}
    options.setdefault("url_style", "path" if "endpoint" in options else "vhost")
    if "://" in options.get("endpoint", ""):
        parts = urlsplit(options["endpoint"])
        options["endpoint"] = parts.netloc
        options.setdefault("use_ssl", "false" if parts.scheme == "http" else "true")
    if "key" not in options:
        return [f"SET GLOBAL s3_{name} = {quoted(value)}" for name, value in options.items() if name not in _HIDDEN]
    shown = {name: _HIDDEN.get(name, value) if is_hidden else value for name, value in options.items()}
    words = ["TYPE s3", *(f"{_S3_OPTIONS[name]} {quoted(value)}" for name, value in shown.items())]
    return [f"CREATE OR REPLACE SECRET aweme_s3 ({', '.join(words)})"]


def _attach(place: Place, *, read_only: bool, busy_timeout_ms: int, at: datetime | None) -> str:
    options = [f"DATA_PATH {quoted(place.tables)}", "DATA_INLINING_ROW_LIMIT 0"]
    if not place.is_s3:
        options.append("OVERRIDE_DATA_PATH true")  # a local archive may be moved with its catalog
    if place.kind == "sqlite":
        options += [f"META_BUSY_TIMEOUT {busy_timeout_ms}", *([] if read_only else ["META_JOURNAL_MODE 'WAL'"])]
    if read_only:
        options.append("READ_ONLY")
    if at is not None:
        options.append(f"SNAPSHOT_TIME {quoted(at.isoformat())}")
    return f"ATTACH {quoted(f'ducklake:{place.kind}:{place.reached}')} AS {NAME} ({', '.join(options)})"


def attach_sql(place: Place) -> list[str]:
    """The statements that open the archive for reading in DuckDB's own shell; secrets are left to fill in."""
    names = [name.removesuffix("_scanner") for name in _extensions(place)]
    shown = Place(conninfo.shown(place.catalog), place.data_path)
    options = [f"DATA_PATH {quoted(place.tables)}", "OVERRIDE_DATA_PATH true", "READ_ONLY"]
    return [
        *(f"INSTALL {name}" for name in names),
        *(f"LOAD {name}" for name in names),
        *(_access(place.s3, is_hidden=True) if place.is_s3 else []),
        f"ATTACH {quoted(f'ducklake:{place.kind}:{shown.target}')} AS {NAME} ({', '.join(options)})",
        f"USE {NAME}",
    ]


def lend_extensions(place: Place) -> None:
    """Put the extensions of our packages where DuckDB looks for its own, so that others find them without network."""
    import duckdb

    with duckdb.connect() as con:
        for name in _extensions(place):
            file = _packaged(name, duckdb.__version__)
            if file is not None:
                with suppress(duckdb.Error):  # a home that takes no files: they install them from the network
                    con.execute(f"INSTALL {quoted(str(file))}")


def refusal(error: Exception, place: Place) -> Exception:
    """The archive's own error for one that DuckDB raised while the catalog was opened; without passwords."""
    # A statement that was not done says nothing to anybody; the address that was tried does.
    said = complaints.said(error) if "execute query" in str(error) else str(error)
    text = _scrubbed(said.splitlines()[0], place)
    if "does not exist" in text:
        return _no_archive(text, place)
    if "No snapshot found" in text:
        return BadInput(
            "The archive remembers nothing of that moment: it began later, or maintenance let it go. "
            "Ask for a later one; of the same archive (--root), the first is told by "
            "aweme sql \"SELECT min(snapshot_time) FROM ducklake_snapshots('archive')\""
        )
    if "DATA_PATH" in text:
        return BadInput(f"The catalog belongs to another root than {place.data_path}: check root and catalog. ({text})")
    if place.kind == "postgres" or place.is_s3:
        return complaints.refused(error) or Unreachable(
            f"The catalog or the bucket cannot be reached: check address and access. ({text})"
        )
    # SQLite makes a file beside the catalog even to read it.
    if "disk I/O error" in text or "disk is full" in text:
        return Blocked(
            f"The disk of the catalog {place.target} is full or fails: make room, then run it again. ({text})"
        )
    return BadInput(f"The catalog of {place.data_path} cannot be opened: check the path and its rights. ({text})")


def _no_archive(text: str, place: Place) -> BadInput:
    if _UNKNOWN.search(text):
        return BadInput(
            "The server of the catalog has no such database or user: check the catalog, or have it made there "
            f"(createdb, createuser), then run it again. ({text})"
        )
    if not _LACKS.search(text):
        return BadInput(
            f"There is no archive at {place.data_path}: archive something first, or check the root. ({text})",
            is_missing=True,
        )
    begin = f"remove {place.target}" if place.kind == "sqlite" else "empty its database"
    return BadInput(
        f"The catalog of {place.data_path} lacks tables of its own: it is damaged, or its making was cut off. Restore "
        f"it from a backup; if nothing was archived yet, {begin} and archive again. ({text})"
    )


def _scrubbed(text: str, place: Place) -> str:
    text = conninfo.scrubbed(text.replace(place.reached, place.target), place.catalog)
    for secret in (place.s3.get(name, "") for name in _HIDDEN):
        text = text.replace(secret, "***") if secret else text
    return text
