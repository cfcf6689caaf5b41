"""Events of payment systems, in SQL."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_entitlements`

from dataclasses import replace
from typing import Any

from sqlalchemy import Connection, func, insert, select, update

from server.adapters.accounts_sql import remember_tier
from server.adapters.audit_sql import noted
from server.adapters.database import Database
from server.adapters.extras_sql import added, voided
from server.adapters.schema import entitlements, users
from server.core.errors import Refused
from server.core.ports_entitlements import Effect, Entitlement, SetTier, TakeBack

_columns = entitlements.c
_TIER = "tier"


class SqlEntitlements:
    """An `Entitlements`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def apply(self, event: Entitlement) -> Effect:
        return await self._database.write(lambda connection: _applied(connection, event))


def _applied(connection: Connection, event: Entitlement) -> Effect:
    known = connection.execute(select(entitlements).where(_columns.id == event.id)).first()
    if known is not None:
        if known.digest != event.digest:
            raise Refused("idempotency_conflict", f"The event {event.id} came before and said something else.")
        return Effect(result=known.result, extra_id=known.extra_id, repeated=True)
    user_id, effect = _done(connection, event)
    row = {
        "id": event.id,
        "digest": event.digest,
        "user_id": user_id,
        "kind": _TIER if isinstance(event.change, SetTier) else "grant",
        "at": event.at,
        "received_at": event.received_at,
        "result": effect.result,
        "extra_id": effect.extra_id,
    }
    connection.execute(insert(entitlements).values(row))
    return effect


def _done(connection: Connection, event: Entitlement) -> tuple[str, Effect]:
    """Do what the event says; return whom it is about and what became of it."""
    change = event.change
    if isinstance(change, TakeBack):
        return _taken_back(connection, event, change)
    user_id = _user_id(connection, change.user)
    if isinstance(change, SetTier):
        return user_id, _set_tier(connection, event, change, user_id)
    added(connection, replace(change.grant, user_id=user_id))
    return user_id, Effect(result="done", extra_id=change.grant.id)


def _set_tier(connection: Connection, event: Entitlement, change: SetTier, user_id: str) -> Effect:
    newest: int | None = connection.scalar(
        select(func.max(_columns.at)).where(_columns.user_id == user_id, _columns.kind == _TIER)
    )
    if newest is not None and newest > event.at:
        return Effect(result="outdated")
    remember_tier(connection, users.c.id == user_id, change.tier, event.received_at)
    connection.execute(update(users).where(users.c.id == user_id).values(tier=change.tier))
    noted(connection, event.received_at, event.by, "user changed", user=change.user, tier=change.tier)
    return Effect(result="done")


def _taken_back(connection: Connection, event: Entitlement, change: TakeBack) -> tuple[str, Effect]:
    given: Any = connection.execute(
        select(_columns.user_id, _columns.extra_id).where(
            _columns.id == change.event_id, _columns.extra_id.is_not(None)
        )
    ).first()
    if given is None:
        raise Refused("not_found", f"No event {change.event_id} has given anything.", param="data.event")
    was = voided(connection, given.extra_id, by=event.by, now=event.received_at)
    return given.user_id, Effect(result="done" if was else "nothing", extra_id=given.extra_id)


def _user_id(connection: Connection, name: str) -> str:
    user_id: str | None = connection.scalar(select(users.c.id).where(users.c.name == name))
    if user_id is None:
        raise Refused("not_found", f"There is no user {name}. Users are made with their first key.", param="data.user")
    return user_id
