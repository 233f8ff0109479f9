"""The doors opened together: what becomes of work of the lake's whose caller was cancelled."""

from __future__ import annotations

import asyncio
import gc
import threading
from pathlib import Path
from typing import Any

from archives import settings_for

from pipelines.errors import Blocked
from pipelines.house import open_house


async def test_a_commit_that_fails_after_its_run_was_cancelled_says_nothing_on_the_screen(tmp_path: Path) -> None:
    loop, said, may_fail = asyncio.get_running_loop(), [], threading.Event()
    loop.set_exception_handler(lambda _loop, context: said.append(context["message"]))

    def fail() -> Any:
        may_fail.wait(5)
        raise Blocked("no space left")

    async with open_house(settings_for(tmp_path, "http://127.0.0.1:9")) as house:
        task = loop.create_task(house.on_lake(fail))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        may_fail.set()
        assert (await asyncio.wait([task]))[0].pop().cancelled()
    del task
    gc.collect()
    assert said == []
