"""The lanes of one socket: which of its requests run, which wait, and which are refused.

Requests of one lane run one after another, in the order of arrival; lanes run beside each other.
"""

from dataclasses import dataclass, field, replace
from typing import Generic, TypeVar

from server.core.errors import Refused

T = TypeVar("T")

MOST_RUNNING = 16
MOST_NAMED = 32
MOST_WAITING = 64


@dataclass(frozen=True, slots=True)
class Lanes(Generic[T]):
    """The state of a socket's lanes. A lane is known by its `stream_id`; None is the default lane."""

    running: frozenset[str | None] = frozenset()
    waiting: tuple[tuple[str | None, T], ...] = ()
    """In the order of arrival."""
    named: frozenset[str] = field(default_factory=frozenset)
    """Every name that the socket has used; names are not given back."""

    def arrive(self, lane: str | None, ticket: T) -> "Lanes[T]":
        """Queue `ticket`. Raises `Refused` if the socket has too many lanes or too much waits."""
        named = self.named if lane is None else self.named | {lane}
        if len(named) > MOST_NAMED:
            raise Refused(
                "websocket_stream_limit_reached",
                f"This socket has used {MOST_NAMED} named lanes; reuse one of them or open another socket.",
                param="stream_id",
            )
        must_wait = lane in self.running or len(self.running) >= MOST_RUNNING
        if must_wait and len(self.waiting) >= MOST_WAITING:
            raise Refused(
                "websocket_queue_limit_reached",
                f"{MOST_WAITING} requests wait on this socket already; wait for an answer to end.",
            )
        return replace(self, waiting=(*self.waiting, (lane, ticket)), named=named)

    def start(self) -> "tuple[Lanes[T], list[tuple[str | None, T]]]":
        """Return the lanes with all that may run now running, and what it was, oldest first."""
        running = set(self.running)
        started: list[tuple[str | None, T]] = []
        kept: list[tuple[str | None, T]] = []
        for lane, ticket in self.waiting:
            if lane in running or len(running) >= MOST_RUNNING:
                kept.append((lane, ticket))
            else:
                running.add(lane)
                started.append((lane, ticket))
        return replace(self, running=frozenset(running), waiting=tuple(kept)), started

    def leave(self, lane: str | None) -> "Lanes[T]":
        """Return the lanes after what ran in `lane` has ended."""
        return replace(self, running=self.running - {lane})
