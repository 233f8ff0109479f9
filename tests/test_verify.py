"""Kept files against their hashes, storage against tables, and what a repair does."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from archives import archive, ask, one, settings_for
from click.testing import CliRunner

from deployments.cli import cli
from deployments.commands import verify as verify_command
from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from pipelines.care.exporting import FORMATS
from pipelines.care.repairing import repair
from pipelines.care.verifying import Problem, Verified, verify
from pipelines.errors import Blocked
from pipelines.getting import Getter
from pipelines.house import open_lake, utc_now
from pipelines.load.lake import Lake
from pipelines.renaming import mend, own_folder
from pipelines.settings import Settings


@pytest.fixture(scope="module")
def simulator() -> Iterator[Simulator]:
    with Simulator(World(seed=2, users=1, posts=12)) as running:
        yield running


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory, simulator: Simulator) -> Path:
    root = tmp_path_factory.mktemp("kept") / "root"
    archive(settings_for(root, simulator.url, media="video,image,cover,caption"), simulator.world.accounts[0].home)
    return root


@pytest.fixture
def settings(tmp_path: Path, kept: Path, simulator: Simulator) -> Settings:
    shutil.copytree(kept, tmp_path / "root")
    for path in (tmp_path / "root" / "media").rglob("*"):
        os.utime(path, (1_700_000_000, 1_700_000_000))
    made = settings_for(tmp_path / "root", simulator.url)
    from pipelines.house import open_lake

    with open_lake(made) as lake:  # as if it had been archived some days ago
        lake.commit(lambda con: con.execute("UPDATE files SET stored_at = stored_at - INTERVAL 3 DAY") and None)
        lake.commit(lambda con: con.execute("UPDATE files SET verified_at = verified_at - INTERVAL 3 DAY") and None)
    return made


def paths(settings: Settings, kind: str) -> list[Path]:
    sql = "SELECT path FROM files JOIN media USING (media_id) WHERE kind = ? AND files.state = 'stored' ORDER BY 1"
    return [Path(settings.root) / row[0] for row in ask(settings, sql, kind)]


def spoil(settings: Settings) -> tuple[Path, Path, Path]:
    changed, shorter, missing = paths(settings, "cover")[:3]
    body = bytearray(changed.read_bytes())
    body[-1] ^= 1
    changed.write_bytes(body)
    shorter.write_bytes(shorter.read_bytes()[:-5])
    missing.unlink()
    return changed, shorter, missing


def test_an_untouched_archive_is_right_and_every_file_is_marked(settings: Settings) -> None:
    before = datetime.now(UTC)
    found = verify(settings, now=utc_now)
    assert found.problems == []
    assert found.files == one(settings, "SELECT count(*) FROM files WHERE state = 'stored'")
    assert found.bytes == one(settings, "SELECT sum(size_bytes)::BIGINT FROM files WHERE state = 'stored'")
    assert found.table_files > 10
    assert one(settings, "SELECT count(*) FROM files WHERE state = 'stored' AND verified_at < ?", before) == 0
    again = verify(settings, now=utc_now, older_than=timedelta(days=1))
    assert again.files == 0, "what was read within a day is passed over"


def test_a_check_that_is_stopped_keeps_what_it_read_and_says_how_to_go_on(settings: Settings) -> None:
    marked = "SELECT count(*) FROM files WHERE state = 'stored' AND verified_at > now() - INTERVAL 1 DAY"
    stored = one(settings, "SELECT count(*) FROM files WHERE state = 'stored'")

    def stop(_done: int, _total: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        verify(settings, now=utc_now, on_progress=stop)
    read = one(settings, marked)
    assert 0 < read < stored
    rest = verify(settings, now=utc_now, older_than=timedelta(days=1))
    assert (rest.files, rest.problems) == (stored - read, [])
    assert one(settings, marked) == stored


def test_what_is_changed_cut_missing_or_stray_is_found(settings: Settings) -> None:
    changed, shorter, missing = spoil(settings)
    stray = Path(settings.root) / "media" / "nobody's.mp4"
    stray.write_bytes(b"x")
    os.utime(stray, (1_700_000_000, 1_700_000_000))
    found = verify(settings, now=utc_now)
    root = Path(settings.root)
    assert {(p.what, root / p.path) for p in found.problems} == {
        ("changed", changed),
        ("size", shorter),
        ("missing", missing),
        ("stray", stray),
    }
    old = datetime.now(UTC) - timedelta(days=1)
    assert one(settings, "SELECT count(*) FROM files WHERE state = 'stored' AND verified_at < ?", old) == 3


def test_a_file_of_this_moment_is_stray_unless_a_run_may_be_about_to_write_its_row(settings: Settings) -> None:
    (Path(settings.root) / "media" / "just now.mp4").write_bytes(b"x")
    stray = ("stray", "media/just now.mp4")
    assert [(one.what, one.path) for one in verify(settings, now=utc_now).problems] == [stray]
    with open_lake(settings) as lake:
        lake.start_run(run_id="under way", mode="post", target="t", started_at=utc_now())
    assert verify(settings, now=utc_now).problems == []


def test_a_renaming_that_was_cut_off_is_carried_to_its_end_and_nothing_is_missing(settings: Settings) -> None:
    ((sec_user_id, old),) = ask(settings, "SELECT sec_user_id, folder FROM users WHERE folder IS NOT NULL")
    root, told = Path(settings.root), {"sec_user_id": sec_user_id, "old": old, "new": "a new name"}
    (root / ".renaming-cut.json").write_text(json.dumps(told))
    (root / "media" / old).rename(root / "media" / "a new name")
    assert verify(settings, now=utc_now).problems == []
    assert one(settings, "SELECT bool_and(starts_with(path, 'media/a new name/')) FROM files WHERE state = 'stored'")
    assert not list(root.glob(".renaming-*"))


def test_an_account_renamed_again_before_a_renaming_was_carried_to_its_end_keeps_its_files(settings: Settings) -> None:
    ((sec_user_id, old),) = ask(settings, "SELECT sec_user_id, folder FROM users WHERE folder IS NOT NULL")
    root, told = Path(settings.root), {"sec_user_id": sec_user_id, "old": old, "new": "a new name"}
    (root / f".renaming-{sec_user_id}.json").write_text(json.dumps(told))
    (root / "media" / old).rename(root / "media" / "a new name")
    with open_lake(settings) as lake:
        folder = own_folder(settings, lake, sec_user_id, "a newer name")
    assert [path.name for path in (root / "media").iterdir()] == [folder.name]
    assert verify(settings, now=utc_now).problems == []


class Overtaken(Lake):
    """A lake of a run beside which another one opens the archive while it mends a renaming."""

    def record_folders(self, folders: Mapping[str, str], *, moved: bool = False) -> None:
        super().record_folders(folders, moved=moved)
        if self.other is not None:
            other, self.other = self.other, None
            other()


def test_two_runs_at_once_carry_renamings_that_were_cut_off_to_their_end(settings: Settings) -> None:
    root = Path(settings.root)
    for name in ("one", "two"):
        told = {"sec_user_id": name, "old": name, "new": f"new {name}"}
        (root / f".renaming-{name}.json").write_text(json.dumps(told))
        (root / "media" / name).mkdir()
    with Overtaken.open(catalog=settings.catalog, data_path=settings.data_path) as lake:
        lake.other = lambda: verify(settings, now=utc_now)
        assert mend(settings, lake) == 2
    assert not list(root.glob(".renaming-*"))
    assert {path.name for path in (root / "media").iterdir()} >= {"new one", "new two"}


def test_a_sample_reads_some_files_but_misses_no_missing_one(settings: Settings) -> None:
    _, shorter, missing = spoil(settings)
    found = verify(settings, now=utc_now, share=0.2)
    assert 0 < found.files < one(settings, "SELECT count(*) FROM files") * 0.6
    wrong = {(p.what, Path(settings.root) / p.path) for p in found.problems}
    assert {("size", shorter), ("missing", missing)} <= wrong


def test_a_repair_that_was_cut_off_is_finished_by_the_next(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    spoiled = spoil(settings)

    async def killed(*_args: object, **_more: object) -> None:
        raise KeyboardInterrupt

    found = verify(settings, now=utc_now)
    with monkeypatch.context() as cut:
        cut.setattr(Getter, "get", killed)
        with pytest.raises(KeyboardInterrupt):
            repair(settings, found, now=utc_now)
    found = verify(settings, now=utc_now)
    assert [problem.what for problem in found.wrong] == ["missing"] * 3
    assert sum("lies at aside/" in str(problem.detail) for problem in found.wrong) == 2
    repair(settings, found, now=utc_now)
    assert found.wrong == []
    assert all(path.exists() for path in spoiled)
    assert verify(settings, now=utc_now).problems == []


def test_a_repair_fetches_again_and_keeps_the_broken_file_aside(settings: Settings) -> None:
    changed, shorter, _ = spoil(settings)
    broken = {changed.read_bytes(), shorter.read_bytes()}
    found = verify(settings, now=utc_now)
    repair(settings, found, now=utc_now)
    assert found.wrong == []
    assert len(found.problems) == 3
    aside = {(Path(settings.root) / p.aside).read_bytes() for p in found.problems if p.aside}
    assert aside == broken
    for path, sha256 in ask(settings, "SELECT path, sha256 FROM files WHERE state = 'stored'"):
        assert hashlib.sha256((Path(settings.root) / path).read_bytes()).hexdigest() == sha256
    assert verify(settings, now=utc_now).problems == []
    assert one(settings, "SELECT outcome FROM runs WHERE mode = 'repair'") == "complete"


def test_a_broken_file_that_was_removed_before_its_repair_is_fetched_again_all_the_same(settings: Settings) -> None:
    spoiled = spoil(settings)
    found = verify(settings, now=utc_now)
    spoiled[0].unlink()
    repair(settings, found, now=utc_now)
    assert found.wrong == []
    assert sum(problem.aside is not None for problem in found.problems) == 1
    assert verify(settings, now=utc_now).problems == []


def test_a_repair_that_mended_nothing_is_not_complete(settings: Settings) -> None:
    found = Verified(problems=[Problem("missing", "media/a/b_stream_1.ts", "123:stream:1")])
    repair(settings, found, now=utc_now)
    assert "cannot be fetched again" in str(found.wrong[0].detail)
    assert one(settings, "SELECT outcome FROM runs WHERE mode = 'repair'") == "partial"


def test_a_file_that_cannot_be_had_again_is_said_and_exits_3(settings: Settings, tmp_path: Path) -> None:
    video = (paths(settings, "video") + paths(settings, "image"))[0]
    video.write_bytes(b"broken")
    environ = {"AWEME_UPSTREAM": "http://127.0.0.1:9", "AWEME_MAX_TRIES": "1", "AWEME_MIN_INTERVAL": "0"}
    shown = run_cli("verify", "--root", settings.root, "--repair", "--json", env=environ)
    told = json.loads(shown.output)
    assert shown.return_value == 3
    (problem,) = told["problems"]
    assert problem["is_mended"] is False
    assert (Path(settings.root) / problem["aside"]).read_bytes() == b"broken"
    assert one(settings, "SELECT count(*) FROM files WHERE state = 'failed'") == 1
    assert verify(settings, now=utc_now).not_kept == 1, "nor is it forgotten later"


def test_the_mount_point_of_media_that_are_away_is_not_filled(
    settings: Settings, simulator: Simulator, tmp_path: Path
) -> None:
    media, away, home = Path(settings.root, "media"), tmp_path / "away", simulator.world.accounts[0].home
    media.rename(away)
    media.mkdir()
    rows = ask(settings, "SELECT media_id, state, path FROM files ORDER BY ALL")
    found = verify(settings, now=utc_now)
    with pytest.raises(Blocked, match="mount its disk"):
        repair(settings, found, now=utc_now)
    shown = CliRunner().invoke(cli, ["verify", "--root", settings.root, "--repair"], standalone_mode=False)
    assert shown.return_value == 4
    assert all(problem.path[-20:] in shown.stdout for problem in found.problems[:3]), "it is told all the same"
    assert "mount its disk" in shown.stderr
    shown = CliRunner().invoke(cli, ["verify", "--root", settings.root, "--repair", "--json"], standalone_mode=False)
    facts = json.loads(shown.stdout)
    assert (len(facts["problems"]), facts["kind"]) == (len(found.problems), "Blocked")
    told = archive(replace(settings, media=("music",)), home, full=True)
    assert (told.outcome, "mount its disk" in told.reason) == ("blocked", True), told.reason
    assert not list(media.iterdir())
    assert ask(settings, "SELECT media_id, state, path FROM files ORDER BY ALL") == rows
    media.rmdir()
    away.rename(media)
    assert archive(replace(settings, media=("music",)), home, full=True).files > 0
    assert verify(settings, now=utc_now).problems == []


def test_media_that_were_removed_with_their_folder_are_fetched_again(settings: Settings) -> None:
    shutil.rmtree(Path(settings.root, "media"))
    found = verify(settings, now=utc_now)
    assert found.problems
    repair(settings, found, now=utc_now)
    assert verify(settings, now=utc_now).problems == []


def test_a_spoilt_parquet_file_is_found(settings: Settings) -> None:
    tables = Path(settings.root) / "tables" / "main"
    raw = max((tables / "raw_pages").glob("*.parquet"), key=lambda path: path.stat().st_size)
    body = bytearray(raw.read_bytes())
    body[len(body) // 2] ^= 0xFF
    raw.write_bytes(body)
    gone = min((tables / "media").glob("*.parquet"))
    gone.unlink()
    found = verify(settings, now=utc_now)
    assert {Path(p.path) for p in found.problems} == {raw, gone}
    assert {p.what for p in found.problems} == {"table"}


@pytest.mark.parametrize("body", [None, b"PAR1 and no more"])
def test_a_lost_file_of_the_files_table_is_named_as_any_other(settings: Settings, body: bytes | None) -> None:
    lost = [ask(settings, f"SELECT data_file FROM ducklake_list_files('archive', '{table}') LIMIT 1")[0][0]
            for table in ("files", "posts")]  # fmt: skip
    for path in lost:
        Path(path).unlink() if body is None else Path(path).write_bytes(body)
    shown = run_cli("verify", "--root", settings.root, "--repair", "--json")
    told = json.loads(shown.output)
    assert shown.return_value == 3
    assert {(p["what"], p["path"]) for p in told["problems"]} == {("table", path) for path in lost}
    if body is None:
        assert {p["detail"] for p in told["problems"]} == {"files: the file is missing", "posts: the file is missing"}
    shown = run_cli("verify", "--root", settings.root)
    assert "no kept file was read" in shown.output
    assert "restore the files of files from a backup" in shown.output
    assert "makes the others again from raw_pages" in shown.output


@pytest.mark.parametrize(
    ("tables", "told"),
    [
        (("posts",), "Tables: aweme rebuild makes them again from raw_pages."),
        (("raw_pages",), "Tables: restore the files of raw_pages from a backup, which aweme rebuild cannot make."),
        (
            ("files", "raw_pages", "posts"),
            "files of raw_pages, files from a backup, which aweme rebuild cannot make; then",
        ),
    ],
)
def test_what_is_said_of_broken_tables_is_what_makes_them_whole(
    settings: Settings, tables: tuple[str, ...], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for table in tables:
        sql = f"SELECT data_file FROM ducklake_list_files('archive', '{table}') LIMIT 1"
        Path(ask(settings, sql)[0][0]).write_bytes(b"PAR1 and no more")
    found = verify(settings, now=utc_now)
    verify_command.show(found, was_repair=False)
    assert told in capsys.readouterr().out


@pytest.mark.parametrize("table", ["posts", "media", "raw_pages"])
def test_spoilt_pages_of_any_column_are_found(settings: Settings, table: str) -> None:
    (lost,) = ask(settings, f"SELECT data_file FROM ducklake_list_files('archive', '{table}') LIMIT 1")[0]
    body = Path(lost).read_bytes()
    part = len(body) // 8
    for place in (part, 2 * part, 4 * part):  # the list of the columns lies at the end
        Path(lost).write_bytes(body[:place] + b"\xff" * part + body[place + part :])
        found = verify(settings, now=utc_now)
        assert [(problem.what, problem.path) for problem in found.problems] == [("table", lost)], place


@pytest.mark.parametrize("body", [None, b"", b"PAR1 and no more"])
def test_a_parquet_file_that_is_missing_or_damaged_is_told_by_every_command(
    settings: Settings, tmp_path: Path, body: bytes | None
) -> None:
    (lost,) = ask(settings, "SELECT data_file FROM ducklake_list_files('archive', 'posts') LIMIT 1")[0]
    Path(lost).unlink() if body is None else Path(lost).write_bytes(body)
    export = ["export", "-o", str(tmp_path / "out"), "--format"]
    for words in (["sql", "FROM posts_latest"], ["status"], ["maintain"], *([*export, shape] for shape in FORMATS)):
        told = run_cli(*words, "--root", settings.root)
        assert isinstance(told.exception, Blocked), (words, told.exception)
        assert "aweme verify names all" in str(told.exception)
        assert lost in str(told.exception)
    assert not (tmp_path / "out").exists()


def test_a_damaged_file_of_the_table_of_files_ends_a_run_with_what_to_do(
    settings: Settings, simulator: Simulator
) -> None:
    break_table(settings, "files")
    told = archive(settings, simulator.world.accounts[0].home, full=True)
    assert (told.outcome, "aweme verify names all" in told.reason) == ("blocked", True), told.reason


def test_a_retry_that_a_damaged_file_stops_says_so_and_not_that_nothing_failed(settings: Settings) -> None:
    break_table(settings, "raw_pages")
    told = run_cli("retry", "--root", settings.root)
    assert told.return_value == 4
    assert "aweme verify names all" in " ".join(told.output.split())
    assert "Nothing that failed" not in told.output


def break_table(settings: Settings, table: str) -> None:
    """Damage every Parquet file of a table, after rows that may wait in the catalog were written to files."""
    with open_lake(settings) as lake:
        lake.tidy()
    found = ask(settings, f"SELECT data_file FROM ducklake_list_files('archive', '{table}')")
    assert found
    for (path,) in found:
        Path(path).write_bytes(b"no Parquet, but as long as a file with a head and an end may be")


def run_cli(*words: str, env: dict[str, str] | None = None) -> Any:
    return CliRunner(env=env).invoke(cli, list(words), standalone_mode=False)


def test_an_archive_in_a_folder_that_may_only_be_read_is_asked_and_verified(settings: Settings) -> None:
    root = Path(settings.root)
    root.chmod(0o555)
    try:
        if os.access(root, os.W_OK):
            pytest.skip("this user may write everywhere")
        assert one(settings, "SELECT count(*) > 0 FROM posts")
        found = verify(settings, now=utc_now)
        assert found.files > 0
        assert found.problems == []
        assert "reading only" in found.unmarked
    finally:
        root.chmod(0o755)


def test_the_command_exits_0_or_3_and_says_what_to_do(settings: Settings) -> None:
    assert run_cli("verify", "--root", settings.root).return_value == 0
    spoil(settings)
    shown = run_cli("verify", "--root", settings.root)
    assert shown.return_value == 3
    assert "--repair" in shown.output
    assert "more than 0%" in str(run_cli("verify", "--sample", "0%").exception)


def test_a_repair_is_told_as_it_is_typed_for_the_same_archive(settings: Settings) -> None:
    spoil(settings)
    root = Path(settings.root).rename(Path(settings.root).with_name("it's here"))
    done = CliRunner().invoke(cli, ["verify", "--root", str(root)], standalone_mode=False)
    (hint,) = (line for line in done.stdout.splitlines() if line.startswith("To fetch them again: "))
    words = shlex.split(hint.removeprefix("To fetch them again: "))
    assert words == ["aweme", "verify", "--repair", "--root", str(root)]
