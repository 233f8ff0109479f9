"""Queries of real length signed in one thread, beside what is asked of the signer."""

from __future__ import annotations

import time
from typing import Any

from pipelines.extract.queries import encode_query
from pipelines.extract.xbogus import XBogusSigner
from schemas.requests import UserPost

ASKED = 20_000
TIMES = 5
AT_ONCE = 2_000


def run() -> list[dict[str, Any]]:
    signer = XBogusSigner(now=time.time)
    asked = UserPost(sec_user_id="MS4wLjABAAAA" + "a" * 43, msToken="m" * 126 + "==")
    query = encode_query(asked.wire())

    def seconds() -> float:
        began = time.perf_counter()
        for _ in range(AT_ONCE):
            signer.sign(query, user_agent="Mozilla/5.0 (Windows NT 10.0; Win64; x64) Chrome/104.0.0.0 Safari/537.36")
        return time.perf_counter() - began

    rate = AT_ONCE / min(seconds() for _ in range(TIMES))
    beside = {"yardstick": f"{ASKED:,}", "ratio": rate / ASKED}
    return [{"what": f"X-Bogus of {len(query)} bytes", "value": rate, "unit": "queries/s", **beside}]
