"""What answers follows what was decided: files that changed, and labels that were moved, here or by anybody."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from types import TracebackType
from typing import Final, Self

from server.chat.catalogue import Catalogue
from server.chat.persona_files import Files, PersonaFiles
from server.chat.releases import Gate, open_gate
from server.core.happenings import Happening
from server.core.ports import Clock, Happened, Observer, Wakeups
from server.core.ports_operator import Releases, Revisions, Taken
from server.core.wakes import PERSONAS

LOOK_SECONDS: Final = 0.2
"""How often files and the version are looked at; a hint makes it sooner."""

PATIENCE: Final = 5.0
"""How many times longer than the last look at files the pause before the next is, at least: ten thousand are many."""


class Reloading:
    """Keeps the catalogue in step with files and database. A context manager, in which it does.

    A turn keeps the revision that it began with, whatever happens here meanwhile.
    """

    def __init__(
        self,
        *,
        files: PersonaFiles,
        revisions: Revisions,
        releases: Releases,
        catalogue: Catalogue,
        wakeups: Wakeups,
        observer: Observer,
        clock: Clock,
        gate: Gate = open_gate,
    ) -> None:
        self._files = files
        self._revisions = revisions
        self._releases = releases
        self._catalogue = catalogue
        self._wakeups = wakeups
        self._observer = observer
        self._clock = clock
        self._gate = gate
        self._version = -1
        self._told: frozenset[str] = frozenset()
        self._looked = 0.0
        self._news = asyncio.Event()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        group = await self._stack.enter_async_context(asyncio.TaskGroup())
        self._stack.callback(group.create_task(self._watch()).cancel)
        self._stack.callback(self._wakeups.subscribe(PERSONAS, lambda _: self._news.set()))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, tb: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    async def read(self) -> None:
        """Take what all files hold and let what is live answer: what a start does."""
        await self._take(await self._files.read(await self._releases.held()), starts=True)
        await self._follow()

    async def look(self) -> None:
        """Take what changed since."""
        began = self._clock.monotonic()
        changed = await self._files.changed()
        self._looked = self._clock.monotonic() - began
        if changed:
            await self._take(await self._files.read(await self._releases.held()), starts=False)
        if await self._releases.version() != self._version:
            await self._follow()

    async def _watch(self) -> None:
        while True:
            try:
                await self.look()
            except Exception as failed:  # noqa: BLE001  whatever it is, the next look may do better
                self._observer.saw(Happened(name=Happening.RELOAD_FAILED, labels={"reason": str(failed)}))
            with suppress(TimeoutError):
                await asyncio.wait_for(self._news.wait(), max(LOOK_SECONDS, self._looked * PATIENCE))
            self._news.clear()

    async def _take(self, files: Files, *, starts: bool) -> None:
        self._tell_problems(files)
        reasons = {draft.digest: await self._gate(draft.persona, draft.digest) for draft in files.drafts}
        vetoed = [digest for digest, reason in reasons.items() if reason is not None]
        taken = await self._releases.take_files(files.drafts, vetoed=vetoed, now=self._clock.now())
        self._tell_taken(taken, starts=starts)
        self._catalogue.take_broken({name: "; ".join(map(str, errors)) for name, errors in files.broken.items()})

    async def _follow(self) -> None:
        # Read before what it counts, so that a change between the two is seen at the next look.
        version = await self._releases.version()
        standings = await self._releases.standings()
        self._catalogue.take(standings, await self._revisions.some(self._catalogue.unread(standings)))
        self._version = version

    def _tell_problems(self, files: Files) -> None:
        """Tell each problem once for as long as it lasts."""
        problems = frozenset(map(str, files.problems))
        for problem in sorted(problems - self._told):
            self._observer.saw(Happened(name=Happening.PERSONA_PROBLEM, labels={"problem": problem}))
        self._told = problems

    def _tell_taken(self, taken: Sequence[Taken], *, starts: bool) -> None:
        for one in taken:
            about = {"persona": one.revision.persona, "revision": str(one.revision.number)}
            if one.became == "live" and not starts:
                self._observer.saw(Happened(name=Happening.PERSONA_RELOADED, labels=about))
            elif one.became == "draft":
                self._observer.saw(Happened(name=Happening.PERSONA_HELD_BACK, labels=about))
        if taken:
            self._wakeups.publish(PERSONAS, b"")
