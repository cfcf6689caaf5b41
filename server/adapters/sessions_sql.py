"""Sessions of browsers and the codes that begin them, in SQL."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_sessions`

import secrets
from collections.abc import Mapping

from sqlalchemy import Connection, delete, insert, select, update

from server.adapters.accounts_sql import named
from server.adapters.audit_sql import noted
from server.adapters.database import Database
from server.adapters.identity_secrets import key_hash
from server.adapters.schema import keys, login_codes, users
from server.core.ports import Ids
from server.core.ports_operator import Key
from server.core.ports_sessions import PREFIX
from server.core.records import Role


class SqlSessions:
    """A `Sessions`. Codes and sessions whose time is over are deleted when others begin."""

    def __init__(self, database: Database, *, ids: Ids) -> None:
        self._database, self._ids = database, ids

    async def make_code(
        self, *, user: str, tier: str | None, default_tier: str, role: Role, until: int, by: str, now: int
    ) -> str:
        code = secrets.token_urlsafe(32)

        def work(connection: Connection) -> None:
            user_id = named(connection, user, tier or default_tier, ids=self._ids, by=by, now=now, keep=tier is None)
            connection.execute(delete(login_codes).where(login_codes.c.expires_at <= now))
            row = {"hash": key_hash(code), "user_id": user_id, "role": role.value, "expires_at": until}
            connection.execute(insert(login_codes).values(row))
            noted(connection, now, by, "login link created", user=user, role=role.value)

        await self._database.write(work)
        return code

    async def begin(self, code: str, *, lasts: Mapping[Role, int], now: int) -> tuple[str, Key] | None:
        secret = PREFIX + secrets.token_urlsafe(32)
        spent = (
            delete(login_codes)
            .where(login_codes.c.hash == key_hash(code), login_codes.c.expires_at > now)
            .returning(login_codes.c.user_id, login_codes.c.role)
        )

        def work(connection: Connection) -> Key | None:
            found = connection.execute(spent).first()
            if found is None:
                return None
            connection.execute(delete(keys).where(keys.c.kind == "session", keys.c.expires_at <= now))
            role = Role(found.role)
            name: str = connection.scalars(select(users.c.name).where(users.c.id == found.user_id)).one()
            session = Key(
                id=self._ids.new("session"),
                user=name,
                role=role,
                hint=PREFIX,
                created_at=now,
                expires_at=now + lasts[role],
                kind="session",
            )
            connection.execute(
                insert(keys).values(
                    id=session.id,
                    hash=key_hash(secret),
                    hint=session.hint,
                    user_id=found.user_id,
                    role=found.role,
                    created_at=now,
                    expires_at=session.expires_at,
                    kind="session",
                )
            )
            noted(connection, now, f"{name} {session.id}", "signed in", role=found.role)
            return session

        session = await self._database.write(work)
        return None if session is None else (secret, session)

    async def end(self, secret: str, now: int) -> bool:
        going_on = (keys.c.hash == key_hash(secret), keys.c.kind == "session", keys.c.revoked_at.is_(None))

        def work(connection: Connection) -> bool:
            found = connection.execute(
                update(keys).where(*going_on).values(revoked_at=now).returning(keys.c.id, keys.c.user_id)
            ).first()
            if found is None:
                return False
            name = connection.scalar(select(users.c.name).where(users.c.id == found.user_id))
            noted(connection, now, f"{name} {found.id}", "signed out")
            return True

        return await self._database.write(work)
