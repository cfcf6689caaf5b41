"""Folders of persona files, read and composed. A bad file never stops the others.

Nothing outside a persona's own folder is read for it, and no link inside is followed.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from personas.compiled import Compiled
from personas.composition import HOUSE, compose
from personas.persona import MAX_BYTES, Beside, NotBeside, Persona, nothing_beside, parse
from personas.problems import PersonaRefused, Problem, UnknownPersona, near

CATALOG = Path(__file__).parent / "catalog"
"""The folder of the personas that ship with the package."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Library:
    """All personas of some folders, by name."""

    compiled: Mapping[str, Compiled]
    refused: Mapping[str, tuple[Problem, ...]]
    """The errors of every persona that cannot be used."""
    problems: tuple[Problem, ...]
    """Errors and warnings of all files."""
    sources: Mapping[str, str]
    """The text of the file of every persona that can be used."""
    warnings: Mapping[str, tuple[Problem, ...]]
    """The warnings of every persona that has some."""

    @classmethod
    def load(
        cls,
        folders: Sequence[Path],
        edits: Mapping[str, str] | None = None,
        *,
        groups: Mapping[str, Sequence[str]] | None = None,
    ) -> "Library":
        """Read `*.md` and `*/persona.md` of each folder; a name in a later folder wins, even if its file is bad.

        `edits` are texts by name, read in the place of what the file of the name holds, or as one more persona.
        `groups` are the deployment's names for several models. A folder that does not exist is a problem, not an
        exception.
        """
        edited = dict(edits or {})
        places: dict[str, Path] = {}
        good: dict[str, Persona] = {}
        refused: dict[str, tuple[Problem, ...]] = {}
        problems: list[Problem] = []
        for folder in folders:
            if not folder.is_dir():
                problems.append(Problem(str(folder), 1, "folder", "There is no such folder.", "Create or correct it."))
                continue
            for name, files in _found(folder).items():
                good.pop(name, None)
                refused.pop(name, None)
                places[name] = files[0]
                if name in edited:
                    continue
                try:
                    good[name] = _only(files, name)
                except PersonaRefused as error:
                    refused[name] = error.problems
        for name, text in edited.items():
            file = places.get(name)
            beside = _beside_of(file) if file else nothing_beside
            try:
                good[name] = parse(text, source=str(file or f"{name}.md"), name_hint=name, beside=beside)
            except PersonaRefused as error:
                refused[name] = error.problems
        compiled = _compose_all(good, refused, groups)
        problems += (problem for persona in good.values() for problem in persona.problems)
        problems += dict.fromkeys(problem for errors in refused.values() for problem in errors)
        sources = {name: good[name].text for name in compiled}
        warnings = {name: persona.problems for name, persona in good.items() if persona.problems}
        return cls(compiled=compiled, refused=refused, problems=tuple(problems), sources=sources, warnings=warnings)

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


def _found(folder: Path) -> Mapping[str, list[Path]]:
    """Return the persona files of a folder by the name that their place gives them."""
    found: dict[str, list[Path]] = {}
    for entry in sorted(folder.iterdir()):
        if entry.name.startswith(".") or entry.name.lower() == "readme.md":
            continue
        if entry.suffix == ".md" and entry.is_file():
            found.setdefault(entry.stem, []).append(entry)
        elif (entry / "persona.md").is_file():
            found.setdefault(entry.name, []).append(entry / "persona.md")
    return found


def _only(files: Sequence[Path], name: str) -> Persona:
    if len(files) > 1:
        message = f"`{name}` stands twice in this folder: as a file and as a folder."
        raise PersonaRefused([Problem(str(file), 1, "name", message, "Keep one.") for file in files])
    file = files[0]
    try:
        text = _text(file)
    except NotBeside as error:
        raise PersonaRefused([Problem(str(file), 1, "file", error.message, error.cure)]) from error
    return parse(text, source=str(file), name_hint=name, beside=_beside_of(file))


def _compose_all(
    good: Mapping[str, Persona],
    refused: dict[str, tuple[Problem, ...]],
    groups: Mapping[str, Sequence[str]] | None,
) -> Mapping[str, Compiled]:
    if HOUSE in refused:
        # No persona speaks without the rules that the operator meant to put above it.
        refused.update(dict.fromkeys(good, refused[HOUSE]))
        return {}
    compiled = {}
    for name, persona in good.items():
        try:
            compiled[name] = compose(persona, good, groups=groups)
        except PersonaRefused as error:
            refused[name] = error.problems
    return compiled


def _beside_of(file: Path) -> Beside:
    return _beside(file.parent) if file.name == "persona.md" else nothing_beside


def _beside(folder: Path) -> Beside:
    """Return a reader of the files inside `folder`."""

    def read(path: str) -> str:
        parts = Path(path).parts
        if "\\" in path or "\0" in path or Path(path).is_absolute() or ".." in parts or not parts:
            raise NotBeside(f"`{path}` is not inside the persona's folder.", "Name a file below it.")
        for step in _steps(folder, parts):
            if step.is_symlink():
                raise NotBeside(f"`{path}` is a link.", "Put the file itself there.")
        return _text(folder.joinpath(*parts))

    return read


def _steps(folder: Path, parts: Sequence[str]) -> Iterator[Path]:
    for count in range(1, len(parts) + 1):
        yield folder.joinpath(*parts[:count])


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            content = opened.read(MAX_BYTES + 1)
    except OSError as error:
        raise NotBeside(
            f"`{file.name}` cannot be read: {error.strerror}.", "Correct the name or the rights."
        ) from error
    if len(content) > MAX_BYTES:
        raise NotBeside(f"`{file.name}` has more than {MAX_BYTES} bytes.", "Shorten it.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise NotBeside(f"`{file.name}` is not UTF-8.", "Save it as UTF-8.") from error
