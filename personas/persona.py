"""A persona file, read: its fields, its sections, and where each of them was written.

Pure: files that stand beside it are asked for through a function. What a persona inherits is not known here.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import PurePosixPath
from typing import Literal

from personas import front_matter, sections, template
from personas.fields import FrontMatter
from personas.front_matter import HIDDEN, Fields, Json, Path, Unreadable
from personas.problems import MAX_PROBLEMS, PersonaRefused, Problem
from personas.sections import Section
from personas.template import Flaw
from personas.validation import nearest, validate
from personas.values import UNSEEN

MAX_BYTES = 256 * 1024


class NotBeside(Exception):  # noqa: N818  # it is turned into a problem of the file that asked
    """No such file may be read from a persona's folder."""

    def __init__(self, message: str, cure: str) -> None:
        self.message = message
        self.cure = cure
        super().__init__(message)


Beside = Callable[[str], str]
"""Returns the text of a file by its path inside the persona's folder; raises `NotBeside`."""


def nothing_beside(path: str) -> str:
    """Refuse every file: the persona came without a folder."""
    raise NotBeside(f"`{path}` cannot be read: this persona has no folder.", "Write the text into the persona itself.")


@dataclass(frozen=True, slots=True)
class Use:
    """A name that some text of the persona uses, and where."""

    name: str
    path: str
    line: int
    compared: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Persona:
    """One file without errors, before composition."""

    front: FrontMatter
    fields: Mapping[str, Json]
    """The fields as written, with the texts of knowledge files in place of their names."""
    written: Fields
    """The fields before that, which know their lines."""
    sections: tuple[Section, ...]
    """The body, with partials in place."""
    uses: tuple[Use, ...]
    source: str
    """The name by which problems call the file."""
    text: str
    problems: tuple[Problem, ...]
    """Warnings; a persona with errors is never made."""

    @property
    def name(self) -> str:
        """The name under which it is known."""
        return self.front.name

    def line(self, path: Path) -> int:
        """Return the line of a field, or of the nearest that it belongs to."""
        lines = self.written.lines
        return lines.get(nearest(lines, path), 1)


def parse(text: str, *, source: str, name_hint: str | None = None, beside: Beside = nothing_beside) -> Persona:
    """Read the text of one persona file. Raises `PersonaRefused` with every problem that was found, for any text.

    `source` is what problems call the file; `name_hint` is the name its place gives it, which `name` must repeat.
    """
    reading = _Reading(source=source, beside=beside)
    size = len(text.encode(errors="surrogatepass"))
    if size > MAX_BYTES:
        reading.report(1, "too_large", f"The file has {size} bytes; {MAX_BYTES} are allowed.", "Shorten it.")
        raise PersonaRefused(reading.problems)
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    try:
        halves = front_matter.cut(text)
        fields = front_matter.read(halves.front, first_line=halves.front_line)
    except Unreadable as error:
        reading.report(error.line, error.code, error.message, error.cure)
        raise PersonaRefused(reading.problems) from error
    reading.written = fields
    try:
        front = validate(FrontMatter, fields.data, reading.locate)
    except PersonaRefused as refused:
        reading.problems.extend(refused.problems)
        reading.sections(halves.body, halves.body_line)
        raise PersonaRefused(reading.problems[:MAX_PROBLEMS]) from refused
    reading.front(front, name_hint)
    body = reading.sections(halves.body, halves.body_line)
    if not body and front.extends is None:
        reading.report(halves.body_line, "no_text", "The persona has no text.", "Write it below the front matter.")
    data = reading.knowledge(fields.data)
    if any(problem.severity == "error" for problem in reading.problems):
        raise PersonaRefused(reading.problems[:MAX_PROBLEMS])
    return Persona(
        front=front,
        fields=data,
        written=fields,
        sections=body,
        uses=tuple(reading.uses),
        source=source,
        text=text,
        problems=tuple(reading.problems[:MAX_PROBLEMS]),
    )


_NO_FIELDS = Fields({}, (1,))


@dataclass(slots=True, kw_only=True)
class _Reading:
    """What is known of one file while it is read."""

    source: str
    beside: Beside
    written: Fields = _NO_FIELDS
    problems: list[Problem] = field(default_factory=list)
    uses: list[Use] = field(default_factory=list)
    partials: dict[str, str] = field(default_factory=dict)
    included: int = 0

    def report(
        self,
        line: int,
        code: str,
        message: str,
        cure: str,
        *,
        path: str | None = None,
        severity: Literal["error", "warning"] = "error",
    ) -> None:
        """Note a problem of this file, or of the one at `path` beside it."""
        self.problems.append(Problem(path or self.source, line, code, message, cure, severity))

    def locate(self, path: Path) -> tuple[str, int]:
        """Return the file and line of a field."""
        lines = self.written.lines
        return self.source, lines.get(nearest(lines, path), 1)

    def front(self, front: FrontMatter, name_hint: str | None) -> None:
        """Check what the models cannot: the name's place, and the texts that are or are not templates."""
        if name_hint is not None and front.name != name_hint:
            message = f"The persona is called `{front.name}`, but its place says `{name_hint}`."
            self.report(self.locate(("name",))[1], "name", message, f"Write `name: {name_hint}`, or move the file.")
        if front.avatar is not None and not _AVATAR.fullmatch(front.avatar):
            line = self.locate(("avatar",))[1]
            self.report(line, "avatar", "The avatar is no file inside the folder.", "Name one, or use an emoji.")
        templates: list[tuple[Path, str]] = [(("greeting", index), text) for index, text in enumerate(front.greeting)]
        for tag, words in front.locales.items():
            templates += ((("locales", tag, "greeting", index), text) for index, text in enumerate(words.greeting))
        if front.reminder is not None:
            templates.append((("reminder", 0), front.reminder))
        for place, text in templates:
            if template.is_plain(text):
                continue
            line = self.locate(place)[1]
            found = template.lint(text)
            for include in found.includes:
                found.flaws.append(Flaw(0, "tag", f"`{include.name}` cannot be included here.", "Write it out."))
            self._take(found, self.source, partial(_in_place, line))
            self._ask_engine(found, text, self.source, line)
        for path, text in _plain(front):
            if "{" in text and ("{{" in text or "{%" in text):
                line = self.locate(path)[1]
                message = "This field is no template: the braces are shown as they stand."
                self.report(line, "plain_text", message, "Write what should be shown.", severity="warning")

    def sections(self, body: str, first_line: int) -> tuple[Section, ...]:
        """Split and check the body; return it with partials in place."""
        self._look_for_hidden(body, first_line, self.source)
        found = sections.split(body, path=self.source, first_line=first_line)
        seen: dict[str, int] = {}
        for section in found:
            if section.heading == "" and section.line != section.text_line:
                self.report(section.line, "heading", "This heading has no words.", "Give it some, or delete it.")
            elif section.key in seen:
                message = f"`{section.heading}` stands here twice, first in line {seen[section.key]}."
                self.report(section.line, "heading", message, "Join the two.")
            elif "{" in section.heading:
                self.report(section.line, "heading", "A heading is no template.", "Write plain words.")
            seen[section.key] = section.line
        return tuple(self._section(section) for section in found)

    def _section(self, section: Section) -> Section:
        if template.is_plain(section.text):
            return section
        found = template.lint(section.text)
        self._take(found, section.path, lambda line: section.text_line + line)
        if found.flaws:
            return section
        for include in found.includes:
            if include.name not in self.partials:
                line = section.text_line + include.line
                self.partials[include.name] = self._partial(f"partials/{include.name}.md", line)
            # One short include may stand for a long text, many times over.
            self.included += len(self.partials[include.name])
        if self.included > MAX_BYTES:
            self.report(section.line, "too_large", "With its partials the text is too long.", "Include less.")
            return section
        text = template.inline(section.text, self.partials)
        self._ask_engine(found, text, section.path, section.text_line)
        return Section(section.heading, text, section.path, section.line, section.text_line)

    def _partial(self, name: str, line: int) -> str:
        """Return the text of a partial; nothing, and its problems, if it cannot be used."""
        try:
            text = self.beside(name).replace("\r\n", "\n")
        except NotBeside as error:
            self.report(line, "file", error.message, error.cure)
            return ""
        path = str(PurePosixPath(self.source).parent / name)
        before = len(self.problems)
        self._look_for_hidden(text, 1, path)
        found = template.lint(text)
        for nested in found.includes:
            found.flaws.append(Flaw(nested.line, "tag", "A partial includes no other.", "Write it out."))
        if text.rstrip("\n").endswith("{"):
            # With what follows the include it could become a tag that nobody checked.
            found.flaws.append(
                Flaw(
                    text.rstrip("\n").count("\n"), "tag", "A partial cannot end with a brace.", "Write a word after it."
                )
            )
        self._take(found, path, lambda line: line + 1)
        for section in sections.split(text, path=path, first_line=1):
            if section.line != section.text_line:
                self.report(section.line, "heading", "A partial has no headings.", "Use `###`.", path=path)
        return text if len(self.problems) == before else ""

    def knowledge(self, data: Mapping[str, Json]) -> Mapping[str, Json]:
        """Return the fields with the text of each knowledge file in place of its name."""
        knowledge = data.get("knowledge")
        if not isinstance(knowledge, dict) or not isinstance(knowledge.get("entries"), list):
            return data
        entries = [self._entry(entry, index) for index, entry in enumerate(_list(knowledge["entries"]))]
        return {**data, "knowledge": {**knowledge, "entries": entries}}

    def _entry(self, entry: Json, index: int) -> Json:
        if not isinstance(entry, dict) or not isinstance(entry.get("file"), str):
            return entry
        try:
            text = self.beside(str(entry["file"]))
        except NotBeside as error:
            line = self.locate(("knowledge", "entries", index, "file"))[1]
            self.report(line, "file", error.message, error.cure)
            return entry
        return {key: value for key, value in entry.items() if key != "file"} | {"text": text}

    def _look_for_hidden(self, text: str, first_line: int, path: str) -> None:
        if not UNSEEN.search(text):
            return
        for number, line in enumerate(text.split("\n"), start=first_line):
            if UNSEEN.search(line):
                self.report(number, "hidden_character", HIDDEN, "Delete it.", path=path)

    def _take(self, found: template.Lint, path: str, line_of: Callable[[int], int]) -> None:
        for flaw in found.flaws[:MAX_PROBLEMS]:
            self.report(line_of(flaw.line), flaw.code, flaw.message, flaw.cure, path=path)
        for reference in found.references:
            self.uses.append(Use(reference.name, path, line_of(reference.line), reference.compared))

    def _ask_engine(self, found: template.Lint, text: str, path: str, line: int) -> None:
        if not found.flaws and (flaw := template.check(text)):
            self.report(line + flaw.line, flaw.code, flaw.message, flaw.cure, path=path)


def _in_place(line: int, _: int) -> int:
    """Return the line of a field: YAML may fold its text, so no nearer line is known."""
    return line


_AVATAR = re.compile(r"(?!.*\.\.)[^/\\:\s][^\\:\s]*")


def _list(value: Json) -> list[Json]:
    return value if isinstance(value, list) else []


def _plain(front: FrontMatter) -> Iterator[tuple[Path, str]]:
    yield ("title",), front.title or ""
    yield ("summary",), front.summary
    for index, starter in enumerate(front.starters):
        yield ("starters", index), starter
    for tag, words in front.locales.items():
        yield ("locales", tag, "title"), words.title or ""
        yield ("locales", tag, "summary"), words.summary or ""
        for index, starter in enumerate(words.starters):
            yield ("locales", tag, "starters", index), starter
    for index, example in enumerate(front.examples):
        yield ("examples", index, "user"), example.user
        yield ("examples", index, "assistant"), example.assistant
