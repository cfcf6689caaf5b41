"""Where a socket's frames leave: one message after another, as any ASGI server takes them, or all in one write.

Text frames of a server look the same to every client, so what many followers are sent is rendered and encoded once.
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any, Final, Protocol

from starlette.websockets import WebSocket

EXTENSION: Final = "parley.wire"
"""The key of the `Wire` in the scope's extensions, where the server has one."""

_TEXT: Final = 0x81
_SHORT: Final = 125
_MEDIUM: Final = 0xFFFF


class Frames:
    """Text frames in order, as text and, once somebody needs them so, as the bytes of RFC 6455."""

    def __init__(self, texts: Sequence[str]) -> None:
        self.texts = texts
        self.size = sum(map(len, texts))
        """Characters of all frames."""

    @cached_property
    def encoded(self) -> bytes:
        """The frames one behind the other: final, unmasked, uncompressed."""
        return b"".join([_frame(text.encode()) for text in self.texts])


class Wire(Protocol):
    """A connection that takes encoded frames."""

    @property
    def ready(self) -> bool:
        """Whether it is open and takes more without waiting for the client."""

    def write(self, frames: bytes) -> None:
        """Send whole frames; only while it is open."""

    async def drained(self) -> None:
        """Wait until the client has taken enough. Raises `WebSocketDisconnect` once the connection is gone."""


class Outlet:
    """The way out of one socket."""

    def __init__(self, websocket: WebSocket) -> None:
        self._websocket = websocket
        extensions: dict[str, Any] = websocket.scope.get("extensions") or {}
        self.wire: Wire | None = extensions.get(EXTENSION)
        """Takes encoded frames; None where the server has no such way."""

    @property
    def ready(self) -> bool:
        """Whether `write` may be called: nobody has to wait."""
        return self.wire is not None and self.wire.ready

    def write(self, frames: Sequence[Frames]) -> None:
        """Send at once; only while `ready`."""
        if self.wire is not None and frames:
            self.wire.write(_joined(frames))

    async def room(self) -> None:
        """Wait until the client has taken most of what was sent. Raises `WebSocketDisconnect` if it has gone."""
        if self.wire is not None:
            await self.wire.drained()

    async def send(self, frames: Frames) -> None:
        """Send, waiting for a client that is slow. Raises `WebSocketDisconnect` if it has gone."""
        if self.ready:
            self.write([frames])
            await self.room()
            return
        for text in frames.texts:
            await self._websocket.send({"type": "websocket.send", "text": text})


def _joined(frames: Sequence[Frames]) -> bytes:
    return frames[0].encoded if len(frames) == 1 else b"".join([one.encoded for one in frames])


def _frame(payload: bytes) -> bytes:
    size = len(payload)
    if size <= _SHORT:
        return bytes((_TEXT, size)) + payload
    if size <= _MEDIUM:
        return bytes((_TEXT, 126)) + size.to_bytes(2, "big") + payload
    return bytes((_TEXT, 127)) + size.to_bytes(8, "big") + payload
