"""The same job with tables and media in a bucket, and with the catalog on PostgreSQL."""

from __future__ import annotations

import hashlib
from contextlib import chdir
from pathlib import Path

import pytest
import s3fs
from archives import archive, ask, one, settings_for
from servers import PostgresServer, S3Server

from deployments.simulator.server import Simulator
from pipelines.errors import BadInput


@pytest.mark.server
def test_a_bucket_keeps_tables_and_media_as_a_folder_does(
    tmp_path: Path, s3_server: S3Server, simulator: Simulator
) -> None:
    bucket = s3_server.new_bucket()
    options = {f"s3_{name}": value for name, value in s3_server.options.items() if name in SETTABLE}
    settings = settings_for(
        f"s3://{bucket}/my/archive", simulator.url, catalog=f"sqlite:{tmp_path}/catalog.sqlite", **options
    )
    home = simulator.world.accounts[0].home
    summary = archive(settings, home)
    assert summary.outcome == "complete", summary.reason
    stored = ask(settings, "SELECT path, sha256, size_bytes FROM files WHERE state = 'stored'")
    assert len(stored) == summary.files > 20
    fs = s3fs.S3FileSystem(
        key=s3_server.options["key"],
        secret=s3_server.options["secret"],
        client_kwargs={"endpoint_url": s3_server.endpoint},
        skip_instance_cache=True,
    )
    for path, sha256, size in stored:
        body = fs.cat_file(f"{bucket}/my/archive/{path}")
        assert (len(body), hashlib.sha256(body).hexdigest()) == (size, sha256)
    assert [name for name in fs.find(f"{bucket}/my/archive/tables") if name.endswith(".parquet")]
    assert not list(tmp_path.rglob("*.parquet"))
    again = archive(settings, home)
    assert (again.outcome, again.requests, again.new_posts, again.files) == ("complete", 2, 0, 0)


SETTABLE = {"endpoint", "key", "secret", "region"}


@pytest.mark.server
def test_the_catalog_may_lie_on_postgresql(
    tmp_path: Path, postgres_server: PostgresServer, simulator: Simulator
) -> None:
    settings = settings_for(tmp_path, simulator.url, catalog=postgres_server.new_catalog(), media="caption")
    home = simulator.world.accounts[0].home
    summary = archive(settings, home)
    assert summary.outcome == "complete", summary.reason
    assert one(settings, "SELECT count(*) FROM posts") == summary.new_posts > 0
    assert archive(settings, home).new_posts == 0
    assert not (tmp_path / "catalog.sqlite").exists()


@pytest.mark.server
def test_without_a_catalog_of_its_own_a_bucket_has_it_beside_the_settings(
    tmp_path: Path, s3_server: S3Server, simulator: Simulator
) -> None:
    bucket = s3_server.new_bucket()
    options = {f"s3_{name}": value for name, value in s3_server.options.items() if name in SETTABLE}
    with chdir(tmp_path):
        settings = settings_for(f"s3://{bucket}/x", simulator.url, media="none", **options)
        archive(settings, simulator.world.accounts[0].home, max_counts=5)
    assert (tmp_path / f"aweme-{bucket}-x.sqlite").exists()


@pytest.mark.server
def test_an_archive_in_a_bucket_gets_no_second_catalog_from_another_folder(
    tmp_path: Path, s3_server: S3Server, simulator: Simulator
) -> None:
    root = f"s3://{s3_server.new_bucket()}/x"
    options = {f"s3_{name}": value for name, value in s3_server.options.items() if name in SETTABLE}
    home = simulator.world.accounts[0].home
    for folder in ("here", "there"):
        (tmp_path / folder).mkdir()
    with chdir(tmp_path / "here"):
        settings = settings_for(root, simulator.url, media="none", **options)
        archive(settings, home, max_counts=5)
    with chdir(tmp_path / "there"):
        elsewhere = settings_for(root, simulator.url, media="none", **options)
        for _ in range(2):
            with pytest.raises(BadInput, match="name the catalog that they belong to with --catalog"):
                archive(elsewhere, home, max_counts=5)
        told = settings_for(root, simulator.url, media="none", catalog=settings.catalog, **options)
        assert archive(told, home, max_counts=5).new_posts == 0


@pytest.mark.server
def test_archives_under_two_chinese_prefixes_of_a_bucket_keep_apart(
    tmp_path: Path, s3_server: S3Server, simulator: Simulator
) -> None:
    bucket = s3_server.new_bucket()
    options = {f"s3_{name}": value for name, value in s3_server.options.items() if name in SETTABLE}
    homes = [account.home for account in simulator.world.accounts[:2]]
    former = {"catalog": f"sqlite:{tmp_path}/aweme-{bucket}.sqlite"}  # as such an archive was named until now
    with chdir(tmp_path):
        archive(settings_for(f"s3://{bucket}/档案", simulator.url, media="none", **former, **options), homes[0])
        for _ in range(2):
            for prefix, home in zip(("档案", "影像"), homes, strict=True):
                settings = settings_for(f"s3://{bucket}/{prefix}", simulator.url, media="none", **options)
                assert archive(settings, home).outcome == "complete"
                ((target,),) = ask(settings, "SELECT DISTINCT target FROM runs")
                assert target in home
    assert len(list(tmp_path.glob("*.sqlite"))) == 2


@pytest.mark.parametrize("name", ["plain", "a*b", "a?b", "[a]"])
def test_a_lost_catalog_is_not_made_anew_beside_the_tables_that_it_knew(
    tmp_path: Path, simulator: Simulator, name: str
) -> None:
    settings = settings_for(tmp_path / name, simulator.url, media="none")
    home = simulator.world.accounts[0].home
    archive(settings, home, max_counts=5)
    for path in (tmp_path / name).glob("catalog*"):
        path.unlink()
    with pytest.raises(BadInput, match="holds the tables of an archive"):
        archive(settings, home, max_counts=5)
