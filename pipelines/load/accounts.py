"""Folders of accounts: which folder keeps an account's files, and what follows when it is renamed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb


def folders(con: duckdb.DuckDBPyConnection) -> dict[str, str]:
    """The folder of each account that has one: sec_user_id to folder."""
    return dict(con.execute("SELECT sec_user_id, folder FROM users WHERE folder IS NOT NULL").fetchall())


def record_folders(con: duckdb.DuckDBPyConnection, new: Mapping[str, str], *, moved: bool) -> None:
    """Note which folder keeps an account's files; with `moved`, the paths of its files follow."""
    for sec_user_id, folder in new.items():
        if moved:
            _move_files(con, sec_user_id, folder)
        con.execute(
            "UPDATE users SET folder = ? WHERE sec_user_id = ? AND folder IS DISTINCT FROM ?",
            [folder, sec_user_id, folder],
        )


def _move_files(con: duckdb.DuckDBPyConnection, sec_user_id: str, folder: str) -> None:
    found = con.execute("SELECT folder FROM users WHERE sec_user_id = ?", [sec_user_id]).fetchall()
    if not found or found[0][0] in (None, folder):
        return
    old = f"media/{found[0][0]}/"
    con.execute(
        "UPDATE files SET path = ? || substr(path, ?) WHERE starts_with(path, ?)",
        [f"media/{folder}/", len(old) + 1, old],
    )
