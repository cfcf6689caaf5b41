"""From stored messages to what a prompt is assembled from: the newest question, what was before it, and since. Pure."""

from collections.abc import Sequence
from typing import Final, NamedTuple

import msgspec

import personas
from server.core.errors import Refused
from server.core.records import (
    CallPart,
    ImagePart,
    Message,
    OutputPart,
    Part,
    ReasoningPart,
    RefusalPart,
    TextPart,
)

UNSEEN: Final = "[An image that you do not see.]"


class Dialogue(NamedTuple):
    """Messages around the newest one of the user."""

    history: Sequence[Message]
    newest: Message
    since: Sequence[Message]
    """Calls of functions and their outputs; none where the user speaks last."""


def around(history: Sequence[Message], last: Message) -> Dialogue:
    """Divide the messages up to `last`. Raises `Refused` if none of them is the user's."""
    said = _answered([*history, last])
    at = next((index for index in range(len(said) - 1, -1, -1) if said[index].role == "user"), None)
    if at is None:
        raise Refused("invalid_value", "No message of the user is before the outputs of functions.", param="input")
    return Dialogue(said[:at], said[at], said[at + 1 :])


def check_outputs(history: Sequence[Message], brought: Sequence[Message]) -> None:
    """Refuse outputs that no call among the messages before them asked for."""
    called = {part.call_id for message in history for part in message.parts if isinstance(part, CallPart)}
    for message in brought:
        for part in message.parts:
            if isinstance(part, CallPart):
                called.add(part.call_id)
            if isinstance(part, OutputPart) and part.call_id not in called:
                raise Refused(
                    "invalid_value",
                    f"No function call with call_id '{part.call_id}' is before this output.",
                    param="input",
                )


def as_said(message: Message) -> personas.Message:
    """Return a message as personas know it, led by its line of date and time; what a model thought is left out."""
    content = tuple(part for one in message.parts if (part := _part(one)) is not None)
    return personas.with_context(message.context or None, personas.Message(message.role, content))


def without_images(message: Message) -> Message:
    """Return the message as a model is told it that sees no images."""
    parts = tuple(TextPart(UNSEEN) if isinstance(part, ImagePart) else part for part in message.parts)
    return message if parts == message.parts else msgspec.structs.replace(message, parts=parts)


def without_context(message: Message) -> Message:
    """Return the message without its line of date and time."""
    return msgspec.structs.replace(message, context="")


def _answered(messages: Sequence[Message]) -> list[Message]:
    """Leave out calls without an output, as of stopped answers, and outputs without a call: upstreams take neither."""
    pairs = [part for message in messages for part in message.parts if isinstance(part, CallPart | OutputPart)]
    if not pairs:
        return list(messages)
    called = {part.call_id for part in pairs if isinstance(part, CallPart)}
    answered = {part.call_id for part in pairs if isinstance(part, OutputPart)} & called
    kept = []
    for message in messages:
        parts = tuple(
            part for part in message.parts if not isinstance(part, CallPart | OutputPart) or part.call_id in answered
        )
        if parts:
            kept.append(message if len(parts) == len(message.parts) else msgspec.structs.replace(message, parts=parts))
    return kept


def _part(part: Part) -> personas.Part | None:
    match part:
        case TextPart() | RefusalPart():
            return personas.Text(part.text)
        case ImagePart():
            return personas.Image(part.id, part.detail, part.alt, part.width, part.height)
        case CallPart():
            return personas.Call(part.call_id, part.name, part.text)
        case OutputPart():
            return personas.Output(part.call_id, part.text)
        case ReasoningPart():
            return None
