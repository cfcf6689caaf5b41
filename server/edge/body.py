"""The JSON body of a request, read in pieces so that one that is too large is never held."""

from typing import Any

from fastapi import Request

from server.edge.json_in import MOST_BYTES, decode, too_large


async def read_object(request: Request) -> dict[str, Any]:
    """Return the JSON object in the body, whatever content type it claims. Raises `Refused`."""
    if _announced(request) > MOST_BYTES:
        raise too_large()
    found = bytearray()
    async for piece in request.stream():
        found += piece
        if len(found) > MOST_BYTES:
            raise too_large()
    return decode(bytes(found))


def _announced(request: Request) -> int:
    length = request.headers.get("content-length", "")
    return int(length) if length.isdecimal() else 0
