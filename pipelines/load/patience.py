"""How long a bucket is waited for that says nothing: some 60 s for each question by DuckDB, 90 s by s3fs.

What goes on, however slowly, has all the time it takes: only silence counts, from when all of a question was sent. What
is sent by s3fs is held to a time of its own, since silence is not heard before its end.
"""

from __future__ import annotations

from typing import Any

# A question is asked at once, at once again, and after half a second.
_DUCKDB = {"http_timeout": 20, "http_retries": 2, "http_retry_wait_ms": 500}
# Where a bucket was waited for in vain, what is still to be asked is over soon: to write, DuckDB asks three times over.
_IN_HASTE = {"http_timeout": 5, "http_retries": 0}
# The same for botocore, which asks for s3fs; with ever longer pauses of some seconds, also where a bucket is busy.
S3FS: dict[str, Any] = {"connect_timeout": 10, "read_timeout": 15, "retries": {"total_max_attempts": 3}}
# And s3fs has botocore do all that so often: what breaks off in the middle of an answer is tried again by s3fs only.
S3FS_TRIES = 2


def of_duckdb(*, is_short: bool = False) -> list[str]:
    """The statements that say it to DuckDB."""
    return [f"SET GLOBAL {name} = {value}" for name, value in (_IN_HASTE if is_short else _DUCKDB).items()]


# What botocore and fsspec call it when nothing came in all that time.
SILENT = frozenset({"ReadTimeoutError", "ConnectTimeoutError", "FSTimeoutError"})
_SENDING = 60  # seconds for a small object, and for a larger one what a very slow line takes besides
_BYTES_PER_S = 20_000


def to_send(size_bytes: int) -> int:
    """Seconds until an object, or a part of one, is given up that a bucket does not take."""
    return _SENDING + size_bytes // _BYTES_PER_S
