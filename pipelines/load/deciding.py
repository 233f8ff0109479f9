"""What of a stored row can decide how a merge ends: the rest need not be read. No I/O here."""

from __future__ import annotations

import polars as pl

from schemas.table import Column, Rule, Table


def deciding(table: Table, frame: pl.DataFrame) -> list[str]:
    """The columns of stored rows that matter to rows observed later; of the others the new value stands."""
    nulls = dict(zip(frame.columns, frame.null_count().row(0), strict=True))
    for column in table:
        if column.never_of and nulls[column.name]:
            other, value = column.never_of
            nulls[column.name] = frame.filter(pl.col(other).ne_missing(value))[column.name].null_count()

    def decides(column: Column) -> bool:
        if column.tracked or column.rule not in (Rule.LATEST, Rule.REPLACE):
            return True
        return column.rule is Rule.LATEST and nulls[column.name] > 0

    return [column.name for column in table if decides(column)]


def comes_late(table: Table, frame: pl.DataFrame, found: pl.DataFrame) -> bool:
    """Whether one of these rows was observed no later than what is stored of its key; then all of that may stand."""
    first = frame.group_by(table.key).agg(pl.col("observed_at").min().alias("|from"))
    late = found.join(first, on=table.key).filter(pl.col("|from") <= pl.col("observed_at"))
    return late.height > 0


def filled(table: Table, found: pl.DataFrame) -> pl.DataFrame:
    """Stored rows with every column of the table; NULL in those that were not read."""
    lacking = [pl.lit(None, column.dtype).alias(column.name) for column in table if column.name not in found.columns]
    return found.with_columns(lacking).select(table.names).cast(table.schema)
