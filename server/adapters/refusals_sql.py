"""What users were refused, in SQL."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_operator`

from collections.abc import Sequence
from typing import Final

from sqlalchemy import Connection, and_, delete, insert, select, update

from server.adapters.database import Database
from server.adapters.schema import refusals
from server.core.ports_operator import Refusal

MINUTE: Final = 60_000_000

_columns = refusals.c


class SqlRefusals:
    """A `Refusals`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def add(self, refused: Sequence[Refusal]) -> None:
        def work(connection: Connection) -> None:
            for one in refused:
                same = and_(
                    _columns.user_id == one.user_id,
                    _columns.minute == one.last_at // MINUTE,
                    _columns.code == one.code,
                    _columns.model == one.model,
                    _columns.cap == one.cap,
                )
                news = {"last_at": one.last_at, "next_at": one.next_at}
                more = update(refusals).where(same).values(count=_columns.count + one.count, **news)
                if not connection.execute(more).rowcount:
                    row = {"user_id": one.user_id, "code": one.code, "model": one.model, "cap": one.cap}
                    connection.execute(
                        insert(refusals).values(**row, **news, minute=one.last_at // MINUTE, count=one.count)
                    )

        await self._database.write(work)

    async def of(self, user_id: str, since: int) -> Sequence[Refusal]:
        query = (
            select(refusals)
            .where(_columns.user_id == user_id, _columns.minute >= since // MINUTE)
            .order_by(_columns.minute.desc(), _columns.last_at.desc())
        )
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [Refusal(**{name: value for name, value in row.items() if name != "minute"}) for row in rows]

    async def forget(self, before: int) -> int:
        gone = delete(refusals).where(_columns.minute < before // MINUTE)
        return await self._database.write(lambda connection: connection.execute(gone).rowcount)
