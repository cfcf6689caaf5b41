"""Connections that are being closed, and whose client does not take what was sent before.

The server library closes a connection once its buffer is empty. A client that reads nothing would keep it, and what is
in the buffer, for as long as it likes; one that is gone without a word, until the kernel gives up.
"""

from collections.abc import Iterable
from typing import Final, Protocol

PATIENCE: Final = 20.0
"""Seconds within which the client of a closing connection has to take `LEAST` more."""

LEAST: Final = 4096
"""Bytes; so a connection closes at 200 bytes a second or faster."""


class Transport(Protocol):
    """As `asyncio.Transport` has it."""

    def is_closing(self) -> bool:
        """Return whether it is being closed, or closed."""

    def get_write_buffer_size(self) -> int:
        """Return the bytes that the client has not taken."""

    def abort(self) -> None:
        """Close at once and forget what is in the buffer."""


class Hangups:
    """Remembers when the client of each closing connection last took something, and how much there was left then."""

    def __init__(self) -> None:
        self._marks: dict[Transport, tuple[float, int]] = {}

    def look(self, transports: Iterable[Transport], now: float) -> None:
        """Abort what stands still; `now` in seconds. To be called now and then with the transports that are open."""
        marks: dict[Transport, tuple[float, int]] = {}
        for transport in transports:
            if not transport.is_closing():
                continue
            left = transport.get_write_buffer_size()
            since, before = self._marks.get(transport, (now, left))
            if before - left >= LEAST:
                since, before = now, left
            marks[transport] = since, before
            if now - since >= PATIENCE:
                transport.abort()
        self._marks = marks
