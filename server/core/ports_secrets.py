"""Client secrets: credentials that an application makes for the browsers of its users."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from server.core.records import Actor, Binding


@dataclass(frozen=True, slots=True, kw_only=True)
class ClientSecret:
    """A client secret as it can be listed; the secret itself is stored only as a hash."""

    binding: Binding
    user: str
    """The user's name, as the application knows it; empty if it is for the user of the key that made it."""
    tier: str
    """The user's tier as it is now."""
    hint: str
    """The first characters of the secret, to recognise it by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewSecret:
    """A client secret that is to be made."""

    binding: Binding
    by: Actor
    user: str
    """As in `ClientSecret`."""
    tier: str | None
    """Another tier for the user from now on; None leaves it."""
    default_tier: str
    """The tier of a user who is made with the secret."""


class ClientSecrets(Protocol):
    """Client secrets, as the users of keys of role developer make them. Each sees their own."""

    async def mint(self, new: NewSecret) -> tuple[str, ClientSecret]:
        """Make a secret, and the user if new, and return it; it is never to be had again.

        A user that is made belongs to the application alone, is called by its user's name, a slash and their own, and
        is in its organisation. Raises `Refused("invalid_value")` where somebody else has this name.
        Those of the key that have ended long ago are deleted.
        """

    async def of(
        self, minter_id: str, now: int, *, user: str | None, after: str | None, limit: int
    ) -> Sequence[ClientSecret]:
        """Return up to `limit` secrets of the minter that can be used, of one user or all, the newest first."""

    async def revoke(self, secret_id: str, minter_id: str, now: int) -> bool:
        """End a secret of the minter for good, at once; False if there is none that can be used."""
