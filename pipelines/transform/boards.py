"""The hot board (热榜) as rows of `hot_words`. No I/O here."""

from __future__ import annotations

from pipelines.transform.picks import Address, Count, Id, Seconds, Subject, Text, first_of, id_of
from pipelines.transform.rows import Batch, Layout

HOT_WORDS = Layout(
    "hot_words",
    (
        "board",
        "word_id",
        "position",
        "word",
        "hot_value",
        "view_count",
        "video_count",
        "label",
        "event_time",
        "cover_url",
    ),
    seen=(),
)


class HotWord(Subject, gc=False):
    """A line of the board."""

    sentence_id: Id = None
    word: Text = None
    position: Count = None
    hot_value: Count = None
    view_count: Count = None
    video_count: Count = None
    label: Count = None
    event_time: Seconds = None
    word_cover: Address | None = None

    def key(self) -> str | None:
        """The id of the line, or what it says."""
        return id_of(self.sentence_id) or id_of(self.word)


def add_word(batch: Batch, board: str, word: HotWord, place: int, page: int) -> None:
    """The row of a line; `place` counts from 0 and stands in where Douyin gives no position."""
    batch[HOT_WORDS].extend(
        (
            board,
            word.key(),
            word.position if word.position is not None else place + 1,
            word.word or None,
            word.hot_value,
            word.view_count,
            word.video_count,
            word.label,
            word.event_time or None,
            first_of(word.word_cover),
            page,
        )
    )
