"""The cookie of a login from a Prefect Secret, on machines that keep it in no file."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from pipelines.errors import BadInput
from pipelines.settings import Settings


async def with_secret(settings: Settings) -> Settings:
    """The settings with the cookie of the Secret that `cookie_secret` names; as they are where it names none.

    BadInput where there is no such Secret. The cookie is a value of this process only: no parameter, no log.
    """
    if not settings.cookie_secret:
        return settings
    from prefect.blocks.system import Secret

    try:
        block: Any = await Secret.aload(settings.cookie_secret)
    except ValueError as error:
        raise BadInput(
            f"There is no Prefect Secret {settings.cookie_secret}; make it with: "
            f"aweme login --browser NAME --secret {settings.cookie_secret}"
        ) from error
    return replace(settings, cookie=str(block.get()).strip())
