"""What all requests have in common: how values are sent, and the browser that is said to ask. No I/O here."""

from __future__ import annotations

from typing import Any

import orjson
from pydantic import BaseModel, ConfigDict


class Request(BaseModel):
    """Parameters of one request; field order is the order on the wire, values are sent as text."""

    # Built when first used: a run uses two or three of fifty, and all of them together take a tenth of a second.
    model_config = ConfigDict(coerce_numbers_to_str=True, extra="forbid", validate_assignment=True, defer_build=True)

    def wire(self) -> dict[str, str]:
        """Names and values as they are sent, not yet percent-encoded; None becomes an empty value."""
        return {name: as_text(value) for name, value in self.model_dump().items()}


def as_text(value: Any) -> str:
    """A value as Douyin's web page writes it into a query."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return orjson.dumps(value).decode()
    return str(value)


class BaseRequest(Request):
    """What nearly every call to www.douyin.com carries: the browser that is said to ask."""

    device_platform: str = "webapp"
    aid: str = "6383"
    channel: str = "channel_pc_web"
    pc_client_type: int = 1
    publish_video_strategy_type: int = 2
    pc_libra_divert: str = "Windows"
    version_code: str = "290100"
    version_name: str = "29.1.0"
    cookie_enabled: str = "true"
    screen_width: int = 1920
    screen_height: int = 1080
    browser_language: str = "zh-CN"
    browser_platform: str = "Win32"
    browser_name: str = "Edge"
    browser_version: str = "130.0.0.0"
    browser_online: str = "true"
    engine_name: str = "Blink"
    engine_version: str = "130.0.0.0"
    os_name: str = "Windows"
    os_version: str = "10"
    cpu_core_num: int = 12
    device_memory: int = 8
    platform: str = "PC"
    downlink: int = 10
    effective_type: str = "4g"
    round_trip_time: int = 100
    msToken: str | None = None  # noqa: N815 - the name on the wire
