"""Merging: the same rows, changes and series however pages are batched."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import polars as pl
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.load.deciding import comes_late, deciding, filled
from pipelines.load.merge import merge, moments
from pipelines.load.series import append
from schemas.media import MEDIA
from schemas.posts import POST_STATS, POSTS
from schemas.runs import CHANGES
from schemas.table import TEXTS, TIME, Column, Kind, Rule, Table

DAY = datetime(2026, 1, 1, tzinfo=UTC)
THINGS = Table(
    "things",
    "Made up for the tests: a column of each rule.",
    Kind.FACTS,
    (
        Column("a", pl.String, "", rule=Rule.KEY),
        Column("b", pl.Int64, "", rule=Rule.KEY),
        Column("name", pl.String, "", tracked=True),
        Column("links", TEXTS, ""),
        Column("why", pl.String, "", rule=Rule.REPLACE, tracked=True),
        Column("gone_at", TIME, "", rule=Rule.SINCE, tracked=True),
        Column("first_at", TIME, "", rule=Rule.FIRST),
        Column("last_at", TIME, "", rule=Rule.LAST),
        Column("observed_at", TIME, "", rule=Rule.LAST, required=True),
        Column("page_id", pl.String, "", required=True),
    ),
)


def at(hour: int) -> datetime:
    return DAY + timedelta(hours=hour)


def frame(table: Table, *rows: dict) -> pl.DataFrame:
    return pl.DataFrame([{name: row.get(name) for name in table.names} for row in rows], schema=table.schema)


def thing(hour: int, **values) -> dict:
    return {"a": "x", "b": 1, "observed_at": at(hour), "page_id": f"p{hour:02}", **values}


def step(table: Table, stored: pl.DataFrame, rows: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Merge as the lake does: what decides of the rows of the batch's keys in, whole rows out, and the changes."""
    found = stored.join(rows.select(table.key).unique(), on=table.key, how="semi")
    if not comes_late(table, rows, found):
        found = filled(table, found.select(deciding(table, rows)))
    merged = merge(table, found, rows)
    rest = stored.join(merged.known, on=table.key, how="anti")
    return pl.concat([rest, merged.rows]).sort(table.key), merged.changes


def fold(table: Table, batches: list[pl.DataFrame], stored: pl.DataFrame | None = None):
    kept = table.schema.to_frame() if stored is None else stored
    changes = [CHANGES.schema.to_frame()]
    for batch in batches:
        kept, changed = step(table, kept, batch)
        changes.append(changed)
    return kept, pl.concat(changes).sort(["row_key", "column_name", "observed_at"])


def test_what_some_rows_never_have_is_looked_for_only_where_another_row_lacks_it():
    film = {"media_id": "1:video:0", "kind": "video", "position": 0, "urls": ["a"], "observed_at": at(1)}
    caption = {**film, "media_id": "1:caption:0", "kind": "caption", "urls": None}
    assert "urls" not in deciding(MEDIA, frame(MEDIA, film, caption))
    assert "urls" in deciding(MEDIA, frame(MEDIA, {**film, "urls": None}, caption))
    assert "urls" in deciding(MEDIA, frame(MEDIA, {**film, "urls": None}, film))


words = st.sampled_from([None, "one", "two", "three"])
observations = st.fixed_dictionaries(
    {
        "a": st.sampled_from(["x", "y"]),
        "b": st.integers(1, 2),
        "name": words,
        "links": st.sampled_from([None, ["u"], ["v", "w"]]),
        "why": words,
        "gone_at": st.sampled_from([None, at(-1), at(-2)]),
        "first_at": st.sampled_from([None, at(-3), at(-4)]),
        "last_at": st.sampled_from([None, at(-3), at(-4)]),
    }
)
pages = st.lists(st.lists(observations, min_size=1, max_size=4), min_size=1, max_size=7)


def page_frames(given_pages: list[list[dict]]) -> list[pl.DataFrame]:
    return [
        frame(THINGS, *(row | {"observed_at": at(hour), "page_id": f"p{hour:02}"} for row in rows))
        for hour, rows in enumerate(given_pages)
    ]


@settings(deadline=None, max_examples=60)
@given(pages, st.data())
def test_pages_in_batches_give_what_pages_one_by_one_give(given_pages, data):
    frames = page_frames(given_pages)
    one_by_one = fold(THINGS, frames)
    cuts = sorted(data.draw(st.sets(st.integers(1, len(frames)), max_size=3)) | {len(frames)})
    batches = [
        pl.concat(data.draw(st.permutations(frames[start:end])))
        for start, end in zip([0, *cuts], cuts, strict=False)
        if end > start
    ]
    assert fold(THINGS, batches)[0].equals(one_by_one[0])
    assert fold(THINGS, batches)[1].equals(one_by_one[1])


@settings(deadline=None, max_examples=40)
@given(pages, pages)
def test_a_late_batch_gives_what_its_pages_give_one_by_one_in_their_order(early, late):
    """What an interrupted run left behind may be applied after newer pages."""
    frames = page_frames(early + late)
    stored, _ = fold(THINGS, frames[len(early) :])
    batch = fold(THINGS, [pl.concat(frames[: len(early)])], stored)
    singly = fold(THINGS, frames[: len(early)], stored)
    assert batch[0].equals(singly[0])
    assert batch[1].equals(singly[1])


@settings(deadline=None, max_examples=40)
@given(pages, st.data())
def test_pages_in_any_order_give_the_same_rows_where_every_look_knows_every_value(given_pages, data):
    """With unknown values the order can matter: an older look fills what no newer one has told."""
    full = [
        [{name: row[name] if row[name] is not None else _default(name) for name in row} for row in rows]
        for rows in given_pages
    ]
    frames = page_frames(full)
    shuffled = data.draw(st.permutations(frames))
    names = [name for name in THINGS.names if name != "gone_at"]
    assert fold(THINGS, shuffled)[0].select(names).equals(fold(THINGS, frames)[0].select(names))


def _default(name: str):
    return {"links": ["u"], "name": "one", "why": "one"}.get(name, at(-5))


@settings(deadline=None, max_examples=40)
@given(pages)
def test_a_key_is_never_doubled_and_a_change_never_told_twice(given_pages):
    kept, changes = fold(THINGS, page_frames(given_pages))
    assert not kept.select(THINGS.key).is_duplicated().any()
    assert not changes.select(CHANGES.key).is_duplicated().any()
    assert changes.filter(pl.col("old_value").eq_missing(pl.col("new_value"))).is_empty()


def test_null_never_replaces_a_value_and_an_older_look_only_fills():
    kept, _ = fold(THINGS, [frame(THINGS, thing(5, name="new"))])
    kept, changes = step(THINGS, kept, frame(THINGS, thing(6)))
    assert kept["name"].to_list() == ["new"]
    kept, more = step(THINGS, kept, frame(THINGS, thing(2, name="old", links=["u"])))
    assert kept.select("name", "links", "page_id").rows() == [("new", ["u"], "p06")]
    assert changes.is_empty()
    assert more.is_empty()


def test_a_first_sighting_is_no_change_and_each_later_one_is_told():
    looks = frame(THINGS, *(thing(hour, name=name) for hour, name in enumerate(["a", "b", None, "b", "c", "a"])))
    _, changes = fold(THINGS, [looks])
    told = changes.filter(pl.col("column_name") == "name").sort("observed_at")
    assert told.select("old_value", "new_value").rows() == [("a", "b"), ("b", "c"), ("c", "a")]
    assert told["page_id"].to_list() == ["p01", "p04", "p05"]


def test_a_post_that_vanishes_and_returns_is_told_and_stays_gone_since_the_first_day():
    def look(hour: int, gone: bool) -> dict:
        seen = {"gone_at": at(hour), "gone_reason": "deleted"} if gone else {"caption": "hi"}
        return {"aweme_id": "7", "observed_at": at(hour), "page_id": f"p{hour}", **seen}

    looks = [look(hour, gone) for hour, gone in enumerate([False, True, True, False, True])]
    for batches in ([frame(POSTS, *looks)], [frame(POSTS, one) for one in looks]):
        kept, changes = fold(POSTS, batches)
        assert kept.select("gone_at", "gone_reason", "caption").rows() == [(at(4), "deleted", "hi")]
        told = changes.sort("observed_at", "column_name").select("column_name", "old_value", "new_value").rows()
        assert told == [
            ("gone_at", None, "2026-01-01T01:00:00.000000Z"),
            ("gone_reason", None, "deleted"),
            ("gone_at", "2026-01-01T01:00:00.000000Z", None),
            ("gone_reason", "deleted", None),
            ("gone_at", None, "2026-01-01T04:00:00.000000Z"),
            ("gone_reason", None, "deleted"),
        ]
    kept, _ = fold(POSTS, [frame(POSTS, *looks[:3])])
    assert kept["gone_at"].to_list() == [at(1)]


def test_within_one_moment_the_first_known_value_stands():
    same = frame(THINGS, thing(1, name=None, links=["u"]), thing(1, name="first"), thing(1, name="second"))
    assert moments(THINGS, same).select("name", "links").rows() == [("first", ["u"])]


def stats(hour: int, **counts) -> dict:
    return {"aweme_id": "7", "observed_at": at(hour), "page_id": f"p{hour}", **counts}


def series(batches: list[pl.DataFrame]) -> pl.DataFrame:
    """Append as the lake does; here `stored` is always every row of the key."""
    kept = POST_STATS.schema.to_frame()
    for batch in batches:
        told = append(POST_STATS, kept, batch)
        kept = pl.concat([kept.join(told.idle, on=POST_STATS.key, how="anti"), told.rows])
    return kept.sort(POST_STATS.key)


def test_a_series_grows_only_where_a_known_count_differs():
    looks = [stats(0, like_count=1), stats(1, like_count=1), stats(2, like_count=2), stats(3), stats(4, like_count=2)]
    assert series([frame(POST_STATS, *looks)])["observed_at"].to_list() == [at(0), at(2)]


counts = st.one_of(st.none(), st.integers(0, 2))
looks = st.lists(st.tuples(st.sampled_from(["7", "8"]), counts, counts), min_size=1, max_size=10)


@settings(deadline=None, max_examples=40)
@given(looks, st.data())
def test_a_series_is_the_same_in_batches_and_one_by_one(given_looks, data):
    rows = [
        {"aweme_id": key, "observed_at": at(hour), "page_id": f"p{hour}", "like_count": likes, "play_count": plays}
        for hour, (key, likes, plays) in enumerate(given_looks)
    ]
    frames = [frame(POST_STATS, row) for row in rows]
    cut = data.draw(st.integers(0, len(rows)))
    batches = [pl.concat(part) for part in (frames[:cut], frames[cut:]) if part]
    assert series(batches).equals(series(frames))
    late = [pl.concat(part) for part in (frames[cut:], frames[:cut]) if part]
    assert not series(late).select(POST_STATS.key).is_duplicated().any()
    assert series([series(late)]).equals(series(late)), "each row tells something, whatever came late"
