"""What a flow may be asked, and what it answers; Prefect shows the first as forms. No I/O here."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from schemas.filters import POST_KINDS, Filter
from schemas.settings import MOST_DAYS
from schemas.wording import counted

CHINA = timezone(timedelta(hours=8))
QUALITIES = ("FULL_HD1", "HD1", "SD1", "SD2")
"""Douyin's names of the qualities of a live stream, best first."""


class Mode(StrEnum):
    """Which listing of Douyin a job archives."""

    ONE = "one"
    POST = "post"
    LIKE = "like"
    COLLECT = "collect"
    MIX = "mix"
    LIVE = "live"
    FEED = "feed"
    COMMENTS = "comments"
    RELATED = "related"
    FOLLOW_FEED = "follow-feed"
    FRIEND_FEED = "friend-feed"
    COLLECTS = "collects"
    COLLECTED_MUSIC = "collected-music"
    COLLECTED_MIXES = "collected-mixes"
    FOLLOWING = "following"
    FOLLOWERS = "followers"
    SEARCH = "search"
    HOT = "hot"


class ArchiveJob(BaseModel):
    """One target to archive. Never holds a cookie: those come from the settings of the machine that runs it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    target: str = Field(
        default="self",
        description="link, share text or id of an account, post, mix or room; 'self' for the cookie's owner",
        # Prefect's server reads the schema: it refuses the empty target of a forgotten AWEME_TARGET, before a night.
        json_schema_extra={"minLength": 1},
    )
    mode: Mode | None = Field(default=None, description="which listing to read; guessed from the target when empty")
    root: str | None = Field(default=None, description="where to keep it; the settings' root by default")
    media: str | None = Field(default=None, description="kinds of files to keep, comma-separated; 'none' for rows only")
    max_counts: int | None = Field(default=None, ge=0, description="posts to read at most; 0 or empty for all")
    page_counts: int = Field(default=18, description="posts to ask for at a time, 1 to 20")
    max_cursor: int = Field(default=0, ge=0, description="where to begin; 0 for the newest")
    interval: str | None = Field(default=None, description="only posts of these days: 2024-01-01|2024-06-30")
    kind: str | None = Field(default=None, description="only files of such posts: video, image, live_photo")
    min_likes: int | None = Field(default=None, ge=0, description="only files of posts with so many likes")
    min_comments: int | None = Field(default=None, ge=0, description="only files of posts with so many comments")
    match: str | None = Field(default=None, description="only files of posts whose caption has this (RE2 pattern)")
    tag: str | None = Field(default=None, description="only files of posts with this hashtag")
    naming: str | None = Field(default=None, description="template of file names")
    folderize: bool | None = Field(default=None, description="a folder for each post")
    full: bool = Field(default=False, description="read the listing to its end, not only what is new")
    refresh_days: int | None = Field(
        default=None, ge=1, le=MOST_DAYS, description="read again what is not older than so many days, for its growth"
    )
    keyword: str | None = Field(default=None, description="what to look for in an account's posts; mode search")
    stream: Literal["hls", "flv"] = Field(default="hls", description="how a live room is recorded")
    quality: str | None = Field(
        default=None, description="of a live room: FULL_HD1, HD1, SD1 or SD2; the best if empty"
    )
    max_duration_s: int | None = Field(default=None, ge=1, description="seconds of a live room to record at most")

    @field_validator("page_counts")
    @classmethod
    def _clamped(cls, value: int) -> int:
        return min(max(value, 1), 20)

    @field_validator("quality")
    @classmethod
    def _known(cls, value: str | None) -> str | None:
        name = (value or "").strip().upper().replace("-", "_")
        if name and name not in QUALITIES:
            raise ValueError(f"quality cannot be {value!r}: choose from {', '.join(QUALITIES)}")
        return name or None

    @field_validator("interval")
    @classmethod
    def _readable(cls, value: str | None) -> str | None:
        parse_interval(value)
        return value

    @field_validator("kind")
    @classmethod
    def _kinds(cls, value: str | None) -> str | None:
        names = _kinds_of(value)
        strange = [name for name in names if name not in POST_KINDS]
        if strange:
            raise ValueError(f"kind cannot be {', '.join(strange)}: choose from {', '.join(POST_KINDS)}")
        return ",".join(names) or None

    @property
    def filter(self) -> Filter:
        """Which posts the job wants the files of."""
        since, until = parse_interval(self.interval)
        return Filter(
            since=since,
            until=until,
            kinds=_kinds_of(self.kind),
            min_likes=self.min_likes,
            min_comments=self.min_comments,
            match=self.match or None,
            tag=(self.tag or "").strip().lstrip("#＃").strip() or None,
        )

    @property
    def limit(self) -> int | None:
        """The most posts to read; None for all."""
        return self.max_counts or None


def _kinds_of(value: str | None) -> tuple[str, ...]:
    words = (word.strip().lower().replace("-", "_") for word in (value or "").split(","))
    return tuple(dict.fromkeys(word for word in words if word))


def parse_interval(text: str | None) -> tuple[datetime | None, datetime | None]:
    """The first moment of an interval and the first moment after it, by China's days; None for an open end."""
    if not text or text.strip().lower() == "all":
        return None, None
    first, bar, last = text.partition("|")
    try:
        since = date.fromisoformat(first.strip()) if first.strip() else None
        until = date.fromisoformat((last if bar else first).strip()) if (last if bar else first).strip() else None
    except ValueError as error:
        raise ValueError(f"interval cannot be {text!r}: write two days as 2024-01-01|2024-06-30") from error
    if since and until and until < since:
        raise ValueError(f"interval cannot be {text!r}: its second day comes before its first")
    # The first and the last day that there are, written by people who mean no limit, have no moment outside of them.
    return (
        datetime.combine(since, time.min, CHINA).astimezone(UTC) if since and since > date.min else None,
        datetime.combine(until + timedelta(days=1), time.min, CHINA).astimezone(UTC)
        if until and until < date.max
        else None,
    )


_THINGS: dict[str, str] = {
    Mode.COMMENTS: "comments",
    Mode.COLLECTS: "items",  # folders, and the posts in them
    Mode.COLLECTED_MUSIC: "sounds",
    Mode.COLLECTED_MIXES: "mixes",
    Mode.FOLLOWING: "accounts",
    Mode.FOLLOWERS: "accounts",
    Mode.HOT: "words",
}


def things_of(mode: str) -> str:
    """What a mode reads, in a word for people: posts, comments, accounts, ..."""
    return _THINGS.get(mode, "posts")


@dataclass
class Summary:
    """What came of one job. `outcome` is complete, partial, blocked or failed; `reason` says what to do."""

    run_id: str
    mode: str
    target: str
    name: str = ""
    outcome: str = "complete"
    reason: str = ""
    verdict: str = ""
    requests: int = 0
    pages: int = 0
    posts_seen: int = 0
    new_posts: int = 0
    changed_posts: int = 0
    files: int = 0
    bytes: int = 0
    missing: int = 0
    absent: int = 0
    gone_entries: int = 0
    gone_posts: int = 0
    rejects: int = 0
    seconds: float = 0.0
    warnings: list[str] = field(default_factory=list)

    @property
    def seen(self) -> str:
        """What was seen, for people; new and changed ones are counted of posts only."""
        things = things_of(self.mode)
        told = f"{counted(self.posts_seen, things)} seen"
        return f"{told}, {self.new_posts} new, {self.changed_posts} changed" if things in ("posts", "items") else told

    def as_json(self) -> dict[str, Any]:
        """The same as plain values; `posts_seen` counts whatever the mode reads."""
        return {**asdict(self), "seconds": round(self.seconds, 3)}


EXIT_CODES = {"complete": 0, "failed": 1, "partial": 3, "blocked": 4}


@dataclass
class Retried:
    """What a retry took up: walks, single pages, posts and files; `gone` of them are not to be had any more."""

    summary: Summary
    walks: int = 0
    pages: int = 0
    posts: int = 0
    files: int = 0
    gone: int = 0

    @property
    def is_nothing(self) -> bool:
        """Whether there was nothing to take up."""
        return not (self.walks or self.pages or self.posts or self.files)

    def as_json(self) -> dict[str, Any]:
        """The same as plain values; `stored` and `still_missing` are files."""
        taken = {name: getattr(self, name) for name in ("walks", "pages", "posts", "files", "gone")}
        told = self.summary.as_json()
        return {"taken_up": taken, "stored": told["files"], "still_missing": told["missing"], "run": told}


@dataclass
class Plan:
    """What a job would cost; None where nothing counts the listing before it is read. `seconds` at the present pace.

    `notes` say which figures are reckoned by shares of known posts, and which are the most that it can be.
    """

    mode: str
    target: str
    name: str = ""
    listed: int | None = None
    known: int = 0
    new_posts: int | None = None
    requests: int | None = None
    files: int | None = None
    bytes: int | None = None
    seconds: float | None = None
    notes: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        """The same as plain values."""
        return asdict(self)
