"""The kinds of files that are kept; apart from the tables, which bring polars."""

from __future__ import annotations

MEDIA_KINDS = (
    "video",
    "image",
    "live_photo",
    "music",
    "cover",
    "dynamic_cover",
    "avatar",
    "caption",
    "stream",
)
