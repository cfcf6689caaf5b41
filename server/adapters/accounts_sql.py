"""Users and keys, in SQL. Every change is audited in its own transaction."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_operator`

from collections.abc import Callable, Sequence
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, insert, select, update

from server.adapters.audit_sql import noted
from server.adapters.database import Database
from server.adapters.identity_secrets import key_hash
from server.adapters.schema import keys, users
from server.core.ports import Clock, Ids
from server.core.ports_operator import Key, User
from server.core.records import Role

_HINT_LENGTH: Final = len("sk-") + 4


class SqlAccounts:
    """An `Accounts`. `by` is who makes the changes, for the audit."""

    def __init__(self, database: Database, *, ids: Ids, clock: Clock, new_secret: Callable[[], str], by: str) -> None:
        self._database = database
        self._ids = ids
        self._clock = clock
        self._new_secret = new_secret
        self._by = by

    async def create_key(
        self, *, user: str, tier: str | None, default_tier: str, role: Role, expires_at: int | None, now: int
    ) -> tuple[str, Key]:
        secret = self._new_secret()
        key = Key(
            id=self._ids.new("key"),
            user=user,
            role=role,
            hint=secret[:_HINT_LENGTH],
            created_at=now,
            expires_at=expires_at,
        )

        def work(connection: Connection) -> None:
            user_id = named(
                connection, user, tier or default_tier, ids=self._ids, by=self._by, now=now, keep=tier is None
            )
            connection.execute(
                insert(keys).values(
                    id=key.id,
                    hash=key_hash(secret),
                    hint=key.hint,
                    user_id=user_id,
                    role=role.value,
                    created_at=now,
                    expires_at=expires_at,
                )
            )
            self._audit(connection, now, "key created", key=key.id, user=user, role=role.value)

        await self._database.write(work)
        return secret, key

    async def keys(self, *, user: str | None = None) -> Sequence[Key]:
        query = (
            select(keys, users.c.name).join(users, users.c.id == keys.c.user_id).order_by(keys.c.created_at, keys.c.id)
        )
        if user is not None:
            query = query.where(users.c.name == user)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [
            Key(
                id=row.id,
                user=row.name,
                role=Role(row.role),
                hint=row.hint,
                created_at=row.created_at,
                expires_at=row.expires_at,
                revoked_at=row.revoked_at,
                kind=row.kind,
            )
            for row in rows
        ]

    async def revoke_key(self, key_id: str, now: int) -> bool:
        standing = (keys.c.id == key_id, keys.c.revoked_at.is_(None))

        def work(connection: Connection) -> bool:
            revoked = connection.execute(update(keys).where(*standing).values(revoked_at=now))
            if revoked.rowcount:
                self._audit(connection, now, "key revoked", key=key_id)
            return revoked.rowcount > 0

        return await self._database.write(work)

    async def users(self, *, holding: str = "", after: str | None = None, limit: int | None = None) -> Sequence[User]:
        query = select(users).order_by(users.c.name).limit(limit)
        if holding:
            query = query.where(users.c.name.icontains(holding, autoescape=True))
        if after is not None:
            last = select(users.c.name).where(users.c.id == after).scalar_subquery()
            query = query.where(users.c.name > last)
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [User(**row) for row in rows]

    async def user(self, name: str) -> User | None:
        query = select(users).where(users.c.name == name)
        row = await self._database.read(lambda connection: connection.execute(query).mappings().first())
        return User(**row) if row else None

    async def change_user(
        self, name: str, *, tier: str | None = None, suspended: bool | None = None, organisation: str | None = None
    ) -> User | None:
        asked = {"tier": tier, "suspended": suspended, "organisation": organisation}
        changes = {field: value for field, value in asked.items() if value is not None}

        def work(connection: Connection) -> User | None:
            if changes:
                change = changes | ({"organisation": organisation or None} if organisation is not None else {})
                remember_tier(connection, users.c.name == name, tier, self._clock.now())
                connection.execute(update(users).where(users.c.name == name).values(**change))
            row = connection.execute(select(users).where(users.c.name == name)).mappings().first()
            if row is None:
                return None
            if changes:
                self._audit(connection, self._clock.now(), "user changed", user=name, **changes)
            return User(**row)

        return await self._database.write(work)

    def _audit(self, connection: Connection, at: int, what: str, **detail: Any) -> None:
        noted(connection, at, self._by, what, **detail)


def remember_tier(connection: Connection, whose: ColumnElement[bool], tier: str | None, now: int) -> None:
    """Keep in mind which tier the user has, in the transaction that gives them the other one `tier`."""
    if tier is not None:
        other = update(users).where(whose, users.c.tier != tier)
        connection.execute(other.values(tier_before=users.c.tier, tier_changed_at=now))


def named(connection: Connection, name: str, tier: str, *, ids: Ids, by: str, now: int, keep: bool) -> str:
    """Return the id of the user of this name, made if new with `tier`; `keep` leaves the tier of one who exists."""
    known: str | None = connection.scalar(select(users.c.id).where(users.c.name == name))
    if known is None:
        made = ids.new("user")
        row = {"id": made, "name": name, "tier": tier, "suspended": False, "created_at": now}
        connection.execute(insert(users).values(row))
        noted(connection, now, by, "user created", user=name, tier=tier)
        return made
    if not keep:
        remember_tier(connection, users.c.id == known, tier, now)
        connection.execute(update(users).where(users.c.id == known).values(tier=tier))
        noted(connection, now, by, "user changed", user=name, tier=tier)
    return known
