"""Who changed what, in SQL."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_operator`

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, insert, select

from server.adapters.database import Database
from server.adapters.rows import text_of
from server.adapters.schema import audit
from server.core.ports_operator import AuditEntry


def noted(connection: Connection, at: int, who: str, what: str, **detail: Any) -> None:
    """Note a change in the transaction that makes it."""
    connection.execute(insert(audit).values(at=at, who=who, what=what, detail=text_of(detail)))


def noted_all(connection: Connection, at: int, who: str, what: str, details: Iterable[Mapping[str, Any]]) -> None:
    """Note a change of many things, as one statement; there is at least one."""
    rows = [{"at": at, "who": who, "what": what, "detail": text_of(detail)} for detail in details]
    connection.execute(insert(audit), rows)


class SqlAudit:
    """An `Audit`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def note(self, *, who: str, what: str, at: int, detail: Mapping[str, Any]) -> None:
        await self._database.write(lambda connection: noted(connection, at, who, what, **detail))

    async def entries(self, *, before: int | None, limit: int) -> Sequence[AuditEntry]:
        query = select(audit).order_by(audit.c.id.desc()).limit(limit)
        if before is not None:
            query = query.where(audit.c.id < before)
        rows = await self._database.read(lambda connection: connection.execute(query).all())
        return [
            AuditEntry(id=row.id, at=row.at, who=row.who, what=row.what, detail=json.loads(row.detail)) for row in rows
        ]
