"""What a verification asks: which files to read, what storage lacks or has too much, which Parquet files fail."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

import polars as pl

from pipelines.load.attach import NAME, quoted
from pipelines.load.complaints import known, lost
from pipelines.load.contents import Found
from pipelines.load.passing import LISTED, listed, shown
from pipelines.load.stored import among
from schemas.catalog import TABLES
from schemas.table import TIME, Table
from schemas.wording import counted

if TYPE_CHECKING:
    import duckdb

    from pipelines.load.lake import Lake

FOUND = "verify found it"
"""How the error of a file begins that a repair is about to fetch again."""

_ROWS = 20_000
# What DuckDB says of a Parquet file that is not there, on a disk and in a bucket.
_MISSING = ("no files found", "no such file", "http code 404", "http 404")
_STORED = "state = 'stored' AND path IS NOT NULL"
# A recording's facts lie beside it and have no row of their own: raw_pages holds the same.
_BESIDE = f"""SELECT regexp_replace(path, '[.][^./]*$', '.json') FROM files
WHERE {_STORED} AND contains(media_id, ':stream:')"""


@dataclass(frozen=True, slots=True)
class Record:
    """What `files` says of a kept file."""

    media_id: str
    path: str
    size_bytes: int | None
    sha256: str | None


@dataclass(frozen=True, slots=True)
class Scope:
    """Which kept files to read: not verified since, and about `share` (0 to 1) of them, chosen by `seed`.

    `not_since` goes with `now`, the present moment: what was verified later had a clock that was ahead.
    """

    not_since: datetime | None = None
    now: datetime | None = None
    share: float = 1.0
    seed: str = ""

    def test(self) -> tuple[str, list[Any]]:
        """The same as SQL and its values."""
        tests, values = [_STORED], list[Any]()
        if self.not_since is not None:
            tests.append("(verified_at IS NULL OR verified_at < ? OR verified_at > ?)")
            values += [self.not_since, self.now]
        if self.share < 1:
            tests.append("hash(media_id || ?) % 1000000 < ?")
            values += [self.seed, round(self.share * 1_000_000)]
        return " AND ".join(tests), values


def totals(lake: Lake, scope: Scope) -> tuple[int, int]:
    """How many files are to be read, and their bytes."""
    test, values = scope.test()
    sql = f"SELECT count(*), coalesce(sum(size_bytes), 0)::BIGINT FROM files WHERE {test}"
    files, size = lake.cursor().execute(sql, values).fetchall()[0]
    return int(files), int(size)


def half_mended(lake: Lake) -> list[tuple[str, str]]:
    """Files that a repair which was cut off found wrong and did not get again: media ids, and what it noted."""
    sql = f"SELECT media_id, error FROM files WHERE state = 'failed' AND starts_with(error, '{FOUND} ') ORDER BY 1"
    return lake.cursor().execute(sql).fetchall()


def not_kept(lake: Lake) -> int:
    """How many files were tried, or could not be mended, and are not kept."""
    sql = "SELECT count(*) FROM files WHERE state IN ('failed', 'refused')"
    return int(lake.cursor().execute(sql).fetchall()[0][0])


def records(lake: Lake, scope: Scope) -> Iterator[list[Record]]:
    """The files to read, in order of path, some thousands at a time."""
    test, values = scope.test()
    sql = f"SELECT media_id, path, size_bytes, sha256 FROM files WHERE {test} AND path > ? ORDER BY path LIMIT {_ROWS}"
    after = ""
    while found := [Record(*row) for row in lake.cursor().execute(sql, [*values, after]).fetchall()]:
        yield found
        after = found[-1].path


def records_of(lake: Lake, media_ids: Sequence[str]) -> list[Record]:
    """What `files` says now of these files, of those that are kept."""
    sql = f"SELECT media_id, path, size_bytes, sha256 FROM files WHERE {_STORED} AND media_id IN {LISTED}"
    return [Record(*row) for row in lake.cursor().execute(sql, [listed(media_ids)]).fetchall()]


def set_verified(lake: Lake, media_ids: Sequence[str], at: datetime) -> None:
    """Note that these files were read and found right, in one commit."""
    if not media_ids:
        return
    keys = pl.DataFrame({"media_id": list(media_ids)}, schema={"media_id": pl.String})

    def work(con: duckdb.DuckDBPyConnection) -> None:
        with among(con, keys) as test:
            con.execute(f"UPDATE files SET verified_at = ? WHERE state = 'stored' AND {test}", [at])

    lake.commit(work)


def is_run_open(lake: Lake) -> bool:
    """Whether a run is under way, or was cut off."""
    return bool(lake.query("SELECT count(*) FROM runs WHERE ended_at IS NULL").item())


def compare(lake: Lake, listed: Iterable[Found], *, before: datetime) -> tuple[list[str], list[tuple[Record, str]]]:
    """Stray paths, and kept files that are "missing" or of another "size"; only what is older than `before` counts."""
    con = lake.cursor()
    con.execute("CREATE OR REPLACE TEMP TABLE listed (path VARCHAR, size_bytes BIGINT, modified_at TIMESTAMPTZ)")
    try:
        rows = ((one.path, one.size_bytes, one.modified_at) for one in listed if not one.is_part)
        while part := list(islice(rows, _ROWS)):
            schema: dict[str, Any] = {"path": pl.String, "size_bytes": pl.Int64, "modified_at": TIME}
            with shown(con, "more", pl.DataFrame(part, schema=schema, orient="row")):
                con.execute("INSERT INTO temp.listed SELECT * FROM more")
        strays = con.execute(
            f"""SELECT path FROM temp.listed ANTI JOIN (SELECT path FROM files UNION ALL {_BESIDE}) USING (path)
            WHERE modified_at < ? ORDER BY path""",
            [before],
        ).fetchall()
        wrong = con.execute(
            """SELECT f.media_id, f.path, f.size_bytes, f.sha256, if(l.path IS NULL, 'missing', 'size')
            FROM files f LEFT JOIN temp.listed l USING (path) WHERE f.state = 'stored' AND f.path IS NOT NULL
            AND f.stored_at < ? AND (l.path IS NULL OR l.size_bytes <> f.size_bytes) ORDER BY path""",
            [before],
        ).fetchall()
    finally:
        con.execute("DROP TABLE temp.listed")
    return [path for (path,) in strays], [(Record(*row[:4]), row[4]) for row in wrong]


def table_files(lake: Lake) -> list[tuple[str, str]]:
    """Every Parquet file of the catalog, deletions too, with the table that it belongs to."""
    con, found = lake.cursor(), []
    for table in TABLES:
        sql = f"SELECT data_file, delete_file FROM ducklake_list_files('{NAME}', '{table.name}')"
        for row in con.execute(sql).fetchall():
            found += [(table.name, path) for path in row if path]
    return list(dict.fromkeys(found))


def lost_tables(lake: Lake, tables: Iterable[Table]) -> frozenset[str]:
    """Those of these tables of which a Parquet file is missing or damaged; every page of all is read.

    Raises what else stands in the way: a bucket that is away says nothing about a table.
    """
    import duckdb

    names, found = {table.name for table in tables}, set[str]()
    for table, path in table_files(lake):
        if table in names - found:
            try:
                _read(lake, table, path)
            except duckdb.Error as error:
                if lost(error) is None:
                    raise known(error) or error from None
                found.add(table)
    return frozenset(found)


def parquet_problem(lake: Lake, table: str, path: str) -> str | None:
    """What is wrong with a Parquet file, every page of which is read; bodies of raw pages are held to their hashes.

    Raises what else stands in the way: a bucket that is away says nothing about a file.
    """
    import duckdb

    try:
        wrong = _read(lake, table, path)
    except duckdb.Error as error:
        if lost(error) is None and (told := known(error)) is not None:
            raise told from None
        is_missing = any(word in str(error).lower() for word in _MISSING)
        return "the file is missing" if is_missing else str(error).splitlines()[0][:300]
    return f"{counted(wrong, 'bodies')} changed since, by their hash" if wrong else None


def _read(lake: Lake, table: str, path: str) -> int:
    """Read every page of a Parquet file; returns how many bodies of raw pages differ from their hash."""
    # DuckDB reads no column that the answer has not, so each is in it.
    asked = "0, max(hash(COLUMNS(*)))"
    if table == "raw_pages" and "-delete" not in path:
        test = "body_sha256 IS NOT NULL AND sha256(body) IS DISTINCT FROM body_sha256"
        asked = f"count(*) FILTER ({test}), max(hash(COLUMNS(* EXCLUDE (body))))"
    return int(lake.cursor().execute(f"SELECT {asked} FROM read_parquet({quoted(path)})").fetchall()[0][0])
