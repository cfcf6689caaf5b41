"""Grants and overrides, in SQL."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_extras`

from collections.abc import Sequence
from dataclasses import asdict

from sqlalchemy import Connection, insert, select, update

from server.adapters.audit_sql import noted
from server.adapters.database import Database
from server.adapters.schema import extras, users
from server.core.ports_extras import Extra

_columns = extras.c


class SqlExtras:
    """An `Extras`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, extra: Extra) -> None:
        await self._database.write(lambda connection: added(connection, extra))

    async def void(self, extra_id: str, *, by: str, now: int) -> bool:
        return await self._database.write(lambda connection: voided(connection, extra_id, by=by, now=now))

    async def of(self, user_id: str | None, now: int) -> Sequence[Extra]:
        query = select(extras).where(_columns.voided_at.is_(None), _columns.ends_at > now)
        if user_id is not None:
            query = query.where(_columns.user_id == user_id)
        ordered = query.order_by(_columns.starts_at, _columns.id)
        rows = await self._database.read(lambda connection: connection.execute(ordered).mappings().all())
        return [Extra(**row) for row in rows]


def added(connection: Connection, extra: Extra) -> None:
    """Keep `extra` in the transaction that gives it."""
    connection.execute(insert(extras).values(asdict(extra)))
    name = connection.scalar(select(users.c.name).where(users.c.id == extra.user_id))
    what = "grant given" if extra.kind == "grant" else "override given"
    detail = {"id": extra.id, "user": name, extra.kind: extra.what, "reason": extra.reason}
    noted(connection, extra.starts_at, extra.by, what, **detail)


def voided(connection: Connection, extra_id: str, *, by: str, now: int) -> bool:
    """Take an extra back in the transaction of who does so; False if it does not hold."""
    standing = (_columns.id == extra_id, _columns.voided_at.is_(None), _columns.ends_at > now)
    was = connection.execute(update(extras).where(*standing).values(voided_at=now)).rowcount > 0
    if was:
        noted(connection, now, by, "extra voided", id=extra_id)
    return was
