"""Generated documentation is up to date."""

from __future__ import annotations

from schemas import docs
from schemas.catalog import TABLES


def test_the_readme_of_schemas_says_what_the_declarations_say():
    text = docs.README.read_text(encoding="utf-8")
    assert docs.readme(text) == text, "run: python -m schemas.docs"


def test_every_column_of_every_table_is_in_the_readme():
    text = docs.README.read_text(encoding="utf-8")
    for table in TABLES:
        section = text.partition(f"\n### {table.name}\n")[2].partition("\n### ")[0]
        assert all(f"| `{column.name}` | {column.sql_type} |" in section for column in table)
