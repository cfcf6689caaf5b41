"""uvicorn's WebSocket connection, which also takes frames that are already encoded.

Its own `send` passes each message through a protocol object and writes it by itself; a delta costs more there than in
all of the engine.
"""

from starlette.websockets import WebSocketDisconnect
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.protocol import State

from server.edge.outlet import EXTENSION


class WireProtocol(WebSocketsSansIOProtocol):
    """A `Wire`. Needs `ws_per_message_deflate` off: encoded frames are the same for every client."""

    _takes = False
    """Whether more may be sent, but for the transport; kept, as it is asked for every follower and delta."""

    async def run_asgi(self) -> None:
        """Offer itself to the application."""
        extensions: dict[str, object] = self.scope["extensions"]  # type: ignore[assignment]  # known ones only
        extensions[EXTENSION] = self
        await super().run_asgi()

    async def send(self, message: ASGISendEvent) -> None:
        """Send the application's message."""
        await super().send(message)
        self._look()

    def pause_writing(self) -> None:
        """The client does not keep up."""
        super().pause_writing()
        self._look()

    def resume_writing(self) -> None:
        """It has taken enough."""
        super().resume_writing()
        self._look()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        super().connection_lost(exc)
        self._look()

    def _look(self) -> None:
        self._takes = (
            self.writable.is_set()
            and self.handshake_complete
            and not self.close_sent
            and not self.disconnected
            and self.conn.state is State.OPEN
        )

    @property
    def ready(self) -> bool:
        """See `Wire`."""
        # Whatever else ends a connection closes its transport at once.
        return self._takes and not self.transport.is_closing()

    def write(self, frames: bytes) -> None:
        """See `Wire`."""
        self.transport.write(frames)

    async def drained(self) -> None:
        """See `Wire`."""
        await self.writable.wait()
        if self.disconnected:
            raise WebSocketDisconnect(1006)
