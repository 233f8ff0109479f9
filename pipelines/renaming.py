"""An account's folder follows its name: on the disk, and in the rows of its files.

The order of things: the intent is written down in the root, the folder is renamed, the rows follow in one commit, the
intent is removed. Whoever opens the archive next finds an intent that a crash left, and carries it to its end.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from filecmp import cmp
from pathlib import Path
from typing import TYPE_CHECKING

from pipelines.errors import BadInput

if TYPE_CHECKING:
    from pipelines.load.lake import Lake
    from pipelines.settings import Settings

_INTENT = ".renaming-"


def own_folder(settings: Settings, lake: Lake, sec_user_id: str, nickname: str) -> Path:
    """The archive's folder of an account under its present name; a former one is renamed, rows of files too.

    Raises BadInput where a file that is not the account's stands in the way, before anything is moved.
    """
    from pipelines.load.accounts import own_folder_name

    mend(settings, lake)
    media, folders = Path(settings.root) / "media", lake.folders()
    old = folders.pop(sec_user_id, None)
    new = own_folder_name(nickname, sec_user_id, set(folders.values()))
    if old is None:
        lake.record_folders({sec_user_id: new})
    elif old != new:
        _rename(media, lake, sec_user_id, old, new)
    (media / new).mkdir(parents=True, exist_ok=True)
    return media / new


def mend(settings: Settings, lake: Lake) -> int:
    """Carry renames to their end that a crash cut off; how many there were. Costs one look into a folder."""
    import orjson

    if settings.is_s3:
        return 0
    intents = sorted(Path(settings.root).glob(f"{_INTENT}*.json"))
    for intent in intents:
        try:
            told = orjson.loads(intent.read_bytes())
        except FileNotFoundError:
            continue  # another run carried it to its end
        _carry_out(Path(settings.root) / "media", lake, told["sec_user_id"], told["old"], told["new"])
        intent.unlink(missing_ok=True)
    return len(intents)


def present_places(settings: Settings) -> Callable[[str], str]:
    """What gives the path of a kept file by now: a renaming that was cut off may have moved it from where its row says.

    For whoever only reads, and may not carry the renaming to its end.
    """
    import orjson

    root, moved = Path(settings.root), dict[str, str]()
    for intent in () if settings.is_s3 else root.glob(f"{_INTENT}*.json"):
        with suppress(FileNotFoundError):  # another run carried it to its end
            told = orjson.loads(intent.read_bytes())
            moved[told["old"]] = told["new"]

    def present(path: str) -> str:
        top, _, rest = path.partition("/")
        folder, _, name = rest.partition("/")
        if folder not in moved or (root / path).exists():
            return path
        return f"{top}/{moved[folder]}/{name}"

    return present


def _rename(media: Path, lake: Lake, sec_user_id: str, old: str, new: str) -> None:
    import orjson

    from pipelines.load.legal import legal_name

    for path in sorted((media / old).rglob("*")) if (media / new).is_dir() else ():
        there = media / new / path.relative_to(media / old)
        if path.is_file() and there.exists() and not (there.is_file() and cmp(path, there, shallow=False)):
            raise BadInput(f"{there} is there already and differs from {path}: move one of them away, then try again.")
    media.mkdir(parents=True, exist_ok=True)
    intent = media.parent / f"{_INTENT}{legal_name(sec_user_id)}.json"
    unready = intent.with_suffix(".part")
    unready.write_bytes(orjson.dumps({"sec_user_id": sec_user_id, "old": old, "new": new}))
    unready.replace(intent)
    _carry_out(media, lake, sec_user_id, old, new)
    intent.unlink(missing_ok=True)


def _carry_out(media: Path, lake: Lake, sec_user_id: str, old: str, new: str) -> None:
    """Every step may have been done before: what is there under the old name moves, then the rows follow."""
    from pipelines.load.naming import rename_user_folder

    if (media / old).is_dir():
        try:
            rename_user_folder(media / old, new)
        except (OSError, BadInput):
            if (media / old).exists():
                raise
            # Whoever opened the archive meanwhile carried it out.
    lake.record_folders({sec_user_id: new}, moved=True)
    _bring_late(media / old, media / new)


def _bring_late(old: Path, new: Path) -> None:
    """What another run put under the old name between the renaming and the rows; parts stay with their run."""
    for path in sorted(old.rglob("*")):
        target = new / path.relative_to(old)
        if path.is_file() and not path.name.startswith(".") and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            with suppress(FileNotFoundError):  # its own run brought it along
                path.rename(target)
