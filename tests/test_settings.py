"""Settings come from file, environment and options, in rising order."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from pipelines.errors import BadInput
from pipelines.jobs import settings_for
from pipelines.settings import load_settings
from schemas.jobs import ArchiveJob


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def settings(environ: dict[str, str] | None = None, **options: object):
    return load_settings(options, environ={"AWEME_COOKIE": "a=b", **(environ or {})})


def test_an_option_beats_the_environment_and_that_beats_the_file(place: Path) -> None:
    (place / "aweme.toml").write_text('root = "from-file"\ntimeout = 3\nmin_interval = 9')
    found = settings({"AWEME_ROOT": "from-env", "AWEME_TIMEOUT": "4"}, root="from-option")
    assert found.root == str(place / "from-option")
    assert found.timeout == 4.0
    assert found.min_interval == 9.0
    assert found.origins["root"] == "option"
    assert found.origins["timeout"] == "AWEME_TIMEOUT"
    assert found.origins["min_interval"] == str(place / "aweme.toml")
    assert found.origins["signer"] == "default"


def test_secrets_never_show(place: Path) -> None:
    found = settings({"AWEME_COOKIE": "sessionid=topsecret", "AWEME_S3_SECRET": "hush"})
    assert found.cookie == "sessionid=topsecret"
    assert "topsecret" not in repr(found)
    assert "hush" not in repr(found)


@pytest.mark.parametrize(
    "line",
    [
        "catalog = ['postgresql://me:hush@db/x']",
        "proxy = ['http://me:hush@h:1']",
        "s3_endpoint = 'http://me:hush@h:1'",
        "s3_endpoint = 'http://me:hu/sh@h:1'",
        "s3_endpoint = 'http://hush@h:1'",
        "s3_endpoint = 'me:hush@h:1'",
    ],
)
def test_an_address_that_cannot_be_is_refused_without_its_password(place: Path, line: str) -> None:
    (place / "aweme.toml").write_text(line)
    with pytest.raises(BadInput) as caught:
        settings()
    assert "hu" not in str(caught.value)
    assert line.partition(" ")[0] in str(caught.value)


def test_a_job_with_a_bucket_of_its_own_has_its_catalog_where_the_command_has_it(place: Path) -> None:
    (place / "conf").mkdir()
    (place / "conf/aweme.toml").write_text("timeout = 3\n")
    environ, root = {"AWEME_CONFIG": str(place / "conf/aweme.toml")}, "s3://bucket/prefix"
    by_command = load_settings({"root": root}, environ=environ)
    by_flow = settings_for(load_settings({}, environ=environ), ArchiveJob(target="x", root=root))
    assert by_flow.catalog == by_command.catalog == f"sqlite:{place}/conf/aweme-bucket-prefix.sqlite"


def test_a_stand_in_may_be_written_in_capitals(place: Path) -> None:
    assert settings(upstream="HTTP://LOCALHOST:1234").upstream == "HTTP://LOCALHOST:1234"


def test_a_cookie_file_may_be_one_that_a_browser_exported(place: Path) -> None:
    line = "#HttpOnly_.douyin.com\tTRUE\t/\tTRUE\t1893456000\tsessionid\tx\r\n"
    (place / "cookies.txt").write_bytes(f"# Netscape HTTP Cookie File\r\n\r\n{line}".encode())
    assert load_settings({"cookie_file": "cookies.txt"}, environ={}).cookie == "sessionid=x"


def test_a_cookie_file_is_read_and_a_missing_one_is_said(place: Path) -> None:
    (place / "cookie").write_text(" sessionid=x \n")
    found = load_settings({}, environ={"AWEME_COOKIE_FILE": str(place / "cookie")})
    assert found.cookie == "sessionid=x"
    with pytest.raises(BadInput, match="aweme login"):
        load_settings({}, environ={"AWEME_COOKIE_FILE": str(place / "nowhere")})


def test_files_that_an_editor_of_windows_wrote_are_read_as_any_other(place: Path) -> None:
    (place / "cookie").write_text("sessionid=x\r\n", "utf-8-sig")
    (place / "aweme.toml").write_text('timeout = 3\r\ncookie_file = "cookie"\r\n', "utf-8-sig")
    found = load_settings({}, environ={})
    assert (found.timeout, found.cookie) == (3.0, "sessionid=x")


def test_the_catalog_lies_in_a_local_root_and_beside_the_settings_for_a_bucket(place: Path) -> None:
    assert settings(root="here").catalog == f"sqlite:{place / 'here' / 'catalog.sqlite'}"
    assert settings(root="s3://bucket/my/archive/").catalog == f"sqlite:{place / 'aweme-bucket-my-archive.sqlite'}"
    assert settings(root="s3://bucket/x").data_path == "s3://bucket/x/tables/"


def test_no_two_prefixes_of_buckets_have_the_same_catalog(place: Path) -> None:
    roots = [
        "s3://b/档案",
        "s3://b/影像",
        "s3://b/a_b",
        "s3://b/a.b",
        "s3://b/a b",
        "s3://b/a-b",
        f"s3://b/{'é' * 400}",
    ]
    roots += [f"s3://b/{letter * 300}" for letter in "xy"]
    found = {root: settings(root=root).catalog.removeprefix("sqlite:") for root in roots}
    assert len(set(found.values())) == len(roots)
    for catalog in found.values():
        Path(catalog).touch()
    assert {root: settings(root=root).catalog.removeprefix("sqlite:") for root in roots} == found


def test_a_catalog_that_was_named_before_keeps_its_name_and_its_root(place: Path) -> None:
    long = "x" * 230
    named = {
        "aweme-b.sqlite": "s3://b/档案",
        "aweme-b-a-b.sqlite": "s3://b/a-b",
        f"aweme-b-{long}.sqlite": f"s3://b/{long}",
    }
    for name, root in named.items():
        with closing(sqlite3.connect(place / name)) as con, con:
            con.execute("CREATE TABLE ducklake_metadata (key, value)")
            con.execute("INSERT INTO ducklake_metadata VALUES ('data_path', ?)", [f"{root}/tables/"])
        assert settings(root=root).catalog == f"sqlite:{place / name}"
    for other in ("s3://b/影像", "s3://b/a/b"):
        assert settings(root=other).catalog not in {
            settings(root=root).catalog for root in ("s3://b/档案", "s3://b/a-b")
        }


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"root": "ftp://x/y"}, "s3://bucket/prefix"),
        ({"root": "s3:/bucket/prefix"}, "s3://bucket/prefix"),
        ({"root": "~nobody-of-that-name/x"}, "no such home"),
        ({"cookie_file": "~nobody-of-that-name/x", "cookie": ""}, "no such home"),
        ({"root": "s3://b/what?"}, "no '[?]'"),
        ({"root": "s3://b/a[1]"}, "no '[?]'"),
        ({"root": "s3://b/a\\b"}, "no '[?]'"),
        ({"root": "s3://b/a//b"}, "may be empty"),
        ({"root": "s3://b/../c"}, "may be empty"),
        ({"timeout": "soon"}, "seconds to wait"),
        ({"media": "film"}, "choose from"),
        ({"upstream": "localhost"}, "http address"),
        ({"max_tries": 0}, "at least 1"),
        ({"folderize": "perhaps"}, "a folder for each post"),
        ({"catalog": "mysql:x"}, "sqlite: or postgresql"),
        ({"catalog": "postgresql://me:hu/sh@db/x"}, "%2F"),
        ({"catalog": "postgres://me:hu@sh@db/x"}, "%40"),
        ({"catalog": "postgresql://me:100%hush@db/x"}, "%25"),
        ({"timeout": 0}, "more than 0"),
        ({"user_agent": "Mozilla/5.0 猫"}, "plain ASCII"),
        ({"user_agent": "one\nX-Other: two"}, "one line"),
        ({"user_agent": " "}, "one line"),
    ],
)
def test_a_setting_that_cannot_be_is_said_with_what_could(place: Path, options: dict[str, object], told: str) -> None:
    with pytest.raises(BadInput, match=told):
        settings(**options)


def test_an_unknown_name_in_the_file_is_said(place: Path) -> None:
    (place / "aweme.toml").write_text('rooot = "x"')
    # `aweme config` reads that file, too: it cannot be asked for the names.
    with pytest.raises(BadInput, match="names rooot, which is no setting: there are root, catalog, cookie, "):
        settings()


@pytest.mark.parametrize("spelled", ["aweme_root", "AWEME_ROOT", "ROOT"])
def test_a_name_of_the_environment_in_the_file_is_said_with_the_one_to_write(place: Path, spelled: str) -> None:
    (place / "aweme.toml").write_text(f'{spelled} = "./archive"\n')
    with pytest.raises(BadInput, match=f"names {spelled}, which is no setting: write root"):
        settings()


def test_a_broken_file_is_said(place: Path) -> None:
    (place / "aweme.toml").write_text("root = ")
    with pytest.raises(BadInput, match="cannot be read"):
        settings()


@pytest.mark.parametrize(
    "line", ["[root]\na = 1", 'root = ["a"]', "max_tries = 2.7", "max_tries = inf", "root = true", "timeout = true"]
)
def test_a_value_of_another_shape_in_the_file_is_said(place: Path, line: str) -> None:
    (place / "aweme.toml").write_text(line)
    with pytest.raises(BadInput, match=r"cannot be .*aweme\.toml"):
        settings()


def test_kinds_of_media_may_be_all_none_or_named(place: Path) -> None:
    assert settings(media="none").media == ()
    assert "stream" in settings(media="all").media
    assert settings(media="image,music").media == ("image", "music", "live_photo")
