"""What arrived for one answer and was not read yet."""

import asyncio
from collections import deque

from client.errors import ParleyError
from client.events import Created, Delta, Event, Position


class Inbox:
    """Filled by the connection's reader, emptied by whoever asked.

    Never makes the reader wait, so one slow answer does not stop the others; it holds at most one answer.
    """

    def __init__(self) -> None:
        self._waiting: deque[Event | ParleyError] = deque()
        self._arrived = asyncio.Event()
        self.response_id: str | None = None
        """The answer's id once it is known."""

    def put(self, item: Event | ParleyError) -> None:
        """Take what arrived."""
        if isinstance(item, Created):
            self.response_id = item.response_id
        self._waiting.append(item)
        self._arrived.set()

    async def get(self) -> Event:
        """Return the next event, deltas that wait together as one; raises the error that came instead."""
        while not self._waiting:
            self._arrived.clear()
            await self._arrived.wait()
        item = self._waiting.popleft()
        if isinstance(item, ParleyError):
            raise item
        return self._joined(item) if isinstance(item, Delta) else item

    def _joined(self, first: Delta) -> Delta:
        pieces = [first]
        while self._waiting and isinstance(self._waiting[0], Delta):
            pieces.append(self._waiting.popleft())  # type: ignore[arg-type]  # the loop looked
        position = Position(self.response_id or "", pieces[-1].position.sequence_number)
        return Delta(text="".join(piece.text for piece in pieces), position=position)
