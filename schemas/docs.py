"""`python -m schemas.docs` writes the table half of schemas/README.md from the declarations; a test keeps it true."""

from __future__ import annotations

from pathlib import Path

from schemas.catalog import TABLES
from schemas.table import Column, Kind, Rule, Table

README = Path(__file__).with_name("README.md")
BEGIN = "<!-- Written by `python -m schemas.docs`; edit the declarations instead. -->"

_KINDS = {
    Kind.FACTS: "facts: merged by key, each column by its rule",
    Kind.SERIES: "series: a row only where a known value differs from the row before",
    Kind.LOG: "log: appended, never changed",
    Kind.STATE: "state: the new row replaces the old one",
}
_RULES = {
    Rule.KEY: "key",
    Rule.LATEST: "",
    Rule.REPLACE: "newest, NULL too",
    Rule.SINCE: "first since it was NULL",
    Rule.FIRST: "smallest",
    Rule.LAST: "largest",
}


def tables_as_markdown() -> str:
    """The overview and one section per table."""
    overview = ["| table | key | what a row is |", "| --- | --- | --- |"]
    overview += [f"| [`{table.name}`](#{table.name}) | {', '.join(table.key)} | {table.comment} |" for table in TABLES]
    return "\n".join([*overview, *(_section(table) for table in TABLES)]) + "\n"


def _section(table: Table) -> str:
    head = f"\n### {table.name}\n\n{table.comment}\n\n{_KINDS[table.kind].capitalize()}.\n"
    lines = ["| column | type | rule | meaning |", "| --- | --- | --- | --- |", *map(_line, table)]
    return "\n".join([head, *lines])


def _line(column: Column) -> str:
    words = [_RULES[column.rule], "tracked" if column.tracked else "", "required" if _is_required(column) else ""]
    rule = ", ".join(word for word in words if word)
    meaning = column.comment.replace("|", "\\|").replace("<", "&lt;")
    return f"| `{column.name}` | {column.sql_type} | {rule} | {meaning} |"


def _is_required(column: Column) -> bool:
    return column.required and column.rule is not Rule.KEY


def readme(text: str) -> str:
    """The README with its table half written anew; what stands above the mark stays."""
    head, _, _ = text.partition(BEGIN)
    return head.rstrip() + f"\n\n{BEGIN}\n\n" + tables_as_markdown()


def main() -> None:
    """Write the README."""
    README.write_text(readme(README.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
