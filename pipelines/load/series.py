"""Which observations of a series are rows worth keeping. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass

import polars as pl

from pipelines.load.merge import has_repeats, moments
from schemas.table import Table

_IN = "|stored"  # suffix of stored columns; alone, whether the row is stored
_LAST = "|last"  # suffix of the last known value before the row
_TELLS = "|tells"  # whether a known value differs from the last one


@dataclass(frozen=True, slots=True)
class Appended:
    """`rows` of a series to keep; `idle` are the keys of stored ones that tell nothing beside what came late."""

    rows: pl.DataFrame
    idle: pl.DataFrame


def append(table: Table, stored: pl.DataFrame, frame: pl.DataFrame) -> Appended:
    """The rows of a series worth keeping: those in which a known value differs from the last known one of the key.

    `stored` holds, for the same keys, either the last known values at the newest stored moment, or all rows of a key
    of which something older was observed. A moment that is stored already is not stored twice.
    """
    subject = [name for name in table.key if name != "observed_at"]
    values = [name for name in table.names if name not in table.key and name != "page_id"]
    new = moments(table, frame)
    if stored.is_empty() and not has_repeats(new, subject):
        return _none_idle(table, new.filter(pl.any_horizontal(pl.col(values).is_not_null())))
    if (apart := _beside_last(new, stored, subject)) is not None:
        differs = [pl.col(name).is_not_null() & pl.col(name).ne_missing(pl.col(name + _IN)) for name in values]
        return _none_idle(table, apart.filter(pl.any_horizontal(differs)))
    both = [
        stored.select(table.names).with_columns(pl.lit(value=True).alias(_IN)),
        new.with_columns(pl.lit(value=False).alias(_IN)),
    ]
    order = [*subject, "observed_at", _IN]
    rows = pl.concat(both).sort(order, descending=[name == _IN for name in order], maintain_order=True)
    rows = rows.filter(pl.col(_IN) | pl.col("observed_at").ne_missing(pl.col("observed_at").shift(1).over(subject)))
    last = [pl.col(name).forward_fill().over(subject).shift(1).over(subject).alias(name + _LAST) for name in values]
    differs = [pl.col(name).is_not_null() & pl.col(name).ne_missing(pl.col(name + _LAST)) for name in values]
    tells = pl.any_horizontal(differs)
    told = rows.with_columns(last).select([*table.names, _IN, tells.alias(_TELLS)])
    return Appended(
        rows=told.filter(~pl.col(_IN) & pl.col(_TELLS)).select(table.names),
        idle=told.filter(pl.col(_IN) & ~pl.col(_TELLS)).select(table.key),
    )


def _none_idle(table: Table, rows: pl.DataFrame) -> Appended:
    return Appended(rows=rows.select(table.names), idle=table.schema.to_frame().select(table.key))


def _beside_last(new: pl.DataFrame, stored: pl.DataFrame, subject: list[str]) -> pl.DataFrame | None:
    """New rows beside the stored ones, where every key has one new moment and at most one stored, which is older."""
    if has_repeats(new, subject) or stored.select(pl.struct(subject).is_duplicated().any()).item():
        return None
    last = stored.rename({name: name + _IN for name in stored.columns if name not in subject})
    rows = new.join(last, on=subject, how="left", maintain_order="left")
    is_late = rows.select((pl.col("observed_at") <= pl.col("observed_at" + _IN)).any()).item()
    return None if is_late else rows
