"""uvicorn's WebSocket connection, which also takes frames that are already encoded.

Its own `send` passes each message through a protocol object and writes it by itself; a delta costs more there than in
all of the engine.
"""

from starlette.websockets import WebSocketDisconnect
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

from server.edge.outlet import EXTENSION


class WireProtocol(WebSocketsSansIOProtocol):
    """A `Wire`. Needs `ws_per_message_deflate` off: encoded frames are the same for every client."""

    async def run_asgi(self) -> None:
        """Offer itself to the application."""
        extensions: dict[str, object] = self.scope["extensions"]  # type: ignore[assignment]  # known ones only
        extensions[EXTENSION] = self
        await super().run_asgi()

    @property
    def ready(self) -> bool:
        """See `Wire`."""
        return self.writable.is_set() and self._open

    def write(self, frames: bytes) -> None:
        """See `Wire`."""
        self.transport.write(frames)

    async def drained(self) -> None:
        """See `Wire`."""
        await self.writable.wait()
        if self.disconnected:
            raise WebSocketDisconnect(1006)

    @property
    def _open(self) -> bool:
        return (
            self.handshake_complete
            and not self.close_sent
            and not self.disconnected
            and self.conn.state is State.OPEN
            and not self.transport.is_closing()
        )
