"""uvicorn's HTTP connection, with a bound for what comes before a request is known: headers, and trailers after a body.

Its own collects them for as long as they come, and nobody's key has been seen yet.
"""

from asyncio import TimerHandle, Transport
from typing import Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

LARGEST_HEAD: Final = 64 * 1024
"""Bytes that may come without being part of a body, beyond what arrives at once."""

HEAD_SECONDS: Final = 30.0
"""How long the line and the headers of a request may take."""

_TOO_LARGE: Final = (
    b"HTTP/1.1 431 Request Header Fields Too Large\r\n"
    b"content-type: text/plain; charset=utf-8\r\ncontent-length: 25\r\nconnection: close\r\n\r\n"
    b"The headers are too long.\n"
)


class HttpProtocol(HttpToolsProtocol):
    """Answers 431 to headers that are too long, and closes a connection whose headers do not come to an end."""

    _without_body = 0
    _head_timer: TimerHandle | None = None

    def connection_made(self, transport: Transport) -> None:  # type: ignore[override]  # as in uvicorn
        """A client has connected, and is to send a request."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._have_head()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Read what has come."""
        self._without_body += len(data)
        super().data_received(data)
        if self._without_body > LARGEST_HEAD and not self.transport.is_closing():
            self.transport.write(_TOO_LARGE)
            self.transport.close()

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self._await_head()

    def on_headers_complete(self) -> None:
        """It is known what is asked."""
        self._have_head()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A part of the body has come."""
        self._without_body = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._without_body = 0
        super().on_message_complete()

    def handle_websocket_upgrade(self) -> None:
        """Another protocol goes on."""
        self._have_head()
        super().handle_websocket_upgrade()

    def _await_head(self) -> None:
        self._stop_timer()
        self._head_timer = self.loop.call_later(HEAD_SECONDS, self.transport.close)

    def _have_head(self) -> None:
        self._without_body = 0
        self._stop_timer()

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None
