"""Who is next: a queue in which each user has one turn in each round, however many requests they have in it. Pure."""

from collections import deque
from collections.abc import Hashable, Iterator
from typing import Generic, TypeVar

_T = TypeVar("_T", bound=Hashable)


class FairQueue(Generic[_T]):
    """Tickets by user. A user who asks fifty times waits behind fifty users who ask once."""

    def __init__(self) -> None:
        self._tickets: dict[str, deque[_T]] = {}
        """By user, in the order of the round: the one whose turn it is first."""

    def __len__(self) -> int:
        return sum(map(len, self._tickets.values()))

    def __iter__(self) -> Iterator[_T]:
        """Yield the tickets in the order in which they would be served."""
        rounds = max(map(len, self._tickets.values()), default=0)
        for number in range(rounds):
            for tickets in self._tickets.values():
                if number < len(tickets):
                    yield tickets[number]

    @property
    def first(self) -> _T | None:
        """Whose turn it is."""
        return next(iter(self), None)

    def join(self, user: str, ticket: _T) -> None:
        """Queue behind the user's other tickets; a user who has none comes last in the round."""
        self._tickets.setdefault(user, deque()).append(ticket)

    def leave(self, user: str, ticket: _T, *, served: bool) -> None:
        """Take the ticket out. Who was served has had their turn in this round."""
        tickets = self._tickets[user]
        tickets.remove(ticket)
        if served or not tickets:
            del self._tickets[user]
            if tickets:
                self._tickets[user] = tickets
