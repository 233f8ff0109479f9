"""Files that posts, rooms and users promise, and files that are kept. No I/O here."""

from __future__ import annotations

from dataclasses import replace

from schemas import columns as c
from schemas.kinds import MEDIA_KINDS
from schemas.table import Kind, Table


def kind_of(media_id: str) -> str | None:
    """The kind of file that a media id names; None where it is none of ours."""
    parts = media_id.rsplit(":", 2)
    return parts[1] if len(parts) == 3 else None


MEDIA = Table(
    "media",
    "One file that a post, room or user promises, whether or not it is kept.",
    Kind.FACTS,
    (
        c.key(c.text("media_id", "<aweme_id>:<kind>:<position>; sec_user_id or room_id in place of aweme_id")),
        c.AWEME_ID,
        c.SEC_USER_ID,
        c.text("kind", ", ".join(MEDIA_KINDS), required=True),
        c.number("position", "0 for the only one; pictures count from 1", required=True),
        c.text("source_uri", "Douyin's stable name of the file; signed addresses change, it does not"),
        replace(c.texts("urls", "addresses as last seen, best first"), never_of=("kind", "caption")),
        c.time("expires_at", "when the first address stops working, read from the address"),
        c.WIDTH,
        c.HEIGHT,
        c.DURATION_MS,
        c.number("size_bytes", "bytes that Douyin promises (data_size)"),
        c.number("bit_rate", "bits per second"),
        c.number("fps", "frames per second"),
        c.text("codec", "h264, h265, bytevc2"),
        c.text("format", "mp4, dash, webp, jpeg, mp3"),
        c.text("quality", "Douyin's gear_name or quality key"),
        c.FIRST_SEEN_AT,
        c.LAST_SEEN_AT,
        c.OBSERVED_AT,
        c.PAGE_ID,
    ),
)

FILES = Table(
    "files",
    "What is kept of a promised file, or why it is not.",
    Kind.STATE,
    (
        c.key(c.text("media_id", "the promised file: media.media_id")),
        c.text("media_kind", "media.kind of the promised file"),
        c.text("path", "relative to the root; NULL while not stored"),
        c.SIZE_BYTES,
        c.text("sha256", "hash of the bytes, lower-case hex"),
        c.text("mime_type", "read from the bytes, not from the answer"),
        c.time("stored_at", "when it got its final name"),
        c.time("verified_at", "when its bytes were last read and found right"),
        c.text("state", "stored, absent (nowhere to be had), refused (not what it should be), failed", required=True),
        c.number("attempts", "times that it was tried"),
        c.text("error", "what stood in the way at the last try"),
        c.text("source_host", "host that the bytes came from"),
        c.time("tried_at", "when it was last tried"),
    ),
)
