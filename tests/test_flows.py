"""The flows on a Prefect server of their own: few tests, since it takes seconds to start."""

from __future__ import annotations

import asyncio
import gc
import logging
import re
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from archives import ask, one, settings_for
from in_force import in_force

from deployments.simulator.server import Simulator
from deployments.simulator.world import World
from schemas.jobs import ArchiveJob, Mode, Summary

_ENDED = {"Completed", "Failed"}

pytestmark = [
    pytest.mark.flow,
    # Prefect and what it brings along warn about each other; none of it is ours.
    pytest.mark.filterwarnings("default"),
]


@pytest.fixture(scope="module")
def prefect() -> Iterator[None]:
    from prefect.testing.utilities import prefect_test_harness

    with prefect_test_harness(server_startup_timeout=90):
        yield
    # Prefect leaves some of its sockets open; told of here, where that is only a warning, and not in the next module.
    gc.collect()


def runs_of_tasks(flow_run_name: str) -> list[tuple[str, str, int]]:
    """(name, state, tries) of every task of the flow runs of this name."""
    from prefect import get_client
    from prefect.client.schemas.filters import FlowRunFilter, FlowRunFilterName
    from prefect.client.schemas.sorting import TaskRunSort

    async def read() -> list[tuple[str, str, int]]:
        async with get_client() as client:
            named = FlowRunFilter(name=FlowRunFilterName(any_=[flow_run_name]))
            runs = await client.read_task_runs(flow_run_filter=named, limit=200, sort=TaskRunSort.NAME_ASC)
            return [(run.name, run.state_name or "", run.run_count) for run in runs]

    # The server writes task runs a moment after it was told of them.
    until = time.monotonic() + 20
    found = asyncio.run(read())
    while time.monotonic() < until and not (found and all(state in _ENDED for _, state, _ in found)):
        time.sleep(0.5)
        found = asyncio.run(read())
    return found


async def artifacts() -> list[dict[str, Any]]:
    from prefect import get_client

    async with get_client() as client:
        return [found.model_dump() for found in await client.read_artifacts(limit=50)]


def tracked(settings: Any, **job: Any) -> Summary:
    from flows.archive import run_tracked
    from flows.steps import retry_delays_s

    retry_delays_s.set((0.1, 0.1))
    return run_tracked(settings, ArchiveJob(**job), lambda _name, **_facts: None)


def test_a_flow_does_the_same_job_and_leaves_its_steps_and_a_summary(
    tmp_path: Path, prefect: None, simulator: Simulator
) -> None:
    settings = settings_for(tmp_path, simulator.url, media="caption")
    home = simulator.world.accounts[0].home
    summary = tracked(settings, target=home)
    assert summary.outcome == "complete", summary.reason
    assert one(settings, "SELECT count(*) FROM posts") == summary.new_posts > 0
    assert one(settings, "SELECT flow_run_id IS NOT NULL FROM runs")
    names = [name for name, state, _ in runs_of_tasks(f"posts of …{home[-20:]}") if state == "Completed"]
    for step in ("read the profile", "read pages", "load"):
        assert [name for name in names if name.startswith(step)], names

    (data,) = [found["data"] for found in asyncio.run(artifacts()) if found["key"] == "aweme-post"]
    assert "**complete**" in data
    assert "sessionid" not in data


def test_the_log_of_a_run_tells_its_waits_its_steps_and_its_end_and_no_cookie(tmp_path: Path, prefect: None) -> None:
    faults = ["user_post:2=429", "user_post:4=captcha"]
    with Simulator(World(seed=8, users=1, posts=60), faults=faults) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="caption", cookie=simulator.world.cookie)
        summary = tracked(settings, target=simulator.world.accounts[0].home)
        assert summary.outcome == "blocked"
        run = one(settings, "SELECT flow_run_id FROM runs")
        lines = asyncio.run(log_of(run, end="Blocked"))
        assert [level for level, text in lines if text.startswith("Waiting ")] == [logging.WARNING]
        assert [level for level, text in lines if text.startswith("3 pages, ")] == [logging.INFO]
        assert [level for level, text in lines if text.startswith("Blocked: ")] == [logging.ERROR]
        told = str([lines, asyncio.run(artifacts())])
        for secret in (simulator.world.cookie, simulator.world.sessionid):
            assert secret not in told


def test_the_log_counts_the_bytes_that_the_summary_counts(tmp_path: Path, prefect: None, simulator: Simulator) -> None:
    settings = settings_for(tmp_path, simulator.url, media="image,caption")
    summary = tracked(settings, target=simulator.world.accounts[0].home)
    assert summary.bytes == one(settings, "SELECT sum(size_bytes) FROM files WHERE state = 'stored'") > 0
    lines = asyncio.run(log_of(one(settings, "SELECT flow_run_id FROM runs"), end="Completed('"))
    told = [re.fullmatch(r"\d+ files: .* \(([\d,]+) bytes\)", text) for _, text in lines]
    assert sum(int(found[1].replace(",", "")) for found in told if found) == summary.bytes


async def log_of(flow_run_id: str, end: str) -> list[tuple[int, str]]:
    """(level, message) of each line in the Logs tab of a run's page; they come a moment after they were written."""
    from prefect import get_client
    from prefect.client.schemas.filters import LogFilter, LogFilterFlowRunId

    of_run = LogFilter(flow_run_id=LogFilterFlowRunId(any_=[uuid.UUID(flow_run_id)]))
    until, lines = time.monotonic() + 20, list[tuple[int, str]]()
    async with get_client() as client:
        while not any(text.startswith(f"Finished in state {end}") for _, text in lines) and time.monotonic() < until:
            await asyncio.sleep(0.5)
            lines = [(line.level, line.message) for line in await client.read_logs(of_run, limit=200)]
    return lines


def test_a_step_that_failed_for_a_moment_is_tried_again_and_loses_nothing(tmp_path: Path, prefect: None) -> None:
    with Simulator(World(seed=6, users=1, posts=60), faults=["user_post:2-3=500"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none", max_tries=2)
        account = simulator.world.accounts[0]
        summary = tracked(settings, target=account.sec_user_id)
        assert summary.outcome == "complete", summary.reason
        tries = [
            count for name, _, count in runs_of_tasks(f"posts of …{account.sec_user_id[-20:]}") if "read pages" in name
        ]
        assert max(tries) == 2
        entries = one(settings, "SELECT count(*) FROM listing_entries")
        assert entries == one(settings, "SELECT count(DISTINCT aweme_id) FROM listing_entries") > 50


def test_a_challenge_fails_the_flow_at_once_as_blocked(tmp_path: Path, prefect: None) -> None:
    with Simulator(World(seed=7, users=1, posts=60), faults=["user_post:1=captcha"]) as simulator:
        settings = settings_for(tmp_path, simulator.url, media="none")
        account = simulator.world.accounts[0]
        summary = tracked(settings, target=account.home)
        assert summary.outcome == "blocked"
        assert ask(settings, "SELECT outcome FROM runs") == [("blocked",)]
        states = {state for name, state, _ in runs_of_tasks(f"posts of …{account.home[-20:]}") if "read pages" in name}
        assert states == {"Failed"}
        assert len([r for r in simulator.log if r.operation == "user_post"]) == 1


def test_a_job_that_cannot_be_ends_as_failed_with_what_to_do_and_no_traceback(
    tmp_path: Path, prefect: None, simulator: Simulator
) -> None:
    from flows.archive import handle_user_like
    from pipelines.errors import BadInput

    post = f"https://www.douyin.com/video/{simulator.world.post(0, 0).aweme_id}"
    settings = settings_for(tmp_path, simulator.url)
    with in_force(simulator, tmp_path / "archive"):
        state: Any = asyncio.run(handle_user_like(ArchiveJob(target=post), return_state=True))
    assert (state.is_failed(), "takes mode one" in state.message, "--mode" in state.message) == (True, True, False)
    told = str(asyncio.run(log_of(str(state.state_details.flow_run_id), end="Failed")))
    assert "takes mode one" in told
    assert "Traceback" not in told
    with pytest.raises(BadInput, match="takes mode one"):
        tracked(settings, target=post, mode=Mode.LIKE)


@pytest.mark.parametrize("name", ["", "job", "kwargs"])
def test_a_flow_takes_the_kwargs_dict_of_the_spec_and_prefect_sees_no_cookie(
    tmp_path: Path, prefect: None, simulator: Simulator, name: str
) -> None:
    from flows.archive import handle_user_collect

    root, cookie = tmp_path / "kept", simulator.world.cookie
    headers = {"User-Agent": "Mozilla/5.0", "Referer": "https://www.douyin.com/"}
    kwargs = {
        "cookie": cookie,
        "headers": headers,
        "mode": "collect",
        "path": str(root),
        "music": False,
        "max_counts": 5,
    }
    args, named = ([], {name: kwargs}) if name else ([kwargs], {})

    async def run() -> Any:
        from prefect import get_client

        call: Any = handle_user_collect
        state = await call(*args, **named, return_state=True)
        async with get_client() as client:
            return state, await client.read_flow_run(state.state_details.flow_run_id)

    with in_force(simulator, tmp_path / "archive", AWEME_COOKIE="", AWEME_MEDIA="none"):
        state, flow_run = asyncio.run(run())
        assert state.is_completed(), state.message
        assert (flow_run.parameters["job"]["mode"], flow_run.parameters["job"]["root"]) == ("collect", str(root))
        told = str([flow_run, asyncio.run(log_of(str(flow_run.id), end="Completed"))])
        assert simulator.world.sessionid not in told
    entries = "SELECT count(*) FROM listing_entries WHERE listing = 'collect'"
    assert one(settings_for(root, simulator.url), entries) > 0


def test_a_run_of_any_mode_is_named_by_the_mode_it_takes_and_the_end_of_its_target(
    tmp_path: Path, prefect: None
) -> None:
    from flows.archive import handle_any

    with Simulator(World(seed=9, users=1, posts=0)) as simulator, in_force(simulator, tmp_path / "archive"):
        link = f"https://www.douyin.com/video/{simulator.world.accounts[0].sec_user_id}"
        for mode, name in {None: "post of", Mode.COMMENTS: "comments of"}.items():
            state: Any = asyncio.run(handle_any(ArchiveJob(target=link, mode=mode), return_state=True))
            assert asyncio.run(name_of(state.state_details.flow_run_id)) == f"{name} …{link[-20:]}"


async def name_of(flow_run_id: uuid.UUID) -> str:
    from prefect import get_client

    async with get_client() as client:
        return (await client.read_flow_run(flow_run_id)).name


def test_words_of_douyin_make_no_row_tag_or_link_in_the_summary_of_a_run() -> None:
    from flows.reports import markdown_of

    said = "a | b\n\n# mine <img src=x> [here](https://x/); log in with `aweme login`"
    shown = markdown_of(Summary("r", "post", "t", name=said, reason=said, warnings=[said]), "/root")
    quoted = r"a \| b\n\n# mine \<img src=x> \[here](https://x/); log in with `aweme login`"
    assert f"| outcome | **complete**: {quoted} |\n" in shown
    assert f"- {quoted}\n" in shown
    assert [line for line in shown.splitlines() if line.startswith("#")] == [shown.splitlines()[0]]


def test_every_flow_that_archives_is_chosen_by_a_mode() -> None:
    from prefect import Flow

    from flows import archive

    made = [made for made in vars(archive).values() if isinstance(made, Flow)]
    assert {flow.name for flow in made} == {flow.name for flow in (*archive.FLOWS.values(), archive.handle_any)}


def test_every_mode_of_the_spec_has_its_flow_under_its_name() -> None:
    from flows import archive

    for mode, name in {
        Mode.ONE: "handle_one_video",
        Mode.POST: "handle_user_post",
        Mode.LIKE: "handle_user_like",
        Mode.COLLECT: "handle_user_collect",
        Mode.MIX: "handle_user_mix",
        Mode.LIVE: "handle_user_live",
        Mode.FEED: "handle_user_feed",
    }.items():
        assert archive.FLOWS[mode] is getattr(archive, name)
        assert archive.FLOWS[mode].name == name.replace("_", "-")
