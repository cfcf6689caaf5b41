"""Functions and output formats in the bodies of both families, and as answers repeat them. Pure."""

from typing import Any, Final, cast

import msgspec

from server.core.errors import Refused
from server.core.functions import Format, Function, Functions
from server.edge.fields import Fields, unsupported, wrong

MOST_FUNCTIONS: Final = 128
LONGEST_NAME: Final = 128
_CHOICES: Final = ("auto", "none", "required")


def functions(fields: Fields, *, nested: bool) -> Functions | None:
    """Return what `tools` and its neighbours offer; `nested` where each function is inside its tool (Chat)."""
    tools = [] if fields.given("tools") is None else fields.objects("tools", MOST_FUNCTIONS)
    offered = tuple(_function(tool, nested=nested) for tool in tools)
    choice, named = _choice(fields, nested=nested)
    names = [one.name for one in offered]
    if len(set(names)) < len(names):
        raise wrong("tools", "an array in which each function has a name of its own")
    if named is not None and named not in names:
        raise wrong("tool_choice", "the name of a function in 'tools'")
    if not offered:
        if choice == "required":
            raise wrong("tool_choice", "'auto' or 'none' where 'tools' offers nothing")
        return None
    return Functions(
        offered=offered, choice=cast(Any, choice), named=named, parallel=fields.flag("parallel_tool_calls")
    )


def chat_format(fields: Fields) -> Format | None:
    """Return what `response_format` of a completion asks for."""
    given = fields.inner("response_format")
    return _format(given, given.inner("json_schema"))


def text_format(fields: Fields) -> Format | None:
    """Return what `text.format` of a response asks for."""
    given = fields.inner("text").inner("format")
    return _format(given, given)


def repeated(functions: Functions | None) -> dict[str, Any]:
    """Return what a response repeats of its functions."""
    if functions is None:
        return {}
    tools = [
        {"type": "function", "name": one.name, "description": one.description, "parameters": one.parameters}
        | {"strict": one.strict}
        for one in functions.offered
    ]
    choice = {"type": "function", "name": functions.named} if functions.named else functions.choice
    return {"tools": tools, "tool_choice": choice}


def repeated_format(wanted: Format | None) -> dict[str, Any]:
    """Return what a response repeats of its format."""
    return {} if wanted is None else {"text": {"format": msgspec.to_builtins(wanted)}}


def _function(tool: Fields, *, nested: bool) -> Function:
    kind = tool.needed_text("type")
    if kind != "function":
        raise unsupported(tool.param("type"), f"Tools of type '{kind[:64]}' are")
    function = tool.inner("function") if nested else tool
    parameters = function.inner("parameters").values if function.given("parameters") is not None else None
    return Function(
        name=_name(function),
        description=function.text("description"),
        parameters=None if parameters is None else dict(parameters),
        strict=function.flag("strict"),
    )


def _choice(fields: Fields, *, nested: bool) -> tuple[str, str | None]:
    given = fields.given("tool_choice")
    if not isinstance(given, dict):
        return fields.choice("tool_choice", _CHOICES) or "auto", None
    chosen = fields.inner("tool_choice")
    if chosen.needed_text("type") != "function":
        raise unsupported(chosen.param("type"), "This kind of 'tool_choice' is")
    return "required", _name(chosen.inner("function") if nested else chosen)


def _name(function: Fields) -> str:
    name = function.needed_text("name", LONGEST_NAME)
    if not name:
        raise wrong(function.param("name"), f"1 to {LONGEST_NAME} characters")
    return name


def _format(given: Fields, schema: Fields) -> Format | None:
    kind = given.choice("type", ("text", "json_object", "json_schema")) or "text"
    if kind == "text":
        return None
    if kind == "json_object":
        return Format(type="json_object")
    if schema.given("schema") is None:
        raise Refused("missing_field", f"'{schema.param('schema')}' is required.", param=schema.param("schema"))
    return Format(
        type="json_schema",
        name=_name(schema),
        description=schema.text("description"),
        schema=dict(schema.inner("schema").values),
        strict=schema.flag("strict"),
    )
