"""Stored messages as the protocols show them: the items of a conversation. Pure."""

from typing import Any

from server.core import items
from server.core.records import (
    CallPart,
    ImagePart,
    Message,
    OutputPart,
    Part,
    ReasoningPart,
    RefusalPart,
    ReplyPart,
    TextPart,
)
from server.edge.http_personas import seconds


def items_of(message: Message) -> list[dict[str, Any]]:
    """Return the items of a message: one, or of a reply all that it is made of."""
    aside = {
        "parent_id": message.parent_id,
        "response_id": message.turn_id,
        "created_at": seconds(message.created_at),
    }
    if message.role == "assistant":
        shown = [_reply_item(id_, message.status, part) for id_, part in items.opened(message)]
    elif message.role == "tool":
        shown = [_output(message, part) for part in message.parts if isinstance(part, OutputPart)]
    else:
        shown = [_words(message.id, message.role, message.status, [_input(part) for part in message.parts])]
    return [item | aside for item in shown]


def _reply_item(id_: str, status: str, part: ReplyPart) -> dict[str, Any]:
    match part:
        case TextPart():
            said = {"type": "output_text", "text": part.text, "annotations": [], "logprobs": []}
            return _words(id_, "assistant", status, [said])
        case RefusalPart():
            return _words(id_, "assistant", status, [{"type": "refusal", "refusal": part.text}])
        case ReasoningPart():
            thought = {"type": "reasoning_text", "text": part.text}
            return {"id": id_, "type": "reasoning", "status": status, "summary": [], "content": [thought]}
        case CallPart():
            called = {"call_id": part.call_id, "name": part.name, "arguments": part.text}
            return {"id": id_, "type": "function_call", "status": status, **called}


def _output(message: Message, part: OutputPart) -> dict[str, Any]:
    given = {"call_id": part.call_id, "output": part.text}
    return {"id": message.id, "type": "function_call_output", "status": message.status, **given}


def _words(id_: str, role: str, status: str, content: list[dict[str, Any]]) -> dict[str, Any]:
    return {"id": id_, "type": "message", "role": role, "status": status, "content": content}


def _input(part: Part) -> dict[str, Any]:
    if isinstance(part, ImagePart):
        return {"type": "input_image", "file_id": part.id, "image_url": None, "detail": part.detail}
    return {"type": "input_text", "text": part.text}
