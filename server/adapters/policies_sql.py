"""Revisions of the policy and their labels, in SQL."""
# ruff: noqa: D102  # what the methods promise is in `server.core.ports_operator`

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from sqlalchemy import Connection, delete, func, insert, select, update

from server.adapters.audit_sql import noted
from server.adapters.database import Database
from server.adapters.schema import policy_labels, policy_revisions
from server.core.ports_operator import PolicyRevision

LIVE: Final = "live"
DRAFT: Final = "draft"

_revisions, _labels = policy_revisions.c, policy_labels.c


class SqlPolicies:
    """A `Policies`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def publish_file(self, policy: str, *, by: str, now: int) -> tuple[PolicyRevision, bool]:
        def work(connection: Connection) -> tuple[PolicyRevision, bool]:
            revision = _known(connection, policy) or _stored(connection, policy, "file", by, now)
            live = _number(connection, LIVE)
            current = None if live is None else _one(connection, _revisions.number == live)
            if current is None or current.origin == "file":
                if live != revision.number:
                    revision = _published(connection, revision, now)
                    noted(connection, now, by, "policy published", revision=revision.number)
                return revision, True
            if live != revision.number:
                _point(connection, DRAFT, revision.number)
            return revision, live == revision.number

        return await self._database.write(work)

    async def store(self, policy: str, *, by: str, now: int) -> PolicyRevision:
        def work(connection: Connection) -> PolicyRevision:
            known = _known(connection, policy)
            revision = known or _stored(connection, policy, "console", by, now)
            if known is None:
                noted(connection, now, by, "policy stored", revision=revision.number)
            if _number(connection, LIVE) != revision.number:
                _point(connection, DRAFT, revision.number)
            return revision

        return await self._database.write(work)

    async def publish(self, number: int, *, by: str, now: int) -> PolicyRevision | None:
        def work(connection: Connection) -> PolicyRevision | None:
            revision = _one(connection, _revisions.number == number)
            if revision is not None and _number(connection, LIVE) != number:
                revision = _published(connection, revision, now)
                noted(connection, now, by, "policy published", revision=number)
            return revision

        return await self._database.write(work)

    async def go_back(self, number: int, *, by: str, now: int) -> PolicyRevision | None:
        def work(connection: Connection) -> PolicyRevision | None:
            revision, live = _one(connection, _revisions.number == number), _number(connection, LIVE)
            if revision is not None and live != number:
                _let_hold(connection, number)
                noted(connection, now, by, "policy rolled back", revision=number, was=live)
            return revision

        return await self._database.write(work)

    async def revision(self, number: int) -> PolicyRevision | None:
        return await self._database.read(lambda connection: _one(connection, _revisions.number == number))

    async def revisions(self) -> Sequence[PolicyRevision]:
        query = select(policy_revisions).order_by(_revisions.number.desc())
        rows = await self._database.read(lambda connection: connection.execute(query).mappings().all())
        return [PolicyRevision(**row) for row in rows]

    async def labels(self) -> Mapping[str, int]:
        rows = await self._database.read(lambda connection: connection.execute(select(policy_labels)).all())
        return {row.label: row.number for row in rows}


def _known(connection: Connection, policy: str) -> PolicyRevision | None:
    return _one(connection, _revisions.digest == _digest(policy))


def _stored(connection: Connection, policy: str, origin: str, by: str, now: int) -> PolicyRevision:
    number = (connection.scalar(select(func.max(_revisions.number))) or 0) + 1
    row: dict[str, Any] = {
        "number": number,
        "digest": _digest(policy),
        "policy": policy,
        "origin": origin,
        "by": by,
        "created_at": now,
    }
    connection.execute(insert(policy_revisions).values(row))
    return PolicyRevision(**row)


def _one(connection: Connection, condition: Any) -> PolicyRevision | None:
    row = connection.execute(select(policy_revisions).where(condition)).mappings().first()
    return PolicyRevision(**row) if row else None


def _published(connection: Connection, revision: PolicyRevision, now: int) -> PolicyRevision:
    _let_hold(connection, revision.number)
    change = update(policy_revisions).where(_revisions.number == revision.number)
    connection.execute(change.values(published_at=now))
    return replace(revision, published_at=now)


def _let_hold(connection: Connection, number: int) -> None:
    """Make it live, and no draft any more."""
    _point(connection, LIVE, number)
    connection.execute(delete(policy_labels).where(_labels.label == DRAFT, _labels.number == number))


def _number(connection: Connection, label: str) -> int | None:
    number: int | None = connection.scalar(select(_labels.number).where(_labels.label == label))
    return number


def _point(connection: Connection, label: str, number: int) -> None:
    connection.execute(delete(policy_labels).where(_labels.label == label))
    connection.execute(insert(policy_labels).values(label=label, number=number))


def _digest(policy: str) -> str:
    return hashlib.sha256(policy.encode()).hexdigest()
