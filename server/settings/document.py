"""YAML text to plain values, with the line of every value.

Stricter than YAML: no key twice, no tags, no nesting deeper than a configuration needs.
"""

import re
from dataclasses import dataclass
from typing import Any

import yaml

from server.settings.problems import ConfigError, ConfigProblem, Path, dotted

DEPTH = 16
_VARIABLE = re.compile(r"\$\{(\w+)\}", re.ASCII)
_STAND_IN = re.compile("\ue000(\\w+)\ue001", re.ASCII)


@dataclass(frozen=True, slots=True)
class Document:
    """The values of one file and the line, from 1, on which each began."""

    values: dict[str, Any]
    lines: dict[Path, int]


def parse(text: str, name: str) -> Document:
    """Return the values of `text`, which came from the file `name`. Raises `ConfigError`."""
    try:
        return _Reader(text, name).read()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        where, what = f"{name}:{mark.line + 1 if mark else 1}", f"This is not YAML: {error.problem}."
        raise ConfigError([ConfigProblem(where, "", what, "Check the indentation and quotes here.")]) from error
    except yaml.YAMLError as error:
        problem = ConfigProblem(name, "", f"This is not YAML: {error}.", "Save the file as UTF-8 text.")
        raise ConfigError([problem]) from error


class _Reader:
    def __init__(self, text: str, name: str) -> None:
        # `{ api_key: ${KEY} }` reads well but is not YAML: inside {} a plain text may hold no braces.
        self._loader = yaml.SafeLoader(_VARIABLE.sub("\ue000\\1\ue001", text))
        self._name = name
        self._lines: dict[Path, int] = {(): 1}

    def read(self) -> Document:
        root = self._loader.get_single_node()
        values = None if root is None else self._value(root, ())
        if values is None:
            values = {}
        if not isinstance(values, dict):
            raise self._error(1, (), "A configuration is made of `key: value` lines.", "See docs/configuration.md.")
        return Document(values, self._lines)

    def _value(self, node: yaml.Node, path: Path) -> Any:
        line = node.start_mark.line + 1
        self._lines.setdefault(path, line)
        if len(path) > DEPTH:
            cure = f"Use at most {DEPTH} levels and no loops."
            raise self._error(line, path[:2], "This is nested too deeply.", cure)
        if isinstance(node, yaml.SequenceNode):
            return [self._value(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        value = self._loader.construct_object(node)
        return _STAND_IN.sub(r"${\1}", value) if isinstance(value, str) else value

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        seen = set()
        for key, _ in node.value:
            line = key.start_mark.line + 1
            if not isinstance(key, yaml.ScalarNode):
                raise self._error(line, path, "A key must be a plain word.", "Quote it.")
            if key.value in seen:
                raise self._error(line, (*path, key.value), "This key is written twice.", "Keep one of the two.")
            seen.add(key.value)
        self._loader.flatten_mapping(node)
        built = {}
        for key, value in node.value:
            inner = (*path, key.value)
            self._lines[inner] = key.start_mark.line + 1
            built[key.value] = self._value(value, inner)
        return built

    def _error(self, line: int, path: Path, message: str, cure: str) -> ConfigError:
        return ConfigError([ConfigProblem(f"{self._name}:{line}", dotted(path), message, cure)])
