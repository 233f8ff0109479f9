"""The care of an archive whose catalog is on PostgreSQL, or whose tables and media lie in a bucket.

One life each, by the commands that a person types: archive, sql, verify, repair, rebuild, maintain, export, the past.
"""

from __future__ import annotations

import hashlib
import json
import os
import random
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from archives import ask, one
from click.testing import CliRunner

from deployments.cli import cli
from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.care.maintaining import maintain
from pipelines.care.verifying import verify
from pipelines.errors import BadInput, Blocked, Unreachable
from pipelines.house import open_lake, open_storage
from pipelines.load.attach import connect, place_of
from pipelines.settings import Settings, load_settings
from schemas.catalog import TABLES

pytestmark = pytest.mark.server
PLACES = ["postgres", "s3"]


class Archive:
    """An archive at one of PLACES, asked by commands."""

    def __init__(self, environ: dict[str, str]) -> None:
        self.environ = {"AWEME_MIN_INTERVAL": "0", "AWEME_MEDIA": "cover,caption", "AWEME_COOKIE": "none=1", **environ}

    @property
    def settings(self) -> Settings:
        return load_settings(environ=self.environ)

    def call(self, *words: str, code: int = 0) -> Any:
        """What a command says with --json; it must end with that exit code."""
        clean = {name: None for name in os.environ if name.startswith("AWEME_")}
        told: Any = CliRunner(env=clean | self.environ).invoke(cli, [*words, "--json"], standalone_mode=False)
        assert told.exception is None, told.exception
        assert (told.return_value or 0) == code, told.output
        return json.loads(told.stdout)

    def put(self, path: str, body: bytes | None) -> None:
        """Somebody else writes a file of the root, or takes it away."""
        storage = open_storage(self.settings)
        if body is None:
            storage._fs.rm_file(storage.full(path))
        else:
            storage._fs.pipe_file(storage.full(path), body)
        storage.close()

    def body(self, path: str) -> bytes:
        storage = open_storage(self.settings)
        found: bytes = storage._fs.cat_file(storage.full(path))
        storage.close()
        return found

    def rows(self) -> dict[str, list[str]]:
        """Every row of every table but marks: of the last verification, and of searches for files that are settled."""
        found = {}
        with open_lake(self.settings, read_only=True) as lake:
            for table in TABLES:
                names = ", ".join(f'"{name}"' for name in table.names if name not in {"verified_at", "settled_at"})
                found[table.name] = sorted(map(repr, lake.query(f"SELECT {names} FROM {table.name}").rows()))
        return found

    def spoil(self, statement: str) -> None:
        with open_lake(self.settings) as lake:
            lake.commit(lambda con: con.execute(statement) and None)

    def age(self) -> None:
        """As if its files had been kept some days ago: what is young may belong to a run under way."""
        self.spoil("UPDATE files SET stored_at = stored_at - INTERVAL 3 DAY")
        if not self.settings.is_s3:
            for path in (Path(self.settings.root) / "media").rglob("*"):
                os.utime(path, (1_700_000_000, 1_700_000_000))


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(World(seed=4, users=1, posts=8)) as running:
        yield running


@pytest.fixture
def make(tmp_path: Path, request: pytest.FixtureRequest, simulator: Simulator) -> Callable[[str], Archive]:
    def make(place: str) -> Archive:
        environ = {"AWEME_UPSTREAM": simulator.url, "AWEME_ROOT": str(tmp_path / "root")}
        if place == "s3":
            server = request.getfixturevalue("s3_server")
            keys = {f"AWEME_S3_{name.upper()}": server.options[name] for name in ("endpoint", "key", "secret")}
            environ |= keys | {"AWEME_S3_REGION": server.options["region"]}
            environ |= {
                "AWEME_ROOT": f"s3://{server.new_bucket()}/a",
                "AWEME_CATALOG": f"sqlite:{tmp_path}/catalog.sqlite",
            }
        if place == "postgres":
            environ["AWEME_CATALOG"] = request.getfixturevalue("postgres_server").new_catalog()
        return Archive(environ)

    return make


@pytest.mark.parametrize("place", PLACES)
def test_one_archive_goes_through_every_care(
    place: str, make: Callable[[str], Archive], simulator: Simulator, tmp_path: Path
) -> None:
    made, home = make(place), simulator.world.accounts[0].home
    assert made.call("archive", home)[0]["outcome"] == "complete"
    count = "SELECT count(*) AS n FROM posts"
    (first,) = made.call("sql", count)
    then = datetime.now(UTC)
    simulator.world.add_posts(0, 3)
    assert made.call("archive", home)[0]["outcome"] == "complete"
    made.age()

    verified_and_repaired(made)
    rebuilt(made)
    maintained(made, then, count, first)
    exported(made, tmp_path)

    # And the next run goes on as if nothing had been.
    again = made.call("archive", home)[0]
    assert (again["outcome"], again["new_posts"], again["files"]) == ("complete", 0, 0)


def verified_and_repaired(made: Archive) -> None:
    lived = made.rows()
    told = made.call("verify")
    assert (told["wrong"], told["files"]) == (0, len([row for row in lived["files"] if "'stored'" in row]))
    assert told["table_files"] > 10
    (broken, _), (missing, _) = ask(
        made.settings, "SELECT path, sha256 FROM files WHERE state = 'stored' ORDER BY 1 LIMIT 2"
    )
    made.put(broken, b"broken")
    made.put(missing, None)
    made.put("media/kept.mp4", b"somebody's own")
    found = made.call("verify", code=3)
    # What lies there since this minute only is no stray yet: it may belong to a run under way.
    assert {(p["what"], p["path"]) for p in found["problems"]} == {("size", broken), ("missing", missing)}
    mended = made.call("verify", "--repair")
    assert mended["wrong"] == 0
    (aside,) = [p["aside"] for p in mended["problems"] if p["aside"]]
    assert made.body(aside) == b"broken"
    assert made.call("verify", "--older-than", "1")["files"] == 0
    in_an_hour = verify(made.settings, now=lambda: datetime.now(UTC) + timedelta(hours=1), share=0.5)
    assert [(p.what, p.path) for p in in_an_hour.problems] == [("stray", "media/kept.mp4")]


def rebuilt(made: Archive) -> None:
    lived = made.rows()
    assert [t["table"] for t in made.call("rebuild", "--dry-run")["tables"] if t["changed"] or t["added"]] == []
    assert one(made.settings, "SELECT count(settled_at) FROM runs") > 0
    made.spoil("UPDATE posts SET caption = 'misread'")
    made.spoil("DELETE FROM media WHERE kind = 'cover'")
    changed = made.call("rebuild")
    assert {t["table"] for t in changed["tables"] if t["changed"] or t["added"] or t["removed"]} == {"posts", "media"}
    assert made.rows() == lived
    assert one(made.settings, "SELECT count(settled_at) FROM runs") == 0, "the next run looks at all that is promised"


def maintained(made: Archive, then: datetime, count: str, first: dict[str, int]) -> None:
    lived = made.rows()
    done = made.call("maintain")
    before, after = ({row["table"]: row["files"] for row in done[when]["tables"]} for when in ("before", "after"))
    assert after["post_stats"] == 1 < before["post_stats"]
    assert after["raw_pages"] == before["raw_pages"]
    assert done["before"]["queries_ms"].keys() == done["after"]["queries_ms"].keys()
    assert made.rows() == lived
    assert made.call("sql", "--at", then.isoformat(), count) == [first]
    assert made.call("sql", count)[0]["n"] > first["n"]
    late = made.call("maintain", "--keep-days", "0")
    assert late["snapshots_expired"] > 0
    assert made.call("verify")["wrong"] == 0, "no file that is needed was removed"
    assert made.rows() == lived


def exported(made: Archive, tmp_path: Path) -> None:
    for shape in ("parquet", "csv", "xlsx", "html"):
        made.call("export", "--format", shape, "-o", str(tmp_path / shape))
    out = made.call("export", "--format", "duckdb", "-o", str(tmp_path / "bag"), "--media", "--bag")
    stored = ask(made.settings, "SELECT path, sha256 FROM files WHERE state = 'stored'")
    assert (out["media"], out["broken"]) == (len(stored), [])
    for path, sha256 in stored:
        assert hashlib.sha256((tmp_path / "bag" / "data" / path).read_bytes()).hexdigest() == sha256
    posts = one(made.settings, "SELECT count(*) FROM posts")
    assert pl.read_parquet(tmp_path / "parquet" / "posts.parquet").height == posts
    with duckdb.connect(str(tmp_path / "bag" / "data" / "archive.duckdb"), read_only=True) as con:
        assert con.execute("SELECT count(*) FROM posts_latest").fetchall() == [(posts,)]


def test_a_star_in_a_prefix_takes_no_file_of_another_archive(
    make: Callable[[str], Archive], simulator: Simulator, tmp_path: Path
) -> None:
    neighbour = make("s3")
    own = {"AWEME_ROOT": f"{neighbour.environ['AWEME_ROOT']}*", "AWEME_CATALOG": f"sqlite:{tmp_path}/star.sqlite"}
    star = Archive(neighbour.environ | own)
    for made in (neighbour, star):
        made.call("archive", simulator.world.accounts[0].home, "--media", "none")
    maintain(star.settings, now=lambda: datetime.now(UTC) + timedelta(days=3), keep_days=0)
    for made in (neighbour, star):
        assert made.call("verify")["wrong"] == 0


@pytest.mark.parametrize("place", ["postgres", "s3"])
def test_what_is_not_there_is_told_and_nothing_is_made(place: str, make: Callable[[str], Archive]) -> None:
    made = make(place)
    for words in (
        ["verify"],
        ["rebuild"],
        ["maintain"],
        ["export", "--format", "csv", "-o", "x"],
        ["sql", "SELECT 1"],
        ["retry"],
    ):
        told: Any = CliRunner(env=made.environ).invoke(cli, words, standalone_mode=False)
        assert isinstance(told.exception, BadInput), (words, told.exception)
        assert "There is no archive" in str(told.exception), words


def test_uploads_that_nobody_ends_are_let_go_and_no_file_of_theirs_is_there(
    make: Callable[[str], Archive], simulator: Simulator
) -> None:
    made = make("s3")
    made.call("archive", simulator.world.accounts[0].home)
    kept = made.rows()
    storage = open_storage(made.settings)
    bucket, _, root = storage.full("media").removesuffix("/media").partition("/")
    # A program that was killed leaves these: a file of media, and one of the tables, which DuckDB sends in parts, too.
    keys = [f"{root}/media/x/half.mp4", f"{root}/tables/main/posts/half.parquet", f"{root}-b/media/x/half.mp4"]
    for key in keys:
        begun = storage.call_s3("create_multipart_upload", Bucket=bucket, Key=key)
        place = {"Bucket": bucket, "Key": key, "UploadId": begun["UploadId"]}
        storage.call_s3("upload_part", **place, PartNumber=1, Body=b"half")

    def left() -> list[str]:
        told = storage.call_s3("list_multipart_uploads", Bucket=bucket)
        return sorted(upload["Key"] for upload in told.get("Uploads", ()))

    assert made.call("verify")["problems"] == []
    assert made.call("maintain")["parts_removed"] == 0, "they may belong to a run under way"
    assert left() == sorted(keys)
    done = maintain(made.settings, now=lambda: datetime.now(UTC) + timedelta(days=2))
    assert (done.parts_removed, left()) == (2, keys[2:]), "those of another archive are its own"
    assert made.rows() == kept
    storage.close()


@pytest.mark.parametrize("place", PLACES)
def test_who_comes_in_the_first_second_is_told_that_the_archive_is_being_made(
    place: str, make: Callable[[str], Archive], simulator: Simulator, tmp_path: Path
) -> None:
    made = make(place)
    settings = made.settings
    where = place_of(settings.catalog, settings.data_path, settings.s3 if settings.is_s3 else None)
    options = {"memory_limit": "160MB", "threads": 1, "busy_timeout_ms": 5000, "rng": random.Random(1)}
    # As another process has it between the first statement of a new archive and the second.
    with connect(where, read_only=False, temp=str(tmp_path), **options):
        for words in (["status"], ["sql", "FROM posts"], ["sql", "--attach"], ["export", "--format", "csv", "-o", "x"]):
            told: Any = CliRunner(env=made.environ).invoke(cli, words, standalone_mode=False)
            assert isinstance(told.exception, BadInput), (words, told.exception)
            assert "is being made just now" in str(told.exception), words
    made.call("archive", simulator.world.accounts[0].home, "--media", "none")
    assert made.call("status")["holds"]["posts"] > 0


def test_a_bucket_that_is_not_there_or_lacks_a_file_is_told_in_words(
    make: Callable[[str], Archive], simulator: Simulator, tmp_path: Path
) -> None:
    made, home = make("s3"), simulator.world.accounts[0].home
    made.call("archive", home, "--media", "caption")
    removed = []
    for table in ("listing_entries", "raw_pages", "files"):
        (lost,) = ask(made.settings, f"SELECT data_file FROM ducklake_list_files('archive', '{table}') LIMIT 1")[0]
        made.put(lost.removeprefix(made.settings.root + "/"), None)
        removed.append(("table", lost, f"{table}: the file is missing"))
    found = made.call("verify", code=3)
    assert sorted((p["what"], p["path"], p["detail"]) for p in found["problems"]) == sorted(removed)
    elsewhere = {"AWEME_ROOT": "s3://nobody-made-this/a", "AWEME_CATALOG": f"sqlite:{tmp_path}/other.sqlite"}
    for own, words in (
        ({}, ["archive", home, "--media", "caption"]),
        (elsewhere, ["archive", home, "--media", "caption"]),
    ):
        told: Any = CliRunner(env=made.environ | own).invoke(cli, words, standalone_mode=False)
        said = f"{told.exception} {told.output}"
        assert "is missing in it: check the root" in said, (words, said)
        assert told.exception is None or isinstance(told.exception, Blocked), (words, told.exception)


def test_a_file_of_the_tables_that_was_cut_short_in_a_bucket_is_told_as_damaged(
    make: Callable[[str], Archive], simulator: Simulator
) -> None:
    made = make("s3")
    made.call("archive", simulator.world.accounts[0].home, "--max-counts", "5", "--media", "none")
    (cut,) = ask(made.settings, "SELECT data_file FROM ducklake_list_files('archive', 'posts') LIMIT 1")[0]
    path = cut.removeprefix(made.settings.root + "/")
    made.put(path, made.body(path)[:3000])
    for words in (["status"], ["sql", "SELECT max(caption) FROM posts"]):
        told: Any = CliRunner(env=made.environ).invoke(cli, words, standalone_mode=False)
        assert isinstance(told.exception, Blocked), (words, told.exception)
        assert "is damaged. aweme verify names all such files" in str(told.exception)


@pytest.mark.parametrize(
    ("environ", "kind"),
    [({"AWEME_S3_SECRET": "wrong"}, Blocked), ({"AWEME_S3_ENDPOINT": "http://127.0.0.1:9"}, Unreachable)],
)
def test_a_bucket_that_gives_nothing_is_told_in_words(
    make: Callable[[str], Archive], simulator: Simulator, environ: dict[str, str], kind: type[Exception], tmp_path: Path
) -> None:
    made = make("s3")
    made.call("archive", simulator.world.accounts[0].home, "--max-counts", "1", "--media", "none")
    asked = (["status"], ["sql", "SELECT max(caption) FROM posts"])
    for words in (*asked, ["verify"], ["maintain"], ["export", "--format", "csv", "-o", str(tmp_path / "out")]):
        told: Any = CliRunner(env=made.environ | environ).invoke(cli, words, standalone_mode=False)
        assert isinstance(told.exception, kind), (words, told.exception)
        assert made.environ["AWEME_S3_SECRET"] not in str(told.exception)
    assert not (tmp_path / "out").exists()
