"""The sockets of this process: how many each user and each network has, and their leaving when the process drains."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from server.chat.refusals import draining
from server.core.errors import Refused

MOST_PER_USER: Final = 64
MOST_PER_NETWORK: Final = 1_024


class Drainable(Protocol):
    """A socket that can be asked to leave."""

    def drain(self, after: float) -> None:
        """Accept nothing more; close when nothing runs, but not before `after` seconds."""

    def close_now(self) -> None:
        """Close without waiting for what runs."""

    def tell_usage_soon(self) -> None:
        """Say how full the caps are, to a client that wants to know."""


class Sockets:
    """Belongs to one event loop. `random` returns a number from 0 to 1, to spread reconnecting clients."""

    def __init__(
        self,
        *,
        random: Callable[[], float],
        most_per_user: int = MOST_PER_USER,
        most_per_network: int = MOST_PER_NETWORK,
    ) -> None:
        self._random = random
        self._most_per_user, self._most_per_network = most_per_user, most_per_network
        self._open: set[Drainable] = set()
        self._by_user: Counter[str] = Counter()
        self._by_network: Counter[str] = Counter()
        self._empty = asyncio.Event()
        self._empty.set()
        self._draining = False

    def __len__(self) -> int:
        return len(self._open)

    @property
    def draining(self) -> bool:
        """Whether no more sockets are let in."""
        return self._draining

    @contextmanager
    def place(self, user_id: str, network: str | None = None) -> Iterator[None]:
        """Count a socket of this user and of the network they come from, if it is known.

        Raises `Refused` if there are too many of either, or the process is draining.
        """
        if self._draining:
            raise draining()
        if self._by_user[user_id] >= self._most_per_user:
            raise _too_many(f"You have {self._most_per_user} sockets open")
        if network is not None and self._by_network[network] >= self._most_per_network:
            raise _too_many(f"Your network has {self._most_per_network} sockets open")
        with _counted(self._by_user, user_id), _counted(self._by_network, network):
            yield

    @contextmanager
    def joined(self, socket: Drainable) -> Iterator[None]:
        """Let `socket` hear of draining while it is open."""
        self._open.add(socket)
        self._empty.clear()
        if self._draining:
            socket.drain(0.0)
        try:
            yield
        finally:
            self._open.discard(socket)
            if not self._open:
                self._empty.set()

    def tell_usage(self) -> None:
        """Let every socket say how full its user's caps are."""
        for socket in list(self._open):
            socket.tell_usage_soon()

    async def drain(self, seconds: float, *, spread: float = 2.0) -> None:
        """Let every socket finish what runs and leave, spread over `spread` seconds; close the rest after `seconds`."""
        self._draining = True
        for socket in list(self._open):
            socket.drain(self._random() * spread)
        try:
            async with asyncio.timeout(seconds):
                await self._empty.wait()
        except TimeoutError:
            for socket in list(self._open):
                socket.close_now()
            await self._empty.wait()


@contextmanager
def _counted(counter: Counter[str], name: str | None) -> Iterator[None]:
    if name is None:
        yield
        return
    counter[name] += 1
    try:
        yield
    finally:
        counter[name] -= 1
        if not counter[name]:
            del counter[name]


def _too_many(what: str) -> Refused:
    return Refused(
        "too_many_connections", f"{what}; close one, or use the lanes of one.", headers={"retry-after": "10"}
    )
