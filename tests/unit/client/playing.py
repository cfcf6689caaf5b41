"""A server that plays a part."""

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

from websockets.asyncio.server import ServerConnection, serve

from client import Parley

Part = Callable[[ServerConnection], Awaitable[None]]


@asynccontextmanager
async def playing(part: Part) -> AsyncIterator[str]:
    """Run a server whose side of every connection is `part`; yield its address."""
    async with serve(part, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


async def tell(socket: ServerConnection, asked: dict[str, Any], kind: str, number: int, /, **members: Any) -> None:
    """Send one frame on the lane of what was asked."""
    frame = {"type": kind, "sequence_number": number, "stream_id": asked["stream_id"], **members}
    await socket.send(json.dumps(frame))


async def begin(socket: ServerConnection, asked: dict[str, Any]) -> str:
    """Send `response.created`; return the response's id."""
    name = f"resp_{asked['input']}"
    response = {"id": name, "model": asked.get("model", "local"), "conversation": None}
    await tell(socket, asked, "response.created", 0, response=response)
    return name


async def finish(socket: ServerConnection, asked: dict[str, Any], name: str, status: str = "completed") -> None:
    """Send the end of an answer."""
    kind = "response.completed" if status == "completed" else "response.incomplete"
    response = {"id": name, "status": status, "usage": {"input_tokens": 1, "output_tokens": 2}}
    await tell(socket, asked, kind, 9, response=response)


async def answering(socket: ServerConnection) -> None:
    """Answer every message with two deltas and a change of usage."""
    async for text in socket:
        asked = json.loads(text)
        name = await begin(socket, asked)
        await tell(socket, asked, "parley:served_by", 1, asked="gpt-4", served="local", because="usage_cap_reached")
        await tell(socket, asked, "response.output_text.delta", 4, delta=f"you said {asked['input']}")
        await tell(socket, asked, "response.output_text.delta", 5, delta=" \n")
        await finish(socket, asked, name)
        await socket.send(json.dumps({"type": "parley:usage", "tier": "plus"}))


def parley(url: str | list[str], key: str | None = None, *, patience: float = 60.0) -> Parley:
    """Return a client that does not wait before it connects again."""
    return Parley(url, key, chance=lambda: 0.0, patience=patience)
