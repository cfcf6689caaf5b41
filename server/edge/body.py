"""The JSON body of a request, read in pieces so that one that is too large is never held."""

import asyncio
from typing import Any, Final

from fastapi import Request

from server.edge.json_in import MOST_BYTES, decode, decode_any, too_large

MOST_AT_ONCE: Final = 1024 * 1024
"""What is longer is decoded beside the loop, so that others are served meanwhile."""


async def read_object(request: Request) -> dict[str, Any]:
    """Return the JSON object in the body, whatever content type it claims. Raises `Refused`."""
    return await decoded(await read_bytes(request, MOST_BYTES))


async def read_value(request: Request) -> Any:
    """Return the JSON in the body, whatever value it is. Raises `Refused`."""
    body = await read_bytes(request, MOST_BYTES)
    return decode_any(body) if len(body) <= MOST_AT_ONCE else await asyncio.to_thread(decode_any, body)


async def decoded(text: str | bytes) -> dict[str, Any]:
    """Return the JSON object that a frame or body is. Raises `Refused`."""
    return decode(text) if len(text) <= MOST_AT_ONCE else await asyncio.to_thread(decode, text)


async def read_bytes(request: Request, most: int) -> bytes:
    """Return the body as it came, at most `most` bytes. Raises `Refused`."""
    if _announced(request) > most:
        raise too_large(most)
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > most:
            raise too_large(most)
    return bytes(found)


def _announced(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() else 0
