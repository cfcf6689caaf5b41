"""Bytes from anywhere as values, in bounded time and memory: JSON, YAML, and front matter with a body."""

import json
from collections.abc import Mapping
from typing import Any, NoReturn

from personas import front_matter
from personas.front_matter import Json, Unreadable
from personas.interop.draft import Object

MAX_JSON = 8 * 1024 * 1024
MAX_YAML = 256 * 1024
"""YAML is read word by word; what a person wrote is shorter than this."""
MAX_DEPTH = 32
MAX_VALUES = 100_000


def text_of(content: bytes) -> str:
    """Return the text of a file. Raises `Unreadable`."""
    if len(content) > MAX_JSON:
        raise Unreadable(1, "too_large", f"The file has more than {MAX_JSON} bytes.", "Import a smaller one.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise Unreadable(1, "encoding", "The file is not UTF-8 text.", "Save it as UTF-8.") from error
    return text.replace("\r\n", "\n").replace("\r", "\n")


def from_json(text: str) -> Json:
    """Read JSON. Raises `Unreadable` for what is no JSON, too long, too deep or too much."""
    if len(text) > MAX_JSON:
        raise Unreadable(1, "too_large", f"The JSON has more than {MAX_JSON} characters.", "Import less.")
    try:
        value: Json = json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        message = f"This is no valid JSON: {error.msg}."
        raise Unreadable(error.lineno, "json", message, "Export it from its tool again.") from error
    except RecursionError as error:
        raise Unreadable(1, "too_deep", "The JSON is nested too deep.", "Flatten it.") from error
    except ValueError as error:
        raise Unreadable(1, "json", "The JSON has a number that is none or too long.", "Correct it.") from error
    _check_size(value)
    return value


def from_yaml(text: str, *, first_line: int = 1) -> Object:
    """Read a YAML mapping as strictly as the front matter of personas. Raises `Unreadable`."""
    if len(text) > MAX_YAML:
        raise Unreadable(first_line, "too_large", f"The YAML has more than {MAX_YAML} characters.", "Import less.")
    return front_matter.read(text, first_line=first_line).data


def from_front_matter(text: str) -> Object:
    """Read a file with front matter as `front`, `body` and the `line` of the body. Raises `Unreadable`.

    A file that does not begin with `---` is all body.
    """
    if text.partition("\n")[0].rstrip() != "---":
        return _halves({}, text, 1)
    halves = front_matter.cut(text)
    # The line end before `---` belongs to the last text in the front matter.
    front = from_yaml(f"{halves.front}\n", first_line=halves.front_line) if halves.front.strip() else {}
    return _halves(front, halves.body, halves.body_line)


def _halves(front: Object, body: str, line: int) -> Object:
    text = body.lstrip("\n")
    return {"front": front, "body": text.rstrip("\n"), "line": line + len(body) - len(text)}


def to_json(value: Mapping[str, Json] | list[Json]) -> str:
    """Return JSON for people; characters that no file can hold are escaped."""
    text = json.dumps(value, ensure_ascii=False, indent=2)
    try:
        text.encode()
    except UnicodeEncodeError:
        return json.dumps(value, indent=2)
    return text


def _no_number(word: str) -> NoReturn:
    raise ValueError(word)


def _check_size(value: Json) -> None:
    level: list[Any] = [value]
    count = 0
    for _ in range(MAX_DEPTH):
        count += len(level)
        if count > MAX_VALUES:
            raise Unreadable(1, "too_large", f"The JSON has more than {MAX_VALUES} values.", "Import less.")
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return
    raise Unreadable(1, "too_deep", f"The JSON is nested deeper than {MAX_DEPTH} levels.", "Flatten it.")


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
