"""An answer read to its end, within bounds of size and time."""

from __future__ import annotations

import asyncio

import httpx

from pipelines.errors import Interrupted, Unfamiliar
from pipelines.extract.unpacking import unpacked

MOST_BYTES = 64 << 20
"""Of an answer, unpacked: many times what Douyin's longest have. A few bytes can be made to unpack to any number."""

MOST_SECONDS = 300.0
"""In which an answer that began must end: the setting `timeout` holds for each of its pieces, however small."""

_OF_THE_WIRE = (b"content-encoding", b"content-length", b"transfer-encoding")


async def whole(answer: httpx.Response) -> httpx.Response:
    """An answer that begins to come, read to its end and unpacked; Unfamiliar or Interrupted where that is too far."""
    try:
        async with asyncio.timeout(MOST_SECONDS):
            body = await _bounded(answer)
    except TimeoutError:
        raise Interrupted(f"Douyin's answer did not end within {MOST_SECONDS:.0f} s; try again") from None
    headers = [header for header in answer.headers.raw if header[0].lower() not in _OF_THE_WIRE]
    # A stream and its answer know each other, and would wait for Python to look for garbage.
    answer.stream = httpx.ByteStream(b"")
    return httpx.Response(answer.status_code, headers=headers, content=body, request=answer.request)


async def _bounded(answer: httpx.Response) -> bytes:
    body = bytearray()
    async for piece in unpacked(answer):
        body += piece
        if len(body) > MOST_BYTES:
            raise Unfamiliar(
                f"Douyin's answer does not end within {MOST_BYTES >> 20} MB; nothing of it is kept, try again"
            )
    return bytes(body)
