"""Folders of persona files, each of them read when it is asked for. A bad file never stops the others.

Nothing outside a persona's own folder is read for it, and no link inside is followed.
"""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

from personas.compiled import Compiled
from personas.composition import HOUSE, compose
from personas.fitting import misfits
from personas.persona import MAX_BYTES, Beside, NotBeside, Persona, nothing_beside, parse
from personas.problems import PersonaRefused, Problem

_KEPT = 64
"""Personas that others begin with and that are kept; when there are more, some are read again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelved:
    """A persona as its file came out, composed."""

    compiled: Compiled
    extends: str | None
    text: str
    """The text of the file."""
    warnings: tuple[Problem, ...]


class Shelf:
    """The personas of some folders, by name; a name in a later folder wins, even if its file is bad.

    `*.md` and `*/persona.md` of each folder are personas. `edits` are texts by name, read in the place of what the file
    of the name holds, or as one more persona. `groups` are the deployment's names for several models, and `models` all
    its names for one; without them, names of models are not looked for.
    """

    def __init__(
        self,
        folders: Sequence[Path],
        edits: Mapping[str, str] | None = None,
        *,
        groups: Mapping[str, Sequence[str]] | None = None,
        models: Collection[str] | None = None,
    ) -> None:
        self._edits = dict(edits or {})
        self._groups = groups
        self._models = None if models is None else frozenset((*models, *(groups or {})))
        self._files: dict[str, list[Path]] = {}
        absent = []
        for folder in folders:
            if folder.is_dir():
                self._files |= _found(folder)
            else:
                absent.append(Problem(str(folder), 1, "folder", "There is no such folder.", "Create or correct it."))
        self.problems = tuple(absent)
        """The folders that do not exist."""
        self.names = frozenset((*self._files, *self._edits))
        """All names, that of the house and those of bad files among them."""
        self._others = _Others(self)

    def files(self, name: str) -> Sequence[Path]:
        """Return the files of a persona: none if it is an edit alone, several if they are a mistake."""
        return self._files.get(name, ())

    def read(self, name: str) -> Shelved:
        """Read one of the names and compose it with all it extends. Raises `PersonaRefused`."""
        persona = self.parse(name)
        if name != HOUSE and HOUSE in self.names:
            # No persona speaks without the rules that the operator meant to put above it.
            self._others.usable(HOUSE)
        try:
            compiled = compose(persona, self._others, groups=self._groups)
        except PersonaRefused as refused:
            raise PersonaRefused([*refused.problems, *persona.problems]) from refused
        return Shelved(compiled=compiled, extends=persona.front.extends, text=persona.text, warnings=persona.problems)

    def parse(self, name: str) -> Persona:
        """Read one of the names by itself. Raises `PersonaRefused`."""
        file = next(iter(self.files(name)), None)
        if name in self._edits:
            beside = _beside_of(file) if file else nothing_beside
            persona = parse(self._edits[name], source=str(file or f"{name}.md"), name_hint=name, beside=beside)
        else:
            persona = _only(self._files[name], name)
        folder = file.parent if file is not None and file.name == "persona.md" else None
        found = tuple(misfits(persona, has=partial(_is_beside, folder), models=self._models))
        return replace(persona, problems=(*persona.problems, *found)) if found else persona


class _Others(Mapping[str, Persona]):
    """The usable personas of a shelf: those that are asked for are read, and the newest of them kept."""

    def __init__(self, shelf: Shelf) -> None:
        self._shelf = shelf
        self._kept = lru_cache(maxsize=_KEPT)(shelf.parse)
        self._refused: dict[str, PersonaRefused] = {}

    def usable(self, name: str) -> Persona:
        """Return one of the names of the shelf. Raises `PersonaRefused`."""
        if name not in self._refused:
            try:
                return self._kept(name)
            except PersonaRefused as refused:
                self._refused[name] = refused
        raise PersonaRefused(self._refused[name].problems)

    def __getitem__(self, name: str) -> Persona:
        if name not in self._shelf.names:
            raise KeyError(name)
        try:
            return self.usable(name)
        except PersonaRefused as refused:
            raise KeyError(name) from refused

    def __iter__(self) -> Iterator[str]:
        return iter(sorted(self._shelf.names - self._refused.keys()))

    def __len__(self) -> int:
        return len(self._shelf.names)


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


def _is_beside(folder: Path | None, path: str) -> bool:
    return folder is not None and (folder / path).is_file()


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
