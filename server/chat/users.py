"""Users, for operators: who there is, what tier they have, what they may use, their keys and links."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import ratelimit
from server.chat.quota import Quota
from server.chat.signing_in import LINK_US, SigningIn, path_of
from server.core.errors import Refused
from server.core.moments import rfc3339
from server.core.ports import Clock, Turns
from server.core.ports_operator import Accounts, Key, User
from server.core.records import Actor, Role, UsageRow

DAY_US: Final = 86_400_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What is to change of a user; None leaves it. An organisation of "" is none."""

    tier: str | None = None
    suspended: bool | None = None
    organisation: str | None = None


class UserDesk:
    """Looks at users and changes them; what it returns is ready for JSON. `accounts` are those that a name changes."""

    def __init__(
        self,
        *,
        accounts: Callable[[str], Accounts],
        turns: Turns,
        quota: Quota,
        signing_in: SigningIn,
        tiers: Callable[[], ratelimit.Tiers],
        clock: Clock,
    ) -> None:
        self._by, self._accounts = accounts, accounts("")
        self._turns, self._quota, self._signing_in = turns, quota, signing_in
        self._tiers, self._clock = tiers, clock

    def tiers(self) -> Sequence[Mapping[str, Any]]:
        """Return the effective caps of every tier, as they are in force."""
        return [
            {"tier": row.tier, "id": row.id, "cap": row.cap, "models": list(row.models), "when_capped": row.when_capped}
            for row in self._tiers().table()
        ]

    async def listed(self, *, holding: str, after: str | None, limit: int) -> tuple[Sequence[Mapping[str, Any]], bool]:
        """Return users by name, those whose name holds a text, from behind the id `after`; and whether more follow."""
        found = await self._accounts.users(holding=holding, after=after, limit=limit + 1)
        return [_user(user) for user in found[:limit]], len(found) > limit

    async def one(self, name: str) -> Mapping[str, Any]:
        """Return a user and how full each of their caps is now. Raises `Refused`."""
        user = await self._user(name)
        return _user(user) | {"usage": await self._quota.usage(_as_actor(user))}

    async def change(self, name: str, change: Change, *, by: str) -> Mapping[str, Any]:
        """Change what is given of a user. Raises `Refused`."""
        self._check_tier(change.tier)
        changed = await self._by(by).change_user(
            name, tier=change.tier, suspended=change.suspended, organisation=change.organisation
        )
        if changed is None:
            raise _nobody(name)
        return _user(changed)

    async def usage(self, name: str, days: int) -> Sequence[Mapping[str, Any]]:
        """Return what a user used of each model in so many days. Raises `Refused`."""
        user = await self._user(name)
        return summed(await self._turns.usage_rows(user.id, self._clock.now() - days * DAY_US))

    async def keys(self, name: str) -> Sequence[Mapping[str, Any]]:
        """Return a user's keys and sessions, the oldest first. Raises `Refused`."""
        user = await self._user(name)
        return [_key(one) for one in await self._accounts.keys(user=user.name)]

    async def make_key(
        self, name: str, *, tier: str | None, role: Role, expires_at: int | None, by: str
    ) -> Mapping[str, Any]:
        """Make a key, and the user if new; its `secret` is shown this once. Raises `Refused`."""
        self._check_tier(tier)
        secret, key = await self._by(by).create_key(
            user=name,
            tier=tier,
            default_tier=self._tiers().default_tier,
            role=role,
            expires_at=expires_at,
            now=self._clock.now(),
        )
        return _key(key) | {"secret": secret}

    async def revoke_key(self, key_id: str, *, by: str) -> bool:
        """End a key or a session for good; False if there is none that works."""
        return await self._by(by).revoke_key(key_id, self._clock.now())

    async def make_link(self, name: str, *, tier: str | None, role: Role, by: str) -> Mapping[str, Any]:
        """Make a link that signs the user in once; they are made if new. Raises `Refused`."""
        self._check_tier(tier)
        code = await self._signing_in.code(name, role=role, by=by, tier=tier)
        return {
            "object": "login.link",
            "user": name,
            "role": role,
            "path": path_of(code, role),
            "expires_at": rfc3339(self._clock.now() + LINK_US),
        }

    async def _user(self, name: str) -> User:
        found = await self._accounts.user(name)
        if found is None:
            raise _nobody(name)
        return found

    def _check_tier(self, tier: str | None) -> None:
        known = self._tiers().by_name
        if tier is not None and tier not in known:
            raise Refused("invalid_value", f"There is no tier {tier}. There are: {', '.join(known)}.", param="tier")


def summed(used: Sequence[UsageRow]) -> list[dict[str, Any]]:
    """Return one row for each model, in the order of first use."""
    rows: dict[str, dict[str, Any]] = {}
    for one in used:
        new = {"model": one.model, "turns": 0, "input_tokens": 0, "output_tokens": 0, "last_at": None}
        row = rows.setdefault(one.model, new)
        row["turns"] += 1
        row["input_tokens"] += one.usage.input_tokens
        row["output_tokens"] += one.usage.output_tokens
        row["last_at"] = rfc3339(one.ended_at)
    return list(rows.values())


def _as_actor(user: User) -> Actor:
    return Actor(
        user_id=user.id,
        name=user.name,
        tier=user.tier,
        organisation=user.organisation,
        tier_before=user.tier_before,
        tier_changed_at=user.tier_changed_at,
        has_extras=True,
    )


def _user(user: User) -> dict[str, Any]:
    return {
        "id": user.id,
        "object": "user",
        "name": user.name,
        "tier": user.tier,
        "organisation": user.organisation,
        "suspended": user.suspended,
        "created_at": rfc3339(user.created_at),
    }


def _key(key: Key) -> dict[str, Any]:
    return {
        "id": key.id,
        "object": "key",
        "kind": key.kind,
        "user": key.user,
        "role": key.role,
        "hint": key.hint,
        "created_at": rfc3339(key.created_at),
        "expires_at": rfc3339(key.expires_at),
        "revoked_at": rfc3339(key.revoked_at),
    }


def _nobody(name: str) -> Refused:
    return Refused("not_found", f"There is no user {name}. Users are made with their first key or link.", param="user")
