"""The settings of the archive as a table: name, kind, default, meaning. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

DEFAULT_USER_AGENT = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/130.0.0.0 Safari/537.36 Edg/130.0.0.0"
)
MOST_DAYS = 36_500
"""A hundred years: more days than anybody means, and few enough to be counted back from any date."""


@dataclass(frozen=True, slots=True)
class Setting:
    """One thing that the archive can be told: `AWEME_<NAME>` in the environment, `<name>` in aweme.toml."""

    name: str
    kind: type
    default: str | int | float | bool | None
    meaning: str
    is_secret: bool = False

    @property
    def env(self) -> str:
        """Its name in the environment."""
        return "AWEME_" + self.name.upper()


SETTINGS: tuple[Setting, ...] = (
    Setting("root", str, "archive", "folder or s3://bucket/prefix that keeps tables and media"),
    Setting(
        "catalog", str, None, "sqlite:PATH or postgresql://...; by default beside the root (beside aweme.toml for s3)"
    ),
    Setting("cookie", str, None, "Douyin cookie of a login, as a browser sends it", is_secret=True),
    Setting("cookie_file", str, None, "file that holds the cookie; `aweme login` writes it"),
    Setting("cookie_secret", str, None, "Prefect Secret with the cookie, for flows; `aweme login --secret` writes it"),
    Setting("upstream", str, None, "http address that stands in for every Douyin host (tests, demo)"),
    Setting("proxy", str, None, "proxy for all requests, as http://host:port"),
    Setting("user_agent", str, DEFAULT_USER_AGENT, "browser that requests are sent as; the signature covers it"),
    Setting("signer", str, "xbogus", "xbogus, abogus, none, or module:attribute of your own"),
    Setting("min_interval", float, 1.0, "seconds between two requests to the web service, before jitter"),
    Setting("max_tries", int, 5, "tries of one request before the run gives up"),
    Setting("timeout", float, 10.0, "seconds to wait for an answer to begin"),
    Setting("download_concurrency", int, 8, "files downloaded at the same time"),
    Setting("per_host", int, 4, "files downloaded at the same time from one host"),
    Setting("max_attempts", int, 5, "tries of one file, over all runs, before it waits for `aweme retry`"),
    Setting("naming", str, "{create}_{desc}_{aweme_id}", "template of file names"),
    Setting("folderize", bool, False, "a folder for each post"),
    Setting("rename_folders", bool, None, "an account's folder follows its name (default: on a disk yes, on s3 no)"),
    Setting("media", str, "video,image,live_photo", "kinds of files to keep"),
    Setting("s3_endpoint", str, None, "address of an S3 service other than AWS"),
    Setting("s3_key", str, None, "S3 access key; by default AWS's own variables and files", is_secret=True),
    Setting("s3_secret", str, None, "S3 secret key", is_secret=True),
    Setting("s3_region", str, None, "S3 region"),
    Setting("memory_limit", str, "160MB", "memory that DuckDB may use"),
    Setting("prefect", bool, False, "run as Prefect flows even where no Prefect API is configured"),
)

_ON = {"1", "true", "yes", "on"}
_OFF = {"0", "false", "no", "off", ""}


def truth_of(value: Any) -> bool:
    """Whether a switch is on, as people and files write it; ValueError for what says neither."""
    if isinstance(value, bool):
        return value
    word = str(value).strip().lower()
    if word in _ON | _OFF:
        return word in _ON
    raise ValueError(word)
