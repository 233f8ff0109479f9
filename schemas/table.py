"""Table and Column: polars schema, SQL, comments and documentation from one declaration. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

TIME = pl.Datetime("us", "UTC")
TEXTS = pl.List(pl.String)

_SQL: dict[pl.DataType | type[pl.DataType], str] = {
    pl.String: "VARCHAR",
    pl.Int64: "BIGINT",
    pl.Float64: "DOUBLE",
    pl.Boolean: "BOOLEAN",
    TIME: "TIMESTAMPTZ",
    TEXTS: "VARCHAR[]",
}


class Rule(StrEnum):
    """What a merge does with a column when the row is there already."""

    KEY = "key"  # names the row; never changes
    LATEST = "latest"  # the newest known value; NULL never replaces a value
    REPLACE = "replace"  # the newest value, NULL too (gone_reason is cleared when a post comes back)
    SINCE = "since"  # the first value since it was last NULL (gone_at stays the day it was found gone)
    FIRST = "first"  # the smallest value ever given
    LAST = "last"  # the largest value ever given


class Kind(StrEnum):
    """How rows get into a table."""

    FACTS = "facts"  # merged by key, each column by its Rule; ordered by observed_at
    SERIES = "series"  # appended when a value differs from the row before it of the same key
    LOG = "log"  # appended, never changed
    STATE = "state"  # merged by key, the new row replaces the old one


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its name, type, meaning, and what a merge does with it.

    `tracked` columns are lasting facts: a changed value is written to `changes`. `never_of` is another column and a
    value of it: rows with that value have none of this one.
    """

    name: str
    dtype: pl.DataType | type[pl.DataType]
    comment: str
    rule: Rule = Rule.LATEST
    required: bool = False
    tracked: bool = False
    never_of: tuple[str, str] | None = None

    @property
    def sql_type(self) -> str:
        """The DuckDB type of this column."""
        return _SQL[self.dtype]


@dataclass(frozen=True, slots=True)
class Table:
    """One table of the archive: what a row is, its columns in order, and how rows get in.

    `lies_by` are columns by which rows lie together in joined files, before their keys.
    """

    name: str
    comment: str
    kind: Kind
    columns: tuple[Column, ...]
    lies_by: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        names = [column.name for column in self.columns]
        if len(names) != len(set(names)):
            raise ValueError(f"table {self.name} names a column twice")

    def __iter__(self) -> Iterator[Column]:
        return iter(self.columns)

    def __getitem__(self, name: str) -> Column:
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(f"{self.name} has no column {name}")

    @property
    def names(self) -> tuple[str, ...]:
        """The column names in order."""
        return tuple(column.name for column in self.columns)

    @property
    def key(self) -> tuple[str, ...]:
        """The names of the columns that make a row one row."""
        return tuple(column.name for column in self.columns if column.rule is Rule.KEY)

    @property
    def sorted_by(self) -> tuple[str, ...]:
        """The columns by which rows lie in joined files, so that those of few keys, or of one account, lie together.

        None of a log; none of a table with lists either, which DuckDB must hold in memory to sort them.
        """
        has_lists = any(column.dtype == TEXTS for column in self.columns)
        return () if has_lists or self.kind is Kind.LOG else (*self.lies_by, *self.key)

    @property
    def tracked(self) -> tuple[str, ...]:
        """The names of the columns whose changes are history."""
        return tuple(column.name for column in self.columns if column.tracked)

    @property
    def schema(self) -> pl.Schema:
        """The polars schema of a frame for this table."""
        return pl.Schema({column.name: column.dtype for column in self.columns})

    def create_sql(self) -> str:
        """The CREATE TABLE statement; only NOT NULL is enforced by the catalog."""
        lines = [
            f'"{column.name}" {column.sql_type}{" NOT NULL" if column.required or column.rule is Rule.KEY else ""}'
            for column in self.columns
        ]
        return f'CREATE TABLE IF NOT EXISTS "{self.name}" (\n  ' + ",\n  ".join(lines) + "\n)"

    def comment_sql(self, told: Collection[tuple[str, str | None, str | None]] = ()) -> list[str]:
        """One COMMENT ON statement for the table and one for each column; not those of `told`: table, column, text."""

        def quoted(text: str) -> str:
            return "'" + text.replace("'", "''") + "'"

        own = [] if (self.name, None, self.comment) in told else [f'TABLE "{self.name}" IS {quoted(self.comment)}']
        own += [
            f'COLUMN "{self.name}"."{column.name}" IS {quoted(column.comment)}'
            for column in self.columns
            if (self.name, column.name, column.comment) not in told
        ]
        return [f"COMMENT ON {words}" for words in own]
