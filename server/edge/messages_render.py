"""Stored messages as Chat Completions shows them. Pure."""

from typing import Any

from server.core.records import CallPart, ImagePart, Message, OutputPart, Part, RefusalPart, TextPart


def messages_of(message: Message) -> list[dict[str, Any]]:
    """Return the messages that a stored one is: one, or one for each output of a function."""
    outputs = [part for part in message.parts if isinstance(part, OutputPart)]
    if outputs:
        return [
            {"id": message.id, "role": "tool", "tool_call_id": part.call_id, "content": part.text} for part in outputs
        ]
    return [{"id": message.id, "role": message.role, **_content(message)}]


def call(part: CallPart) -> dict[str, Any]:
    """Return a function call."""
    return {"id": part.call_id, "type": "function", "function": {"name": part.name, "arguments": part.text}}


def _content(message: Message) -> dict[str, Any]:
    calls = [call(part) for part in message.parts if isinstance(part, CallPart)]
    refusals = [part.text for part in message.parts if isinstance(part, RefusalPart)]
    parts = [_part(part) for part in message.parts if isinstance(part, TextPart | ImagePart)]
    images = any(isinstance(part, ImagePart) for part in message.parts)
    said: dict[str, Any] = {"content": parts if images else message.text if parts else None}
    if message.role == "assistant":
        said["refusal"] = "".join(refusals) or None
    return said | ({"tool_calls": calls} if calls else {})


def _part(part: Part) -> dict[str, Any]:
    if isinstance(part, ImagePart):
        return {"type": "image_url", "image_url": {"url": part.id, "detail": part.detail}}
    return {"type": "text", "text": part.text if isinstance(part, TextPart) else ""}
