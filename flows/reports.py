"""What a run shows in the Prefect UI: a Markdown summary of what came of it."""

from __future__ import annotations

import re

from prefect.artifacts import acreate_markdown_artifact
from prefect.logging import get_run_logger
from prefect.settings import PREFECT_API_URL

from pipelines.errors import Unreachable
from pipelines.showing import in_line
from schemas.jobs import Summary

_ACTING = re.compile(r"[|<\[]")


def markdown_of(summary: Summary, root: str) -> str:
    """The summary as Markdown."""
    rows = [
        ("outcome", f"**{summary.outcome}**" + (f": {_quoted(summary.reason)}" if summary.reason else "")),
        ("listing", summary.verdict or "-"),
        ("read", summary.seen),
        ("files stored", f"{summary.files} ({summary.bytes:,} bytes)"),
        ("files missing / not to be had", f"{summary.missing} / {summary.absent}"),
        ("items rejected", str(summary.rejects)),
        ("pages / requests", f"{summary.pages} / {summary.requests}"),
        ("seconds", f"{summary.seconds:.1f}"),
        ("run", f"`{summary.run_id}`"),
        ("root", f"`{root}`"),
    ]
    lines = [
        f"# {_plain(summary.name or summary.target)}",
        "",
        f"Mode `{summary.mode}`, target `{summary.target}`.",
        "",
    ]
    lines += ["| what | value |", "| --- | --- |", *(f"| {name} | {value} |" for name, value in rows), ""]
    lines += [f"- {_quoted(warning)}" for warning in summary.warnings]
    lines += ["", 'What is missing and why: `aweme sql "FROM missing_media"`.']
    return "\n".join(lines)


def _plain(text: str) -> str:
    return "".join(" " if char in "|\n\r`#<>[]" else char for char in text).strip()


def _quoted(text: str) -> str:
    """A sentence of ours that may hold Douyin's words: one line that makes no cell, link or tag; code stays code."""
    return _ACTING.sub(r"\\\g<0>", in_line(text))


async def report(summary: Summary, root: str) -> None:
    """Leave the summary as an artifact of the run; one key for each mode, so that the UI shows their history."""
    try:
        await acreate_markdown_artifact(
            markdown=markdown_of(summary, root), key=f"aweme-{summary.mode}", description="What came of the run"
        )
    except Exception as error:
        if (lost := lost_server(error)) is None:
            raise
        summary.warnings.append(str(lost))
        # The summary of a command is shown when the flow has ended, and that takes minutes now.
        get_run_logger().warning("%s What the run did is kept; Prefect asks a few minutes more, then it ends.", lost)


def lost_server(error: Exception, instead: str = "archive without it: --no-prefect") -> Unreachable | None:
    """Our word for an error that says that the Prefect server is not there, and what to do; None for any other."""
    chain: list[BaseException] = [error]
    while (cause := chain[-1].__cause__ or chain[-1].__context__) is not None and cause not in chain:
        chain.append(cause)
    if not any(type(one).__module__.partition(".")[0] in ("httpx", "httpcore") for one in chain):
        return None
    return Unreachable(
        f"The Prefect server at {PREFECT_API_URL.value()} does not answer ({type(error).__name__}); look whether it "
        f"runs, or {instead}."
    )
