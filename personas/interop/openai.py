"""What OpenAI's tools write: prompts, assistants, and configurations of GPTs."""

import re
from itertools import islice

from personas.front_matter import Json
from personas.interop.draft import (
    Draft,
    Object,
    Remark,
    Variable,
    at,
    list_at,
    pairs_of,
    said_in,
    settings_in,
    text_at,
    texts_at,
)
from personas.interop.format import Format
from personas.interop.outline import Outline, messages_of, settings_of
from personas.interop.prose import MACRO, Dialect

MAX_VARIABLES = 64
"""Variables of one prompt that become dials."""
_DISPLAY = {"prompt_starters": "conversation_starters"}
_ABOVE = ("system", "developer")


def fits(document: Json) -> bool:
    """Return whether this is a prompt, an assistant or a GPT."""
    if isinstance(at(document, "gizmo"), dict):
        return True
    return isinstance(at(document, "instructions"), str) or _is_messages(at(document, "messages"))


def flattened(document: Object) -> Object:
    """Return a GPT as its builder shows it, and a prompt with its instructions apart from its examples."""
    gizmo = document.get("gizmo")
    if not isinstance(gizmo, dict):
        messages = list_at(document, "messages")
        instructions = text_at(document, "instructions") or above(messages)
        said: Object = {"messages": below(messages)} if messages else {}
        return {**document, "instructions": instructions, **said}
    display = gizmo.get("display")
    shown = {_DISPLAY.get(key, key): value for key, value in display.items()} if isinstance(display, dict) else {}
    rest = {key: value for key, value in gizmo.items() if key != "display"}
    return {**{key: value for key, value in document.items() if key != "gizmo"}, **rest, **shown}


def read(document: Object) -> Draft:
    """Return what the document says."""
    body = text_at(document, "instructions")
    tools = list_at(document, "tools")
    refused = "Tools and files are left out: a persona is given tools by its operator."
    return Draft(
        title=text_at(document, "name") or text_at(document, "id"),
        summary=[text_at(document, "description"), body],
        body=body,
        greeting=[text_at(document, "welcome_message")],
        starters=texts_at(document, "conversation_starters"),
        examples=pairs_of(list_at(document, "messages")),
        settings=settings_in(document, temperature="temperature", top_p="top_p", max_output_tokens="max_output_tokens"),
        variables=variables_of(body, at(document, "variables")),
        remarks=[Remark("tools", refused)] if tools or list_at(document, "files") else [],
    )


def write(outline: Outline) -> Object:
    """Return a configuration as the builder of GPTs shows it."""
    persona = outline.persona
    written: Object = {
        "name": persona.label,
        "description": persona.summary,
        "instructions": outline.body,
        "conversation_starters": list(persona.starters),
    }
    if outline.greeting:
        written["welcome_message"] = outline.greeting[0]
    if persona.examples:
        written["messages"] = messages_of(outline)
    if outline.dials:
        written["variables"] = dict(outline.dials)
    names = ("temperature", "top_p", "max_output_tokens")
    return written | settings_of(outline, **dict(zip(names, names, strict=True)))


def above(messages: list[Json]) -> str:
    """Return the texts of the messages that rank above the user's."""
    return "\n\n".join(said_in(one) for one in messages if text_at(one, "role") in _ABOVE)


def below(messages: list[Json]) -> list[Json]:
    """Return the messages of user and assistant."""
    return [one for one in messages if text_at(one, "role") not in _ABOVE]


def variables_of(body: str, given: Json) -> dict[str, Variable]:
    """Return the variables that a prompt has between double braces, with the values that are `given`."""
    words = dict.fromkeys(match["braced"] for match in MACRO.finditer(body) if match["braced"])
    return {word: Variable(snake(word), text_at(given, word)) for word in islice(words, MAX_VARIABLES)}


def snake(word: str) -> str:
    """Return the name of a dial for the name of a variable."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[.]", "_", word).casefold()


def _is_messages(value: Json) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(at(one, "role"), str) for one in value)


OPENAI = Format(
    key="openai",
    file_name="{name}.json",
    fits=fits,
    read=read,
    write=write,
    normal=flattened,
    dialect=Dialect(dials=True),
    carries=frozenset({"greeting", "starters", "examples", "model"}),
)
