"""The YAML at the head of a persona file, read strictly and with the line of every field.

Only what JSON can say: no tags, anchors, aliases or dates, and no key twice. Limits keep a hostile file cheap.
"""

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class Fields:
    """A mapping as it was read, and the line of each value by its path."""

    data: dict[str, Json]
    lines: Mapping[Path, int]


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
        reader = _Reader(iter(_LOADER(source).get_event, None), first_line)
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
    return Fields(data, reader.lines)


_LOADER: type[yaml.SafeLoader | yaml.CSafeLoader] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""The events of both are the same; the wheels of PyYAML have the one in C, twenty times as quick."""

_YAML_CURE = "Check the indentation, and quote texts that contain `: ` or begin with a sign."


class _Reader:
    """Builds plain values from events, so that nothing is built that JSON cannot say."""

    def __init__(self, events: Iterator[yaml.Event], first_line: int) -> None:
        self.lines: dict[Path, int] = {}
        self._events = events
        self._first_line = first_line
        self._nodes = 0

    def document(self) -> dict[str, Json]:
        """Read the only document, which must be a mapping."""
        next(self._events)
        if not isinstance(next(self._events), yaml.DocumentStartEvent):
            raise Unreadable(self._first_line, "not_a_mapping", "The front matter is empty.", _FIELDS_CURE)
        event = next(self._events)
        value = self._value(event, ())
        if not isinstance(value, dict):
            raise Unreadable(self._line(event), "not_a_mapping", "The front matter has no fields.", _FIELDS_CURE)
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise Unreadable(self._line(after), "yaml", "The front matter has two documents.", "Keep one.")
        return value

    def _line(self, event: yaml.Event) -> int:
        mark = event.start_mark
        return self._first_line if mark is None else self._first_line + mark.line

    def _value(self, event: yaml.Event, path: Path) -> Json:
        line = self._line(event)
        self.lines.setdefault(path, line)
        self._nodes += 1
        if self._nodes > MAX_NODES:
            raise Unreadable(line, "too_large", f"There are more than {MAX_NODES} values.", "Keep fewer.")
        if len(path) > MAX_DEPTH:
            raise Unreadable(line, "too_deep", f"This is nested deeper than {MAX_DEPTH} levels.", "Flatten it.")
        _refuse_references(event, line)
        if isinstance(event, yaml.MappingStartEvent):
            return self._mapping(path)
        if isinstance(event, yaml.SequenceStartEvent):
            return self._sequence(path)
        return _scalar(event, line)

    def _mapping(self, path: Path) -> dict[str, Json]:
        mapping: dict[str, Json] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            line = self._line(event)
            _refuse_references(event, line)
            if not isinstance(event, yaml.ScalarEvent):
                raise Unreadable(line, "yaml", "A field's name must be a word.", "Quote it, or remove the brackets.")
            key = _visible(event.value, line)
            if key in mapping:
                raise Unreadable(line, "duplicate_field", f"The field `{key}` is given twice.", "Keep one of them.")
            self.lines[*path, key] = line
            mapping[key] = self._value(next(self._events), (*path, key))
        return mapping

    def _sequence(self, path: Path) -> list[Json]:
        items: list[Json] = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            items.append(self._value(event, (*path, len(items))))
        return items


_FIELDS_CURE = "Write fields such as `name: my-persona`."


def _refuse_references(event: yaml.Event, line: int) -> None:
    if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
        raise Unreadable(line, "yaml_alias", "Anchors (&) and aliases (*) are not allowed.", "Write the value out.")
    if getattr(event, "tag", None) is not None:
        raise Unreadable(line, "yaml_tag", "Tags (!) are not allowed.", "Remove it, or quote the text.")


def _visible(text: str, line: int) -> str:
    if UNSEEN.search(text):
        raise Unreadable(line, "hidden_character", HIDDEN, "Delete it.")
    return text


def _scalar(event: yaml.Event, line: int) -> Json:
    assert isinstance(event, yaml.ScalarEvent)  # noqa: S101  # nothing else begins a value
    text = _visible(event.value, line)
    if event.style:
        return text
    if text in _WORDS:
        return _WORDS[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    if _REAL.fullmatch(text) and math.isfinite(float(text)):
        return float(text)
    return text
