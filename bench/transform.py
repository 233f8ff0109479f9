"""Raw pages to frames in one thread, beside what merely reads the same bytes; and where the time goes."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec
import orjson
import polars as pl
from msgspec import inspect

from deployments.simulator.render import Renderer
from deployments.simulator.world import World
from pipelines.transform.answers import Shape
from pipelines.transform.frames import frames_of
from pipelines.transform.pages_of_posts import add_posts
from pipelines.transform.picks import Pick, Subject
from pipelines.transform.picks_of_posts import Post
from pipelines.transform.rows import Batch
from schemas.pages import Page

NOW = 1_790_000_000
PER_PAGE = 18
TIMES = 3


class Nothing(Subject, gc=False):
    """A post of which nothing is picked: what remains is the cost of passing over it."""

    aweme_id: str | None = None

    def key(self) -> str | None:
        return self.aweme_id


class Skimmed(Pick, gc=False):
    aweme_list: list[Nothing] | None = None


class Picked(Pick, gc=False):
    aweme_list: list[Post] | None = None


def bodies_of(posts: int) -> tuple[list[bytes], bytes]:
    """Full-size answers, and the same posts one a line."""
    world = World(seed=7, users=1, posts=posts)
    account, renderer = world.accounts[0], Renderer(world, NOW)
    made = [renderer.post(world.post(account.number, index)) for index in range(posts)]
    pages = [made[at : at + PER_PAGE] for at in range(0, posts, PER_PAGE)]
    answers = [b'{"status_code":0,"aweme_list":[' + b",".join(page) + b'],"has_more":1}' for page in pages]
    return answers, b"\n".join(orjson.dumps(orjson.loads(post)) for post in made)


def seconds(work: Callable[[], Any]) -> float:
    """The best of a few runs."""
    found = []
    for _ in range(TIMES):
        began = time.perf_counter()
        work()
        found.append(time.perf_counter() - began)
    return min(found)


def dtype_of(info: inspect.Type) -> Any:
    """The polars type that reads what a pick reads."""
    if isinstance(info, inspect.UnionType):
        kinds = {type(kind): kind for kind in info.types}
        kinds.pop(inspect.NoneType, None)
        return dtype_of(kinds.get(inspect.StrType) or next(iter(kinds.values())))
    if isinstance(info, inspect.StructType):
        return pl.Struct({field.name: dtype_of(field.type) for field in info.fields})
    if isinstance(info, inspect.ListType | inspect.VarTupleType):
        return pl.List(dtype_of(info.item_type))
    return pl.Int64 if isinstance(info, inspect.IntType | inspect.BoolType) else pl.String


def schema_of_posts() -> dict[str, Any]:
    found = dtype_of(inspect.type_info(Post))
    return {field.name: field.dtype for field in found.fields}


def rows_only(pages: list[Page]) -> None:
    batch = Batch()
    for page in pages:
        add_posts(batch, page, batch.begin(page))
        batch.clear()


def run(posts: int = 2016) -> list[dict[str, Any]]:
    answers, lines = bodies_of(posts)
    when = datetime.fromtimestamp(NOW, UTC)
    pages = [Page(f"p{n}", "user_post", "sec", None, when, 200, body) for n, body in enumerate(answers)]
    megabytes = sum(map(len, answers)) / 1e6
    skim, pick = msgspec.json.Decoder(Skimmed).decode, msgspec.json.Decoder(Picked).decode
    shape = Shape(Post, ("aweme_list",))
    schema = schema_of_posts()
    whole = seconds(lambda: frames_of(pages))
    plain = seconds(lambda: [orjson.loads(body) and None for body in answers])
    ndjson = seconds(lambda: pl.read_ndjson(lines, schema=schema, ignore_errors=True))
    skimmed = seconds(lambda: [skim(body) and None for body in answers])
    picked = seconds(lambda: [pick(body) and None for body in answers])
    read = seconds(lambda: [shape.read(body) and None for body in answers])
    rows = seconds(lambda: rows_only(pages))

    def line(what: str, took: float, unit: str, beside: float | None = None, name: str = "") -> dict[str, Any]:
        value = (posts if unit == "posts/s" else megabytes) / took
        more = {} if beside is None else {"yardstick": name, "ratio": beside / took}
        return {"what": what, "value": value, "unit": unit, **more}

    def share(what: str, took: float) -> dict[str, Any]:
        return {"what": f"  of which {what}", "value": took / posts * 1e6, "unit": "us/post", "ratio": took / whole}

    return [
        line(f"{posts} posts of {megabytes / posts * 1e3:.0f} kB to frames", whole, "posts/s", plain, "orjson.loads"),
        line("the same", whole, "MB/s", ndjson, "polars read_ndjson"),
        line("orjson.loads", plain, "MB/s"),
        line("polars read_ndjson, same schema", ndjson, "MB/s"),
        share("passing over bytes", skimmed),
        share("picking fields", picked - skimmed),
        share("checking items", max(read - picked, 0.0)),
        share("making rows", rows - read),
        share("making columns", whole - rows),
    ]
