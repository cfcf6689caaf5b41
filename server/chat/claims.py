"""Request ids that are being served in this process: the same id sent twice at once is one turn.

What ended or outlives the process is found by the id in the store; here are only those that have not been accepted yet.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from server.chat.live import LiveTurn
from server.core.errors import Refused
from server.core.records import Actor
from server.core.requests import TurnRequest


@dataclass(frozen=True, slots=True)
class Started:
    """A turn that was accepted, now or before."""

    turn: LiveTurn
    headers: Mapping[str, str] = field(default_factory=dict)
    """What to tell the client of its caps."""
    replayed: bool = False
    """Whether the turn had been accepted before this call."""


@dataclass(slots=True, eq=False)
class Claim:
    """One receipt of a request. The first one with its id owns it; the others wait for what becomes of it."""

    actor: Actor
    request: TurnRequest
    fate: "asyncio.Future[Started]"
    owner: bool
    begun: bool = False
    waiting: Callable[[int], None] | None = None
    """Hears the request's position while it waits for room."""


class Abandoned(Exception):  # noqa: N818
    """The socket that owned the claim left before the turn was accepted."""


class Claims:
    """The claims of this process, by user and request id. Belongs to one event loop."""

    def __init__(self) -> None:
        self._open: dict[tuple[str, str], Claim] = {}

    def receive(self, actor: Actor, request: TurnRequest) -> Claim:
        """Claim the request's id, or join the claim that has it. Raises `Refused` if its body differs."""
        if request.client_request_id is None:
            return self._own(actor, request)
        key = (actor.user_id, request.client_request_id)
        first = self._open.get(key)
        if first is None or first.fate.done():
            claim = self._own(actor, request)
            self._open[key] = claim
            claim.fate.add_done_callback(lambda _: self._drop(key, claim))
            return claim
        if first.request.body_digest != request.body_digest:
            raise conflict(request.client_request_id)
        return Claim(actor, request, first.fate, owner=False)

    def abandon(self, claim: Claim) -> None:
        """Let the next one that sends this id own it."""
        if claim.owner and not claim.begun and not claim.fate.done():
            claim.fate.set_exception(Abandoned())

    def _drop(self, key: tuple[str, str], claim: Claim) -> None:
        if self._open.get(key) is claim:
            del self._open[key]

    @staticmethod
    def _own(actor: Actor, request: TurnRequest) -> Claim:
        fate: asyncio.Future[Started] = asyncio.get_running_loop().create_future()
        # Nobody may be waiting for it, and a refusal that nobody waits for is not a fault.
        fate.add_done_callback(lambda done: done.cancelled() or done.exception())
        return Claim(actor, request, fate, owner=True)


def conflict(client_request_id: str) -> Refused:
    """Return the refusal of an id that was used with another body."""
    return Refused(
        "idempotency_conflict",
        f"The request id {client_request_id!r} was used with another body. Use a new id for a new request.",
        param="client_request_id",
    )
