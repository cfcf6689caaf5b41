"""What a payment system says of users, and that it is done once."""

from dataclasses import dataclass
from typing import Literal, Protocol

from server.core.ports_extras import Extra


@dataclass(frozen=True, slots=True, kw_only=True)
class SetTier:
    """The user, by name, has this tier."""

    user: str
    tier: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Give:
    """The user, by name, is given a grant; its `user_id` is filled in when it is known."""

    user: str
    grant: Extra


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeBack:
    """What the event `event_id` gave is taken back."""

    event_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Entitlement:
    """One event."""

    id: str
    digest: str
    """Of what it says, to tell the same event from another one of the same id."""
    at: int
    """When it happened, as the payment system says."""
    received_at: int
    by: str
    """Who says it, for the audit."""
    change: SetTier | Give | TakeBack


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """What became of an event."""

    result: Literal["done", "outdated", "nothing"]
    """`outdated`: a tier was set by an event that happened later. `nothing`: there was nothing left to take back."""
    extra_id: str | None = None
    """The grant that was given or taken back."""
    repeated: bool = False
    """Whether the event had come before."""


class Entitlements(Protocol):
    """Events of payment systems."""

    async def apply(self, event: Entitlement) -> Effect:
        """Do what `event` says and remember it, audited, in one transaction.

        An id that came before changes nothing and gets its first effect, whichever node is asked. Raises `Refused`, and
        then nothing is remembered: `idempotency_conflict` for an id that came with something else, `not_found` for a
        user or an event that does not exist.
        """
