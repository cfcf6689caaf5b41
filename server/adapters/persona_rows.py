"""The rows of personas: revisions, labels, what else decides who answers, and a number that grows with each change."""

from collections.abc import Collection, Sequence
from typing import Any, Final

import msgspec
from sqlalchemy import Connection, RowMapping, delete, func, insert, select, true, update

from server.adapters.rows import text_of
from server.adapters.schema import meta, persona_labels, persona_releases, persona_revisions
from server.core.ports_operator import DRAFT, LIVE, Draft, Origin, Revision
from server.core.rollout import Share

VERSION_KEY: Final = "personas_version"

_revisions, _labels, _releases = persona_revisions.c, persona_labels.c, persona_releases.c
_shares: Final = msgspec.json.Decoder(tuple[Share, ...])


def find(connection: Connection, persona: str, **equal: Any) -> Revision | None:
    """Return the revision of the persona whose columns are equal to these."""
    conditions = (_revisions[name] == value for name, value in equal.items())
    query = select(persona_revisions).where(_revisions.persona == persona, *conditions)
    row: RowMapping | None = connection.execute(query).mappings().first()
    return Revision(**row) if row else None


def store(connection: Connection, draft: Draft, *, origin: Origin, author: str, note: str, now: int) -> Revision:
    """Store a revision under the next number."""
    highest = connection.scalar(select(func.max(_revisions.number)).where(_revisions.persona == draft.persona))
    revision = Revision(
        persona=draft.persona,
        number=(highest or 0) + 1,
        digest=draft.digest,
        compiled=draft.compiled,
        source=draft.source,
        origin=origin,
        author=author,
        note=note,
        created_at=now,
    )
    row = {column.name: getattr(revision, column.name) for column in _revisions}
    connection.execute(insert(persona_revisions).values(row))
    return revision


def unknown(connection: Connection, personas: Collection[str]) -> set[str]:
    """Return those of these personas that have no revision."""
    return set(personas) - set(connection.scalars(select(_revisions.persona).distinct()))


def store_first(connection: Connection, revisions: Sequence[Revision]) -> None:
    """Store what the files of personas hold that had no revision; it is live if it is published, else the draft.

    One statement for each table, however many there are.
    """
    rows = [{column.name: getattr(one, column.name) for column in _revisions} for one in revisions]
    labels = [(one.persona, DRAFT if one.published_at is None else LIVE, one.number) for one in revisions]
    connection.execute(insert(persona_revisions), rows)
    connection.execute(insert(persona_labels), [dict(zip(_labels.keys(), label, strict=True)) for label in labels])
    kept = [{"persona": one.persona, "file_number": one.number, "rollout": "[]"} for one in revisions]
    connection.execute(insert(persona_releases), kept)


def change(connection: Connection, revision: Revision, **columns: int | None) -> None:
    """Set the times of a revision."""
    connection.execute(
        update(persona_revisions)
        .where(_revisions.persona == revision.persona, _revisions.number == revision.number)
        .values(**columns)
    )


def live(connection: Connection, persona: str) -> Revision | None:
    """Return the revision that is live."""
    number = connection.scalar(select(_labels.number).where(_labels.persona == persona, _labels.label == LIVE))
    return None if number is None else find(connection, persona, number=number)


def point(connection: Connection, persona: str, label: str, number: int) -> None:
    """Let a label point at a revision."""
    connection.execute(delete(persona_labels).where(_labels.persona == persona, _labels.label == label))
    connection.execute(insert(persona_labels).values(persona=persona, label=label, number=number))


def drop_labels(connection: Connection, persona: str, number: int, *labels: str) -> None:
    """Take labels off a revision: all of them if none is named."""
    wanted = _labels.label.in_(labels) if labels else true()
    connection.execute(delete(persona_labels).where(_labels.persona == persona, _labels.number == number, wanted))


def file_number(connection: Connection, persona: str) -> int | None:
    """Return the revision that the persona's file held last."""
    number: int | None = connection.scalar(select(_releases.file_number).where(_releases.persona == persona))
    return number


def rollout(connection: Connection, persona: str) -> tuple[Share, ...]:
    """Return the shares of a persona."""
    text = connection.scalar(select(_releases.rollout).where(_releases.persona == persona))
    return read_shares(text) if text else ()


def read_shares(text: str) -> tuple[Share, ...]:
    """Return the shares that a row holds."""
    return _shares.decode(text)


def keep(
    connection: Connection, persona: str, *, file: int | None = None, shares: tuple[Share, ...] | None = None
) -> None:
    """Keep what the file held last, or the shares of a rollout."""
    changes: dict[str, Any] = {}
    if file is not None:
        changes["file_number"] = file
    if shares is not None:
        changes["rollout"] = text_of(shares)
    if not connection.execute(update(persona_releases).where(_releases.persona == persona).values(**changes)).rowcount:
        connection.execute(insert(persona_releases).values({"persona": persona, "rollout": "[]"} | changes))


def version(connection: Connection) -> int:
    """Return the number that grows with each change."""
    value = connection.scalar(select(meta.c.value).where(meta.c.key == VERSION_KEY))
    return int(value) if value else 0


def raise_version(connection: Connection) -> None:
    """Tell other processes of a change."""
    number = version(connection) + 1
    value = str(number).encode()
    if number == 1:
        connection.execute(insert(meta).values(key=VERSION_KEY, value=value))
    else:
        connection.execute(update(meta).where(meta.c.key == VERSION_KEY).values(value=value))
