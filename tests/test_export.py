"""The archive in other forms: the same rows, nothing mixed up, nothing that a browser would run."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from contextlib import chdir
from datetime import UTC, datetime
from functools import partial
from html.parser import HTMLParser
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zipfile import ZipFile

import duckdb
import polars as pl
import pytest
from archives import archive, ask, copied, one, settings_for
from click.testing import CliRunner
from lakes import frames_of_posts, local
from lakes import page as answer

from deployments.cli import cli
from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.care import gallery, sheets
from pipelines.care.exporting import export
from pipelines.care.staging import filled_at_once
from pipelines.errors import BadInput, Blocked
from pipelines.house import open_lake, utc_now
from pipelines.load import rawpages
from pipelines.load.apply import insert
from pipelines.settings import Settings
from schemas.catalog import BY_NAME, TABLES
from schemas.raw import RAW_PAGES


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    world = World(seed=3, users=2, posts=20)
    with Simulator(world) as simulator:
        made = settings_for(tmp_path_factory.mktemp("exported") / "root", simulator.url, media="video,image,cover")
        ids = [world.post(0, index).aweme_id for index in range(20)]
        world.edit_caption(ids[9], "<script>alert('x')</script> & =1+1")
        world.rename(0, "<b>%0A & 名字")
        archive(made, world.accounts[0].home)
        archive(made, world.accounts[1].home, media="none")
    return made


def counts(settings: Settings) -> dict[str, int]:
    return {table.name: one(settings, f"SELECT count(*) FROM {table.name}") for table in TABLES}


def test_parquet_holds_every_row_in_hives_folders(settings: Settings, tmp_path: Path) -> None:
    export(settings, tmp_path / "out", "parquet", now=utc_now)
    for name, count in counts(settings).items():
        files = sorted((tmp_path / "out").glob(f"{name}.parquet")) or sorted(
            (tmp_path / "out" / name).rglob("*.parquet")
        )
        found = pl.scan_parquet(files, hive_partitioning=True).collect() if files else pl.DataFrame()
        assert found.height == count, name
        if count:
            assert set(BY_NAME[name].names) <= set(found.columns)
    assert (tmp_path / "out" / "raw_pages" / "operation=user_post").is_dir()


@pytest.mark.parametrize("media", [False, True], ids=["tables alone", "media beside them"])
def test_a_table_s_folder_is_read_as_a_whole_by_any_data_tool(settings: Settings, tmp_path: Path, media: bool) -> None:
    export(settings, tmp_path, "parquet", now=utc_now, media=media)
    for name, count in counts(settings).items():
        place = next(path for path in (tmp_path / f"{name}.parquet", tmp_path / name) if path.exists())
        assert pl.scan_parquet(place, hive_partitioning=True).select(pl.len()).collect().item() == count, name


def test_csv_holds_every_row(settings: Settings, tmp_path: Path) -> None:
    export(settings, tmp_path, "csv", now=utc_now)
    posts = pl.read_csv(tmp_path / "posts.csv", infer_schema=False)
    expected = dict(ask(settings, "SELECT aweme_id, caption FROM posts"))
    assert {row["aweme_id"]: row["caption"] for row in posts.to_dicts()} == expected


def test_one_duckdb_file_holds_tables_views_and_comments(settings: Settings, tmp_path: Path) -> None:
    export(settings, tmp_path, "duckdb", now=utc_now)
    con = duckdb.connect(str(tmp_path / "archive.duckdb"), read_only=True)
    for name, count in counts(settings).items():
        assert con.execute(f"SELECT count(*) FROM {name}").fetchall()[0][0] == count
    assert con.execute("SELECT count(*) FROM posts_latest").fetchall()[0][0] == counts(settings)["posts"]
    assert con.execute("SELECT count(*) FROM duckdb_columns() WHERE comment IS NOT NULL").fetchall()[0][0] > 100
    con.close()


@pytest.fixture(scope="module")
def heavy(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """An archive whose raw pages take more memory than DuckDB is given."""
    root = tmp_path_factory.mktemp("heavy")
    answers = [
        answer(f"{number:016d}", number, operation="post_detail" if number % 3 else "user_post", body=body)
        for number in range(300)
        for body in [json.dumps({"number": number, "made-up": "posts of a page " * 43_000}).encode()]
    ]
    with local(root) as lake:
        for start in range(0, len(answers), 8):
            some = [rawpages.to_row(page, "r") for page in answers[start : start + 8]]
            lake.commit(partial(insert, table=RAW_PAGES, rows=pl.DataFrame(some, schema=RAW_PAGES.schema)))
    return settings_for(root, "")


@pytest.mark.parametrize("shape", ["parquet", "duckdb"])
def test_raw_pages_are_handed_on_that_no_memory_would_hold(heavy: Settings, tmp_path: Path, shape: str) -> None:
    export(heavy, tmp_path / "out", shape, now=utc_now)
    kept = ask(heavy, "SELECT page_id, operation, body_sha256 FROM raw_pages ORDER BY page_id")
    con = duckdb.connect()
    source = f"'{tmp_path}/out/raw_pages/*/*.parquet'"
    if shape == "duckdb":
        # Whoever is given the file may call it as they like.
        (tmp_path / "out" / "archive.duckdb").rename(tmp_path / "mine.duckdb")
        con.execute(f"ATTACH '{tmp_path}/mine.duckdb' AS theirs (READ_ONLY)")
        con.execute("USE theirs")
        source = "raw_pages"
    found = con.execute(f"SELECT page_id, operation, sha256(body) FROM {source} ORDER BY page_id").fetchall()
    assert found == kept
    if shape == "duckdb":
        told = "SELECT comment FROM duckdb_columns() WHERE table_name = 'raw_pages' AND column_name = 'body'"
        assert con.execute(told).fetchall() == [("the answer's body, verbatim",)]
    con.close()


def test_a_workbook_goes_on_in_another_sheet_and_runs_nothing(settings: Settings, tmp_path: Path) -> None:
    done = export(settings, tmp_path / "a", "xlsx", now=utc_now)
    assert done.notes == []
    with open_lake(settings, read_only=True) as lake:
        notes = sheets.workbook(lake, [BY_NAME["posts"], BY_NAME["raw_pages"]], tmp_path / "b.xlsx", sheet_rows=11)
    assert any("sheets" in note for note in notes)
    assert any("cut at" in note for note in notes)
    with ZipFile(tmp_path / "b.xlsx") as book:
        names = re.findall(r'<sheet name="([^"]+)"', book.read("xl/workbook.xml").decode())
        inner = "".join(book.read(name).decode() for name in book.namelist() if "/worksheets/sheet" in name)
    posts = counts(settings)["posts"]
    assert names[: -(-posts // 10)] == ["posts", *(f"posts ({n})" for n in range(2, -(-posts // 10) + 1))]
    assert "<f>" not in inner


def test_a_text_that_excel_finds_too_long_is_said_to_be_cut(tmp_path: Path) -> None:
    with local(tmp_path) as lake:
        for number, caption in enumerate(("🍲" * 16_384, "🍲" * 16_383, "汤" * 32_767)):
            lake.apply(
                frames_of_posts(f"p{number}", number, [f"a{number}"], caption=caption), [f"p{number}"], run_id="r"
            )
        notes = sheets.workbook(lake, [BY_NAME["posts"]], tmp_path / "a.xlsx")
    assert notes == ["posts: 1 text cut at Excel's 32,767 characters"], "Excel counts an emoji as two"


class Links(HTMLParser):
    """Tags that were met, and the addresses they lead to."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]


@pytest.mark.parametrize("copied", [False, True])
def test_pages_open_without_a_program_and_every_link_leads_somewhere(
    settings: Settings, tmp_path: Path, copied: bool
) -> None:
    export(settings, tmp_path / "pages", "html", now=utc_now, media=copied)
    shown, posts = 0, ""
    for page in (tmp_path / "pages").rglob("*.html"):
        links = Links()
        links.feed(page.read_text("utf-8"))
        posts += page.read_text("utf-8")
        assert not links.tags & {"script", "b", "iframe"}
        for address in links.addresses:
            assert "://" not in address
            target = (page.parent / unquote(address)).resolve()
            assert target.is_file(), address
            if copied:
                assert target.is_relative_to((tmp_path / "pages").resolve())
            shown += target.suffix != ".html"
    assert shown == one(settings, "SELECT count(*) FROM files WHERE state = 'stored'")
    assert "&lt;script&gt;" in posts
    assert all(aweme_id in posts for (aweme_id,) in ask(settings, "SELECT aweme_id FROM posts"))


def test_pages_keep_the_lines_of_a_caption(tmp_path: Path) -> None:
    with local(tmp_path) as lake:
        lake.apply(frames_of_posts("p1", 1, ["71"], caption="two\nlines"), ["p1"], run_id="r")
        gallery.write(lake, tmp_path / "pages", lambda _path: None, lambda _posts: None)
    (page,) = (tmp_path / "pages" / "accounts").iterdir()
    assert "<p>two\nlines</p>" in page.read_text("utf-8")
    assert "p{white-space:pre-line}" in page.read_text("utf-8"), "a browser joins lines otherwise"


def test_pages_give_days_as_douyin_does(tmp_path: Path) -> None:
    late = datetime(2024, 5, 5, 23, 8, tzinfo=UTC)
    with local(tmp_path) as lake:
        lake.apply(frames_of_posts("p1", 1, ["71"], created_at=late), ["p1"], run_id="r")
        gallery.write(lake, tmp_path / "pages", lambda _path: None, lambda _posts: None)
    (page,) = (tmp_path / "pages" / "accounts").iterdir()
    assert "2024-05-06 ·" in page.read_text("utf-8")
    index = (tmp_path / "pages" / "index.html").read_text("utf-8")
    assert "2024-05-06" in index
    assert "UTC+8" in index


def test_a_bag_proves_that_it_is_whole(settings: Settings, tmp_path: Path) -> None:
    bag = tmp_path / "bag"
    done = export(settings, bag, "parquet", now=utc_now, media=True, bag=True)
    assert done.broken == []
    assert (bag / "bagit.txt").read_text() == "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n"
    for manifest in ("manifest-sha256.txt", "tagmanifest-sha256.txt"):
        for line in (bag / manifest).read_text("utf-8").splitlines():
            digest, _, path = line.partition("  ")
            name = path.replace("%0A", "\n").replace("%0D", "\r").replace("%25", "%")
            assert hashlib.sha256((bag / name).read_bytes()).hexdigest() == digest
    payload = [path for path in (bag / "data").rglob("*") if path.is_file()]
    assert len((bag / "manifest-sha256.txt").read_text("utf-8").splitlines()) == len(payload)
    oxum = f"Payload-Oxum: {sum(path.stat().st_size for path in payload)}.{len(payload)}"
    assert oxum in (bag / "bag-info.txt").read_text()


def test_a_folder_that_holds_something_is_refused(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(BadInput, match="holds something"):
        export(settings, tmp_path, "csv", now=utc_now)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]
    with pytest.raises(BadInput, match="no table nonsense"):
        export(settings, tmp_path / "b", "csv", now=utc_now, tables=("nonsense",))


def test_a_bucket_is_no_folder_and_none_is_made_of_its_name(settings: Settings, tmp_path: Path) -> None:
    (tmp_path / "here").mkdir()
    words = ["export", "--root", settings.root, "--format", "csv", "-o"]
    with chdir(tmp_path / "here"):
        told = CliRunner().invoke(cli, [*words, "s3://bucket/out"])
        assert (told.exit_code, "on this machine" in told.output) == (2, True), told.output
        assert not list(Path.cwd().iterdir())
        assert CliRunner().invoke(cli, [*words, "."]).exit_code == 0


def start(settings: Settings, out: Path, *words: str) -> subprocess.Popen[bytes]:
    """The command in a process of its own, as a user would start it."""
    own = {"PATH": os.environ["PATH"], "HOME": str(out.parent), "PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-m", "deployments.cli", "export", "--root", settings.root, "-o", str(out), *words]
    with (out.parent / "told.txt").open("wb") as told:
        return subprocess.Popen(command, cwd=out.parent, env=own, stdout=told, stderr=told)


def test_a_killed_export_looks_like_none_and_the_same_command_begins_anew(settings: Settings, tmp_path: Path) -> None:
    out, words = tmp_path / "out", ("--format", "parquet", "--media", "--bag")
    for _ in range(10):  # on a busy machine an export may be over before it is looked at
        shutil.rmtree(out, ignore_errors=True)
        process, until = start(settings, out, *words), time.monotonic() + 60
        # Killed as soon as the first media file is there: tables are written, the manifest is not.
        while process.poll() is None and not any(out.glob("**/media/*/*")):
            assert time.monotonic() < until
            time.sleep(0.001)
        process.send_signal(signal.SIGKILL)
        if process.wait() == -signal.SIGKILL:
            break
    assert process.returncode == -signal.SIGKILL
    assert [path.name for path in out.iterdir()] == ["unfinished-export"]
    assert start(settings, out, *words).wait() == 0, (tmp_path / "told.txt").read_text()
    assert {path.name for path in out.iterdir()} == {
        "data",
        "bagit.txt",
        "bag-info.txt",
        "manifest-sha256.txt",
        "tagmanifest-sha256.txt",
    }


DIES_IN_PLACE = """
import os, signal, sys
from pathlib import Path
from pipelines.care.staging import filled_at_once
rename = Path.rename
def killed(self, target):
    if self.name == "b":
        os.kill(os.getpid(), int(sys.argv[2]))
    return rename(self, target)
Path.rename = killed
with filled_at_once(Path(sys.argv[1])) as place:
    for name in ("a", "b", "c"):
        (place / name).mkdir()
        (place / name / "file").write_text(name)
"""


def put_in_place(out: Path, number: signal.Signals) -> None:
    """An export that is killed so while it is put in place."""
    own = {"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[1])}
    done = subprocess.run([sys.executable, "-c", DIES_IN_PLACE, str(out), str(int(number))], env=own, check=False)
    assert done.returncode != 0


def test_an_export_killed_while_it_is_put_in_place_gives_way_to_the_next(settings: Settings, tmp_path: Path) -> None:
    put_in_place(tmp_path / "out", signal.SIGKILL)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"a", "unfinished-export"}
    export(settings, tmp_path / "out", "csv", now=utc_now)
    assert {path.name for path in (tmp_path / "out").iterdir()} == {f"{table.name}.csv" for table in TABLES}


@pytest.mark.parametrize("mine", ["mine.txt", "b", "a/mine.txt"])
def test_what_a_person_put_beside_an_export_that_was_killed_is_spared(
    settings: Settings, tmp_path: Path, mine: str
) -> None:
    put_in_place(tmp_path / "out", signal.SIGKILL)
    (tmp_path / "out" / mine).write_text("x")
    with pytest.raises(BadInput, match="remove the folder"):
        export(settings, tmp_path / "out", "csv", now=utc_now)
    assert (tmp_path / "out" / mine).read_text() == "x"
    assert (tmp_path / "out" / "a" / "file").read_text() == "a"


def test_an_export_stopped_while_it_is_put_in_place_leaves_nothing(tmp_path: Path) -> None:
    put_in_place(tmp_path / "out", signal.SIGINT)
    assert not (tmp_path / "out").exists()


def test_an_export_that_fails_leaves_nothing(settings: Settings, tmp_path: Path) -> None:
    shutil.copytree(settings.root, tmp_path / "root")
    broken = settings_for(tmp_path / "root", "http://127.0.0.1:9")
    max((tmp_path / "root" / "tables" / "main" / "users").glob("*.parquet")).unlink()
    (tmp_path / "mine").mkdir()
    for folder, is_there in (("new", False), ("mine", True)):
        with pytest.raises(Exception, match="parquet"):
            export(broken, tmp_path / folder, "csv", now=utc_now)
        assert (tmp_path / folder).exists() == is_there
        assert not is_there or not list((tmp_path / folder).iterdir())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_folder_without_room_is_named_and_left_empty(tmp_path: Path) -> None:
    def fill() -> None:
        with filled_at_once(tmp_path / "out") as place:
            (place / "full").symlink_to("/dev/full")
            (place / "full").write_bytes(b"a")

    with pytest.raises(Blocked, match=r"out takes no more bytes .* make room there"):
        fill()
    assert not (tmp_path / "out").exists()


def test_two_exports_into_one_folder_are_not_mixed_up(settings: Settings, tmp_path: Path) -> None:
    out = tmp_path / "out"

    def meanwhile(done: int, _total: int) -> None:
        if done == 1:
            with pytest.raises(BadInput, match="Another export"):
                export(settings, out, "csv", now=utc_now)

    export(settings, out, "csv", now=utc_now, on_progress=meanwhile)
    assert {path.name for path in out.iterdir()} == {f"{table.name}.csv" for table in TABLES}
    (out / "unfinished-export").mkdir()
    with pytest.raises(BadInput, match="broke off"):
        export(settings, out, "csv", now=utc_now)


def test_an_export_that_begins_while_another_ends_leaves_that_as_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person who runs it again sees it in any moment; here, in that before the unfinished folder goes."""
    out, clear, told = tmp_path / "out", shutil.rmtree, list[str]()

    def fill(name: str) -> None:
        with filled_at_once(out) as place:
            (place / name).write_text("x")

    def meanwhile(path: Path, **options: bool) -> None:
        monkeypatch.undo()
        with pytest.raises(BadInput) as refused:
            fill("second")
        told.append(str(refused.value))
        clear(path, **options)

    monkeypatch.setattr(shutil, "rmtree", meanwhile)
    fill("first")
    assert [path.name for path in out.iterdir()] == ["first"]
    assert told


def test_the_command_tells_what_it_wrote(settings: Settings, tmp_path: Path) -> None:
    words = [
        "export",
        "--root",
        settings.root,
        "--format",
        "csv",
        "-o",
        str(tmp_path / "o"),
        "--tables",
        "posts",
        "--json",
    ]
    told: Any = CliRunner().invoke(cli, words, standalone_mode=False)
    assert told.return_value == 0, told.exception
    assert json.loads(told.output)["files"] == 1
    assert [path.name for path in (tmp_path / "o").iterdir()] == ["posts.csv"]


def test_an_export_finds_the_files_of_a_renaming_that_was_cut_off(settings: Settings, tmp_path: Path) -> None:
    halfway = copied(settings, tmp_path / "root")
    root = Path(halfway.root)
    sec_user_id, old = ask(halfway, "SELECT sec_user_id, folder FROM users WHERE folder IS NOT NULL ORDER BY ALL")[0]
    told = {"sec_user_id": sec_user_id, "old": old, "new": "a new name"}
    (root / f".renaming-{sec_user_id}.json").write_text(json.dumps(told))
    (root / "media" / old).rename(root / "media" / "a new name")
    kept = one(halfway, "SELECT count(*) FROM files WHERE state = 'stored'")
    done = export(halfway, tmp_path / "out", "html", now=utc_now, media=True)
    assert (done.media, done.broken) == (kept, [])
    for path, size in ask(halfway, "SELECT path, size_bytes FROM files WHERE state = 'stored'"):
        assert (tmp_path / "out" / path).stat().st_size == size, "where the tables say"
    export(halfway, tmp_path / "pages", "html", now=utc_now)
    links = Links()
    for page in (tmp_path / "pages" / "accounts").iterdir():
        links.feed(page.read_text("utf-8"))
    leading = [unquote(address) for address in links.addresses if "/media/" in address]
    assert leading
    assert all((tmp_path / "pages" / "accounts" / address).is_file() for address in leading)
    assert [path.name for path in root.glob(".renaming-*")], "the archive is only read"
