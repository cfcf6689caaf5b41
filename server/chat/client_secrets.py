"""Client secrets: an application makes them for the browsers of its users, lists them and ends them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

import ratelimit
from server.chat.catalogue import Catalogue
from server.core.errors import Refused
from server.core.ports import Clock, Ids
from server.core.ports_secrets import ClientSecret, ClientSecrets, NewSecret
from server.core.records import Actor, Binding
from server.core.requests import TurnRequest

SECOND: Final = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What an application asks for; nothing in it has been checked against what exists."""

    seconds: int
    """How long it can be used to begin with."""
    user: str = ""
    """The application's name for the user; empty is the user of its own key."""
    tier: str | None = None
    origin: str | None = None
    persona: str | None = None
    model: str | None = None
    instructions: str | None = None
    messages: int | None = None


class SecretDesk:
    """Makes client secrets for keys of role developer. `tiers` are those of the moment."""

    def __init__(
        self,
        *,
        secrets: ClientSecrets,
        catalogue: Catalogue,
        tiers: Callable[[], ratelimit.Tiers],
        ids: Ids,
        clock: Clock,
    ) -> None:
        self._secrets, self._catalogue, self._tiers = secrets, catalogue, tiers
        self._ids, self._clock = ids, clock

    async def mint(self, actor: Actor, wanted: Wanted) -> tuple[str, ClientSecret]:
        """Return a new secret, which is never to be had again. Raises `Refused` for what could never be used."""
        tiers = self._tiers()
        if wanted.tier is not None and not wanted.user:
            raise Refused("invalid_value", "'tier' is a user's of yours; name the 'user'.", param="tier")
        if wanted.tier is not None and wanted.tier not in tiers.by_name:
            names = ", ".join(tiers.by_name)
            raise Refused("invalid_value", f"There is no tier {wanted.tier!r}; there are: {names}.", param="tier")
        if wanted.persona is not None or wanted.model is not None:
            asked = TurnRequest(items=(), model=wanted.model, persona=wanted.persona)
            await self._catalogue.check_for_users(actor, asked)
        now = self._clock.now()
        binding = Binding(
            id=self._ids.new("secret"),
            created_at=now,
            expires_at=now + wanted.seconds * SECOND,
            origin=wanted.origin,
            persona=wanted.persona,
            model=wanted.model,
            instructions=wanted.instructions,
            messages=wanted.messages,
        )
        new = NewSecret(binding=binding, by=actor, user=wanted.user, tier=wanted.tier, default_tier=tiers.default_tier)
        return await self._secrets.mint(new)

    async def listed(
        self, actor: Actor, *, user: str | None, after: str | None, limit: int
    ) -> tuple[Sequence[ClientSecret], bool]:
        """Return a page of the actor's secrets that can be used, the newest first, and whether another one follows."""
        found = await self._secrets.of(actor.user_id, self._clock.now(), user=user, after=after, limit=limit + 1)
        return found[:limit], len(found) > limit

    async def revoke(self, actor: Actor, secret_id: str) -> None:
        """End a secret of the actor's at once. Raises `Refused` if there is none that can be used."""
        if not await self._secrets.revoke(secret_id, actor.user_id, self._clock.now()):
            raise Refused("not_found", f"You have no client secret {secret_id[:64]} that can be used.")
