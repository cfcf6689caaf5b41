"""The YAML at the head of a persona file, read strictly and with the line of every field.

Only what JSON can say: no tags, anchors, aliases or dates, and no key twice. Limits keep a hostile file cheap.
"""

import math
import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import yaml

from personas.values import UNSEEN

Json = str | int | float | bool | None | list["Json"] | dict[str, "Json"]
Path = tuple[str | int, ...]

MAX_DEPTH = 16
MAX_NODES = 10_000

HIDDEN = "There is a character here that no reader would see (a control or a change of direction)."

_INTEGER = re.compile(r"[-+]?(?:0|[1-9][0-9]{0,17})")
_REAL = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+\.[0-9]*|[0-9]+(?=[eE]))(?:[eE][-+]?[0-9]+)?")
_WORDS: Mapping[str, bool | None] = {"": None, "~": None, "null": None, "true": True, "false": False}


class Unreadable(Exception):  # noqa: N818  # it is turned into a problem with this code
    """The text cannot be read; `line` counts from 1."""

    def __init__(self, line: int, code: str, message: str, cure: str) -> None:
        self.line = line
        self.code = code
        self.message = message
        self.cure = cure
        super().__init__(message)


@dataclass(frozen=True, slots=True)
class Cut:
    """A persona file cut in two; the lines say where each half begins, counted from 1."""

    front: str
    front_line: int
    body: str
    body_line: int


@dataclass(frozen=True)
class Fields:
    """A mapping as it was read, and the line of each value in it: of its name where it has one."""

    data: dict[str, Json]
    numbers: Sequence[int]
    """The lines, in the order in which the values were written."""

    @cached_property
    def lines(self) -> Mapping[Path, int]:
        """The line of each value by its path. Made when it is asked for: most files have nothing wrong."""
        return dict(zip(_paths(self.data, ()), self.numbers, strict=True))


def _paths(value: Json, path: Path) -> Iterator[Path]:
    """Yield where everything stands, in the order in which it was written."""
    yield path
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _paths(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _paths(inner, (*path, index))


def cut(text: str) -> Cut:
    """Cut a file, whose line ends are newlines, into front matter and body. Raises `Unreadable`."""
    lines = text.split("\n")
    if lines[0].rstrip() != "---":
        raise Unreadable(1, "no_front_matter", "The file has no front matter.", "Begin it with a line `---`.")
    for index, line in enumerate(lines[1:], start=1):
        if line.rstrip() == "---":
            return Cut("\n".join(lines[1:index]), 2, "\n".join(lines[index + 1 :]), index + 2)
    raise Unreadable(1, "open_front_matter", "The front matter has no end.", "Close it with a line `---`.")


def read(source: str, *, first_line: int) -> Fields:
    """Read one YAML mapping that begins at `first_line` of its file. Raises `Unreadable`."""
    try:
        reader = _Reader(source, first_line)
        data = reader.document()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        # What ends too soon is missed beyond the last line.
        line = first_line if mark is None else first_line + min(mark.line, source.count("\n"))
        raise Unreadable(line, "yaml", f"This is no valid YAML: {error.problem}.", _YAML_CURE) from error
    except yaml.reader.ReaderError as error:
        # The position is counted in bytes.
        line = first_line + source.encode(errors="replace").count(b"\n", 0, int(error.position))
        raise Unreadable(line, "yaml", "YAML does not allow this character.", "Delete it.") from error
    except (ValueError, OverflowError) as error:
        # Half of a pair of surrogates: no file has one, but a program may hand one over.
        raise Unreadable(first_line, "yaml", "There is a character that no file can hold.", "Delete it.") from error
    return Fields(data, reader.numbers)


_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The events of both are the same; the wheels of PyYAML have the one in C, twenty times as quick."""

_YAML_CURE = "Check the indentation, and quote texts that contain `: ` or begin with a sign."


class _Reader:
    """Builds plain values from events, so that nothing is built that JSON cannot say."""

    def __init__(self, source: str, first_line: int) -> None:
        self.numbers = array("L")
        self._next: Callable[[], Any] = _LOADER(source).get_event
        self._first_line = first_line
        # Nothing is hidden in the values that is neither in the text nor written there after a backslash.
        self._may_hide = "\\" in source or UNSEEN.search(source) is not None

    def document(self) -> dict[str, Json]:
        """Read the only document, which must be a mapping."""
        self._next()
        if not isinstance(self._next(), yaml.DocumentStartEvent):
            raise Unreadable(self._first_line, "not_a_mapping", "The front matter is empty.", _FIELDS_CURE)
        event = self._next()
        value = self._value(event, self._line(event), 0)
        if not isinstance(value, dict):
            raise Unreadable(self._line(event), "not_a_mapping", "The front matter has no fields.", _FIELDS_CURE)
        self._next()
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            raise Unreadable(self._line(after), "yaml", "The front matter has two documents.", "Keep one.")
        return value

    def _line(self, event: Any) -> int:
        line: int = event.start_mark.line
        return self._first_line + line

    def _value(self, event: Any, number: int, depth: int) -> Json:
        """Return the value that begins with this event; `number` is the line that problems name for it."""
        self.numbers.append(number)
        if len(self.numbers) > MAX_NODES:
            message = f"There are more than {MAX_NODES} values."
            raise Unreadable(self._line(event), "too_large", message, "Keep fewer.")
        if depth > MAX_DEPTH:
            message = f"This is nested deeper than {MAX_DEPTH} levels."
            raise Unreadable(self._line(event), "too_deep", message, "Flatten it.")
        self._refuse_references(event)
        kind = type(event)
        if kind is yaml.ScalarEvent:
            text = self._visible(event)
            return text if event.style else _plain(text)
        return self._mapping(depth + 1) if kind is yaml.MappingStartEvent else self._sequence(depth + 1)

    def _mapping(self, depth: int) -> dict[str, Json]:
        mapping: dict[str, Json] = {}
        while type(event := self._next()) is not yaml.MappingEndEvent:
            self._refuse_references(event)
            line = self._line(event)
            if type(event) is not yaml.ScalarEvent:
                raise Unreadable(line, "yaml", "A field's name must be a word.", "Quote it, or remove the brackets.")
            key = self._visible(event)
            if key in mapping:
                raise Unreadable(line, "duplicate_field", f"The field `{key}` is given twice.", "Keep one of them.")
            mapping[key] = self._value(self._next(), line, depth)
        return mapping

    def _sequence(self, depth: int) -> list[Json]:
        items: list[Json] = []
        while type(event := self._next()) is not yaml.SequenceEndEvent:
            items.append(self._value(event, self._line(event), depth))
        return items

    def _refuse_references(self, event: Any) -> None:
        if event.anchor is not None:
            message = "Anchors (&) and aliases (*) are not allowed."
            raise Unreadable(self._line(event), "yaml_alias", message, "Write the value out.")
        if event.tag is not None:
            raise Unreadable(
                self._line(event), "yaml_tag", "Tags (!) are not allowed.", "Remove it, or quote the text."
            )

    def _visible(self, event: Any) -> str:
        text: str = event.value
        if self._may_hide and UNSEEN.search(text):
            raise Unreadable(self._line(event), "hidden_character", HIDDEN, "Delete it.")
        return text


_FIELDS_CURE = "Write fields such as `name: my-persona`."


def _plain(text: str) -> Json:
    """Return what a word without quotes means."""
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in _NUMERIC:
        return text
    if _INTEGER.fullmatch(text):
        return int(text)
    if _REAL.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text


_NUMERIC = frozenset("+-.0123456789")
"""What a number may begin with."""
