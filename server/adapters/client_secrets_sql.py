"""Client secrets, in SQL."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_secrets`

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import Connection, Row, delete, insert, select, tuple_, update

from server.adapters.accounts_sql import remember_tier
from server.adapters.audit_sql import noted
from server.adapters.database import Database
from server.adapters.identity_secrets import key_hash
from server.adapters.schema import client_secrets, users
from server.core.errors import Refused
from server.core.ports import Ids
from server.core.ports_secrets import ClientSecret, NewSecret
from server.core.records import Binding

KEPT_US: Final = 86_400_000_000
"""How long a secret that has expired is kept, for whoever looks for it."""

_HINT_LENGTH: Final = len("ek_") + 4
_columns = client_secrets.c
_BOUND: Final = ("id", "created_at", "expires_at", "origin", "persona", "model", "instructions", "messages")


class SqlClientSecrets:
    """A `ClientSecrets`."""

    def __init__(self, database: Database, *, ids: Ids, new_secret: Callable[[], str]) -> None:
        self._database, self._ids, self._new_secret = database, ids, new_secret

    async def mint(self, new: NewSecret) -> tuple[str, ClientSecret]:
        secret, binding = self._new_secret(), new.binding
        row = {name: getattr(binding, name) for name in _BOUND} | {
            "hash": key_hash(secret),
            "hint": secret[:_HINT_LENGTH],
            "name": new.user,
            "minter_id": new.by.user_id,
            "key_id": new.by.key_id,
        }

        def work(connection: Connection) -> ClientSecret:
            old = (_columns.key_id == new.by.key_id, _columns.expires_at < binding.created_at - KEPT_US)
            connection.execute(delete(client_secrets).where(*old))
            user_id, tier = self._user(connection, new)
            connection.execute(insert(client_secrets).values(row | {"user_id": user_id}))
            return ClientSecret(binding=binding, user=new.user, tier=tier, hint=row["hint"])

        return secret, await self._database.write(work)

    async def of(
        self, minter_id: str, now: int, *, user: str | None, after: str | None, limit: int
    ) -> Sequence[ClientSecret]:
        usable = (_columns.minter_id == minter_id, _columns.expires_at > now, _columns.revoked_at.is_(None))
        query = select(client_secrets, users.c.tier).join(users, users.c.id == _columns.user_id).where(*usable)
        if user is not None:
            query = query.where(_columns.name == user)
        if after is not None:
            place = select(_columns.created_at, _columns.id).where(_columns.id == after).scalar_subquery()
            query = query.where(tuple_(_columns.created_at, _columns.id) < place)
        ordered = query.order_by(_columns.created_at.desc(), _columns.id.desc()).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(ordered).all())
        return [_listed(row) for row in rows]

    async def revoke(self, secret_id: str, minter_id: str, now: int) -> bool:
        standing = (
            _columns.id == secret_id,
            _columns.minter_id == minter_id,
            _columns.expires_at > now,
            _columns.revoked_at.is_(None),
        )
        change = update(client_secrets).where(*standing).values(revoked_at=now)
        return await self._database.write(lambda connection: connection.execute(change).rowcount > 0)

    def _user(self, connection: Connection, new: NewSecret) -> tuple[str, str]:
        """Return whose secret it is, and their tier; they are made if new."""
        host, now, by = new.by, new.binding.created_at, new.by.signature
        if not new.user:
            return host.user_id, host.tier
        name = f"{host.name}/{new.user}"
        known = connection.execute(
            select(users.c.id, users.c.tier, users.c.host_id).where(users.c.name == name)
        ).first()
        if known is None:
            tier = new.tier or new.default_tier
            row = {
                "id": self._ids.new("user"),
                "name": name,
                "tier": tier,
                "suspended": False,
                "created_at": now,
                "organisation": host.organisation,
                "host_id": host.user_id,
            }
            connection.execute(insert(users).values(row))
            noted(connection, now, by, "user created", user=name, tier=tier)
            return str(row["id"]), tier
        if known.host_id != host.user_id:
            raise Refused("invalid_value", f"The user {name} is not one of yours; name them differently.", param="user")
        if new.tier is not None and new.tier != known.tier:
            remember_tier(connection, users.c.id == known.id, new.tier, now)
            connection.execute(update(users).where(users.c.id == known.id).values(tier=new.tier))
            noted(connection, now, by, "user changed", user=name, tier=new.tier)
        return known.id, new.tier or known.tier


def _listed(row: Row[Any]) -> ClientSecret:
    binding = Binding(**{name: getattr(row, name) for name in _BOUND})
    return ClientSecret(binding=binding, user=row.name, tier=row.tier, hint=row.hint)
