"""The JSON body of a request, read in pieces so that one that is too large is never held."""

from typing import Any

from fastapi import Request

from server.edge.json_in import MOST_BYTES, decode, decode_any, too_large


async def read_object(request: Request) -> dict[str, Any]:
    """Return the JSON object in the body, whatever content type it claims. Raises `Refused`."""
    return decode(await read_bytes(request, MOST_BYTES))


async def read_value(request: Request) -> Any:
    """Return the JSON in the body, whatever value it is. Raises `Refused`."""
    return decode_any(await read_bytes(request, MOST_BYTES))


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
