"""Images of messages and files, in SQL."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_images`

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Connection, RowMapping, Table, and_, delete, exists, func, insert, or_, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from server.adapters.database import Database
from server.adapters.schema_images import files, image_uses, images
from server.core.ports_images import File, Picture, Size

_SIZE: Final = (images.c.id, images.c.media_type, images.c.width, images.c.height, images.c.bytes)
_FILE: Final = select(*_SIZE, files.c.name, files.c.created_at).join(files, files.c.image_id == images.c.id)


class SqlImages:
    """An `Images` and a `Files`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def find(self, user_id: str, image_ids: Collection[str]) -> Mapping[str, Size]:
        mine = or_(
            exists().where(files.c.user_id == user_id, files.c.image_id == images.c.id),
            exists().where(image_uses.c.user_id == user_id, image_uses.c.image_id == images.c.id),
        )
        query = select(*_SIZE).where(images.c.id.in_(image_ids), mine)
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return {row["id"]: _size(row) for row in rows}

    async def keep(
        self, turn_id: str, user_id: str, image_ids: Collection[str], new: Sequence[Picture], now: int
    ) -> bool:
        brought = {picture.size.id: picture for picture in new}
        wanted = sorted(set(image_ids))

        def work(connection: Connection) -> bool:
            # In one order everywhere, and locked, so that nobody deletes one before it is known that it is used.
            old = [one for one in wanted if one not in brought]
            kept = [one for one in old if connection.scalar(select(images.c.id).where(images.c.id == one))]
            if len(kept) < len(old):
                return False
            for image_id in wanted:
                if image_id in brought:
                    _store(connection, brought[image_id], now)
                else:
                    connection.scalar(select(images.c.id).where(images.c.id == image_id).with_for_update())
            uses = [{"turn_id": turn_id, "image_id": one, "user_id": user_id} for one in wanted]
            connection.execute(insert(image_uses), uses)
            return True

        return await self._database.write(work)

    async def drop(self, turn_id: str) -> None:
        await self._database.write(lambda connection: let_go(connection, [turn_id]))

    async def content(self, image_ids: Collection[str]) -> Mapping[str, Picture]:
        query = select(images).where(images.c.id.in_(image_ids))
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return {row["id"]: Picture(size=_size(row), data=row["data"]) for row in rows}

    async def add(self, user_id: str, picture: Picture, *, name: str, most: int, now: int) -> File | None:
        image_id = picture.size.id

        def work(connection: Connection) -> File | None:
            mine = and_(files.c.user_id == user_id, files.c.image_id != image_id)
            if (connection.scalar(select(func.count()).select_from(files).where(mine)) or 0) >= most:
                return None
            _store(connection, picture, now)
            row = {"user_id": user_id, "image_id": image_id, "name": name, "created_at": now}
            _insert_new(connection, files, row, ("user_id", "image_id"))
            found = connection.execute(_FILE.where(files.c.user_id == user_id, files.c.image_id == image_id))
            return _file(found.mappings().one())

        return await self._database.write(work)

    async def files(self, user_id: str, *, after: str | None, limit: int, newest_first: bool) -> Sequence[File]:
        query, place = _FILE.where(files.c.user_id == user_id), tuple_(files.c.created_at, files.c.image_id)
        if after is not None:
            mark = (
                select(files.c.created_at, files.c.image_id)
                .where(files.c.user_id == user_id, files.c.image_id == after)
                .scalar_subquery()
            )
            query = query.where(place < mark if newest_first else place > mark)
        columns = (files.c.created_at, files.c.image_id)
        ordered = query.order_by(*(column.desc() if newest_first else column for column in columns)).limit(limit)
        rows = await self._database.read(lambda connection: connection.execute(ordered).mappings().all())
        return [_file(row) for row in rows]

    async def file(self, user_id: str, file_id: str) -> File | None:
        query = _FILE.where(files.c.user_id == user_id, files.c.image_id == file_id)
        row = await self._database.read(lambda connection: connection.execute(query).mappings().first())
        return _file(row) if row else None

    async def remove(self, user_id: str, file_id: str) -> bool:
        def work(connection: Connection) -> bool:
            gone = delete(files).where(files.c.user_id == user_id, files.c.image_id == file_id)
            removed = connection.execute(gone).rowcount > 0
            _sweep(connection, [file_id])
            return removed

        return await self._database.write(work)


def let_go(connection: Connection, turn_ids: Collection[str]) -> None:
    """Let go of the images of turns, in the transaction that deletes their messages."""
    used = select(image_uses.c.image_id).where(image_uses.c.turn_id.in_(turn_ids)).distinct()
    image_ids = connection.scalars(used).all()
    if image_ids:
        connection.execute(delete(image_uses).where(image_uses.c.turn_id.in_(turn_ids)))
        _sweep(connection, image_ids)


def _sweep(connection: Connection, image_ids: Collection[str]) -> None:
    """Delete those of the images that nobody needs any more."""
    # Locked before it is looked who needs them: whoever is about to use one waits, and then finds it gone.
    connection.execute(select(images.c.id).where(images.c.id.in_(image_ids)).order_by(images.c.id).with_for_update())
    needed = or_(
        exists().where(files.c.image_id == images.c.id),
        exists().where(image_uses.c.image_id == images.c.id),
    )
    connection.execute(delete(images).where(images.c.id.in_(image_ids), ~needed))


def _store(connection: Connection, picture: Picture, now: int) -> None:
    row = asdict(picture.size) | {"data": picture.data, "created_at": now}
    # Written where it is there, and so locked.
    _insert_new(connection, images, row, ("id",), touch="created_at")


def _insert_new(
    connection: Connection, table: Table, row: Mapping[str, Any], key: Sequence[str], *, touch: str | None = None
) -> None:
    """Insert the row, or write its column `touch` where it is there."""
    dialect = postgresql if connection.dialect.name == "postgresql" else sqlite
    statement = dialect.insert(table)
    if touch:
        statement = statement.on_conflict_do_update(index_elements=key, set_={touch: statement.excluded[touch]})
    else:
        statement = statement.on_conflict_do_nothing(index_elements=key)
    connection.execute(statement, row)


def _size(row: RowMapping) -> Size:
    return Size(**{name: row[name] for name in ("id", "media_type", "width", "height", "bytes")})


def _file(row: RowMapping) -> File:
    return File(size=_size(row), name=row["name"], created_at=row["created_at"])
