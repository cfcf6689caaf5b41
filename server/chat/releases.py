"""Releases of personas: new revisions, which of them answer, and the way back."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

import personas
from server.chat.persona_files import PersonaFiles
from server.core import ports_operator, rollout
from server.core.errors import Refused
from server.core.ports import Clock
from server.core.ports_operator import DRAFT, LABELS, LIVE, Draft, Origin, Revision, Revisions, Standing
from server.core.rollout import Share

Gate = Callable[[str, str], Awaitable[str | None]]
"""Says why the revision of this persona with this digest may not become live; None lets it."""

Weigh = Callable[[personas.Compiled, str], Iterable[personas.Problem]]
"""Yields warnings for models whose room a persona, of a file with this path, fills by too much."""

LONGEST_NOTE = 1_000

HOUSE = "house"
"""The persona that is composed into all others, and is none of those people talk to."""


async def open_gate(_persona: str, _digest: str) -> str | None:
    """Let everything become live."""
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """What became of a text that somebody wrote."""

    revision: Revision
    warnings: Sequence[personas.Problem]


class Releases:
    """What an operator may do with personas. Every call raises `Refused`; `by` is who does it, for the audit.

    `tell` lets other nodes know at once that something changed; they see it soon in any case.
    """

    def __init__(
        self,
        *,
        revisions: Revisions,
        releases: ports_operator.Releases,
        files: PersonaFiles,
        clock: Clock,
        weigh: Weigh,
        gate: Gate = open_gate,
        tell: Callable[[], None] = lambda: None,
    ) -> None:
        self._revisions = revisions
        self._releases = releases
        self._files = files
        self._clock = clock
        self._weigh = weigh
        self._gate = gate
        self._tell = tell

    async def standings(self) -> Mapping[str, Standing]:
        """Return for every persona which revisions answer."""
        return await self._releases.standings()

    async def revisions(self, persona: str) -> tuple[Sequence[Revision], Standing]:
        """Return the revisions of the persona, newest first, and which of them answer."""
        found = await self._revisions.revisions(persona)
        if not found:
            raise _unknown(persona)
        return found, (await self._releases.standings()).get(persona, Standing(labels={}))

    async def revision(self, persona: str, number: int) -> Revision:
        """Return a revision."""
        found = await self._revisions.revision(persona, number)
        if found is None:
            newest = (await self.revisions(persona))[0][0].number
            message = f"The persona '{persona}' has no revision {number}; the newest is {newest}."
            raise Refused("persona_not_found", message, param="revision")
        return found

    async def lint(self, persona: str, source: str) -> Sequence[personas.Problem]:
        """Return the problems of a text, as if it stood in the file of this persona. Changes nothing."""
        linted = await self._files.lint(persona, source)
        return [*linted.problems, *await self._weight(linted.draft)]

    async def write(self, persona: str, source: str, *, note: str, by: str, origin: Origin = "console") -> Written:
        """Make a draft of a text; the same content as a revision that exists is that revision."""
        if persona == HOUSE:
            raise Refused("release_refused", "All personas stand under the house: change its file.", param="name")
        linted = await self._files.lint(persona, source)
        if linted.draft is None:
            raise Refused(
                "persona_source_invalid",
                "; ".join(str(problem) for problem in linted.problems[:3]),
                param="source",
                extra={"problems": [told(problem) for problem in linted.problems]},
            )
        revision = await self._revisions.add(linted.draft, origin=origin, author=by, note=note, now=self._clock.now())
        self._tell()
        return Written(revision=revision, warnings=[*linted.problems, *await self._weight(linted.draft)])

    async def publish(self, persona: str, number: int | None, *, by: str, label: str = LIVE) -> Revision:
        """Let `label` point at a revision: at the draft if none is named. `live` is what users get."""
        if label not in LABELS:
            raise Refused("invalid_value", f"'label' must be one of {', '.join(LABELS)}.", param="label")
        if number is None:
            number = (await self._releases.standings()).get(persona, Standing(labels={})).labels.get(DRAFT)
        if number is None:
            newest = (await self.revisions(persona))[0][0].number
            known = f"Name a revision: the newest is {newest}."
            raise Refused("release_refused", f"'{persona}' has no draft. {known}", param="revision")
        if label == LIVE:
            await self._pass(await self.revision(persona, number))
        revision = await self._releases.move(persona, label, number, by=by, now=self._clock.now())
        self._tell()
        return revision

    async def roll_back(self, persona: str, *, recall: bool, by: str) -> Revision:
        """Let the revision answer that was published before the live one. Asks no gate: the way back is always open."""
        revision = await self._releases.roll_back(persona, recall=recall, by=by, now=self._clock.now())
        self._tell()
        return revision

    async def roll_out(self, persona: str, shares: Sequence[Share], *, by: str) -> None:
        """Give parts of the users other revisions than the live one; no shares end the rollout."""
        if wrong := rollout.flaw(shares):
            raise Refused("invalid_value", wrong, param="shares")
        for share in shares:
            await self._pass(await self.revision(persona, share.revision))
        await self._releases.roll_out(persona, shares, by=by, now=self._clock.now())
        self._tell()

    async def recall(self, persona: str, number: int, *, by: str) -> Revision:
        """Let nobody use a revision any more, not even conversations that began with it."""
        revision = await self._releases.recall(persona, number, by=by, now=self._clock.now())
        self._tell()
        return revision

    async def _weight(self, draft: Draft | None) -> Sequence[personas.Problem]:
        if draft is None:
            return ()
        compiled = personas.Compiled.from_json(draft.compiled)
        return await asyncio.to_thread(lambda: list(self._weigh(compiled, draft.persona)))

    async def _pass(self, revision: Revision) -> None:
        vetoed = await self._gate(revision.persona, revision.digest)
        if vetoed is not None:
            message = f"Revision {revision.number} of '{revision.persona}' may not become live: {vetoed}"
            raise Refused("release_refused", message, param="revision")


def told(problem: personas.Problem) -> dict[str, str | int]:
    """Return a problem as callers read it."""
    return {
        "line": problem.line,
        "severity": problem.severity,
        "code": problem.code,
        "message": problem.message,
        "cure": problem.cure,
    }


def _unknown(persona: str) -> Refused:
    return Refused("persona_not_found", f"There is no persona '{persona}'.", param="name")
