"""How rows that were observed become rows that are kept, by each column's Rule (schemas/table.py). No I/O here.

`moments` makes one row of each key and moment, `_folded` one of each key with all that a rule may ask for in columns
beside each other, `_result` picks by the rule; `_changes` looks at the moments once more.

The answer is the same whether pages are merged one by one or many at a time: rows are ordered by the moment they were
observed, and the state of a row after each moment follows from the state before. What was observed before the newest
look at a row only fills what is still unknown. Within one moment the first known value stands.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import polars as pl

from schemas.runs import CHANGES
from schemas.table import Column, Rule, Table

# No column of a table has a bar in its name: these stand beside them.
_OLD = "|old"  # whether the moment lies before the newest look that is stored
_IN = "|stored"  # suffix of stored columns
_NEW = "|new"  # suffix of the newest value of newer moments
_ANY = "|any"  # suffix of the first known value of any moment; of FIRST the smallest, of LAST the largest
_MANY = "|many"  # whether the key has several moments
_NULLS = "|nulls"  # suffix of how often a newer moment cleared the value


@dataclass(frozen=True, slots=True)
class Merged:
    """`rows` to keep, one per key; `known` are the keys among them that are stored already; `changes` as that table."""

    rows: pl.DataFrame
    known: pl.DataFrame
    changes: pl.DataFrame


def moments(table: Table, frame: pl.DataFrame, by: Sequence[str] = ()) -> pl.DataFrame:
    """One row per key and moment, in that order: of several, the first known value of each column."""
    by = list(dict.fromkeys([*(by or table.key), "observed_at"]))
    ordered = frame.sort([*by, "page_id"], maintain_order=True)
    if not has_repeats(ordered, by):
        return ordered
    picks = [_first(column) for column in table if column.name not in by]
    return ordered.group_by(by, maintain_order=True).agg(picks).select(table.names)


def _first(column: Column) -> pl.Expr:
    name = pl.col(column.name)
    if column.rule is Rule.FIRST:
        return name.min()
    if column.rule is Rule.LAST:
        return name.max()
    return name.first(ignore_nulls=column.rule is Rule.LATEST)


def merge(table: Table, stored: pl.DataFrame, frame: pl.DataFrame) -> Merged:
    """Merge observed rows with the stored rows of the same keys; both have the table's columns.

    Of a stored row the columns that decide nothing may be NULL: see `deciding`.
    """
    key = list(table.key)
    new = moments(table, frame)
    is_sequence = has_repeats(new, key)
    if stored.is_empty() and not is_sequence:  # the usual case of a first run: every rule gives the row itself
        return Merged(rows=new.select(table.names), known=new.select(key).clear(), changes=CHANGES.schema.to_frame())
    # Step by step: to plan these wide expressions as one lazy query takes longer than to carry them out.
    kept = stored.rename({name: name + _IN for name in table.names if name not in table.key})
    rows = new.join(kept, on=key, how="left", maintain_order="left")
    rows = rows.with_columns((pl.col("observed_at") <= pl.col("observed_at" + _IN)).fill_null(value=False).alias(_OLD))
    folded = _folded(table, rows, is_sequence=is_sequence)
    return Merged(
        rows=folded.select([_result(column) for column in table]),
        known=folded.filter(pl.col("observed_at" + _IN).is_not_null()).select(key),
        changes=_changes(table, rows, is_sequence=is_sequence),
    )


def has_repeats(rows: pl.DataFrame, key: Sequence[str]) -> bool:
    """Whether rows that are sorted by key hold one of them twice."""
    if rows.height < 2:
        return False
    return bool(rows.select(_is_as_before(key).slice(1).any()).item())


def _is_as_before(names: Sequence[str]) -> pl.Expr:
    """Whether these columns are as in the row before."""
    return pl.all_horizontal([pl.col(name).eq_missing(pl.col(name).shift(1)) for name in names])


def _folded(table: Table, rows: pl.DataFrame, *, is_sequence: bool) -> pl.DataFrame:
    """A row per key, in the shape that `_result` reads."""
    if not is_sequence:
        return _one(table, rows)
    marked = rows.with_columns(pl.struct(table.key).is_duplicated().alias(_MANY))
    return pl.concat([_one(table, marked.filter(~pl.col(_MANY))), _many(table, marked.filter(_MANY))], how="vertical")


def _folding(table: Table) -> list[Column]:
    return [column for column in table if column.rule is not Rule.KEY]


def _newer(name: str) -> pl.Expr:
    return pl.when(~pl.col(_OLD)).then(pl.col(name))


def _one(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Keys with a single moment."""
    picks: list[pl.Expr] = []
    for column in _folding(table):
        name = column.name
        if column.rule in (Rule.FIRST, Rule.LAST):
            picks.append(pl.col(name).alias(name + _ANY))
        else:
            picks += [_newer(name).alias(name + _NEW), pl.col(name).alias(name + _ANY)]
        if column.rule is Rule.SINCE:
            picks.append((~pl.col(_OLD) & pl.col(name).is_null()).cast(pl.UInt32).alias(name + _NULLS))
    return rows.select([*table.key, _OLD, *(column.name + _IN for column in _folding(table)), *picks])


def _many(table: Table, rows: pl.DataFrame) -> pl.DataFrame:
    """Keys with several moments, in the same shape."""
    nulls = [
        (~pl.col(_OLD) & pl.col(column.name).is_null())
        .cast(pl.UInt32)
        .cum_sum()
        .over(table.key)
        .alias(column.name + _NULLS)
        for column in table
        if column.rule is Rule.SINCE
    ]
    picks: list[pl.Expr] = [pl.col(_OLD).last()]
    last: list[pl.Expr] = []
    for column in _folding(table):
        name = column.name
        picks.append(pl.col(name + _IN).first())
        if column.rule is Rule.FIRST:
            last.append(pl.col(name).min().alias(name + _ANY))
        elif column.rule is Rule.LAST:
            last.append(pl.col(name).max().alias(name + _ANY))
        else:
            last += [_newest(column).alias(name + _NEW), pl.col(name).first(ignore_nulls=True).alias(name + _ANY)]
        if column.rule is Rule.SINCE:
            last.append(pl.col(name + _NULLS).max())
    folded = rows.with_columns(nulls).group_by(list(table.key), maintain_order=True).agg(picks + last)
    return folded.select(_shape(table))


def _shape(table: Table) -> list[str]:
    """The columns that `_result` reads, in order."""
    names = [*table.key, _OLD, *(column.name + _IN for column in _folding(table))]
    for column in _folding(table):
        if column.rule not in (Rule.FIRST, Rule.LAST):
            names.append(column.name + _NEW)
        names.append(column.name + _ANY)
        if column.rule is Rule.SINCE:
            names.append(column.name + _NULLS)
    return names


def _newest(column: Column) -> pl.Expr:
    name = pl.col(column.name)
    if column.rule is Rule.LATEST:
        return _newer(column.name).last(ignore_nulls=True)
    if column.rule is Rule.REPLACE:
        return name.last()  # read only where the newest moment is newer than what is stored
    nulls = pl.col(column.name + _NULLS)
    return name.filter(~pl.col(_OLD) & (nulls == nulls.max())).first(ignore_nulls=True)


def _result(column: Column) -> pl.Expr:
    name, is_stored = column.name, pl.col("observed_at" + _IN).is_not_null()
    stored, newest, first = pl.col(name + _IN), pl.col(name + _NEW), pl.col(name + _ANY)
    match column.rule:
        case Rule.KEY:
            return pl.col(name)
        case Rule.FIRST:
            return pl.min_horizontal(stored, first).alias(name)
        case Rule.LAST:
            return pl.max_horizontal(stored, first).alias(name)
        case Rule.LATEST:
            return pl.coalesce(newest, stored, first).alias(name)
        case Rule.REPLACE:
            return pl.when(is_stored & pl.col(_OLD)).then(stored).otherwise(newest).alias(name)
        case Rule.SINCE:
            was_cleared = pl.col(name + _NULLS) > 0
            return pl.when(was_cleared).then(newest).otherwise(pl.coalesce(stored, newest)).alias(name)


def _changes(table: Table, rows: pl.DataFrame, *, is_sequence: bool) -> pl.DataFrame:
    """A row per tracked column and moment at which its value became another; a first sighting is no change."""
    differing = _differing(table, rows)
    found = [_changes_of(table, table[name], rows, is_sequence=is_sequence) for name in differing]
    return pl.concat([CHANGES.schema.to_frame(), *found], how="vertical")


def _differing(table: Table, rows: pl.DataFrame) -> list[str]:
    """The tracked columns that may have changed: those with a value unlike the stored one or the one before it.

    Most pages change none, and this one look at all of them is much cheaper than a closer one at each.
    """
    if not table.tracked:
        return []
    is_known, is_same_key = pl.col("observed_at" + _IN).is_not_null(), _is_as_before(table.key)
    looks = []
    for name in table.tracked:
        value = pl.col(name)
        differs = (is_known & value.ne_missing(pl.col(name + _IN))) | (is_same_key & value.ne_missing(value.shift(1)))
        # A value that was left out changes nothing where the last known one stands.
        looks.append((differs & value.is_not_null() if table[name].rule is Rule.LATEST else differs).any().alias(name))
    found = rows.select(looks).row(0)
    return [name for name, differs in zip(table.tracked, found, strict=True) if differs]


def _changes_of(table: Table, column: Column, rows: pl.DataFrame, *, is_sequence: bool) -> pl.DataFrame:
    name, key = column.name, list(table.key)
    needed = [*key, "observed_at", "page_id", name, name + _IN, "observed_at" + _IN, _OLD]
    seen = rows.select(list(dict.fromkeys(needed))).with_columns(
        _base(column, key, is_sequence=is_sequence).alias("|base")
    )
    seen = seen.filter(~pl.col(_OLD))
    if column.rule is Rule.LATEST:
        seen = seen.filter(pl.col(name).is_not_null())
    value, is_first = pl.col(name), pl.lit(value=True)
    before = pl.col("|base")
    if is_sequence:
        is_first = pl.int_range(pl.len()).over(key) == 0
        before = pl.when(is_first).then(before).otherwise(_state_before(column, key))
    was_known = pl.col("observed_at" + _IN).is_not_null() | ~is_first
    if column.rule is Rule.LATEST:
        is_change = before.is_not_null() & (before != value)
    elif column.rule is Rule.REPLACE:
        is_change = was_known & before.ne_missing(value)
    else:
        is_change = was_known & (before.is_null() != value.is_null())
    changed = seen.with_columns(is_change.alias("|is"), before.alias("|before")).filter("|is")
    return changed.select(
        pl.lit(table.name).alias("table_name"),
        pl.concat_str([pl.col(part).cast(pl.String) for part in key], separator=":").alias("row_key"),
        pl.lit(name).alias("column_name"),
        "observed_at",
        _as_text(column, "|before").alias("old_value"),
        _as_text(column, name).alias("new_value"),
        "page_id",
    )


def _base(column: Column, key: list[str], *, is_sequence: bool) -> pl.Expr:
    """The value before the first newer moment: what is stored, or what an older moment filled in."""
    stored = pl.col(column.name + _IN)
    if column.rule is not Rule.LATEST or not is_sequence:
        return stored
    return pl.coalesce(stored, pl.when(_OLD).then(pl.col(column.name)).first(ignore_nulls=True).over(key))


def _state_before(column: Column, key: list[str]) -> pl.Expr:
    value = pl.col(column.name)
    previous = value.shift(1).over(key)
    if column.rule is not Rule.SINCE:
        return previous
    # The state is the value that the present run of values began with, which may be the stored one.
    base = pl.when(pl.int_range(pl.len()).over(key) == 0).then(pl.col("|base"))
    began = pl.when(value.is_not_null() & pl.coalesce(previous, base).is_null()).then(value)
    state = pl.coalesce(began, base).forward_fill().over(key).shift(1).over(key)
    return pl.when(previous.is_not_null()).then(state)


def _as_text(column: Column, name: str) -> pl.Expr:
    if isinstance(column.dtype, pl.Datetime):
        return pl.col(name).dt.to_string("%Y-%m-%dT%H:%M:%S%.6fZ")
    return pl.col(name).cast(pl.String)
