"""Fields against their models, with the errors told in the file's own lines."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails, to_json

from personas import fields
from personas.front_matter import Json, Path
from personas.problems import MAX_PROBLEMS, PersonaRefused, Problem, did_you_mean, near

M = TypeVar("M", bound=BaseModel)
Locate = Callable[[Path], tuple[str, int]]


def validate(kind: type[M], data: Mapping[str, Json], locate: Locate) -> M:
    """Return `data` as a `kind`. Raises `PersonaRefused` with one problem for each field that does not fit.

    `locate` says in which file and line the value at a path was written.
    """
    try:
        return kind.model_validate_json(to_json(data), strict=True)
    except ValidationError as error:
        details = error.errors(include_url=False, include_input=False)[:MAX_PROBLEMS]
        raise PersonaRefused([_problem(detail, locate) for detail in details]) from error


def nearest(lines: Mapping[Path, Any], path: Path) -> Path:
    """Return the longest beginning of `path` that `lines` knows: the field itself or what it belongs to."""
    while path and path not in lines:
        path = path[:-1]
    return path


def _problem(detail: ErrorDetails, locate: Locate) -> Problem:
    path: Path = tuple(detail["loc"])
    source, line = locate(path)
    code, message, cure = _words(detail, path)
    return Problem(source, line, code, message, cure)


def _words(detail: ErrorDetails, path: Path) -> tuple[str, str, str]:
    field = ".".join(str(step) for step in path)
    context = detail.get("ctx", {})
    match detail["type"]:
        case "extra_forbidden":
            meant = did_you_mean(near(str(path[-1]), _KNOWN)).strip()
            return "unknown_field", f"There is no field `{field}`.", meant or "Remove it, or put it under `extensions`."
        case "missing":
            return "missing_field", f"The field `{field}` is missing.", f"Add `{path[-1]}: ...`."
        case "literal_error":
            return "value", f"`{field}` has no such value.", f"Write {context['expected']}."
        case "bool_type" | "bool_parsing":
            return "value", f"`{field}` must be true or false.", "Write `true` or `false`, without quotes."
        case "string_type":
            return "value", f"`{field}` must be text.", "Quote it."
        case "string_pattern_mismatch" if context.get("pattern") == fields.NAME:
            cure = "Use 1 to 64 small letters and digits, with single hyphens between them."
            return "value", f"`{field}` is no name.", cure
        case "string_pattern_mismatch" if context.get("pattern") == fields.LOCALE:
            return "value", f"`{path[-2]}` is no language.", "Write it as in `zh`, `zh-Hant` or `pt-BR`."
        case _:
            message = detail["msg"].removeprefix("Value error, ")
            return "value", f"`{field}`: {message}.", "See the table of fields in docs/personas.md."


def _names() -> Iterator[str]:
    for kind in vars(fields).values():
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from kind.model_fields


_KNOWN = tuple(sorted(set(_names())))
