"""Hints within one process."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports`

import asyncio
from collections.abc import Callable


class MemoryWakeups:
    """Tells those who listen, in the order of publishing. Belongs to one event loop."""

    def __init__(self) -> None:
        self._listeners: dict[str, dict[int, Callable[[bytes], None]]] = {}
        self._next = 0

    def publish(self, topic: str, hint: bytes) -> None:
        for hear in self._listeners.get(topic, {}).values():
            asyncio.get_running_loop().call_soon(hear, hint)

    def heard(self, topic: str) -> bool:
        return topic in self._listeners

    def subscribe(self, topic: str, hear: Callable[[bytes], None]) -> Callable[[], None]:
        key, self._next = self._next, self._next + 1
        self._listeners.setdefault(topic, {})[key] = hear

        def leave() -> None:
            listeners = self._listeners.get(topic, {})
            listeners.pop(key, None)
            if not listeners:
                self._listeners.pop(topic, None)

        return leave
