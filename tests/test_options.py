"""The kwargs of the spec's handle_* functions, as jobs for the flows."""

from __future__ import annotations

from pathlib import Path

import pytest

from pipelines.errors import BadInput
from pipelines.extract.options import options_of
from pipelines.options import job_from, settings_from
from schemas.jobs import Mode, parse_interval

KWARGS = {
    "cookie": "sessionid=secret",
    "headers": {"User-Agent": "Mozilla/5.0", "Referer": "https://www.douyin.com/"},
    "url": "https://www.douyin.com/user/MS4wLjABAAAAexample",
    "mode": "post",
    "path": "Download",
    "naming": "{create}_{desc}",
    "folderize": True,
    "music": True,
    "cover": False,
    "desc": True,
    "interval": "2024-01-01|2024-06-30",
    "max_cursor": 0,
    "page_counts": 20,
    "max_counts": None,
    "timeout": 10,
}


def test_a_kwargs_dict_becomes_a_job_with_its_target_and_its_switches() -> None:
    job = job_from(KWARGS)

    assert job.target == KWARGS["url"]
    assert (job.mode, job.root, job.naming, job.folderize) == (Mode.POST, "Download", "{create}_{desc}", True)
    assert (job.media, job.interval) == ("video,image,music,caption", "2024-01-01|2024-06-30")
    assert (job.max_counts, job.page_counts) == (None, 20)


def test_a_cookie_in_the_kwargs_never_reaches_a_job() -> None:
    assert "secret" not in job_from(KWARGS).model_dump_json()


def test_the_interval_all_is_no_limit() -> None:
    assert job_from({"url": "x", "interval": "all"}).interval is None


def test_the_first_and_the_last_day_there_are_set_no_limit() -> None:
    assert parse_interval("0001-01-01|9999-12-31") == (None, None)


@pytest.mark.parametrize("wrong", [{"mode": "everything"}, {"interval": "yesterday"}, {"max_counts": -1}])
def test_a_value_that_cannot_be_is_named(wrong: dict[str, object]) -> None:
    with pytest.raises(BadInput, match=next(iter(wrong))):
        job_from({"url": "x", **wrong})


def test_kwargs_that_are_no_dict_are_refused() -> None:
    with pytest.raises(TypeError, match="dict"):
        job_from("https://www.douyin.com/user/x")  # type: ignore[arg-type]


def test_a_path_may_be_a_path() -> None:
    assert job_from({"url": "x", "path": Path("a") / "b"}).root == str(Path("a") / "b")


def test_a_switch_may_be_a_word() -> None:
    job = job_from({"url": "x", "music": "no", "cover": "yes", "desc": "0", "folderize": "no"})
    assert (job.media, job.folderize) == ("video,image,cover", False)
    with pytest.raises(BadInput, match="desc cannot be"):
        job_from({"url": "x", "desc": "loud"})


@pytest.mark.parametrize("name", ["https", "https://", "http", "http://", "all", "all://"])
def test_a_proxy_serves_the_handler_under_every_name_that_serves_the_crawler(name: str) -> None:
    kwargs = {"proxies": {"https": None, name: "http://127.0.0.1:1"}}
    assert settings_from(kwargs).proxy == options_of(kwargs).proxy == "http://127.0.0.1:1"


def test_no_end_of_retries_is_no_number_of_them() -> None:
    with pytest.raises(BadInput, match="max_retries"):
        settings_from({"max_retries": float("inf")})
