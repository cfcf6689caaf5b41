"""The folders of persona files on disk.

Changes are found by looking at names, times and sizes: that needs no service of the system, works on every file system,
and costs what a listing costs.
"""
# ruff: noqa: D102  # what the methods promise is in `server.chat.persona_files`

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import personas
from server.chat.persona_files import Files, Linted
from server.core.ports_operator import Draft

_Seen = tuple[str, int, int, int]


class FolderPersonas:
    """A `PersonaFiles`: the shipped catalog, which does not change while it runs, and the operator's folders."""

    def __init__(self, folders: Sequence[Path], *, groups: Mapping[str, Sequence[str]] | None = None) -> None:
        self._folders = folders
        self._groups = groups
        self._read: frozenset[_Seen] = frozenset()

    async def changed(self) -> bool:
        return bool(self._folders) and await asyncio.to_thread(self._look) != self._read

    async def read(self) -> Files:
        return await asyncio.to_thread(self._all)

    async def lint(self, persona: str, source: str) -> Linted:
        return await asyncio.to_thread(self._lint, persona, source)

    def _all(self) -> Files:
        # Looked at first: what changes while it is read is read again.
        seen = self._look()
        library = personas.Library.load([personas.CATALOG, *self._folders], groups=self._groups)
        self._read = seen
        drafts = [_draft(library, name) for name in library.names]
        return Files(drafts=drafts, broken=library.refused, problems=library.problems)

    def _lint(self, persona: str, source: str) -> Linted:
        library = personas.Library.load([personas.CATALOG, *self._folders], {persona: source}, groups=self._groups)
        if persona in library.refused:
            return Linted(draft=None, problems=library.refused[persona])
        return Linted(draft=_draft(library, persona), problems=library.warnings.get(persona, ()))

    def _look(self) -> frozenset[_Seen]:
        return frozenset(seen for folder in self._folders for seen in _listed(folder))


def _draft(library: personas.Library, name: str) -> Draft:
    compiled = library.compiled[name]
    return Draft(
        persona=name, digest=compiled.digest, compiled=compiled.to_json(), source=library.sources.get(name, "")
    )


def _listed(folder: Path) -> Iterator[_Seen]:
    """Give every file below `folder` with what tells that it changed; what cannot be looked at is left out."""
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        if entry.is_dir():
            yield from _listed(entry)
            continue
        try:
            facts = entry.stat()
        except OSError:
            continue
        yield str(entry), facts.st_mtime_ns, facts.st_size, facts.st_ino
