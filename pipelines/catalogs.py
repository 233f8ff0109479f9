"""Where the catalog of an archive lies when none is named: inside a local root, beside the settings for a bucket."""

from __future__ import annotations

import hashlib
import re
from contextlib import closing
from pathlib import Path

_LONGEST = 250  # bytes of a name: file systems take 255, and "-wal" or ".lock" comes behind it
_WORDS = 100  # letters of a root in a name that has its hash, too


def default_catalog(root: str, beside: Path) -> str:
    """The catalog's place: no two roots have the same.

    The name of a bucket's catalog tells the root in ASCII's letters and digits. Where that says less than the root
    does, or another root has the name already, a part of the root's hash tells them apart.
    """
    if not root.startswith("s3://"):
        return f"sqlite:{Path(root) / 'catalog.sqlite'}"
    place = root.removeprefix("s3://")
    words = re.sub(r"[^A-Za-z0-9]+", "-", place).strip("-")
    plain = beside.absolute() / f"aweme-{words}.sqlite"
    own = plain.with_name(f"aweme-{words[:_WORDS]}-{hashlib.sha256(place.encode()).hexdigest()[:8]}.sqlite")
    if own.exists() or len(plain.name) > _LONGEST:
        return f"sqlite:{own}"
    is_told = re.fullmatch("[A-Za-z0-9/-]+", place) is not None
    # Catalogs that were made before there were hashes keep their names.
    return f"sqlite:{plain if (_is_of(root, plain) if plain.exists() else is_told) else own}"


def _is_of(root: str, catalog: Path) -> bool:
    """Whether a catalog knows the tables of this root; it is, where that cannot be read: who opens it is told why."""
    import sqlite3

    try:
        # Read as it lies there: to look into the log of its writers, SQLite would have to make files beside it.
        with closing(sqlite3.connect(f"{catalog.as_uri()}?immutable=1", uri=True)) as con:
            known = con.execute("SELECT value FROM ducklake_metadata WHERE key = 'data_path'").fetchall()
    except sqlite3.Error:
        return True
    return known in ([], [(f"{root}/tables/",)])
