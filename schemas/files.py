"""What passes between the tables and the downloader: a wanted file, and what became of it. No I/O here."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Wanted:
    """A promised file that is not kept, with what naming and fetching need. Times are UTC."""

    media_id: str
    kind: str
    position: int
    urls: tuple[str, ...]
    aweme_id: str | None = None
    sec_user_id: str | None = None
    uid: str | None = None
    nickname: str | None = None
    folder: str | None = None
    caption: str | None = None
    created_at: datetime | None = None
    image_count: int | None = None
    size_bytes: int | None = None
    expires_at: datetime | None = None
    attempts: int = 0


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of a wanted file; the row of `files`. `path` is relative to the root."""

    media_id: str
    state: str
    attempts: int
    tried_at: datetime
    path: str | None = None
    size_bytes: int | None = None
    sha256: str | None = None
    mime_type: str | None = None
    stored_at: datetime | None = None
    verified_at: datetime | None = None
    error: str | None = None
    source_host: str | None = None
