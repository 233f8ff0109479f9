"""What a person sees on a terminal, whatever strangers wrote into names, captions and answers."""

from __future__ import annotations

import io
import json
import re
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner
from lakes import frames_of_posts, local, page

from deployments import screen
from deployments.cli import cli, main
from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from schemas.jobs import Plan, Summary

TITLE, CLEAR, C1, TURNED = "\x1b]0;mine\x07", "\x1b[2J", "\x9b31m", "\u202egnp"
HOSTILE = f"{TITLE}{CLEAR}{C1}{TURNED}\r\x7f"


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def lines_shown(said: str) -> list[str]:
    """The lines that stand on a terminal in the end: bars go up and clear lines to draw themselves again."""
    lines, at = [""], 0
    for part in re.findall(r"\x1b\[[0-9;?]*[A-Za-z]|\n|[^\x1b\n]+", said):
        if part in {"\n", "\x1b[1A"}:
            at += 1 if part == "\n" else -1
            lines.extend([""] * (at == len(lines)))
        elif part == "\x1b[2K":
            lines[at] = ""
        elif not part.startswith("\x1b"):
            lines[at] += part.replace("\r", "")
    return [line.rstrip() for line in lines]


def acts(text: str) -> list[str]:
    """The letters in it that a terminal obeys, or that turn a line around."""
    return [letter for letter in text if letter in "\x07\x1b\r\x7f\x9b\u202e"]


class Device(io.TextIOWrapper):
    """A terminal to which bytes may be written as well, past whoever put himself in the place of `sys.stdout`."""

    def isatty(self) -> bool:
        return True


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An archive in which an account and its post have names that act."""
    with local(tmp_path) as lake:
        lake.keep_page(page("p"), run_id="r")
        frames = frames_of_posts("p", 1, ["1"], caption=f"{HOSTILE}\\[/b] [/] [red]r :smile: 👨\u200d👩\u200d👧")
        lake.apply(frames, ["p"], run_id="r")
    return tmp_path


def test_a_caption_with_escapes_leaves_the_terminal_as_it_was(root: Path) -> None:
    done = CliRunner().invoke(cli, ["sql", "SELECT caption FROM posts", "--root", str(root)])
    assert done.exit_code == 0, done.exception
    assert acts(done.stdout) == []
    assert r"\x1b]0;mine\x07\x1b[2J\x9b31m\u202egnp\r\x7f" in done.stdout


def test_csv_acts_on_no_terminal_and_is_whole_in_a_file(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = ["sql", "--format", "csv", "SELECT caption FROM posts", "--root", str(root)]
    done = CliRunner().invoke(cli, asked)
    assert HOSTILE in done.stdout_bytes.decode()
    monkeypatch.setattr(sys, "stdout", terminal := Terminal())
    with pytest.raises(SystemExit) as ended:
        main(asked)
    assert ended.value.code in (None, 0)
    assert acts(terminal.getvalue()) == []
    assert terminal.getvalue().startswith("caption\n")


def test_brackets_backslashes_and_names_of_emoji_are_shown_as_they_were_written(root: Path) -> None:
    done = CliRunner().invoke(cli, ["sql", "SELECT caption FROM posts", "--root", str(root)])
    assert "\\[/b] [/] [red]r :smile: 👨\u200d👩\u200d👧" in done.stdout


def test_a_name_of_a_column_may_hold_brackets_too(capsys: pytest.CaptureFixture[str]) -> None:
    screen.table([f"[/]{CLEAR}"], [["x"]])
    assert "[/]\\x1b[2J" in capsys.readouterr().out


def test_json_gives_every_letter_back_and_holds_none_that_acts(root: Path) -> None:
    done = CliRunner().invoke(cli, ["sql", "SELECT caption FROM posts", "--json", "--root", str(root)])
    assert acts(done.stdout) == []
    assert json.loads(done.stdout)[0]["caption"].startswith(HOSTILE)


def test_a_name_in_a_summary_and_a_plan_is_one_line_without_escapes(capsys: pytest.CaptureFixture[str]) -> None:
    name = f"{HOSTILE}\nAnn: complete"
    screen.tell(Summary("r", "post", "t", name=name, reason=HOSTILE, warnings=[HOSTILE]))
    screen.tell_plan(Plan("post", "t", name=name, notes=[HOSTILE]))
    said = capsys.readouterr().out
    assert acts(said) == []
    assert not any(line.startswith("Ann") for line in said.splitlines())


def test_one_of_a_thing_is_not_told_as_many(capsys: pytest.CaptureFixture[str]) -> None:
    screen.tell(Summary("r", "one", "t", posts_seen=1, new_posts=1, files=1, requests=1, rejects=1))
    screen.tell(Summary("r", "collected-mixes", "t", posts_seen=1))
    screen.tell(Summary("r", "post", "t", posts_seen=2, files=0, requests=2))
    said = capsys.readouterr().out
    for told in ("1 post seen, 1 new", "1 file (0 bytes) stored; 1 item rejected", "1 request, ", "1 mix seen"):
        assert told in said
    assert "2 posts seen" in said
    assert "0 files (0 bytes) stored" in said
    assert "2 requests, " in said


def test_status_counts_the_authors_whose_posts_are_kept(root: Path) -> None:
    done = CliRunner().invoke(cli, ["status", "--root", str(root)])
    assert "1 post (0 gone) of 1 account, 0 files (0 bytes), 1 raw page, 0 rejects" in done.stdout


def test_an_error_leaves_the_terminal_as_it_was(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(root / "out")
    with pytest.raises(SystemExit):
        main(["export", "--format", "csv", "-o", out, "--tables", HOSTILE, "--root", str(root), "--json"])
    said = capsys.readouterr()
    assert acts(said.out + said.err) == []
    assert TITLE in json.loads(said.out)["error"]


def test_bars_show_what_douyin_says_and_go_on_whatever_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", terminal := Terminal())
    with screen.progress() as listen:
        listen("waiting", seconds=1.0, text=f"Douyin says '[/] {C1}{TURNED}'")
        listen("notice", text=f"[/] {C1}{TURNED} :smile:")
    said = terminal.getvalue()
    assert "says '[/] \\x9b31m\\u202egnp'" in said
    assert "[/] \\x9b31m\\u202egnp :smile:" in said


def test_bars_leave_every_line_of_the_summaries_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Device(written := io.BytesIO(), encoding="utf-8", write_through=True)
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setattr(sys, "stdout", terminal)
    with Simulator(World(seed=1, users=2, posts=5)) as simulator:
        monkeypatch.setenv("AWEME_UPSTREAM", simulator.url)
        monkeypatch.setenv("AWEME_MIN_INTERVAL", "0")
        accounts = simulator.world.accounts
        with pytest.raises(SystemExit):
            main(["archive", *(account.home for account in accounts), "--media", "cover", "--root", str(tmp_path)])
    lines = lines_shown(written.getvalue().decode())
    for account in accounts:
        first = lines.index(f"{account.nickname} (post): complete")
        assert "seen" in lines[first + 1]
        assert "; run " in lines[first + 2]
