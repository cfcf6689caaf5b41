"""Releases of personas: their revisions, and which of them answer."""

from collections.abc import Mapping, Sequence

from server.core.errors import Refused
from server.core.ports_operator import Revision, Revisions


class Releases:
    """What an operator may see of all personas, live or not."""

    def __init__(self, *, revisions: Revisions) -> None:
        self._revisions = revisions

    async def labels(self) -> Mapping[str, Mapping[str, int]]:
        """Return for every persona the revision that each label points at."""
        return await self._revisions.labels()

    async def revisions(self, persona: str) -> tuple[Sequence[Revision], Mapping[str, int]]:
        """Return the revisions of the persona, newest first, and its labels. Raises `Refused`."""
        found = await self._revisions.revisions(persona)
        if not found:
            raise Refused("persona_not_found", f"There is no persona '{persona}'.", param="name")
        return found, (await self._revisions.labels()).get(persona, {})
