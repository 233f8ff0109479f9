"""Folders of accounts: which folder keeps an account's files, and what follows when it is renamed."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING

from pipelines.load.legal import legal_name
from pipelines.load.naming import folder_name
from pipelines.load.passing import LISTED, listed

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


def renamed(con: duckdb.DuckDBPyConnection, owners: Mapping[str, str]) -> dict[str, str]:
    """Which of these folders, each with its account, are called otherwise by now: former name to present name."""
    sql = f"SELECT sec_user_id, folder FROM users WHERE folder IS NOT NULL AND sec_user_id IN {LISTED}"
    now = dict(con.execute(sql, [listed(owners.values())]).fetchall())
    return {folder: now[owner] for folder, owner in owners.items() if now.get(owner, folder) != folder}


def _move_files(con: duckdb.DuckDBPyConnection, sec_user_id: str, folder: str) -> None:
    found = con.execute("SELECT folder FROM users WHERE sec_user_id = ?", [sec_user_id]).fetchall()
    if not found or found[0][0] in (None, folder):
        return
    old = f"media/{found[0][0]}/"
    con.execute(
        "UPDATE files SET path = ? || substr(path, ?) WHERE starts_with(path, ?)",
        [f"media/{folder}/", len(old) + 1, old],
    )


def own_folder_name(nickname: str, sec_user_id: str, taken: Collection[str]) -> str:
    """A name for an account's folder that no other account has, on disks that ignore case neither."""
    name = folder_name(nickname, sec_user_id)
    if name.casefold() in {other.casefold() for other in taken}:
        return legal_name(sec_user_id)
    return name
