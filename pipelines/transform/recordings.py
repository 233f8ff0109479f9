"""What the archive itself writes down about a recording of a live room, as rows of `media`. No I/O here."""

from __future__ import annotations

from pipelines.transform.picks import Count, Id, Pick, Text
from pipelines.transform.rows import Batch, Layout
from pipelines.transform.salvage import read_as
from schemas.pages import Page

STREAMS = Layout(
    "media",
    ("media_id", "sec_user_id", "position", "duration_ms", "size_bytes", "format", "quality"),
    shared={"kind": "stream"},
)


class Recording(Pick, gc=False):
    """The facts of one recorded file, as `pipelines.recorded` writes them."""

    media_id: Text = None
    sec_user_id: Id = None
    part: Count = None
    duration_ms: Count = None
    size_bytes: Count = None
    format: Text = None
    quality: Text = None


def add_recording(batch: Batch, page: Page, number: int) -> None:
    """The row of a recorded file; its length and size are known once it is finished."""
    facts = read_as(Recording, page.body)
    if facts is None or not facts.media_id or facts.part is None:
        return
    batch[STREAMS].extend(
        (
            facts.media_id,
            facts.sec_user_id or None,
            facts.part,
            facts.duration_ms,
            facts.size_bytes,
            facts.format or None,
            facts.quality or None,
            number,
        )
    )
