"""uvicorn's WebSocket connection, which also takes frames that are already encoded.

Its own `send` passes each message through a protocol object and writes it by itself; a delta costs more there than in
all of the engine.
"""

from typing import Final

from starlette.websockets import WebSocketDisconnect
from uvicorn._types import ASGISendEvent
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.frames import Frame
from websockets.protocol import State

from server.core.errors import CLOSE_NOISY
from server.edge.outlet import EXTENSION

SMALL: Final = 1_024
"""Bytes below which a part of a message counts as a small frame. Clients that send in parts send larger ones."""

MOST_SMALL: Final = 1_000
"""Small parts, pings and pongs of a client in a minute. They ask for nothing, so nothing else counts them."""

MINUTE: Final = 60.0
AT_ONCE: Final = 16 * 1024
"""Bytes that are read before it is looked at what they were."""


class WireProtocol(WebSocketsSansIOProtocol):
    """A `Wire`. Needs `ws_per_message_deflate` off: encoded frames are the same for every client."""

    _small = 0
    _minute_ends = 0.0
    _takes = False
    """Whether more may be sent, but for the transport; kept, as it is asked for every follower and delta."""

    async def run_asgi(self) -> None:
        """Offer itself to the application."""
        extensions: dict[str, object] = self.scope["extensions"]  # type: ignore[assignment]  # known ones only
        extensions[EXTENSION] = self
        await super().run_asgi()

    def data_received(self, data: bytes) -> None:
        """Read what has come, a little at a time: it may be thousands of frames."""
        for begin in range(0, len(data), AT_ONCE):
            if not self.transport.is_closing():
                super().data_received(data[begin : begin + AT_ONCE])

    def handle_cont(self, event: Frame) -> None:
        """A further part of a message has come."""
        if len(event.data) >= SMALL or self._may_be_small():
            super().handle_cont(event)

    def handle_ping(self) -> None:
        """The client asks whether somebody is there."""
        if not self._may_be_small():
            return
        if self.writable.is_set():
            super().handle_ping()
        else:
            self.conn.data_to_send()  # the pong, for who reads nothing

    def handle_pong(self, event: Frame) -> None:
        """The client is there."""
        if self._may_be_small():
            super().handle_pong(event)

    def _may_be_small(self) -> bool:
        """Count a frame that asks for nothing; close if there are too many, and return whether there are not."""
        now = self.loop.time()
        if now >= self._minute_ends:
            self._small, self._minute_ends = 0, now + MINUTE
        self._small += 1
        if self._small <= MOST_SMALL:
            return True
        if not self.close_sent and not self.transport.is_closing():
            self.conn.fail(CLOSE_NOISY.code, CLOSE_NOISY.reason)
            self.transport.write(b"".join(self.conn.data_to_send()))
            self.close_sent = True
            self._look()
            self.queue.put_nowait({"type": "websocket.disconnect", "code": CLOSE_NOISY.code})
            self.transport.close()
        return False

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
