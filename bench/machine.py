"""How quick this machine is just now: limits in seconds were set where `orjson.loads` reads 460 MB/s."""

from __future__ import annotations

from typing import Any

import orjson

from bench.transform import bodies_of, seconds

MB_PER_S = 460
POSTS = 720


def run() -> list[dict[str, Any]]:
    answers, _ = bodies_of(POSTS)

    def read_all() -> None:
        for answer in answers:
            orjson.loads(answer)

    rate = sum(map(len, answers)) / 1e6 / seconds(read_all)
    return [
        {
            "what": "this machine: orjson.loads of full-size answers",
            "value": rate,
            "unit": "MB/s",
            "yardstick": f"{MB_PER_S} MB/s",
            "ratio": rate / MB_PER_S,
        }
    ]
