"""Requests of a login by QR code. No I/O here."""

from __future__ import annotations

from schemas.requests.base import Request


class LoginGetQr(Request):
    """A new QR code for a login."""

    service: str = "https://www.douyin.com"
    need_logo: str = "false"
    need_short_url: str = "true"
    device_platform: str = "web_app"
    aid: int = 6383
    account_sdk_source: str = "sso"
    sdk_version: str = "2.2.7-beta.6"
    language: str = "zh"
    verifyFp: str | None = None  # noqa: N815 - the name on the wire
    fp: str | None = None


class LoginCheckQr(Request):
    """Whether a QR code was scanned; `token` names the code."""

    service: str = "https://www.douyin.com"
    need_logo: str = "false"
    need_short_url: str = "true"
    device_platform: str = "web_app"
    aid: int = 6383
    account_sdk_source: str = "sso"
    sdk_version: str = "2.2.7-beta.6"
    language: str = "zh"
    token: str
    verifyFp: str | None = None  # noqa: N815 - the name on the wire
    fp: str | None = None


class LoginCheckLogin(LoginCheckQr):
    """Whether the login of a QR code holds."""
