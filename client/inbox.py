"""What arrived for one answer and was not read yet."""

import asyncio
from collections import deque

from client.errors import ParleyError
from client.events import Delta, Event, Position


class Inbox:
    """Filled by the connection's reader, emptied by whoever asked.

    Never makes the reader wait, so one slow answer does not stop the others. Of deltas it keeps the text alone, so it
    holds at most one answer's text however slowly it is read.
    """

    def __init__(self) -> None:
        self._waiting: deque[Event | ParleyError] = deque()
        self._pieces: list[str] = []
        self._last: Position | None = None
        self._arrived = asyncio.Event()

    def put(self, item: Event | ParleyError) -> None:
        """Take what arrived."""
        if isinstance(item, Delta):
            self._pieces.append(item.text)
            self._last = item.position
        else:
            self._join()
            self._waiting.append(item)
        self._arrived.set()

    async def get(self) -> Event:
        """Return the next event, deltas that wait together as one; raises the error that came instead."""
        while not (self._waiting or self._pieces):
            self._arrived.clear()
            await self._arrived.wait()
        if not self._waiting:
            self._join()
        item = self._waiting.popleft()
        if isinstance(item, ParleyError):
            raise item
        return item

    def _join(self) -> None:
        if self._last is not None:
            self._waiting.append(Delta(text="".join(self._pieces), position=self._last))
            self._pieces, self._last = [], None
