"""All personas of some folders, read and composed."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from personas.compiled import Compiled
from personas.composition import HOUSE
from personas.problems import PersonaRefused, Problem, UnknownPersona, near
from personas.shelf import Shelf

CATALOG = Path(__file__).parent / "catalog"
"""The folder of the personas that ship with the package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """All personas of some folders, by name."""

    compiled: Mapping[str, Compiled]
    refused: Mapping[str, tuple[Problem, ...]]
    """The problems of every persona that cannot be used; at least one is an error."""
    problems: tuple[Problem, ...]
    """Errors and warnings of all files."""
    files: Mapping[str, Path]
    """The file of every persona that can be used."""

    @classmethod
    def load(
        cls,
        folders: Sequence[Path],
        *,
        groups: Mapping[str, Sequence[str]] | None = None,
        models: Collection[str] | None = None,
    ) -> "Library":
        """Read all that is on the `Shelf` of these folders. A folder that does not exist is a problem."""
        shelf = Shelf(folders, groups=groups, models=models)
        compiled: dict[str, Compiled] = {}
        refused: dict[str, tuple[Problem, ...]] = {}
        problems = list(shelf.problems)
        for name in sorted(shelf.names):
            try:
                shelved = shelf.read(name)
            except PersonaRefused as error:
                refused[name] = error.problems
                continue
            compiled[name] = shelved.compiled
            problems += shelved.warnings
        problems += dict.fromkeys(problem for errors in refused.values() for problem in errors)
        files = {name: shelf.files(name)[0] for name in compiled}
        return cls(compiled=compiled, refused=refused, problems=tuple(problems), files=files)

    @property
    def names(self) -> tuple[str, ...]:
        """The personas people can talk to, by name; the house is none of them."""
        return tuple(sorted(name for name in self.compiled if name != HOUSE))

    def get(self, name: str) -> Compiled:
        """Return a persona. Raises `PersonaRefused` with its errors, or `UnknownPersona` with names like it."""
        if name in self.compiled:
            return self.compiled[name]
        if name in self.refused:
            raise PersonaRefused(self.refused[name])
        raise UnknownPersona(name, near(name, self.names))
