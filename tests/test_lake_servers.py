"""The lake on a real S3 server and on a real PostgreSQL server."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys

import duckdb
import pytest
from archives import settings_for
from lakes import frames_of_posts, page
from test_lake_processes import WORKER, assert_whole

from pipelines.errors import BadInput, Blocked, Unreachable
from pipelines.house import open_lake
from pipelines.load import apply as applying
from pipelines.load import asking, attach, conninfo
from pipelines.load.lake import Lake
from schemas.pages import Checkpoint

pytestmark = pytest.mark.server


def use(lake: Lake) -> None:
    lake.start_run(run_id="r1")
    lake.keep_page(page("p1", 1), run_id="r1", checkpoint=Checkpoint("post", "author", cursor="5"))
    assert lake.pending() == ["p1"]
    lake.apply(frames_of_posts("p1", 1, ["71", "72"]), ["p1"], run_id="r1")
    lake.apply(frames_of_posts("p2", 2, ["72"], caption="edited"), ["p2"], run_id="r1")
    lake.end_run("r1", outcome="complete")


def check(lake: Lake) -> None:
    assert lake.query("SELECT caption FROM posts ORDER BY aweme_id").rows() == [("hello",), ("edited",)]
    assert lake.query("SELECT count(*) FROM changes").item() == 1
    assert lake.checkpoint("post", "author").cursor == "5"
    assert [one.page_id for batch in lake.raw_pages() for one in batch] == ["p1"]
    assert len(lake.wanted(kinds=["video"], listing="post", owner_id="author")) == 2
    assert lake.pending(everywhere=True) == []


def test_tables_lie_in_a_bucket_with_the_catalog_beside_the_settings(tmp_path, s3_server):
    place = {"catalog": f"sqlite:{tmp_path}/catalog.sqlite", "data_path": f"s3://{s3_server.new_bucket()}/a/tables/"}
    with Lake.open(**place, s3=s3_server.options) as lake:
        use(lake)
    with Lake.open(**place, s3=s3_server.options, read_only=True) as lake:
        check(lake)
        assert not any(s3_server.options["secret"] in statement for statement in lake.attach_sql())
    assert all(one.name.startswith("catalog.sqlite") for one in tmp_path.iterdir())
    with pytest.raises(BadInput, match="another root"):
        Lake.open(**{**place, "data_path": "s3://elsewhere/tables/"}, s3=s3_server.options)


def test_the_catalog_lies_on_postgresql(tmp_path, postgres_server):
    place = {"catalog": postgres_server.new_catalog(), "data_path": f"{tmp_path}/tables/"}
    with Lake.open(**place) as lake:
        use(lake)
    with Lake.open(**place, read_only=True) as lake:
        check(lake)


SPELT = {
    "an address": "postgresql://postgres:hush@/{name}?host={host}",
    "the short word": "postgres://postgres:hush@/{name}?host={host}",
    "a password in front": "postgresql:///{name}?password=hush%26&host={host}&user=postgres",
    "a password behind": "postgresql://postgres@/{name}?host={host}&password=hush",
    "words": "postgres:host={host} password='hu sh/' user=postgres dbname={name}",
}


@pytest.mark.parametrize("spelt", SPELT.values(), ids=SPELT)
def test_however_a_catalog_is_spelt_it_opens_and_so_do_its_statements(tmp_path, postgres_server, spelt):
    name, _, host = postgres_server.new_catalog().rpartition("/lake_")[2].partition("?host=")
    if not host:
        pytest.skip("this PostgreSQL has no socket of its own")
    settings = settings_for(tmp_path / "root", "", catalog=spelt.format(name=f"lake_{name}", host=host))
    with open_lake(settings) as lake:
        use(lake)
    with open_lake(settings, read_only=True) as lake:
        check(lake)
        statements = lake.attach_sql()
    assert not re.search("hu ?sh", "".join(statements))
    with duckdb.connect() as con:
        for statement in statements:
            con.execute(statement)
        assert con.execute("SELECT count(*) FROM posts_latest").fetchall() == [(2,)]


def test_four_writers_share_a_catalog_on_postgresql_and_tables_in_a_bucket(postgres_server, s3_server):
    place = {"catalog": postgres_server.new_catalog(), "data_path": f"s3://{s3_server.new_bucket()}/tables/"}
    command = [sys.executable, str(WORKER), place["catalog"], place["data_path"]]
    environ = {**os.environ, "WORKER_S3": json.dumps(s3_server.options)}
    writers = [
        subprocess.Popen(
            [*command, f"w{n}", "write", "4"], env=environ, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL
        )
        for n in range(4)
    ]
    for writer in writers:
        _, err = writer.communicate(timeout=200)
        assert writer.returncode == 0, err.decode()
    with Lake.open(**place, s3=s3_server.options) as lake:
        assert_whole(lake, 16)
        assert lake.query("SELECT count(*) FROM posts").item() == 5


def test_a_database_that_holds_no_archive_says_so_to_a_reader(tmp_path, postgres_server):
    with pytest.raises(BadInput, match="no archive"):
        Lake.open(catalog=postgres_server.new_catalog(), data_path=f"{tmp_path}/tables/", read_only=True)


@pytest.mark.parametrize("read_only", [True, False])
def test_a_database_or_user_that_a_server_does_not_know_is_told_as_that(tmp_path, postgres_server, read_only):
    catalog = postgres_server.new_catalog()
    name = catalog.partition("?")[0].rpartition("/")[2]
    for unknown in (catalog.replace(name, "nowhere"), catalog.replace("//postgres", "//nobody")):
        with pytest.raises(BadInput, match="has no such database or user: check the catalog, or have it made") as told:
            Lake.open(catalog=unknown, data_path=f"{tmp_path}/tables/", read_only=read_only)
        assert "archive something first" not in str(told.value)


def test_a_turn_that_does_not_come_is_told(tmp_path, postgres_server):
    from pipelines.errors import LakeBusy
    from pipelines.load.turns import _ADVISORY_KEY

    place = {"catalog": postgres_server.new_catalog(), "data_path": f"{tmp_path}/tables/"}
    with Lake.open(**place, wait_s=0.5) as lake:
        other = lake._connection.con.cursor()
        other.execute(f"ATTACH '{place['catalog']}' AS other (TYPE postgres)")
        other.execute("BEGIN")
        other.execute(f"CALL postgres_execute('other', 'SELECT pg_advisory_xact_lock({_ADVISORY_KEY})')")
        with pytest.raises(LakeBusy, match="Another run"):
            lake.start_run(run_id="r1")
        other.execute("ROLLBACK")
        lake.start_run(run_id="r1")
        assert isinstance(lake._connection.con, duckdb.DuckDBPyConnection)


def test_a_server_that_is_started_anew_or_away_is_told_without_its_password(tmp_path, postgres_server):
    def end_connections() -> None:
        postgres_server.server.psql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND usename <> ''"
        )

    def cut_off(con: duckdb.DuckDBPyConnection) -> None:
        con.execute("DELETE FROM raw_pages")
        end_connections()
        con.execute("SELECT count(*) FROM raw_pages").fetchall()

    catalog = postgres_server.new_catalog().replace("postgres:@", "postgres:swordfish@")
    assert "swordfish" in catalog
    name = catalog.partition("?")[0].rpartition("/")[2]
    with Lake.open(catalog=catalog, data_path=f"{tmp_path}/tables/") as lake:
        lake.keep_page(page("p1"), run_id="r")
        end_connections()
        lake.keep_page(page("p2"), run_id="r")
        with pytest.raises(Unreachable, match="closed the connection"):
            lake.commit(cut_off)
        lake.keep_page(page("p3"), run_id="r")
        assert lake.query("SELECT page_id FROM raw_pages ORDER BY ALL").rows() == [("p1",), ("p2",), ("p3",)]
        end_connections()
        postgres_server.server.psql(f"ALTER DATABASE {name} RENAME TO away")  # as a server that is not there
        asked = "SELECT count(*) FROM raw_pages"
        for do in (
            lambda: lake.keep_page(page("p4"), run_id="r"),
            lake.pending,
            lambda: lake.query(asked),
            lake.moment,
        ):
            with pytest.raises(Unreachable, match="server of the catalog gives no answer") as told:
                do()
            assert "swordfish" not in f"{told.value} {told.value.__cause__!r}"


def test_a_server_that_lets_nothing_be_written_is_told_without_the_rows(tmp_path, postgres_server):
    def let(write: str) -> None:
        postgres_server.server.psql(f"ALTER DATABASE {name} SET default_transaction_read_only = {write}")
        postgres_server.server.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")

    catalog = postgres_server.new_catalog()
    name = catalog.partition("?")[0].rpartition("/")[2]
    # A caption stands in the statement that the server refuses, and its words are not the server's.
    frames = frames_of_posts("p1", 1, ["71"], caption="conflict: the disk is full, no space left on device")
    with Lake.open(catalog=catalog, data_path=f"{tmp_path}/tables/") as lake:
        lake.keep_page(page("p1"), run_id="r")
        let("on")
        for do in (
            lambda: lake.apply(frames, ["p1"], run_id="r"),
            lambda: lake.start_run(run_id="r2"),
        ):
            with pytest.raises(Blocked, match="does not allow it: see to the rights") as told:
                do()
            assert "read-only transaction" in str(told.value)
            assert "VALUES" not in str(told.value)
        assert lake.query("SELECT count(*) FROM posts").item() == 0
        let("off")
        lake.apply(frames, ["p1"], run_id="r")
        assert lake.query("SELECT count(*) FROM posts").item() == 1


def test_a_writer_whose_turn_was_ended_does_not_commit_beside_the_next(tmp_path, postgres_server):
    place = {"catalog": postgres_server.new_catalog(), "data_path": f"{tmp_path}/tables/"}
    posts = frames_of_posts("p1", 1, ["71"])

    def cut_off(con: duckdb.DuckDBPyConnection) -> None:
        applying.apply(con, posts, ["p1"], run_id="r1", applied_at=one._now())
        postgres_server.server.psql("SELECT pg_terminate_backend(pid) FROM pg_locks WHERE locktype = 'advisory'")
        other.apply(posts, ["p1"], run_id="r2")

    with Lake.open(**place) as one, Lake.open(**place) as other:
        with pytest.raises(Unreachable, match="run it again"):
            one.commit(cut_off)
        one.apply(posts, ["p1"], run_id="r1")
        assert one.query("SELECT run_id FROM applied_pages").rows() == [("r2",)]
        for table, keys in (("posts", 1), ("media", 3), ("post_stats", 1)):
            assert one.query(f"SELECT count(*) FROM {table}").item() == keys, table


def test_a_connection_that_is_lost_at_a_commit_is_told_though_libpq_says_nothing(tmp_path, postgres_server):
    def cut_off(con: duckdb.DuckDBPyConnection) -> None:
        con.execute("INSERT INTO raw_pages SELECT * REPLACE ('p2' AS page_id) FROM raw_pages")
        postgres_server.server.psql(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}' "
            "AND pid NOT IN (SELECT pid FROM pg_locks WHERE locktype = 'advisory')"  # the turn is not lost
        )

    catalog = postgres_server.new_catalog()
    name = catalog.partition("?")[0].rpartition("/")[2]
    with Lake.open(catalog=catalog, data_path=f"{tmp_path}/tables/") as lake:
        lake.keep_page(page("p1"), run_id="r1")
        with pytest.raises(Unreachable, match=r"run it again when it does.*the connection was lost"):
            lake.commit(cut_off)
        lake.keep_page(page("p3"), run_id="r1")
        assert lake.query("SELECT page_id FROM raw_pages ORDER BY ALL").rows() == [("p1",), ("p3",)]


def test_a_connection_that_is_lost_while_a_query_is_answered_is_told(tmp_path, postgres_server):
    catalog = postgres_server.new_catalog()
    name = catalog.partition("?")[0].rpartition("/")[2]
    place = {"catalog": catalog, "data_path": f"{tmp_path}/tables/"}
    Lake.open(**place).close()
    long = "SELECT r.page_id, i FROM range(3000000) t(i) LEFT JOIN raw_pages r ON r.page_id = i::VARCHAR"
    with Lake.open(**place, read_only=True) as lake:
        answer = asking.ask(lake.cursor(), long, ())
        postgres_server.server.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        with pytest.raises(Unreachable, match="run it again when it does"):
            asking.frame(answer)
        assert lake.query("SELECT count(*) FROM raw_pages").item() == 0


@pytest.mark.parametrize(
    "said",
    [
        'Failed to initialize DuckLake: Failed to execute query "\nCREATE TABLE x(y);\n": server closed the connection '
        "unexpectedly\n\tThis probably means the server terminated abnormally",
        'Failed to initialize DuckLake: Failed to execute query "\nCREATE TABLE x(y);\n": ',
        'IO Error: Failed to attach DuckLake MetaData "m" at path + "postgres://me@db/x"Unable to connect to '
        'Postgres at "postgresql://me@db/x": connection to server at "db", port 5432 failed: FATAL:  the database '
        "system is starting up",
    ],
)
def test_a_server_that_begins_or_ends_while_an_archive_is_opened_is_no_wrong_address(said):
    told = attach.refusal(duckdb.Error(said), attach.Place("postgresql://me@db/x", "/archive/tables/"))
    assert isinstance(told, Unreachable)
    assert str(told).startswith("The server of the catalog gives no answer: run it again when it does")
    assert "CREATE" not in str(told)


def test_a_server_that_is_full_or_lets_no_archive_be_made_is_told_as_that(tmp_path, postgres_server):
    catalog = postgres_server.new_catalog()
    name = catalog.partition("?")[0].rpartition("/")[2]
    place = {"catalog": catalog.replace("postgres:@", "postgres:swordfish@"), "data_path": f"{tmp_path}/tables/"}
    postgres_server.server.psql(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
    with pytest.raises(Blocked, match="does not allow it: see to the rights"):
        Lake.open(**place)
    postgres_server.server.psql(f"ALTER DATABASE {name} RESET default_transaction_read_only")
    postgres_server.server.psql("CREATE ROLE narrow LOGIN CONNECTION LIMIT 0")
    narrow = {**place, "catalog": place["catalog"].replace("postgres:swordfish@", "narrow:swordfish@")}
    try:
        with pytest.raises(Unreachable, match=r"takes no more connections: .* \(max_connections") as told:
            Lake.open(**narrow)
        assert "swordfish" not in str(told.value)
    finally:
        postgres_server.server.psql("DROP ROLE narrow")
    Lake.open(**place).close()


def test_a_server_that_allows_statements_no_time_is_told_as_that(tmp_path, postgres_server):
    place = {"catalog": postgres_server.new_catalog(), "data_path": f"{tmp_path}/tables/"}
    name = place["catalog"].partition("?")[0].rpartition("/")[2]
    asleep = "CALL postgres_execute('__ducklake_metadata_archive', 'SELECT pg_sleep(30)')"
    with Lake.open(**place) as lake:
        lake.keep_page(page("p1"), run_id="r")
        postgres_server.server.psql(f"ALTER DATABASE {name} SET statement_timeout = '2s'")
        postgres_server.server.psql(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'")
        with pytest.raises(Blocked, match=r"ends what takes longer than it is set to allow.*statement timeout"):
            lake.commit(lambda con: con.execute(asleep) and None)
    postgres_server.server.psql(f"ALTER DATABASE {name} SET statement_timeout = '1ms'")
    with pytest.raises(Blocked, match="ends what takes longer than it is set to allow"):
        Lake.open(**place)
    postgres_server.server.psql(f"ALTER DATABASE {name} RESET statement_timeout")
    with Lake.open(**place) as lake:
        assert lake.query("SELECT page_id FROM raw_pages").rows() == [("p1",)]


@pytest.mark.parametrize(
    "spelt", ["postgresql://u:swordfish@127.0.0.1:{port}/x", "postgres:host=127.0.0.1 port={port} password=swordfish"]
)
def test_a_server_that_takes_connections_and_stays_silent_is_not_waited_for_without_end(tmp_path, monkeypatch, spelt):
    monkeypatch.setitem(conninfo.LIMITS, "connect_timeout", "2")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        catalog = spelt.format(port=silent.getsockname()[1])
        with pytest.raises(Unreachable, match="timeout expired") as told:
            Lake.open(catalog=catalog, data_path=f"{tmp_path}/tables/")
    assert "swordfish" not in str(told.value)
    assert "keepalives" not in str(told.value)


@pytest.mark.parametrize(
    ("target", "limited"),
    [
        ("postgresql://me@db/aweme", "postgresql://me@db/aweme?connect_timeout=30&keepalives_idle=30"),
        ("postgresql://db/x?connect_timeout=5", "postgresql://db/x?connect_timeout=5&keepalives_idle=30"),
        ("host=db dbname=x", "host=db dbname=x connect_timeout=30 keepalives_idle=30"),
        ("host=db connect_timeout = 5", "host=db connect_timeout = 5 keepalives_idle=30"),
    ],
)
def test_limits_to_a_servers_silence_join_what_a_catalog_says(target, limited):
    assert conninfo.limited(target).startswith(limited)
    assert conninfo.limited(conninfo.limited(target)) == conninfo.limited(target)
    assert conninfo.limited("service=aweme") == "service=aweme", "its file may name its own"
