"""Revisions of personas and their labels, in SQL."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_operator`

from collections.abc import Mapping, Sequence
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, delete, func, insert, select

from server.adapters.database import Database
from server.adapters.schema import persona_labels, persona_revisions
from server.core.ports_operator import Revision

LIVE: Final = "live"
DRAFT: Final = "draft"

_revisions = persona_revisions.c
_labels = persona_labels.c


class SqlRevisions:
    """A `Revisions`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def publish_file(self, persona: str, digest: str, compiled: str, now: int) -> Revision:
        def work(connection: Connection) -> Revision:
            known = _where(connection, _revisions.persona == persona, _revisions.digest == digest)
            revision = known or _store(connection, persona, digest, compiled, now)
            live = _live(connection, persona)
            if live is None or live.origin == "file":
                _label(connection, persona, LIVE, revision.number)
            elif revision.number != live.number:
                _label(connection, persona, DRAFT, revision.number)
            return revision

        return await self._database.write(work)

    async def revision(self, persona: str, number: int) -> Revision | None:
        return await self._database.read(
            lambda connection: _where(connection, _revisions.persona == persona, _revisions.number == number)
        )

    async def revisions(self, persona: str) -> Sequence[Revision]:
        query = select(persona_revisions).where(_revisions.persona == persona).order_by(_revisions.number.desc())
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [Revision(**row) for row in rows]

    async def labels(self) -> Mapping[str, Mapping[str, int]]:
        found: dict[str, dict[str, int]] = {}
        for row in await self._database.read(lambda connection: connection.execute(select(persona_labels)).all()):
            found.setdefault(row.persona, {})[row.label] = row.number
        return found


def _store(connection: Connection, persona: str, digest: str, compiled: str, now: int) -> Revision:
    highest = connection.scalar(select(func.max(_revisions.number)).where(_revisions.persona == persona))
    revision = Revision(
        persona=persona, number=(highest or 0) + 1, digest=digest, compiled=compiled, origin="file", created_at=now
    )
    connection.execute(
        insert(persona_revisions).values(
            persona=persona,
            number=revision.number,
            digest=digest,
            compiled=compiled,
            origin=revision.origin,
            created_at=now,
        )
    )
    return revision


def _live(connection: Connection, persona: str) -> Revision | None:
    number = select(_labels.number).where(_labels.persona == persona, _labels.label == LIVE).scalar_subquery()
    return _where(connection, _revisions.persona == persona, _revisions.number == number)


def _label(connection: Connection, persona: str, label: str, number: int) -> None:
    connection.execute(delete(persona_labels).where(_labels.persona == persona, _labels.label == label))
    connection.execute(insert(persona_labels).values(persona=persona, label=label, number=number))


def _where(connection: Connection, *conditions: Any) -> Revision | None:
    row: RowMapping | None = connection.execute(select(persona_revisions).where(*conditions)).mappings().first()
    return Revision(**row) if row else None
