"""The folders of persona files on disk.

Changes are found by looking at names, times and sizes: that needs no service of the system, works on every file system,
and costs what a listing costs. What looks as it did when it was checked is not read again.
"""
# ruff: noqa: D102  # what the methods promise is in `server.chat.persona_files`

import asyncio
import hashlib
from collections.abc import Collection, Mapping, Sequence
from itertools import chain
from pathlib import Path

import personas
from server import __version__
from server.adapters import persona_checks
from server.adapters.persona_checks import Checked, Checks
from server.chat.persona_files import Files, Linted
from server.core.ports_operator import Draft

HOUSE = "house"


class FolderPersonas:
    """A `PersonaFiles`: the shipped catalog, which does not change while it runs, and the operator's folders.

    `record` is a file that keeps from one start to the next what was checked.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        groups: Mapping[str, Sequence[str]] | None = None,
        models: Collection[str] | None = None,
        record: Path | None = None,
    ) -> None:
        self._folders = folders
        self._groups = groups
        self._models = models
        self._record = record
        self._seen: Mapping[str, str] = {}
        self._checks: Checks | None = None

    async def changed(self) -> bool:
        return bool(self._folders) and await asyncio.to_thread(self._look) != self._seen

    async def read(self, held: Mapping[str, str]) -> Files:
        return await asyncio.to_thread(self._read, held)

    async def lint(self, persona: str, source: str) -> Linted:
        return await asyncio.to_thread(self._lint, persona, source)

    def _read(self, held: Mapping[str, str]) -> Files:
        # Looked at first: what changes while it is read is read again.
        seen = self._look()
        shelf = self._shelf()
        marks = {name: _mark(shelf.files(name), seen) for name in shelf.names}
        before = self._before(self._stamp(marks))
        now: dict[str, Checked] = {}
        drafts: list[Draft] = []
        broken: dict[str, Sequence[personas.Problem]] = {}
        for name in sorted(shelf.names - {HOUSE}):
            known = before.hold(name, marks)
            if known is not None and held.get(name) == known.digest:
                now[name] = known
                continue
            try:
                shelved = shelf.read(name)
            except personas.PersonaRefused as refused:
                broken[name] = refused.problems
                continue
            drafts.append(_draft(name, shelved))
            now[name] = Checked(marks[name], shelved.extends, drafts[-1].digest, shelved.warnings)
        told = [shelf.problems, _house_problems(shelf), *(good.warnings for good in now.values()), *broken.values()]
        self._seen = seen
        self._keep(Checks(before.stamp, now))
        return Files(drafts=drafts, broken=broken, problems=list(dict.fromkeys(chain.from_iterable(told))))

    def _lint(self, persona: str, source: str) -> Linted:
        try:
            shelved = self._shelf({persona: source}).read(persona)
        except personas.PersonaRefused as refused:
            return Linted(draft=None, problems=refused.problems)
        return Linted(draft=_draft(persona, shelved), problems=shelved.warnings)

    def _shelf(self, edits: Mapping[str, str] | None = None) -> personas.Shelf:
        return personas.Shelf([personas.CATALOG, *self._folders], edits, groups=self._groups, models=self._models)

    def _look(self) -> Mapping[str, str]:
        return {path: mark for folder in self._folders for path, mark in persona_checks.marks(folder).items()}

    def _stamp(self, marks: Mapping[str, str]) -> str:
        """Return what changes with the house, the models and groups, or the program and its catalog."""
        program = sorted(persona_checks.marks(personas.CATALOG.parent).items())
        groups = {name: list(aliases) for name, aliases in (self._groups or {}).items()}
        parts = (__version__, program, groups, sorted(self._models or ()), marks.get(HOUSE))
        return hashlib.sha256(repr(parts).encode()).hexdigest()

    def _before(self, stamp: str) -> Checks:
        if self._checks is None and self._record is not None:
            self._checks = persona_checks.read(self._record)
        return self._checks if self._checks is not None and self._checks.stamp == stamp else Checks(stamp)

    def _keep(self, checks: Checks) -> None:
        if self._record is not None and checks != self._checks:
            persona_checks.write(self._record, checks)
        self._checks = checks


def _mark(files: Sequence[Path], seen: Mapping[str, str]) -> str:
    """Return what changes with the files of a persona and what lies beside them; "" for those of the catalog."""
    places = (file.parent if file.name == "persona.md" else file for file in files)
    return " ".join(seen.get(str(place), "") for place in places)


def _house_problems(shelf: personas.Shelf) -> Sequence[personas.Problem]:
    """Return the warnings of the house; its errors are told with the personas that stand under it."""
    try:
        return shelf.read(HOUSE).warnings if HOUSE in shelf.names else ()
    except personas.PersonaRefused as refused:
        return refused.problems


def _draft(name: str, shelved: personas.Shelved) -> Draft:
    compiled = shelved.compiled.to_json()
    digest = hashlib.sha256(compiled.encode()).hexdigest()
    return Draft(persona=name, digest=digest, compiled=compiled, source=shelved.text)
