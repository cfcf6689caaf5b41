"""The client's end of a socket without a network."""

import asyncio
import json
from collections.abc import Generator
from io import BytesIO
from typing import Any

from starlette.types import Message as AsgiMessage
from starlette.websockets import WebSocket
from websockets.frames import Frame, Opcode

from server.edge.outlet import EXTENSION
from tests.fitting import check_fits_a_door


def parsed(data: bytes) -> list[Frame]:
    """Return the frames in `data`, as the library of most clients reads them."""
    stream, frames = BytesIO(data), []

    def read_exact(size: int) -> Generator[None, None, bytes]:
        yield from ()
        return stream.read(size)

    def parse() -> Generator[None, None, None]:
        while stream.tell() < len(data):
            frames.append((yield from Frame.parse(read_exact, mask=False)))

    assert list(parse()) == []
    return frames


class Wire:
    """The client's end of a socket without a network: what was sent, and how fast it is read.

    If `encoded`, the server's end takes frames as bytes too, as uvicorn's does.
    """

    def __init__(self, *, encoded: bool = False) -> None:
        self._encoded = encoded
        self.writes: list[int] = []
        """The sizes of what was written at once, if `encoded`."""
        self._in: asyncio.Queue[AsgiMessage] = asyncio.Queue()
        self._out: asyncio.Queue[AsgiMessage] = asyncio.Queue()
        self.reading = asyncio.Event()
        self.reading.set()
        self._in.put_nowait({"type": "websocket.connect"})

    async def accepted(self) -> WebSocket:
        """Return the server's end, after the handshake."""
        scope: dict[str, Any] = {
            "type": "websocket",
            "path": "/",
            "headers": [],
            "query_string": b"",
            "subprotocols": [],
        }
        if self._encoded:
            scope["extensions"] = {EXTENSION: self}
        websocket = WebSocket(scope, self._in.get, self._send)
        await websocket.accept()
        assert (await self._out.get())["type"] == "websocket.accept"
        return websocket

    def send(self, **frame: Any) -> None:
        """Send a JSON frame."""
        self.send_text(json.dumps(frame))

    def send_text(self, text: str) -> None:
        """Send a text frame."""
        self._in.put_nowait({"type": "websocket.receive", "text": text})

    def send_bytes(self, data: bytes) -> None:
        """Send a binary frame."""
        self._in.put_nowait({"type": "websocket.receive", "bytes": data})

    def hang_up(self) -> None:
        """Leave."""
        self._in.put_nowait({"type": "websocket.disconnect", "code": 1006})

    async def frame(self) -> Any:
        """Return the next frame, which has the shape that is described."""
        message = await self._next()
        assert message["type"] == "websocket.send", message
        frame = json.loads(message["text"])
        check_fits_a_door(frame)
        return frame

    async def frames(self, count: int) -> list[Any]:
        """Return the next frames."""
        return [await self.frame() for _ in range(count)]

    async def closed(self) -> tuple[int, str]:
        """Return the code and reason that the server closed with."""
        message = await self._next()
        assert message["type"] == "websocket.close", message
        return message["code"], message["reason"]

    async def message(self) -> AsgiMessage:
        """Return what comes next, whatever it is."""
        return await self._next()

    @property
    def silent(self) -> bool:
        """Whether nothing waits to be read."""
        return self._out.empty()

    async def _next(self) -> AsgiMessage:
        async with asyncio.timeout(5):
            return await self._out.get()

    @property
    def ready(self) -> bool:
        """See `server.edge.outlet.Wire`."""
        return self.reading.is_set()

    async def drained(self) -> None:
        """See `server.edge.outlet.Wire`."""
        await self.reading.wait()

    def write(self, frames: bytes) -> None:
        """See `server.edge.outlet.Wire`."""
        assert self.ready
        self.writes.append(len(frames))
        for frame in parsed(frames):
            assert (frame.opcode, frame.fin) == (Opcode.TEXT, True)
            self._out.put_nowait({"type": "websocket.send", "text": bytes(frame.data).decode()})

    async def _send(self, message: AsgiMessage) -> None:
        await self.reading.wait()
        self._out.put_nowait(message)
