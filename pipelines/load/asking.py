"""Answers to questions of people: any SQL as a frame, and what the archive holds in numbers."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

import polars as pl

from pipelines.errors import BadInput, LakeBusy, Unreachable
from pipelines.load.attach import NAME
from pipelines.load.complaints import away, lost, of_tables
from schemas.catalog import BY_NAME

if TYPE_CHECKING:
    import duckdb

_FIRST_DAY, _LAST_DAY = (day.toordinal() - date(1970, 1, 1).toordinal() for day in (date.min, date.max))
_PER_DAY = {None: 1, "ms": 86_400_000, "us": 86_400_000_000, "ns": 86_400_000_000_000}
_FOREIGN = {
    "interval",
    "time with time zone",
    "time_ns",
    "bit",
    "uuid",
    "variant",
    "map",
    "union",
    "uhugeint",
    "bignum",
}
_NESTED = {"list", "array", "struct", "map", "union"}


def ask(
    con: duckdb.DuckDBPyConnection, sql: str, params: Sequence[Any] | Mapping[str, Any]
) -> duckdb.DuckDBPyConnection:
    """Run a query; BadInput with DuckDB's words where it cannot be answered, Unreachable for files it cannot read."""
    import duckdb

    answer: duckdb.DuckDBPyConnection | None
    try:
        answer = con.execute(sql, params or None)
    except UnicodeEncodeError as error:  # bytes of another encoding, which Python keeps as half surrogates
        raise BadInput("The query holds bytes that are no UTF-8: write it in a terminal or file of UTF-8.") from error
    except duckdb.Error as error:
        raise _told(error) from None  # it may name the catalog's server, with the password
    if answer is None:  # whatever DuckDB's types say: so it answers where there is nothing but space and comments
        raise BadInput('There is no statement in the query: write one, as in aweme sql "SHOW TABLES".')
    return answer


def _told(error: duckdb.Error) -> Exception:
    """DuckDB's error as one of ours; itself where it is a fault of the program."""
    import duckdb

    if (told := lost(error) or of_tables(error)) is not None:
        return told
    if "database is locked" in str(error):  # all of it: DuckDB quotes the query, which may speak of blocked posts
        return LakeBusy("The catalog is busy: try again in a moment.")
    if isinstance(error, duckdb.ProgrammingError | duckdb.DataError | duckdb.NotSupportedError):
        return BadInput(f"The query cannot be answered: {error}")
    if isinstance(error, duckdb.OutOfMemoryException):
        return BadInput(f"The query takes more memory than the setting memory_limit gives: {error}")
    if isinstance(error, duckdb.IOException | duckdb.PermissionException):
        return away(error) or Unreachable(f"What the query reads cannot be read: {error}")
    return away(error) or error


def frame(answer: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    """The answer as a frame; types that polars has not (INTERVAL, MAP, ...) as text, as JSON where they are nested.

    DuckDB carries most of a long query out while its answer is fetched, so what `ask` raises may come here as well.
    """
    import duckdb

    try:
        return _fetched(answer)
    except duckdb.InterruptException:
        # Not by us: who breaks a question off waits for no answer. Where a row fails in one of DuckDB's threads,
        # another may say so first, and then nobody says why.
        raise BadInput(
            "The query cannot be answered: DuckDB broke it off, as where one of its rows cannot be computed."
        ) from None
    except duckdb.Error as error:
        raise _told(error) from None


def _fetched(answer: duckdb.DuckDBPyConnection) -> pl.DataFrame:
    described = answer.description or []
    foreign = [_is_foreign(column[1]) for column in described]
    if not any(foreign):
        return _of_calendar(answer.pl())
    kinds = [column[1].id for column in described]
    spans = [kind == "interval" for kind in kinds]
    if foreign == spans and "hugeint" not in kinds:  # of which Arrow keeps 38 digits
        return _with_spans(answer, spans)
    names = _apart([column[0] for column in described])
    try:
        rows = answer.fetchall()
    except OverflowError as error:  # Python's spans end there, DuckDB's do not
        raise BadInput(
            "The answer holds an INTERVAL of more than 999,999,999 days: cast it to VARCHAR to see it."
        ) from error
    values = {
        name: [_text(row[at]) if foreign[at] and row[at] is not None else row[at] for row in rows]
        for at, name in enumerate(names)
    }
    return pl.DataFrame(values, strict=False)


def _with_spans(answer: duckdb.DuckDBPyConnection, spans: Sequence[bool]) -> pl.DataFrame:
    """The answer with its INTERVALs as DuckDB writes them; of a month, which Python has not, it would make 30 days."""
    import pyarrow as pa

    table = answer.to_arrow_table()
    table = table.rename_columns(_apart(table.column_names))
    for at, is_span in enumerate(spans):
        if is_span:
            words = [None if span is None else written(*span) for span in table.column(at).to_pylist()]
            table = table.set_column(at, table.column_names[at], pa.array(words, pa.string()))
    found = pl.from_arrow(table)
    assert isinstance(found, pl.DataFrame)  # noqa: S101 - of a table it makes nothing else
    return _of_calendar(found)


def written(months: int, days: int, nanoseconds: int) -> str:
    """A span as DuckDB writes it: 1 year 2 months -3 days 04:05:06.5; a sign for each part."""
    years, months = divmod(abs(months), 12) if months >= 0 else tuple(-part for part in divmod(-months, 12))
    parts = [
        f"{count} {name}{'' if abs(count) == 1 else 's'}"
        for count, name in ((years, "year"), (months, "month"), (days, "day"))
        if count
    ]
    microseconds = abs(nanoseconds) // 1000
    seconds, rest = divmod(microseconds, 1_000_000)
    if microseconds or not parts:
        clock = f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"
        parts.append(("-" if nanoseconds < 0 else "") + clock + (f".{rest:06d}".rstrip("0") if rest else ""))
    return " ".join(parts)


def _apart(names: Sequence[str]) -> list[str]:
    """The names as DuckDB gives them to polars: a, a_1, a_2; of two columns of one name, one would hide the other."""
    taken: dict[str, int] = {}
    apart: list[str] = []
    for name in names:
        low, own = name.lower(), name
        if low in taken:
            while f"{low}_{taken[low]}" in taken:
                taken[low] += 1
            own = f"{name}_{taken[low]}"
        taken[own.lower()] = 1
        apart.append(own)
    return apart


def _is_foreign(dtype: Any) -> bool:
    """Whether polars has not this type of DuckDB's, or one of those within it."""
    if dtype.id in _FOREIGN:
        return True
    return dtype.id in _NESTED and any(hasattr(part, "id") and _is_foreign(part) for _, part in dtype.children)


def _text(value: Any) -> str:
    if isinstance(value, dict):
        value = {str(name): part for name, part in value.items()}
    return json.dumps(value, ensure_ascii=False, default=str) if isinstance(value, dict | list | tuple) else str(value)


def _of_calendar(frame: pl.DataFrame) -> pl.DataFrame:
    """The frame itself; BadInput where it holds moments that Python's calendar, which ends with 9999, has not."""
    for name in frame.columns:
        for moments in _moments(frame.get_column(name)):
            days = moments.to_physical() // _PER_DAY[getattr(moments.dtype, "time_unit", None)]
            if not days.is_between(_FIRST_DAY, _LAST_DAY).all():
                raise BadInput(
                    f'"{name}" holds moments before the year 1 or after 9999: cast it to VARCHAR to see them.'
                )
    return frame


def _moments(column: pl.Series) -> Iterator[pl.Series]:
    """The moments in a column, also those in its lists and structs."""
    if isinstance(column.dtype, pl.Date | pl.Datetime):
        yield column
    elif isinstance(column.dtype, pl.List | pl.Array):
        yield from _moments(column.explode())
    elif isinstance(column.dtype, pl.Struct):
        for name in column.struct.fields:
            yield from _moments(column.struct.field(name))


def stats(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """`rows` by table, `files` and `table_bytes` of Parquet, and `stored`: count and bytes of media by kind."""
    rows = {name: con.execute(f'SELECT count(*) FROM "{name}"').fetchall()[0][0] for name in BY_NAME}
    held = con.execute(f"SELECT sum(file_count), sum(file_size_bytes) FROM ducklake_table_info('{NAME}')")
    files, size = held.fetchall()[0]
    kinds = con.execute("FROM storage_by_kind ORDER BY ALL").fetchall()
    stored = {kind: {"count": count, "bytes": total} for kind, count, total in kinds}
    return {"rows": rows, "files": int(files or 0), "table_bytes": int(size or 0), "stored": stored}
