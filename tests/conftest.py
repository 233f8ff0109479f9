"""Fixtures that several test modules share."""

from __future__ import annotations

from servers import postgres_server, s3_server

__all__ = ["postgres_server", "s3_server"]
