"""The record of what operators did."""

from collections.abc import Sequence
from typing import Any

from server.core.ports import Clock
from server.core.ports_operator import Audit, AuditEntry
from server.core.records import Actor


class Auditing:
    """Notes what operators do where the store that they change does not, and tells it again."""

    def __init__(self, *, audit: Audit, clock: Clock) -> None:
        self._audit = audit
        self._clock = clock

    async def note(self, actor: Actor, what: str, **detail: Any) -> None:
        """Note what `actor` did; `detail` is plain values that name what it was done to, and holds no secret."""
        await self._audit.note(who=actor.signature, what=what, at=self._clock.now(), detail=detail)

    async def entries(self, *, before: int | None, limit: int) -> tuple[Sequence[AuditEntry], bool]:
        """Return the entries before the one with the id `before`, newest first, and whether more follow."""
        found = await self._audit.entries(before=before, limit=limit + 1)
        return found[:limit], len(found) > limit
