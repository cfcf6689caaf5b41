"""What arrived for one reader and was not read yet."""

import asyncio
from collections import deque
from typing import Generic, TypeVar

from client.errors import ParleyError
from client.events import Delta, Happening, Position

T = TypeVar("T", bound=Happening)


class Inbox(Generic[T]):
    """Filled by the connection's reader, emptied by whoever asked.

    Never makes the reader wait, so one slow answer does not stop the others. Of an answer's deltas it keeps the text
    alone, so of an answer it holds at most the text however slowly it is read.
    """

    def __init__(self) -> None:
        self._waiting: deque[T | ParleyError] = deque()
        self._pieces: list[str] = []
        self._last: Position | None = None
        self._arrived = asyncio.Event()

    def __len__(self) -> int:
        return len(self._waiting) + bool(self._pieces)

    def put(self, item: T | ParleyError) -> None:
        """Take what arrived."""
        if isinstance(item, Delta):
            if self._last is not None and self._last.response_id != item.position.response_id:
                self._join()
            self._pieces.append(item.text)
            self._last = item.position
        else:
            self._join()
            self._waiting.append(item)
        self._arrived.set()

    async def get(self) -> T:
        """Return the next event, deltas that wait together as one; raises the error that came instead."""
        while not len(self):
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
            joined = Delta(text="".join(self._pieces), position=self._last)
            self._waiting.append(joined)  # type: ignore[arg-type]  # deltas came in
            self._pieces, self._last = [], None
