"""Revisions of personas and their labels, in SQL."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_operator`

from collections.abc import Mapping
from typing import Any, Final

from sqlalchemy import RowMapping, delete, func, insert, select
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine

from server.adapters.database import writing
from server.adapters.schema import persona_labels, persona_revisions
from server.core.ports_operator import Revision

LIVE: Final = "live"
DRAFT: Final = "draft"

_revisions = persona_revisions.c
_labels = persona_labels.c


class SqlRevisions:
    """A `Revisions`."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def publish_file(self, persona: str, digest: str, compiled: str, now: int) -> Revision:
        async with writing(self._engine) as connection:
            known = await _where(connection, _revisions.persona == persona, _revisions.digest == digest)
            revision = known or await _store(connection, persona, digest, compiled, now)
            live = await _live(connection, persona)
            if live is None or live.origin == "file":
                await _label(connection, persona, LIVE, revision.number)
            elif revision.number != live.number:
                await _label(connection, persona, DRAFT, revision.number)
            return revision

    async def revision(self, persona: str, number: int) -> Revision | None:
        async with self._engine.connect() as connection:
            return await _where(connection, _revisions.persona == persona, _revisions.number == number)

    async def labels(self) -> Mapping[str, Mapping[str, int]]:
        found: dict[str, dict[str, int]] = {}
        async with self._engine.connect() as connection:
            for row in await connection.execute(select(persona_labels)):
                found.setdefault(row.persona, {})[row.label] = row.number
        return found


async def _store(connection: AsyncConnection, persona: str, digest: str, compiled: str, now: int) -> Revision:
    highest = await connection.scalar(select(func.max(_revisions.number)).where(_revisions.persona == persona))
    revision = Revision(
        persona=persona, number=(highest or 0) + 1, digest=digest, compiled=compiled, origin="file", created_at=now
    )
    await connection.execute(
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


async def _live(connection: AsyncConnection, persona: str) -> Revision | None:
    number = select(_labels.number).where(_labels.persona == persona, _labels.label == LIVE).scalar_subquery()
    return await _where(connection, _revisions.persona == persona, _revisions.number == number)


async def _label(connection: AsyncConnection, persona: str, label: str, number: int) -> None:
    await connection.execute(delete(persona_labels).where(_labels.persona == persona, _labels.label == label))
    await connection.execute(insert(persona_labels).values(persona=persona, label=label, number=number))


async def _where(connection: AsyncConnection, *conditions: Any) -> Revision | None:
    row: RowMapping | None = (await connection.execute(select(persona_revisions).where(*conditions))).mappings().first()
    return Revision(**row) if row else None
