"""Frames held against the shapes that the description of the sockets is made of."""

from collections.abc import Mapping
from typing import Any

from pydantic import BaseModel

from server.edge.asyncapi import COMPLETIONS_SENT, RESPONSES_SENT, Shapes


def _constant(shape: type[BaseModel], member: str) -> Any:
    field = shape.model_fields.get(member)
    return field.annotation.__args__[0] if field and field.annotation and field.is_required() else None


def _by_name(shapes: Shapes) -> dict[tuple[Any, Any], type[BaseModel]]:
    return {
        (_constant(shape, "type") or _constant(shape, "object"), _constant(shape, "event")): shape for shape in shapes
    }


RESPONSES = _by_name(RESPONSES_SENT)
COMPLETIONS = _by_name(COMPLETIONS_SENT)


def shape_of(frame: Mapping[str, Any], door: Mapping[tuple[Any, Any], type[BaseModel]]) -> type[BaseModel]:
    """Return the shape that the frame claims to have. Raises `LookupError` if this door sends no such frame."""
    return door[frame.get("type") or frame.get("object"), frame.get("event")]


def check_fits(frame: Mapping[str, Any], door: Mapping[tuple[Any, Any], type[BaseModel]]) -> type[BaseModel]:
    """Raise unless the frame has the members of its shape, each of its kind, and no others; return the shape."""
    shape = shape_of(frame, door)
    shape.model_validate(frame)
    return shape


def check_fits_a_door(frame: Mapping[str, Any]) -> None:
    """Raise unless the frame is one that some door sends."""
    check_fits(frame, RESPONSES | COMPLETIONS)
