"""What a client's program can do for a model, and the form in which it wants the answer. Plain values."""

from typing import Any, Literal

from msgspec import Struct


class Function(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A function that the client's program has; the model may ask for a call, which the client makes."""

    name: str
    description: str | None = None
    parameters: dict[str, Any] | None = None
    """A JSON Schema of its arguments."""
    strict: bool | None = None
    """Whether arguments have to follow the schema exactly."""


class Functions(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """All functions that are offered with one request."""

    offered: tuple[Function, ...]
    choice: Literal["auto", "none", "required"] = "auto"
    """Whether the model may call, may not, or has to."""
    named: str | None = None
    """The one function that it has to call."""
    parallel: bool | None = None
    """Whether it may make several calls in one answer."""


class Format(Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The form of an answer: any JSON object, or one that follows a schema."""

    type: Literal["json_object", "json_schema"]
    name: str = ""
    description: str | None = None
    schema: dict[str, Any] | None = None
    strict: bool | None = None
