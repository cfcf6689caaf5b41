"""What the doors are given: the use cases behind them and the facts of this deployment."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from server.chat.catalogue import Speaker
from server.chat.claims import Claim, Started
from server.chat.client_secrets import SecretDesk
from server.chat.conversations import Conversations
from server.chat.entitlements import Entitling
from server.chat.files import FileShelf
from server.chat.keeping import Keeper
from server.chat.live import LiveTurn
from server.chat.operations import Operations
from server.chat.rewriting import Rewritten
from server.chat.signing_in import SigningIn
from server.chat.stored import Stored
from server.core.ports import Clock, Ids, Moderator, Observer
from server.core.ports_operator import Identity
from server.core.records import Actor, Model
from server.core.requests import TurnRequest
from server.edge.doorkeeper import Doorkeeper
from server.edge.sockets import Sockets
from server.edge.visitors import Visitors


class Turns(Protocol):
    """The engine, as doors use it; see `server.chat.turns.Turns`."""

    @property
    def running(self) -> int:
        """How many answers run on this node."""

    def receive(self, actor: Actor, request: TurnRequest) -> Claim:
        """Claim the request's id at receipt. Raises `Refused`."""

    def abandon(self, claim: Claim) -> None:
        """Give up a claim that will not be started."""

    async def start(self, claim: Claim) -> Started:
        """Accept the request. Raises `Refused`."""

    async def measure(self, actor: Actor, request: TurnRequest) -> int:
        """Return the tokens of the prompt that the request would make. Raises `Refused`."""

    async def find(self, actor: Actor, turn_id: str) -> LiveTurn:
        """Return a turn, running or stored. Raises `Refused`."""

    async def resume(self, actor: Actor, turn_id: str, position: int) -> LiveTurn:
        """Return a turn, to be shown after `position`. Raises `Refused`."""

    async def cancel(self, actor: Actor, turn_id: str) -> LiveTurn:
        """Stop a turn. Raises `Refused`."""

    async def drain(self, seconds: float) -> None:
        """Accept nothing more; let what runs go on for `seconds`, then hand it over to other processes."""


class Catalogue(Protocol):
    """Who can answer; see `server.chat.catalogue.Catalogue`."""

    def models(self) -> Sequence[Model]:
        """Return all aliases, in the order of the configuration."""

    def personas(self, actor: Actor) -> Sequence[Speaker]:
        """Return who answers this actor, by name."""


class Quota(Protocol):
    """What of the caps is left; see `server.chat.quota.Quota`."""

    async def usage(self, actor: Actor) -> Mapping[str, Any]:
        """Return the actor's tier and how full each cap is, ready for JSON."""


class Rewriting(Protocol):
    """What models were sent; see `server.chat.rewriting.Rewriting`."""

    async def own(self, actor: Actor, turn_id: str) -> Rewritten:
        """Return the prompt of a turn of the actor's. Raises `Refused`."""

    async def of_anyone(self, turn_id: str, *, by: str) -> Rewritten:
        """Return the prompt of any user's turn, and note it in the audit. Raises `Refused`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """Everything that a door may use; kept on `app.state.services`."""

    turns: Turns
    stored: Stored
    catalogue: Catalogue
    conversations: Conversations
    keeper: Keeper
    quota: Quota
    secrets: SecretDesk
    files: FileShelf
    moderator: Moderator
    rewriting: Rewriting
    operations: Operations
    entitling: Entitling
    identity: Identity
    signing_in: SigningIn
    clock: Clock
    ids: Ids
    sockets: Sockets
    doorkeeper: Doorkeeper
    observer: Observer
    metrics: Callable[[], bytes]
    """The metrics in the text format of Prometheus."""
    ready: Callable[[], str | None]
    """Why this node takes no requests now; None if it does."""
    visitors: Visitors | None = None
    """Makes actors of people without an account, where they are let in."""
    allowed_origins: Sequence[str] = field(default_factory=tuple)
    public_url: str | None = None
