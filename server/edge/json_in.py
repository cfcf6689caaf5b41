"""JSON from outside: text to one object, or a refusal that says what is wrong with it. Pure."""

import hashlib
import re
from collections.abc import Mapping
from typing import Any, Final

import msgspec

from server.core.errors import Refused

MOST_BYTES: Final = 10 * 1024 * 1024
MOST_LEVELS: Final = 64
MOST_BOXES: Final = 100_000
"""Arrays and objects in one body: to make millions of them takes seconds, in which nothing else is served."""
MOST_VALUES: Final = 500_000
"""Commas, colons, arrays and objects in one body, outside of texts: as many values and names, about."""

# The closing quote is optional so that a text without one is read once and not from every quote in it.
_TEXT: Final = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+"?', re.DOTALL)

_UNCOUNTED: Final = frozenset({"stream", "stream_id", "stream_options", "type", "client_request_id"})
"""Fields that say how to deliver an answer, not what was asked."""


def too_large(most: int = MOST_BYTES) -> Refused:
    """Return the refusal of a body or frame of more than `most` bytes."""
    return Refused("message_too_large", f"The limit is {most} bytes ({most // 1024} KiB).")


def decode(text: str | bytes) -> dict[str, Any]:
    """Return the JSON object that `text` is. Raises `Refused`."""
    value = decode_any(text)
    if not isinstance(value, dict):
        raise Refused("invalid_json", "A JSON object is expected.")
    return value


def decode_any(text: str | bytes) -> Any:
    """Return the JSON value that `text` is, checked as an object is. Raises `Refused`."""
    if len(text) > MOST_BYTES or (isinstance(text, str) and _bytes_of(text) > MOST_BYTES):
        raise too_large()
    _check_counts(text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass"))
    try:
        value = msgspec.json.decode(text)
    except RecursionError:
        raise _too_deep() from None
    except ValueError as wrong:
        raise Refused("invalid_json", f"This is not JSON: {wrong}.") from None
    if levels(value, MOST_LEVELS) > MOST_LEVELS:
        raise _too_deep()
    return value


def levels(value: Any, most: int) -> int:
    """Return how deeply arrays and objects are nested in `value`; counting stops above `most`."""
    count = 0
    row: list[Any] = [value] if isinstance(value, (dict, list)) else []
    while row and count <= most:
        count += 1
        inner = (part for box in row for part in (box.values() if isinstance(box, dict) else box))
        row = [part for part in inner if isinstance(part, (dict, list))]
    return count


def digest(body: Mapping[str, Any]) -> str:
    """Return what tells this request from another one: equal for bodies that ask for the same."""
    asked = {name: value for name, value in body.items() if name not in _UNCOUNTED}
    return hashlib.sha256(msgspec.json.encode(asked, order="sorted")).hexdigest()


def _check_counts(text: bytes) -> None:
    """Refuse what is made of very many pieces. Texts are passed over only where they could make a difference."""
    boxes, values = _count(text)
    if boxes <= MOST_BOXES and values <= MOST_VALUES:
        return
    rest, texts = _TEXT.subn(b"", text, MOST_VALUES + 1)
    boxes, values = _count(rest)
    if max(texts, values) > MOST_VALUES:
        raise Refused("invalid_value", f"The JSON has more than {MOST_VALUES} values and names.")
    if boxes > MOST_BOXES:
        raise Refused("invalid_value", f"The JSON has more than {MOST_BOXES} arrays and objects.")


def _count(text: bytes) -> tuple[int, int]:
    """Return how many arrays and objects begin in `text`, and how many values and names that makes at the most."""
    boxes = text.count(b"[") + text.count(b"{")
    return boxes, boxes + text.count(b",") + text.count(b":")


def _bytes_of(text: str) -> int:
    """Return the length in UTF-8, without encoding what cannot be over the limit."""
    return len(text) if len(text) * 4 <= MOST_BYTES else len(text.encode("utf-8", "surrogatepass"))


def _too_deep() -> Refused:
    return Refused("too_deep", f"The JSON is nested more deeply than {MOST_LEVELS} levels.")
