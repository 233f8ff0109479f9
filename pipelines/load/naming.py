"""Names of files and folders: from a template, legal everywhere, never the same for two posts. No I/O here.

A file is called `<name>[_<part>].<suffix>`. Every file of a post shares `<name>`, and `<name>` always holds the post's
id: where a template leaves it out, it is added at the end. So two posts never want one name, on disks that ignore case
neither, and a file that is found under its name is that post's file and no other's.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from string import Formatter
from typing import Any

from pipelines.errors import BadInput
from pipelines.load.folders import (
    create_or_rename_user_folder,
    create_user_folder,
    extract_desc_from_share_desc,
    get_request_sizes,
    rename_user_folder,
)
from pipelines.load.legal import GAP, clean, cut, legal_name
from schemas.files import Wanted

__all__ = [
    "DEFAULT_TEMPLATE",
    "check_template",
    "create_or_rename_user_folder",
    "create_user_folder",
    "extract_desc_from_share_desc",
    "file_path",
    "folder_name",
    "format_file_name",
    "get_request_sizes",
    "part_name",
    "rename_user_folder",
]

FIELDS = ("create", "nickname", "aweme_id", "desc", "caption", "uid")
DEFAULT_TEMPLATE = "{create}_{desc}_{aweme_id}"
MAX_BYTES = 200
# `_dynamic_cover` and `.webp` must fit behind the name, so that all files of a post share it.
_SIDE_BYTES = 20
_SUFFIX_BYTES = 5
_CHINA = timezone(timedelta(hours=8))
# What is shortened when a name is too long, the first of them first.
_SHORTENED = ("desc", "caption", "nickname")


def format_file_name(
    naming_template: str = "{create}_{desc}",
    aweme_data: Mapping[str, Any] | None = None,
    custom_fields: Mapping[str, Any] | None = None,
    desc_length_limit: int | None = 200,
) -> str:
    """A legal name of at most 200 bytes from a template with the fields create, nickname, aweme_id, desc, caption, uid.

    `aweme_data` has the keys of the fetch functions; `custom_fields` come before it and may bring fields of their own.
    A desc of more than `desc_length_limit` characters loses its middle; None for no such limit. Raises BadInput where
    the template cannot be one, TypeError where a dict is none.
    """
    data = aweme_data or {}
    if not isinstance(data, Mapping) or not isinstance(custom_fields or {}, Mapping):
        raise TypeError("aweme_data and custom_fields must be dicts")
    desc = _text(data.get("desc_raw", data.get("desc")))
    fields = {
        "create": _moment(data.get("create_time", data.get("created_at"))),
        "nickname": _text(data.get("nickname_raw", data.get("nickname"))),
        "aweme_id": _text(data.get("aweme_id")),
        "desc": desc,
        "caption": _text(data.get("caption")) or desc,
        "uid": _text(data.get("uid")),
    }
    fields.update({name: _text(value) for name, value in (custom_fields or {}).items()})
    if desc_length_limit is not None and len(fields["desc"]) > desc_length_limit:
        fields["desc"] = _without_middle(fields["desc"], desc_length_limit)
    return _filled(naming_template, fields, MAX_BYTES)


def _without_middle(text: str, limit: int) -> str:
    half = limit // 2 - len(GAP)
    # A gap with nothing around it would say less than the first few letters.
    return text[:half] + GAP + text[-half:] if half > 0 else text[: max(limit, 0)]


def check_template(template: str) -> str:
    """The template itself; BadInput where it cannot be one."""
    _pieces(template, FIELDS)
    return template


def post_name(wanted: Wanted, template: str = DEFAULT_TEMPLATE) -> str:
    """The name that all files of a post share: at most 180 bytes, with the post's id in it."""
    if wanted.aweme_id is None:
        return ""
    fields = {
        "create": _moment(wanted.created_at),
        "nickname": wanted.nickname or "",
        "aweme_id": wanted.aweme_id,
        "desc": wanted.caption or "",
        "caption": wanted.caption or "",
        "uid": wanted.uid or "",
    }
    return _filled(template, fields, MAX_BYTES - _SIDE_BYTES, always_id=True)


def part_name(wanted: Wanted) -> str:
    """What tells the files of one post apart: "", "1", "live_1", "music", "cover", ..."""
    number = str(wanted.position)
    match wanted.kind:
        case "video" | "caption":
            return "" if wanted.position == 0 else number
        case "image":
            return number
        case "live_photo":
            return f"live_{number}"
        case kind:
            return clean(kind) if wanted.position == 0 else f"{clean(kind)}_{number}"


def file_path(
    wanted: Wanted, template: str = DEFAULT_TEMPLATE, folderize: bool = False, suffix: str = "", *, top: str = "media"
) -> str:
    """Where a wanted file is kept, relative to the root: `media/<account folder>/[<post>/]<name>[_<part>].<suffix>`.

    A file that belongs to no post is named after its part and position alone, as is an account's avatar; a room's
    stream is named after its media_id.
    """
    name, part = post_name(wanted, template), part_name(wanted)
    if not name and wanted.kind != "avatar":
        name = wanted.media_id.partition(":")[0]
    stem = legal_name("_".join(piece for piece in (name, part) if piece), MAX_BYTES - _SUFFIX_BYTES)
    folder = legal_name(wanted.folder) if wanted.folder else folder_name(wanted.nickname or "", wanted.sec_user_id)
    folders = [top, folder, name] if folderize and wanted.aweme_id else [top, folder]
    return "/".join([*folders, stem + suffix])


@lru_cache(maxsize=64)
def folder_name(nickname: str, sec_user_id: str | None) -> str:
    """The folder of an account: its nickname and the end of its id, so that namesakes do not mix."""
    ending = "_" + clean(sec_user_id[-8:]) if sec_user_id else ""
    name = cut(legal_name(nickname, otherwise=""), 120 - len(ending.encode()))
    return legal_name(name + ending, otherwise="unnamed")


@lru_cache(maxsize=16)
def _pieces(template: str, known: tuple[str, ...]) -> list[tuple[str, str | None]]:
    """The literal texts of a template, legal already, each with the field that follows it."""
    try:
        parsed = list(Formatter().parse(template))
    except (TypeError, ValueError) as error:
        raise BadInput(
            f"The naming template {template!r} cannot be read: {error}. Write {{create}}_{{desc}}."
        ) from error
    for _, name, spec, conversion in parsed:
        if name is not None and (name not in known or spec or conversion):
            odd = f"{name}{'!' + conversion if conversion else ''}{':' + spec if spec else ''}"
            raise BadInput(
                f"The naming template {template!r} asks for {{{odd}}}, which is no field. The fields are "
                f"{', '.join('{' + field + '}' for field in known)}, just as they stand here."
            )
    if not parsed:
        raise BadInput("The naming template is empty. Write it as {create}_{desc}_{aweme_id}.")
    return [(clean(literal), name) for literal, name, _, _ in parsed]


def _filled(template: str, fields: dict[str, str], limit: int, *, always_id: bool = False) -> str:
    pieces = _pieces(template, tuple(dict.fromkeys((*FIELDS, *fields))))
    values = {name: clean(text).strip() for name, text in fields.items()}
    for name in _SHORTENED:
        over = len(_joined(pieces, values).encode()) - limit
        count = sum(field == name for _, field in pieces)
        if over > 0 and count:
            values[name] = cut(values[name], max(len(values[name].encode()) - -(-over // count), 0)).strip()
    has_id = any(field == "aweme_id" for _, field in pieces)
    must_hold = values["aweme_id"] if always_id or has_id else ""
    name = legal_name(_joined(pieces, values), limit, otherwise=must_hold or "unnamed")
    # A caption may quote the ids of several posts: only where the template puts it does an id tell whose file it is.
    is_held = must_hold in name if has_id else f"_{name}".endswith(f"_{must_hold}")
    if is_held or not must_hold:
        return name
    ending = "_" + must_hold
    return legal_name(cut(name, limit - len(ending.encode())) + ending, limit)


def _joined(pieces: list[tuple[str, str | None]], values: dict[str, str]) -> str:
    return "".join(literal + (values[name] if name is not None else "") for literal, name in pieces)


def _text(value: Any) -> str:
    return "" if value is None else str(value)


def _moment(value: Any) -> str:
    """China's time as `YYYY-MM-DD HH-MM-SS`; seconds or milliseconds since 1970, a datetime, or text as it is.

    "" for what is no time, and for 0, which says none.
    """
    if isinstance(value, datetime):
        moment = value if value.tzinfo else value.replace(tzinfo=UTC)
    elif isinstance(value, str) and not value.isdecimal():
        return "" if value == "None" else value
    else:
        try:
            seconds = 0 if isinstance(value, bool) else int(value)
            # The year 5138 in seconds; milliseconds have been above it since 1973.
            moment = datetime.fromtimestamp(seconds / 1000 if seconds > 10**11 else seconds, UTC)
        except (TypeError, ValueError, OverflowError, OSError):
            return ""
        if not seconds:
            return ""
    return moment.astimezone(_CHINA).strftime("%Y-%m-%d %H-%M-%S")
