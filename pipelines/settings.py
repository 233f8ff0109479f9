"""What the house is told from outside: file, environment, options, in rising order, as one frozen object."""

from __future__ import annotations

import math
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

from pipelines.catalogs import default_catalog
from pipelines.errors import BadInput
from pipelines.extract.cookies import as_header
from schemas.settings import SETTINGS, Setting, truth_of


@dataclass(frozen=True)
class Settings:
    """The settings in force; `origins` tells where each came from. Secrets never show in its repr."""

    root: str
    catalog: str
    upstream: str | None
    proxy: str | None
    user_agent: str
    signer: str
    min_interval: float
    max_tries: int
    timeout: float
    download_concurrency: int
    per_host: int
    max_attempts: int
    naming: str
    folderize: bool
    media: tuple[str, ...]
    memory_limit: str
    prefect: bool
    cookie_file: str | None
    cookie_secret: str | None = None
    rename_folders: bool | None = None
    cookie: str = field(repr=False, default="")
    s3: Mapping[str, str] = field(repr=False, default_factory=dict)
    origins: Mapping[str, str] = field(default_factory=dict, compare=False)
    beside: Path = field(default_factory=Path.cwd, compare=False)

    @property
    def is_s3(self) -> bool:
        """Whether tables and media lie in a bucket."""
        return self.root.startswith("s3://")

    @property
    def renames_folders(self) -> bool:
        """Whether an account's folder follows its name."""
        return not self.is_s3 if self.rename_folders is None else self.rename_folders

    @property
    def data_path(self) -> str:
        """Where the Parquet files lie, with the final slash."""
        return f"{self.root}/tables/"


def config_file(environ: Mapping[str, str], start: Path) -> Path | None:
    """The aweme.toml in force: AWEME_CONFIG, else the one in `start`, else the user's own; None where there is none."""
    named = environ.get("AWEME_CONFIG")
    if named:
        path = _expanded(named, "AWEME_CONFIG")
        if not path.is_file():
            raise BadInput(f"AWEME_CONFIG names {path}, which is no file. Correct it or unset it.")
        return path
    for path in (start / "aweme.toml", user_folder() / "aweme.toml"):
        if path.is_file():
            return path
    return None


def user_folder() -> Path:
    """The folder for this user's own settings and cookie."""
    from platformdirs import user_config_path

    return user_config_path("aweme")


def load_settings(options: Mapping[str, Any] | None = None, *, environ: Mapping[str, str] | None = None) -> Settings:
    """Read file, environment and options, in rising order; an option that is None was not given.

    Raises BadInput where a file cannot be read, a name is unknown or a value cannot be.
    """
    env = os.environ if environ is None else environ
    start = Path.cwd()
    path = config_file(env, start)
    written = _from_file(path) if path else {}
    values: dict[str, Any] = {}
    origins: dict[str, str] = {}
    for setting in SETTINGS:
        for origin, found in (
            ("option", (options or {}).get(setting.name)),
            (setting.env, env.get(setting.env)),
            (str(path), written.get(setting.name)),
        ):
            if found is not None:
                values[setting.name], origins[setting.name] = _typed(setting, found, origin), origin
                break
        else:
            values[setting.name], origins[setting.name] = setting.default, "default"
    return _settings(values, origins, path.parent if path else start)


def _from_file(path: Path) -> dict[str, Any]:
    try:
        written = tomllib.loads(path.read_text("utf-8-sig"))  # an editor of Windows begins files with a mark
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadInput(f"{path} cannot be read: {error}") from error
    known = {setting.name for setting in SETTINGS}
    strange = sorted(set(written) - known)
    if strange:
        # The names of the environment, as they stand in .env.example.
        own = [name.lower().removeprefix("aweme_") for name in strange]
        hint = (
            f"write {', '.join(own)}" if set(own) <= known else f"there are {', '.join(one.name for one in SETTINGS)}"
        )
        raise BadInput(f"{path} names {', '.join(strange)}, which is no setting: {hint}.")
    return written


def _typed(setting: Setting, value: Any, origin: str) -> Any:
    if setting.name == "media" and isinstance(value, (list, tuple)):
        value = ",".join(map(str, value))
    try:
        return truth_of(value) if setting.kind is bool else _of_kind(setting.kind, value)
    except (TypeError, ValueError) as error:
        # What should be text and is none may be an address all the same, with the password in it.
        shown = repr(value) if setting.kind is not str else "the value given"
        raise BadInput(f"{setting.name} cannot be {shown} (from {origin}): {setting.meaning}.") from error


def _of_kind(kind: type, value: Any) -> Any:
    """The value as text or number; TypeError for what a file of TOML can say, and str and int would take."""
    is_part = kind is int and isinstance(value, float) and not value.is_integer()
    if is_part or isinstance(value, list | dict | bool):
        raise TypeError(value)
    return kind(value)


def _settings(values: dict[str, Any], origins: dict[str, str], beside: Path) -> Settings:
    values["root"] = root = absolute_root(values["root"])
    if not values["catalog"]:
        values["catalog"] = default_catalog(root, beside)
    _check(values)
    values["media"] = media_kinds(values["media"])
    values["cookie"] = _cookie(values, origins)
    secrets = {"key": "s3_key", "secret": "s3_secret", "endpoint": "s3_endpoint", "region": "s3_region"}
    s3 = {name: values.pop(setting) for name, setting in secrets.items()}
    return Settings(**values, s3={name: value for name, value in s3.items() if value}, origins=origins, beside=beside)


def absolute_root(root: str) -> str:
    """The root without a final slash; a local one as an absolute path."""
    if not root.strip():
        raise BadInput("root is empty: give a folder or s3://bucket/prefix, or leave the setting out.")
    if any("\ud800" <= letter <= "\udfff" for letter in root):  # how Python hands on bytes that it cannot read
        raise BadInput(f"root cannot be {root!r}: this locale has not all of its letters. Set PYTHONUTF8=1.")
    if "://" in root:
        scheme, _, rest = root.partition("://")
        if scheme == "file":
            return absolute_root(rest)
        if scheme != "s3" or not rest.strip("/"):
            raise BadInput(f"root cannot be {root!r}: give a folder or s3://bucket/prefix.")
        _check_prefix(root, rest.rstrip("/"))
        return f"{scheme}://{rest.rstrip('/')}"
    if root.lower().startswith("s3:"):  # a slash too few would keep an archive in a folder of that name
        raise BadInput(f"root cannot be {root!r}: a bucket is written s3://bucket/prefix.")
    return str(_expanded(root, "root").absolute())


def _expanded(path: str, name: str) -> Path:
    """The path, where ~ stands for a home; BadInput for the home of nobody."""
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise BadInput(f"{name} cannot be {path!r}: there is no such home; write the folder out.") from error


def _check_prefix(root: str, place: str) -> None:
    """BadInput for a prefix that DuckDB and S3's own clients read as two different ones, or as no path at all."""
    if any(letter in "?[\\" or not letter.isprintable() for letter in place):
        raise BadInput(
            f"root cannot be {root!r}: a prefix of a bucket holds no '?', '[', backslash or control character."
        )
    if any(part in ("", ".", "..") for part in place.split("/")):
        raise BadInput(f"root cannot be {root!r}: no part of a bucket's prefix may be empty, '.' or '..'.")


def media_kinds(words: str) -> tuple[str, ...]:
    """The kinds of files that a comma-separated list names; 'all' names every kind, 'none' none."""
    from schemas.kinds import MEDIA_KINDS

    names = [word.strip().lower().replace("-", "_") for word in words.split(",") if word.strip()]
    if names == ["all"]:
        return MEDIA_KINDS
    if names in ([], ["none"]):
        return ()
    strange = [name for name in names if name not in MEDIA_KINDS]
    if strange:
        raise BadInput(f"media cannot be {', '.join(strange)}: choose from {', '.join(MEDIA_KINDS)}, all, none.")
    if "image" in names and "live_photo" not in names:
        names.append("live_photo")  # the moving half of a picture in the same set
    return tuple(dict.fromkeys(names))


def _check(values: dict[str, Any]) -> None:
    upstream = values["upstream"]
    if upstream and not upstream.lower().startswith(("http://", "https://")):
        raise BadInput(f"upstream cannot be {quote(upstream, safe=':/')!r}: give an http address.")
    if not values["catalog"].startswith(("sqlite:", "postgres:", "postgresql://")):
        raise BadInput("catalog must begin with sqlite: or postgresql:// .")
    _check_address(values["catalog"])
    if "@" in (values["s3_endpoint"] or ""):  # errors of the service would tell it
        raise BadInput("s3_endpoint holds no user or password: s3_key and s3_secret are for those.")
    agent = values["user_agent"]
    if not (agent.strip() and agent.isascii() and agent.isprintable()):
        raise BadInput("user_agent must be one line of plain ASCII: a header carries nothing else.")
    for name in ("min_interval", "timeout"):
        if not 0 <= values[name] < math.inf:  # nan is neither, and would wait for nothing at all
            raise BadInput(f"{name} must be a number of seconds from 0 on, not {values[name]}.")
    if not values["timeout"]:
        raise BadInput("timeout must be more than 0 seconds: nobody answers at once.")
    for name in ("max_tries", "download_concurrency", "per_host", "max_attempts"):
        if values[name] < 1:
            raise BadInput(f"{name} must be at least 1.")


def _check_address(catalog: str) -> None:
    """BadInput for an address of PostgreSQL that libpq takes apart otherwise than meant: it would tell the password."""
    found = re.match(r"(?:postgres:)?postgres(?:ql)?://(?:[^@/]*@)?([^/?]*)", catalog)
    host = r"(\[[^]]*]|[^][:@,]*)(:\d*)?"
    if found and (re.search(r"%(?![0-9A-Fa-f]{2})", catalog) or not re.fullmatch(f"{host}(,{host})*", found[1])):
        raise BadInput(
            "catalog cannot be read as an address: in its user and password, '/', '@', ':' and '%' are written "
            "%2F, %40, %3A and %25."
        )


def _cookie(values: dict[str, Any], origins: dict[str, str]) -> str:
    if values["cookie"]:
        return str(values["cookie"]).strip()
    named = values["cookie_file"]
    path = _expanded(named, "cookie_file") if named else user_folder() / "cookie"
    if not path.is_file():
        if named:
            raise BadInput(f"cookie_file names {path}, which is no file. `aweme login` writes one.")
        return ""
    try:
        text = path.read_text("utf-8-sig").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"The cookie file {path} cannot be read: {error}") from error
    origins["cookie"] = str(path)
    return as_header(text)
