"""A bucket that refuses whoever's clock goes wrong, as S3 does from a quarter of an hour on."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from pipelines.errors import Blocked
from pipelines.load.lake import Lake
from pipelines.load.storage import Storage

_SAID = b"""<?xml version="1.0" encoding="UTF-8"?><Error><Code>RequestTimeTooSkewed</Code>
<Message>The difference between the request time and the current time is too large.</Message></Error>"""


class _Refusing(BaseHTTPRequestHandler):
    def _refuse(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.send_response(403)
        self.send_header("Content-Type", "application/xml")
        self.send_header("Content-Length", str(len(_SAID)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(_SAID)

    do_GET = do_HEAD = do_PUT = do_POST = _refuse  # noqa: N815 - http.server calls them so

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def s3() -> Iterator[dict[str, str]]:
    """How such a bucket is reached."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Refusing)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {"key": "a", "secret": "b", "endpoint": f"http://127.0.0.1:{server.server_port}", "region": "us-east-1"}
    server.shutdown()
    server.server_close()


def test_whoever_writes_tables_is_told_to_look_at_the_clock(s3: dict[str, str], tmp_path: Path) -> None:
    place = {"catalog": f"sqlite:{tmp_path}/catalog.sqlite", "data_path": "s3://bucket/a/tables/"}
    with pytest.raises(Blocked, match="clock is right"):
        Lake.open(**place, s3=s3)


async def test_whoever_asks_for_files_is_told_to_look_at_the_clock(s3: dict[str, str]) -> None:
    storage = Storage.open("s3://bucket/a", s3=s3)
    for ask in (partial(storage.exists, "media/a"), storage.list):
        with pytest.raises(Blocked, match="S3 key, and whether this machine's clock is right"):
            await ask()
    storage.close()
