"""What a persona cannot say of a foreign document, kept so that an export gives it back.

A document is compared with what we would write for it. Fields that we would not write, or would write otherwise, are
kept; where we would write otherwise, only for as long as we would write the same: what was edited here wins.
"""

import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from personas.front_matter import Json
from personas.interop.draft import Object

MAX_TEXT = 32 * 1024
"""Characters of one kept text; a longer one is a picture or a program in disguise."""
MAX_KEPT = 96 * 1024
"""Characters of all that is kept for one document."""

_KEPT, _WHILE = "kept", "while"


@dataclass(slots=True)
class _Difference:
    marks: Object = field(default_factory=dict)
    dropped: list[str] = field(default_factory=list)


_NOTHING = object()
"""Stands for no difference, as null is a value."""


def left_over(document: Object, made: Object) -> tuple[str, list[str]]:
    """Return what `made` lacks of `document`, as JSON or "", and the places of what is too long to be kept."""
    found = _Difference()
    kept = _beyond(document, made, "", found)
    if kept is _NOTHING:
        return "", found.dropped
    text = json.dumps({_KEPT: kept, _WHILE: found.marks}, indent=1)
    return ("", [*found.dropped, "/"]) if len(text) > MAX_KEPT else (text, found.dropped)


def restored(made: Object, text: str) -> Object:
    """Return `made` with what was kept of its document; as it is if `text` is not what `left_over` returns."""
    try:
        data = json.loads(text)
    except (ValueError, RecursionError):
        return made
    if not isinstance(data, dict) or not isinstance(data.get(_KEPT), dict) or not isinstance(data.get(_WHILE), dict):
        return made
    whole = _with(made, data[_KEPT], "", data[_WHILE])
    return whole if isinstance(whole, dict) else made


def _beyond(document: Json, made: Json, place: str, found: _Difference) -> Any:
    """Return the part of `document` that `made` lacks."""
    if isinstance(document, dict) and isinstance(made, dict):
        # In the order in which an export will have them, so that the way there and back ends where it began.
        keys = [*(key for key in made if key in document), *(key for key in document if key not in made)]
        parts = {key: _of_field(key, document[key], made, place, found) for key in keys}
        return {key: part for key, part in parts.items() if part is not _NOTHING} or _NOTHING
    if isinstance(document, list) and isinstance(made, list) and _are_rows(document, made):
        pairs = enumerate(zip(document, made, strict=True))
        rows = [_beyond(theirs, ours, f"{place}/{index}", found) for index, (theirs, ours) in pairs]
        changed = any(row is not _NOTHING for row in rows)
        return [{} if row is _NOTHING else row for row in rows] if changed else _NOTHING
    if _mark(document) == _mark(made):
        return _NOTHING
    part = _short(document, place, found)
    if part is not _NOTHING:
        found.marks[place] = _mark(made)
    return part


def _of_field(key: str, value: Json, made: Object, place: str, found: _Difference) -> Any:
    here = _below(place, key)
    return _beyond(value, made[key], here, found) if key in made else _short(value, here, found)


def _short(value: Json, place: str, found: _Difference) -> Any:
    """Return `value` without the texts in it that are too long."""
    if isinstance(value, str) and len(value) > MAX_TEXT:
        found.dropped.append(place)
        return _NOTHING
    if isinstance(value, dict):
        parts = {key: _short(part, _below(place, key), found) for key, part in value.items()}
        return {key: part for key, part in parts.items() if part is not _NOTHING}
    if isinstance(value, list):
        items = [_short(item, f"{place}/{index}", found) for index, item in enumerate(value)]
        return [item for item in items if item is not _NOTHING]
    return value


def _with(made: Json, kept: Json, place: str, marks: Object) -> Json:
    """Return `made` with `kept` over it, where `made` is still what it was."""
    if place in marks:
        return kept if marks[place] == _mark(made) else made
    if isinstance(made, dict) and isinstance(kept, dict):
        joined = {key: _with(made[key], value, _below(place, key), marks) for key, value in kept.items() if key in made}
        return {**made, **joined, **{key: value for key, value in kept.items() if key not in made}}
    if isinstance(made, list) and isinstance(kept, list) and _are_rows(kept, made):
        pairs = enumerate(zip(made, kept, strict=True))
        return [_with(ours, theirs, f"{place}/{index}", marks) for index, (ours, theirs) in pairs]
    return made


def _are_rows(one: list[Json], other: list[Json]) -> bool:
    """Return whether two lists are compared row by row: as many objects in both."""
    return len(one) == len(other) and all(isinstance(row, dict) for row in (*one, *other))


def _below(place: str, key: str) -> str:
    return f"{place}/{key.replace('~', '~0').replace('/', '~1')}"


def _mark(value: Json) -> str:
    return hashlib.sha256(json.dumps(value).encode()).hexdigest()[:16]
