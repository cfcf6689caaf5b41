"""What users have beside their tier: read for those who ask, given and taken back by operators."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal

import ratelimit
from ratelimit.extras import NONE, Allowance, Before, Grant, Override, read_gift, read_override
from ratelimit.lines import LineError
from server.core.errors import Refused
from server.core.moments import rfc3339
from server.core.ports import Clock, Ids
from server.core.ports_extras import Extra, Extras
from server.core.ports_operator import Accounts, User
from server.core.records import Actor, Binding

DAY_US: Final = 86_400_000_000
LONGEST_US: Final = 366 * DAY_US
"""How long an extra may last: a journal keeps what was taken of a grant until it ends."""

AFTER_EXPIRY_US: Final = 3_600_000_000 + 60_000_000
"""How long a socket that was opened with a client secret may outlive it: the life of a socket, and a minute."""

Tiers = Callable[[], ratelimit.Tiers]


class KnownExtras:
    """The extras of whoever asks, as a limiter takes them."""

    def __init__(self, *, extras: Extras, tiers: Tiers, clock: Clock) -> None:
        self._extras, self._tiers, self._clock = extras, tiers, clock

    async def of(self, who: Actor | User) -> ratelimit.Extras:
        """Return what the user has beside the tier. What names a model that is no more here is left out."""
        if isinstance(who, Actor) and who.network is not None:
            return ratelimit.Extras(network=who.network)
        credential = _allowance(who.binding) if isinstance(who, Actor) and who.binding is not None else None
        before = None
        if who.tier_before is not None and who.tier_changed_at is not None:
            before = Before(tier=who.tier_before, changed_us=who.tier_changed_at)
        if isinstance(who, Actor):
            stored = await self._extras.of(who.user_id, self._clock.now()) if who.has_extras else ()
        else:
            stored = await self._extras.of(who.id, self._clock.now())
        if not stored and before is None:
            return NONE if credential is None else ratelimit.Extras(credential=credential)
        return replace(_read(stored, before, self._tiers()), credential=credential)


class ExtrasDesk:
    """Grants and overrides, for operators. Nothing is given that could not be used."""

    def __init__(self, *, extras: Extras, accounts: Accounts, tiers: Tiers, ids: Ids, clock: Clock) -> None:
        self._extras, self._accounts, self._tiers = extras, accounts, tiers
        self._ids, self._clock = ids, clock

    async def grant(
        self, user: str, gives: str, *, ends_at: int, reason: str, by: str, priority: int = 1
    ) -> Mapping[str, Any]:
        """Give the user, by name, what `gives` says, to be used from now until `ends_at`. Raises `Refused`."""
        check_gift(gives, self._tiers(), param="gives")
        return await self._give(user, "grant", gives, ends_at=ends_at, reason=reason, by=by, priority=priority)

    async def override(self, user: str, line: str, *, ends_at: int, reason: str, by: str) -> Mapping[str, Any]:
        """Let a line hold for the user in place of the tier's, from now until `ends_at`. Raises `Refused`."""
        _check("line", lambda: read_override(line, self._tiers()))
        return await self._give(user, "override", line, ends_at=ends_at, reason=reason, by=by)

    async def void(self, extra_id: str, *, by: str) -> bool:
        """Take an extra back; False if there is none that holds. What runs is charged to it still."""
        return await self._extras.void(extra_id, by=by, now=self._clock.now())

    async def listed(self, user: str | None) -> Sequence[Mapping[str, Any]]:
        """Return what holds, of one user by name or of all, ready for JSON. Raises `Refused`."""
        names = {one.id: one.name for one in await self._accounts.users()} if user is None else {}
        if user is not None:
            found = await self._user(user)
            names = {found.id: found.name}
        stored = await self._extras.of(None if user is None else next(iter(names)), self._clock.now())
        return [_shown(one, names.get(one.user_id, one.user_id)) for one in stored]

    async def _give(
        self,
        user: str,
        kind: Literal["grant", "override"],
        what: str,
        *,
        ends_at: int,
        reason: str,
        by: str,
        priority: int = 1,
    ) -> Mapping[str, Any]:
        found, now = await self._user(user), self._clock.now()
        if not now < ends_at <= now + LONGEST_US:
            raise Refused("invalid_value", "An extra ends within the next 366 days.", param="ends_at")
        extra = Extra(
            id=self._ids.new("extra"),
            user_id=found.id,
            kind=kind,
            what=" ".join(what.split()),
            priority=priority,
            starts_at=now,
            ends_at=ends_at,
            reason=reason,
            by=by,
        )
        await self._extras.add(extra)
        return _shown(extra, found.name)

    async def _user(self, name: str) -> User:
        found = await self._accounts.user(name)
        if found is None:
            raise Refused("not_found", f"There is no user {name}. Users are made with their first key.", param="user")
        return found


def check_gift(text: str, tiers: ratelimit.Tiers, *, param: str) -> None:
    """Raise `Refused`, with the way out, if `text` is nothing that could be given."""
    _check(param, lambda: read_gift(text, tiers))


def _allowance(binding: Binding) -> Allowance | None:
    if binding.messages is None:
        return None
    ends = binding.expires_at + AFTER_EXPIRY_US
    return Allowance(id=binding.id, messages=binding.messages, starts_us=binding.created_at, ends_us=ends)


def _read(stored: Iterable[Extra], before: Before | None, tiers: ratelimit.Tiers) -> ratelimit.Extras:
    grants, overrides = [], []
    for one in stored:
        try:
            if one.kind == "grant":
                gift = read_gift(one.what, tiers)
                grants.append(
                    Grant(id=one.id, gift=gift, starts_us=one.starts_at, expires_us=one.ends_at, priority=one.priority)
                )
            else:
                overrides.append(Override(caps=read_override(one.what, tiers), until_us=one.ends_at))
        except (LineError, ratelimit.InvalidTiers):
            # It was read when it was given: a model or group of it has gone since, and may come back.
            continue
    return ratelimit.Extras(grants=tuple(grants), overrides=tuple(overrides), before=before)


def _check(param: str, read: Callable[[], object]) -> None:
    """Raise `Refused` with the way out of what `read` raises."""
    try:
        read()
    except LineError as wrong:
        raise Refused("invalid_value", f"{wrong.message}; {wrong.cure}", param=param) from None
    except ratelimit.InvalidTiers as wrong:
        raise Refused("invalid_value", str(wrong), param=param) from None


def _shown(one: Extra, user: str) -> dict[str, Any]:
    return {
        "id": one.id,
        "object": f"caps.{one.kind}",
        "user": user,
        "what": one.what,
        "priority": one.priority,
        "starts_at": rfc3339(one.starts_at),
        "ends_at": rfc3339(one.ends_at),
        "reason": one.reason,
        "by": one.by,
    }
