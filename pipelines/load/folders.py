"""Folders of accounts on a local disk, and two small tools of the spec that have had their day."""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from filecmp import cmp
from pathlib import Path
from typing import Any

from pipelines.errors import BadInput
from pipelines.load.legal import legal_name


def create_user_folder(kwargs: Mapping[str, Any], nickname: str) -> Path:
    """Make and return the absolute `<path or "Download">/douyin/<mode>/<nickname>`; no nickname leads out of it."""
    folder = _user_folder(kwargs, nickname)
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def rename_user_folder(old_path: Path, new_nickname: str) -> Path:
    """Rename an account's folder and return the new path.

    Where the new folder is there already, the files move into it; one that would take the place of other bytes gets a
    number. Nothing is overwritten. Raises BadInput where there is no old folder.
    """
    old = Path(old_path).resolve()
    if not old.is_dir():
        raise BadInput(f"{old} is no folder, so it cannot be renamed. Create it with create_user_folder.")
    new = old.parent / _legal(new_nickname)
    if new == old:
        return old
    if not new.exists() or new.samefile(old):
        return old.rename(new)
    _move_into(old, new)
    return new


def create_or_rename_user_folder(
    kwargs: Mapping[str, Any], local_user_data: Mapping[str, Any] | None, current_nickname: str
) -> Path:
    """The folder of an account under its present nickname; the folder of its former one is renamed, not doubled."""
    former = (local_user_data or {}).get("nickname")
    if former and _legal(former) != _legal(current_nickname):
        old = _user_folder(kwargs, former)
        if old.is_dir():
            return rename_user_folder(old, current_nickname)
    return create_user_folder(kwargs, current_nickname)


def get_request_sizes(page_counts: int, max_counts: int) -> list[int]:
    """The sizes of the pages that make `max_counts` items. Deprecated: the walks do this themselves."""
    _deprecated("get_request_sizes", "the fetch functions take max_counts themselves")
    if not isinstance(page_counts, int) or not isinstance(max_counts, int) or page_counts < 1:
        raise BadInput("get_request_sizes needs two whole numbers; page_counts must be at least 1.")
    full, rest = divmod(max(max_counts, 0), page_counts)
    return [page_counts] * full + [rest] * bool(rest)


def extract_desc_from_share_desc(desc: str, share_desc: str) -> str:
    """The fuller caption that a share text holds: from the last place of `desc` up to the link. Deprecated."""
    _deprecated("extract_desc_from_share_desc", "captions are whole in the table posts")
    start = share_desc.rfind(desc) if desc and share_desc else -1
    if start < 0 or not desc.strip():
        return desc
    end = share_desc.find("https", start + len(desc))
    return share_desc[start:end].strip() if end >= 0 else desc


def _user_folder(kwargs: Mapping[str, Any], nickname: str | None) -> Path:
    if not isinstance(kwargs, Mapping):
        raise TypeError("kwargs must be a dict")
    mode = legal_name(str(kwargs.get("mode") or "PLEASE_SETUP_MODE"))
    path = kwargs.get("path") or "Download"
    if not isinstance(path, str | os.PathLike):
        raise BadInput(f"path cannot be {path!r}: name a folder.")
    # A folder called ~ would be made where a shell is meant to go home.
    return (Path(path).expanduser() / "douyin" / mode / _legal(nickname)).resolve()


def _legal(nickname: Any) -> str:
    return legal_name("" if nickname is None else str(nickname))


def _move_into(old: Path, new: Path) -> None:
    for item in sorted(old.iterdir()):
        target = new / item.name
        if item.is_dir() and target.is_dir():
            _move_into(item, target)
        elif target.is_file() and item.is_file() and cmp(item, target, shallow=False):
            item.unlink()
        else:
            item.rename(_free(target))
    old.rmdir()


def _free(path: Path) -> Path:
    """The path itself, or with the first number behind it that nothing has yet."""
    number, free = 1, path
    while os.path.lexists(free):
        number += 1
        free = path.with_name(f"{path.stem} ({number}){path.suffix}")
    return free


def _deprecated(name: str, instead: str) -> None:
    warnings.warn(f"{name} is deprecated: {instead}", DeprecationWarning, stacklevel=3)
