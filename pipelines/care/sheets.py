"""Tables as an XLSX workbook, row by row: a sheet for each table, and more where Excel's sheets end."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from schemas.table import Table
from schemas.wording import counted

if TYPE_CHECKING:
    from pipelines.load.lake import Lake

SHEET_ROWS = 1_048_576
CELL_CHARACTERS = 32_767
_EXACT = 2**53
_WAS_CUT = -2


def workbook(lake: Lake, tables: Sequence[Table], path: Path, *, sheet_rows: int = SHEET_ROWS) -> list[str]:
    """Write the tables; returns notes on what Excel's limits did: split sheets, cut texts. Times are UTC."""
    from xlsxwriter import Workbook  # type: ignore[import-untyped]
    from xlsxwriter.exceptions import FileCreateError  # type: ignore[import-untyped]

    # Texts stay texts: a caption that begins with = is no formula, a link is no link.
    plain = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    options = {"constant_memory": True, "default_date_format": "yyyy-mm-dd hh:mm:ss", **plain}
    options["tmpdir"] = str(path.parent)  # what it holds on disk meanwhile needs the room of the book itself
    notes: list[str] = []
    try:
        with Workbook(str(path), options) as book:
            for table in tables:
                notes += _write(book, lake, table, sheet_rows)
    except FileCreateError as error:
        [cause] = error.args
        raise cause if isinstance(cause, OSError) else error from None
    return notes


def _write(book: Any, lake: Lake, table: Table, sheet_rows: int) -> list[str]:
    names = list(table.names)
    sheet, row, number, cut = _sheet(book, table.name, names), 1, 1, 0
    quoted = ", ".join(f'"{name}"' for name in names)
    for batch in lake.query_arrow(f'SELECT {quoted} FROM "{table.name}"', rows=2000):
        for values in zip(*(column.to_pylist() for column in batch.columns), strict=True):
            if row == sheet_rows:
                number += 1
                sheet, row = _sheet(book, f"{table.name} ({number})", names), 1
            for place, cell in enumerate(map(_cell, values)):
                # Excel counts in UTF-16, where an emoji takes two: what the writer had to cut is known to it alone.
                if cell is not None and sheet.write(row, place, cell) == _WAS_CUT:
                    cut += 1
            row += 1
    notes = [f"{table.name}: {number} sheets, since Excel's end at {sheet_rows:,} rows"] if number > 1 else []
    return notes + (
        [f"{table.name}: {counted(cut, 'texts')} cut at Excel's {CELL_CHARACTERS:,} characters"] if cut else []
    )


def _sheet(book: Any, name: str, columns: Sequence[str]) -> Any:
    sheet = book.add_worksheet(name)
    sheet.freeze_panes(1, 0)
    sheet.write_row(0, 0, columns)
    return sheet


def _cell(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.replace(tzinfo=None) if value.year >= 1900 else value.isoformat()
    if isinstance(value, list):
        return " ".join(map(str, value))
    if isinstance(value, int) and abs(value) > _EXACT:
        return str(value)  # Excel keeps 15 digits
    return value
