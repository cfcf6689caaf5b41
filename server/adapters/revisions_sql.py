"""Revisions of personas, in SQL. `releases_sql` beside it decides which of them answer."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_operator`

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import Connection, select, tuple_

from server.adapters import persona_rows
from server.adapters.audit_sql import noted
from server.adapters.database import Database
from server.adapters.schema import persona_revisions
from server.core.ports_operator import DRAFT, Draft, Origin, Revision

_AT_ONCE: Final = 500
"""Revisions asked for in one query: databases bound the parameters of one."""

_revisions = persona_revisions.c


class SqlRevisions:
    """A `Revisions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, draft: Draft, *, origin: Origin, author: str, note: str, now: int) -> Revision:
        def work(connection: Connection) -> Revision:
            revision = persona_rows.find(connection, draft.persona, digest=draft.digest)
            if revision is None:
                revision = persona_rows.store(connection, draft, origin=origin, author=author, note=note, now=now)
            persona_rows.point(connection, draft.persona, DRAFT, revision.number)
            noted(connection, now, author, "persona drafted", persona=draft.persona, revision=revision.number)
            persona_rows.raise_version(connection)
            return revision

        return await self._database.write(work)

    async def revision(self, persona: str, number: int) -> Revision | None:
        return await self._database.read(lambda connection: persona_rows.find(connection, persona, number=number))

    async def some(self, wanted: Collection[tuple[str, int]]) -> Sequence[Revision]:
        keys = sorted(wanted)

        def work(connection: Connection) -> list[Revision]:
            found = []
            for begin in range(0, len(keys), _AT_ONCE):
                part = tuple_(_revisions.persona, _revisions.number).in_(keys[begin : begin + _AT_ONCE])
                rows = connection.execute(select(persona_revisions).where(part)).mappings()
                found += [Revision(**row) for row in rows]
            return found

        return await self._database.read(work)

    async def revisions(self, persona: str) -> Sequence[Revision]:
        query = select(persona_revisions).where(_revisions.persona == persona).order_by(_revisions.number.desc())
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [Revision(**row) for row in rows]
